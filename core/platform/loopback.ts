const loopbackNames: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/** Whether a `Host` header names this machine's loopback interface, on any port. */
export function isLoopbackHost(host: string | undefined, listenAddress?: string): boolean {
  const name = host?.replace(/:\d+$/, '').toLowerCase();
  return name !== undefined && (loopbackNames.includes(name) || name === listenAddress);
}

/**
 * Finds the header that shows that a page of another site sent this request. A local server must reject such a request: any
 * open web page can reach it, either across origins (`Origin`) or through a domain that resolves to 127.0.0.1 (DNS
 * rebinding, visible in `Host`).
 *
 * @param headers browsers alone send `origin`; SDKs and command lines omit it
 * @param listenAddress the configured listen address, accepted in addition to the loopback names
 */
export function findForeignHeader(
  headers: Readonly<Record<'host' | 'origin', string | undefined>>,
  listenAddress?: string,
) {
  const { host, origin } = headers;
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
