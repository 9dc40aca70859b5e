import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import pLimit from 'p-limit';
import * as z from 'zod/mini';
import { round1 } from '../cli/simulate/timing.ts';
import { initialState, shareInterval } from '../core/channel/rate-limit.ts';
import { functions } from '../stacks/topology.ts';
import type { Local } from '../test/local.ts';
import { outbound } from '../test/outbound.ts';
import { reportProgress, round2 } from './engine.ts';
import { awsDollars, prices, sumDollars } from './prices.ts';
import { type Meter, withMeter } from './usage.ts';

/** The rate of LiveChat calls. A run has a fifth of it, so that 1,000 calls take half a minute. */
export const reconcileRate = 200;
/** The default rate and shares, for the duration in the cloud. */
const defaults = { callsPerSecond: 10, shares: { routing: 10, reconciliation: 20 } };

/** Lambda's memory with one core. */
const megabytesPerCore = 1_769;

const archived = 1_000;
const active = 100;
const activeWithNews = 20;
/** Not the agent as whom the bridge sends. */
const agent = 'nina.kowal@acme.example';
const concurrency = 8;

/** Counts the cost of scheduled runs over 1,000 archived threads of four messages, and 100 active chats. */
export const reconcileCosts = withMeter(measurePasses);

async function measurePasses(local: Local, meter: Meter) {
  const { simulator } = outbound(local);
  const chats = await startThreads(local, active);
  await reconcile(local);
  reportProgress(`reconcile: ${archived} threads without webhooks`);
  await simulator('POST', '/simulator/faults', { kind: 'webhooks-not-sent' });
  await closeThreads(local, await startThreads(local, archived));
  await outbound(local).clearFaults();
  const restored = await measureRun(local, meter);
  await sendNews(local, chats.slice(0, activeWithNews));
  const equal = await measureRun(local, meter);
  await simulator('POST', '/simulator/settings', { archiveEvents: false });
  reportProgress('reconcile: archives without events');
  const withoutEvents = await measureRun(local, meter);
  return {
    reconcile: [
      toRow('without differences', equal),
      toRow('restores 1,000 threads', restored),
      toRow('archives without events', withoutEvents),
    ],
    reconcileEvents: Object.entries(restored.run.report.events).map(([type, published]) => ({ type, published })),
  };
}

/** Starts chats and waits until their webhooks are handled. Returns their ids. */
export async function startThreads(local: Local, count: number): Promise<string[]> {
  const { chat, act } = outbound(local);
  const start = async () => {
    const id = await chat({ agent });
    await act(id, { as: 'agent', action: 'message', text: 'Hello Dana, which order is it?' });
    await act(id, { action: 'message', text: 'It is the order 4711.' });
    await act(id, { as: 'agent', action: 'message', text: 'It left our warehouse today.' });
    return id;
  };
  const chats = await pLimit(concurrency).map(Array.from({ length: count }), start);
  await local.idle();
  return chats;
}

export async function closeThreads(local: Local, chats: readonly string[]): Promise<void> {
  const close = (chat: string) => outbound(local).act(chat, { as: 'agent', action: 'close' });
  await pLimit(concurrency).map(chats, close);
  await local.idle();
}

export async function sendNews(local: Local, chats: readonly string[]): Promise<void> {
  for (const chat of chats) await outbound(local).act(chat, { action: 'message', text: 'Thank you!' });
  await local.idle();
}

const result = z.object({
  run: z.object({
    status: z.string(),
    report: z.object({
      threads: z.number(),
      equal: z.number(),
      repaired: z.number(),
      published: z.number(),
      events: z.record(z.string(), z.number()),
      passes: z.number(),
    }),
  }),
  seconds: z.number(),
  cpuMs: z.number(),
});

const script = fileURLToPath(new URL('./reconcile-once.ts', import.meta.url));

/** Makes a scheduled run in another process, and waits until what it published is stored. */
export async function reconcile(local: Local): Promise<z.infer<typeof result>> {
  const env = { ...process.env, ...local.environment, LOG_LEVEL: 'ERROR' };
  const child = fork(script, {
    env: { ...env, LIVECHAT_CALLS_PER_SECOND: String(reconcileRate) },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exit = once(child, 'exit');
  const [message] = await Promise.race([once(child, 'message'), exit.then(() => [])]);
  await Promise.all([exit, local.idle()]);
  return result.parse(message);
}

export type MeasuredRun = Awaited<ReturnType<typeof measureRun>>;

/** Makes a scheduled run, and counts its calls and the AWS calls that it causes. */
export async function measureRun(local: Local, meter: Meter) {
  const ran = Promise.withResolvers<z.infer<typeof result>>();
  const { used, operations } = await meter.measure(1, async () => ran.resolve(await reconcile(local)));
  const { methods } = await outbound(local).calls();
  const calls = Object.fromEntries(Object.entries(methods).map(([method, { count }]) => [method, count]));
  return { ...(await ran.promise), used, calls, operations };
}

/** Counts the writes of an entity, or of every other than some. */
export function countWrites({ operations }: MeasuredRun, includes: (entity: string) => boolean): number {
  return operations.filter(({ kind, entity }) => kind !== 'read' && includes(entity)).length;
}

const ownEntities = ['reconciliation', 'reconciliationRun'];

function toRow(pass: string, measured: MeasuredRun) {
  const { run, calls, operations, used, seconds, cpuMs } = measured;
  const { status, report } = run;
  if (status !== 'complete') throw new Error(`${pass}: the run ended as ${status}`);
  const { list_archives = 0, list_chats = 0, get_chat = 0 } = calls;
  const liveChatCalls = Object.values(calls).reduce((sum, count) => sum + count, 0);
  const lambdaSeconds =
    liveChatCalls * callSeconds() + cpuMs / 1000 / (functions.reconcile.memoryMb / megabytesPerCore);
  const gigabyteSeconds = lambdaSeconds * (functions.reconcile.memoryMb / 1024);
  const others = sumDollars(awsDollars({ ...used, liveChatCalls: 0 }, { traces: 0 }));
  const dollars = others + gigabyteSeconds * prices.gbSecond;
  return {
    pass,
    threads: report.threads,
    list_archives,
    list_chats,
    get_chat,
    stateWrites: countWrites(measured, (entity) => ownEntities.includes(entity)),
    rateLimiterWrites: countWrites(measured, (entity) => entity === 'rateLimit'),
    otherWrites: countWrites(measured, (entity) => entity !== 'rateLimit' && !ownEntities.includes(entity)),
    writeUnits: round2(used.writeUnits),
    reads: operations.filter(({ kind }) => kind === 'read').length,
    readUnits: round2(used.readUnits),
    events: report.published,
    seconds: round1(seconds),
    // CPU time of the run, without the local engine.
    cpuMs: Math.round(cpuMs),
    // Duration of the function at the default rate. An estimate: slots and CPU time.
    lambdaSeconds: round1(lambdaSeconds),
    awsDollars: round4(dollars),
    liveChatDollars: round4(liveChatCalls * prices.liveChatCall),
  };
}

/** The time between two calls of reconciliation beside sends, at the default rate. */
function callSeconds(): number {
  return shareInterval(initialState(defaults.callsPerSecond), 'reconciliation', defaults.shares, 0) / 1000;
}

const round4 = (value: number): number => Math.round(value * 10_000) / 10_000;
