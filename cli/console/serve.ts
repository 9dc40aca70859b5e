import { once } from 'node:events';
import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { createConsole } from '../../console/server.ts';
import { pollStage } from '../../console/stage/poll.ts';
import { localStage, required } from '../../core/platform/configuration.ts';
import { CliError } from '../errors.ts';
import { note, print, printJson } from '../output.ts';

export interface ConsoleServing {
  readonly stage?: string | undefined;
  readonly port: number;
  readonly json: boolean;
}

/** Serves the console of the bridge that has been found, on this machine alone, until SIGINT or SIGTERM. */
export async function serveConsole({ stage = localStage, port, json }: ConsoleServing): Promise<void> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening').catch((cause: unknown) => {
    throw new CliError(
      `Port ${port} cannot be used. Choose another one with --port <number> (0 takes any free port).`,
      {
        cause,
      },
    );
  });
  // Only now: looking at the stage would keep a process that cannot serve from ending.
  const bus = required('BUS_NAME', 'the name of the bus');
  const app = createConsole({ bus, subscribe: pollStage(note), stage });
  server.on(
    'request',
    getRequestListener((request) => app.fetch(request)),
  );
  const address = server.address();
  const url = `http://localhost:${typeof address === 'object' && address ? address.port : port}/`;
  if (json) printJson({ console: url, stage });
  else print(`The console of ${stage} is at ${url}`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  server.close();
  server.closeAllConnections();
}
