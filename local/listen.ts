import type { Server } from 'node:http';

/** The command-line options that set each port. */
export type PortOption = '--port' | '--aws-port' | '--livechat-port';

export class PortTakenError extends Error {
  override readonly name = 'PortTakenError';
  readonly code = 'EADDRINUSE';

  constructor(port: number, option: PortOption, options?: ErrorOptions) {
    super(`Port ${port} is taken. Choose another one with ${option} <number> (0 selects a free port).`, options);
  }
}

/**
 * Listens on the loopback interface only, and resolves with the port.
 *
 * @throws PortTakenError
 */
export function listen(server: Server, port: number, option: PortOption): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const fail = (error: Error) => {
    const taken = 'code' in error && error.code === 'EADDRINUSE';
    reject(taken ? new PortTakenError(port, option, { cause: error }) : error);
  };
  server.once('error', fail);
  server.listen(port, '127.0.0.1', () => {
    server.off('error', fail);
    const address = server.address();
    resolve(typeof address === 'object' && address ? address.port : port);
  });
  return promise;
}

export function close(server: Server): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  server.close(() => resolve());
  server.closeAllConnections();
  return promise;
}
