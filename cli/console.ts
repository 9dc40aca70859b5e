import { once } from 'node:events';
import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { createToken } from '../console/access.ts';
import { createConsole } from '../console/server.ts';
import { openAuditLog } from '../console/stage/audit-log.ts';
import { stageEvents } from '../console/stage/events.ts';
import { pollStage } from '../console/stage/poll.ts';
import { localStage, required } from '../core/platform/configuration.ts';
import type { ConsoleOptions } from './commands/console.ts';
import { CliError } from './errors.ts';
import { print, printJson, printStatus } from './output.ts';

/** Serves the console on 127.0.0.1 until SIGINT or SIGTERM. The console of a stage requires a token and writes an audit log. */
export async function serveConsole({ stage, port, json }: ConsoleOptions): Promise<void> {
  const log = stage === undefined ? undefined : await openAuditLog(stage).catch(explainRefusal);
  const token = createToken();
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
    // The local engine has no logs; its own console reads what it records.
    events: stage === undefined ? undefined : stageEvents(),
    stage: stage ?? localStage,
    ...(log && { access: { token, audit: log.audit } }),
  });
  server.on(
    'request',
    getRequestListener((request) => app.fetch(request)),
  );
  const bound = server.address();
  const address = `http://localhost:${typeof bound === 'object' && bound ? bound.port : port}/`;
  const link = log ? `${address}?token=${token}` : address;
  if (json) printJson({ console: link, address, ...(log && { token }), stage: stage ?? localStage });
  else print(`The console of ${stage ?? localStage} is at ${link}`);
  if (log) printStatus(`Opened items and actions of ${log.who} are recorded in the log group ${log.logGroup}.`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  server.close();
  server.closeAllConnections();
}

/** The console of a stage does not start without its audit log. */
function explainRefusal(cause: unknown): never {
  if (!(cause instanceof Error && '$metadata' in cause)) throw cause;
  const message = `The audit log of the stage cannot be written (${cause.name}): ${cause.message} The console needs logs:CreateLogStream and logs:PutLogEvents on the log group ${required('AUDIT_LOG_GROUP')}.`;
  throw new CliError(message, { cause });
}
