import type { IncomingMessage, ServerResponse } from 'node:http';
import { parseJson, readBody, sendJson, unsupported } from './answers.ts';
import type { Calls } from './calls.ts';
import type { Faults } from './faults.ts';

export const controlPrefix = '/_local/';

export interface ControlOptions {
  readonly faults: Faults;
  readonly calls: Calls;
  /** Resolves with false when there is still work after the limit. */
  readonly idle: Idle;
  /** Puts events on our bus once more, as a replay of this name. */
  replay(name: string, input: unknown): object;
  /** Ends the thread of the functions. */
  kill(): Promise<void>;
}

/** With `executions`, an execution that only waits counts as work, too. */
export type Idle = (limitMs: number, executions: boolean) => Promise<boolean>;

const idleLimitMs = 60_000;
const maximumBytes = 65_536;

/** What a test or a benchmark asks of the local engine: faults and crashes, replays, counts of calls and of CPU time, and to be told when all is done. */
export function createControl({ faults, calls, idle, replay, kill }: ControlOptions) {
  const routes: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => unknown>> = {
    'POST /_local/faults': async (request, response) => {
      faults.add(parseJson(await readBody(request, maximumBytes)));
      sendJson(response, 200, { added: true });
    },
    'DELETE /_local/faults': (_request, response) => {
      faults.clear();
      sendJson(response, 200, { cleared: true });
    },
    'GET /_local/calls': (_request, response) => sendJson(response, 200, calls.read()),
    'DELETE /_local/calls': (_request, response) => {
      calls.clear();
      sendJson(response, 200, { cleared: true });
    },
    // Of the whole process, in microseconds since its start.
    'GET /_local/cpu': (_request, response) => sendJson(response, 200, process.cpuUsage()),
    'GET /_local/idle': async (request, response) => {
      const { searchParams } = new URL(request.url ?? '', 'http://local');
      const done = await idle(idleLimitMs, searchParams.get('executions') === 'wait');
      sendJson(response, done ? 200 : 503, { idle: done });
    },
    'POST /_local/replay': async (request, response) => {
      const { searchParams } = new URL(request.url ?? '', 'http://local');
      const input = parseJson(await readBody(request, maximumBytes));
      sendJson(response, 200, replay(searchParams.get('name') ?? 'replay', input));
    },
    'POST /_local/kill': async (_request, response) => {
      await kill();
      sendJson(response, 200, { killed: true });
    },
  };

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const route = `${request.method} ${request.url?.split('?')[0]}`;
    const handle = routes[route];
    if (!handle) throw unsupported(route);
    await handle(request, response);
  };
}
