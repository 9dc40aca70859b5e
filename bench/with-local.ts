import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import * as z from 'zod/mini';
import { functionEnvironment } from '../local/environment.ts';
import * as topology from '../stacks/topology.ts';
import { type Local, organizationId, secret } from '../test/local.ts';

const ready = z.object({
  webhook: z.string(),
  console: z.string(),
  aws: z.string(),
  livechat: z.string(),
  bus: z.string(),
});

const start = fileURLToPath(new URL('../local/start.ts', import.meta.url));
const flags = ['--json', '--port', '0', '--aws-port', '0', '--livechat-port', '0', '--async-retry-delay', '20'];

/**
 * Starts the whole local engine for one benchmark, and stops it whatever happens. Unlike the tests' it keeps to the waits
 * of the state machine's definition: a burst that is tried again every 50 ms would measure only that.
 */
export async function withLocal<T>(
  environment: Readonly<Record<string, string>>,
  measure: (local: Local) => Promise<T>,
): Promise<T> {
  const own = { LIVECHAT_WEBHOOK_SECRET: secret, LIVECHAT_ORGANIZATION_ID: organizationId, LOG_LEVEL: 'WARN' };
  const child = spawn(process.execPath, [start, ...flags], {
    env: { ...process.env, ...own, ...environment },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const local = localOf(await addressesOf(child), async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  try {
    return await measure(local);
  } finally {
    await local.stop();
  }
}

async function addressesOf(child: ChildProcess): Promise<z.infer<typeof ready>> {
  if (!child.stdout) throw new Error('no stdout');
  const output = createInterface({ input: child.stdout });
  const [line] = await Promise.race([once(output, 'line'), once(child, 'exit')]);
  if (typeof line !== 'string') throw new Error('the local engine did not start; npm start tells why');
  return ready.parse(JSON.parse(line));
}

function localOf(addresses: z.infer<typeof ready>, stop: () => Promise<void>): Local {
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
    output: () => '',
    idle: async () => {
      await untilIdle(`${addresses.aws}/_local/idle`, Number.POSITIVE_INFINITY);
    },
    api: async (path) => {
      const answer = await fetch(new URL(path, addresses.console));
      return { status: answer.status, body: await answer.json() };
    },
    stop,
  };
}

/** Waits until all runs have ended and all that follows from them is done. Answers false when that takes longer than the limit. */
export function settled(local: Local, limitMs = Number.POSITIVE_INFINITY): Promise<boolean> {
  return untilIdle(`${local.aws}/_local/idle?executions=wait`, limitMs);
}

/** The engine answers after a minute at the latest, idle or not. */
async function untilIdle(url: string, limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  while (performance.now() < deadline) {
    const answer = await fetch(url);
    await answer.body?.cancel();
    if (answer.ok) return true;
  }
  return false;
}

/** A benchmark that takes long says how far it is, where it disturbs no table and no JSON. */
export function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}
