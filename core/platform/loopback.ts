const loopbackNames: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/** The headers that show where a request comes from. */
export interface RequestOrigin {
  readonly host: string | undefined;
  /** Sent by browsers only; absent from the calls of SDKs and command lines. */
  readonly origin: string | undefined;
}

export interface ForeignHeader {
  readonly field: 'Host' | 'Origin';
  readonly expected: string;
}

/** Whether a `Host` header names this machine's loopback interface, on any port. */
export function isLoopbackHost(host: string | undefined, listenAddress?: string): boolean {
  const name = host?.replace(/:\d+$/, '').toLowerCase();
  return name !== undefined && (loopbackNames.includes(name) || name === listenAddress);
}

/**
 * The header that shows that a page of another site sent this request, if any. A server on this machine must refuse such
 * a request: any web page that is open in a browser can reach it, across origins (`Origin`) or with a name of its own that
 * resolves to 127.0.0.1 (DNS rebinding, which shows in `Host`).
 *
 * @param listenAddress an address that the server was configured to listen on, accepted beside the loopback names
 */
export function findForeignHeader({ host, origin }: RequestOrigin, listenAddress?: string): ForeignHeader | undefined {
  const names = listenAddress === undefined ? loopbackNames : [...loopbackNames, listenAddress];
  if (!isLoopbackHost(host, listenAddress)) return { field: 'Host', expected: `one of ${names.join(', ')}` };
  if (origin !== undefined && !isLoopbackOrigin(origin, listenAddress)) {
    return { field: 'Origin', expected: `none, or http:// with one of ${names.join(', ')}` };
  }
  return undefined;
}

function isLoopbackOrigin(origin: string, listenAddress: string | undefined): boolean {
  return origin.startsWith('http://') && isLoopbackHost(origin.slice('http://'.length), listenAddress);
}
