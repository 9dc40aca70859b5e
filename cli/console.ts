import { once } from 'node:events';
import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { createConsole } from '../console/server.ts';
import { pollStage } from '../console/stage/poll.ts';
import { localStage, required } from '../core/platform/configuration.ts';
import type { ConsoleOptions } from './commands/console.ts';
import { CliError } from './errors.ts';
import { print, printJson, printStatus } from './output.ts';

/** Serves the console on 127.0.0.1 until SIGINT or SIGTERM. */
export async function serveConsole({ stage = localStage, port, json }: ConsoleOptions): Promise<void> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening').catch((cause: unknown) => {
    const message = `Port ${port} cannot be used. Choose another one with --port <number> (0 for any free port).`;
    throw new CliError(message, { cause });
  });
  // Polling starts only now: its timer would keep a process that cannot listen from exiting.
  const app = createConsole({
    bus: required('BUS_NAME'),
    subscribe: pollStage(printStatus),
    stage,
  });
  server.on(
    'request',
    getRequestListener((request) => app.fetch(request)),
  );
  const bound = server.address();
  const url = `http://localhost:${typeof bound === 'object' && bound ? bound.port : port}/`;
  if (json) printJson({ console: url, stage });
  else print(`The console of ${stage} is at ${url}`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  server.close();
  server.closeAllConnections();
}
