import type { Server } from 'node:http';

/** The command-line options that set each port. */
export type PortOption = '--port' | '--aws-port' | '--livechat-port';

export class PortTakenError extends Error {
  override readonly name = 'PortTakenError';

  constructor(port: number, option: PortOption, options?: ErrorOptions) {
    super(`Port ${port} is taken. Choose another one with ${option} <number> (0 takes any free port).`, options);
  }
}

/** Whether listening failed because the port is in use. */
export function isPortTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
}

/**
 * Listens on the loopback interface only, and resolves with the port.
 *
 * @throws PortTakenError
 */
export function listen(server: Server, port: number, option: PortOption): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const refuse = (error: Error) =>
    reject(isPortTaken(error) ? new PortTakenError(port, option, { cause: error }) : error);
  server.once('error', refuse);
  server.listen(port, '127.0.0.1', () => {
    server.off('error', refuse);
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
