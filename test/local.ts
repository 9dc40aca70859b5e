import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import * as z from 'zod/mini';
import { functionEnvironment } from '../local/environment.ts';
import * as topology from '../stacks/topology.ts';

const ready = z.object({
  webhook: z.string(),
  console: z.string(),
  aws: z.string(),
  livechat: z.string(),
  bus: z.string(),
});

/** A running engine. */
export interface RunningLocal extends z.infer<typeof ready> {
  readonly secret: string;
  /** The environment of the functions, for tests that call core directly. */
  readonly environment: Readonly<Record<string, string>>;
  /** Waits until no invocation runs, waits or is to be retried. */
  idle(): Promise<void>;
  api(path: string): Promise<{ status: number; body: unknown }>;
}

/** An engine in its own process, as `npm start` runs it, on free ports. */
export interface Local extends RunningLocal {
  /** Everything printed so far, with the logs of the functions. */
  output(): string;
  stop(): Promise<void>;
  /** Kills the process with SIGKILL. */
  kill(): Promise<void>;
}

export const secret = 'whsec-demo-3f9c1a7be2';
export const organizationId = '7d1b0c52-9e44-4f0a-8a6e-2f63c1e0b9d4';

/** For polls of results that may appear after the engine is idle, such as log lines, which pass two pipes. */
export const pollOptions = { timeout: 10_000 };

/** Flags of tests: log everything, and retry failed tasks at once. */
const testFlags = ['--verbose', '--machine-retry-delay', '50'];
const start = fileURLToPath(new URL('../local/start.ts', import.meta.url));
const freePorts = ['--json', '--port', '0', '--aws-port', '0', '--livechat-port', '0', '--async-retry-delay', '20'];

/** An engine keeps its state in memory unless a test passes a folder. */
const withData = (flags: readonly string[]) => (flags.includes('--data') ? flags : ['--memory', ...flags]);

export async function startLocal(
  environment: Readonly<Record<string, string>> = {},
  flags: readonly string[] = testFlags,
): Promise<Local> {
  const child = spawn(process.execPath, [start, ...freePorts, ...withData(flags)], {
    env: {
      ...process.env,
      LIVECHAT_WEBHOOK_SECRET: secret,
      LIVECHAT_ORGANIZATION_ID: organizationId,
      // A scheduled run during a long test would add calls and events.
      RECONCILIATION_MINUTES: '1440',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const collect = (stream: ChildProcess['stdout']) =>
    stream && createInterface({ input: stream }).on('line', (line) => lines.push(line));
  collect(child.stderr);
  const addresses = await firstLine(child, lines);
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  };
  return {
    ...connectLocal(addresses),
    output: () => lines.join('\n'),
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

/** Returns the addresses of a running engine, with the calls that tests make. */
export function connectLocal(addresses: z.infer<typeof ready>): RunningLocal {
  return {
    ...addresses,
    secret,
    environment: functionEnvironment({
      topology,
      inherited: {},
      endpoint: addresses.aws,
      secretPrefix: 'livechat',
      deadLetterQueueUrl: '',
      liveChatUrl: addresses.livechat,
    }),
    idle: async () => {
      const answer = await fetch(`${addresses.aws}/_local/idle`);
      if (!answer.ok) throw new Error(`not idle: ${answer.status}`);
    },
    api: async (path) => {
      const answer = await fetch(new URL(path, addresses.console));
      return { status: answer.status, body: await answer.json() };
    },
  };
}

async function firstLine(child: ChildProcess, lines: string[]): Promise<z.infer<typeof ready>> {
  if (!child.stdout) throw new Error('no stdout');
  const output = createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  const first = await Promise.race([once(output, 'line'), once(child, 'exit')]);
  const [line] = first;
  if (typeof line !== 'string') throw new Error(`the local engine did not start:\n${lines.join('\n')}`);
  return ready.parse(JSON.parse(line));
}

/** Posts a webhook body; objects are sent as JSON. */
export async function post(
  local: Pick<Local, 'webhook'>,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ status: number; body: string }> {
  const answer = await fetch(local.webhook, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.text() };
}
