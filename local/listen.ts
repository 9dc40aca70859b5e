import { once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';

/** The command-line options that set each port. */
export type PortOption = '--port' | '--aws-port' | '--livechat-port' | '--inspect';

export class PortTakenError extends Error {
  override readonly name = 'PortTakenError';
  readonly code = 'EADDRINUSE';

  constructor(port: number, option: PortOption, options?: ErrorOptions) {
    super(`Port ${port} is taken. Choose another one with ${option} <number> (0 selects a free port).`, options);
  }
}

/**
 * Listens on the loopback interface only, and returns the port.
 *
 * @throws PortTakenError
 */
export async function listen(server: Server, port: number, option: PortOption): Promise<number> {
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
  } catch (error) {
    const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    throw taken ? new PortTakenError(port, option, { cause: error }) : error;
  }
  const address = server.address();
  return typeof address === 'object' && address ? address.port : port;
}

export function close(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  server.closeAllConnections();
  return promise;
}

/** Returns undefined once the body exceeds the limit; the rest is discarded. */
export async function readUpTo(request: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  if (Number(request.headers['content-length'] ?? 0) <= limit) {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      size += chunk.length;
      if (size > limit) break;
      chunks.push(chunk);
    }
    if (size <= limit) return Buffer.concat(chunks);
  }
  request.resume();
  return undefined;
}
