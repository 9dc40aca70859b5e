import { round1 } from '../cli/simulate/timing.ts';
import type { Local } from '../test/local.ts';
import { outbound } from '../test/outbound.ts';
import { type Design, limiterPerProcess, noLimiter, runBaseline } from './baselines.ts';
import {
  countDeliveries,
  countOutOfOrder,
  messageNumbers,
  putBurst,
  type RequestedNumbers,
  startChats,
  watchQueues,
} from './burst.ts';
import { countAwsCalls } from './cost.ts';
import { measureCpu, reportProgress, round2, waitForExecutions, withLocal } from './engine.ts';
import { clearCallLog, readArrivedNumbers, readCallCounts, simulatorEnvironment } from './livechat.ts';

const messages = 1_000;
/** Times the ideal, and a while for the last retries: who takes longer is not waited for. */
const patience = 3;
const longestTailSeconds = 60;

export interface Drain {
  readonly design: string;
  /** What LiveChat takes. */
  readonly callsPerSecond: number;
  readonly chats: number;
  readonly sent: number;
  /** From the first request to the last message that LiveChat accepted. */
  readonly seconds: number;
  /** Beside as many messages at exactly LiveChat's limit. The aim is at most 1.05. */
  readonly ratio: number;
  /** Answers 429. The aim is none, as for the columns after it. */
  readonly tooMany: number;
  readonly twice: number;
  readonly lost: number;
  /** Messages that arrived after one that was requested later, in the same chat. */
  readonly outOfOrder: number;
  /** The same against the order in which their runs have joined the chat's queue, which is what the bridge promises. */
  readonly outOfQueueOrder?: number;
  /** For each message. */
  readonly invocations?: number;
  readonly transitions?: number;
  /** CPU time of the local engine for each message: a core carries no more than 1,000 / `cpuMs` a second. */
  readonly cpuMs?: number;
  /** How much of the machine's cores, %, the engine had: near 100, or with others at work beside it, the ratio is the machine's and not the bridge's. */
  readonly cpuShare?: number;
}

/**
 * A burst of send requests against a LiveChat that takes so many calls a second: the bridge, and beside it in the same
 * run what is usually built, each with an engine of its own. A baseline has lost what it gave up after its last retry;
 * the bridge also what has not arrived after three times the ideal and a minute.
 *
 * Requests of one chat are put at least 20 ms apart. EventBridge promises no order, and of runs that start at nearly
 * the same time, or are throttled, any may be first: hence the two columns on order.
 */
export async function drain(rates: readonly number[]): Promise<Drain[]> {
  const rows: Drain[] = [];
  for (const callsPerSecond of rates) rows.push(...(await drainAt(callsPerSecond)));
  return rows;
}

async function drainAt(callsPerSecond: number): Promise<Drain[]> {
  const rows: Drain[] = [];
  for (const chats of [50, 5]) {
    reportProgress(`drain: the bridge, ${messages} messages in ${chats} chats at ${callsPerSecond} a second`);
    rows.push(await limited(callsPerSecond, (local) => bridge(local, chats, callsPerSecond)));
  }
  const designs = { 'limiter in each process': limiterPerProcess(callsPerSecond), 'no limiter': noLimiter };
  for (const [name, design] of Object.entries(designs)) {
    reportProgress(`drain: ${name}`);
    rows.push(await limited(callsPerSecond, (local) => baseline(local, { name, design, callsPerSecond })));
  }
  return rows;
}

function limited(callsPerSecond: number, measure: (local: Local) => Promise<Drain>): Promise<Drain> {
  const environment = { ...simulatorEnvironment, LIVECHAT_CALLS_PER_SECOND: String(callsPerSecond) };
  return withLocal(environment, async (local) => {
    // Whatever is done for the first time takes longer: that is another table.
    await putBurst(local, { chats: await startChats(local, 50), each: 3 });
    await waitForExecutions(local);
    await outbound(local).simulator('POST', '/simulator/settings', { rateLimitPerSecond: callsPerSecond });
    return measure(local);
  });
}

async function bridge(local: Local, chatCount: number, callsPerSecond: number): Promise<Drain> {
  const burst = { chats: await startChats(local, chatCount), each: messages / chatCount };
  await waitForExecutions(local);
  await clearCallLog(local);
  const watch = watchQueues(local);
  const measured = await measureCpu(local);
  const start = Date.now();
  const limitMs = ((patience * messages) / callsPerSecond + longestTailSeconds) * 1000;
  let requested: RequestedNumbers = new Map();
  const { invocationsOf, transitions } = await countAwsCalls(local, async () => {
    requested = await putBurst(local, burst);
    if (!(await waitForExecutions(local, limitMs))) reportProgress('drain: not all runs have ended in time');
  });
  const { ms, share } = await measured();
  await watch.stop();
  const judged = await judge(local, { name: 'the bridge', ...burst, start, callsPerSecond });
  const inQueueOrder = await Promise.all(
    burst.chats.map(async (chat) =>
      countOutOfOrder(messageNumbers(watch.joined(chat), requested), await readArrivedNumbers(local, chat)),
    ),
  );
  return {
    ...judged,
    outOfQueueOrder: sum(inQueueOrder),
    invocations: round2(invocationsOf('send') / messages),
    transitions: round2(transitions / messages),
    cpuMs: round2(ms / messages),
    cpuShare: Math.round(100 * share),
  };
}

interface Baseline {
  readonly name: string;
  readonly design: Design;
  readonly callsPerSecond: number;
}

async function baseline(local: Local, { name, design, callsPerSecond }: Baseline): Promise<Drain> {
  const burst = { chats: await startChats(local, 50), each: messages / 50 };
  await waitForExecutions(local);
  await clearCallLog(local);
  const start = Date.now();
  await runBaseline(local, design, burst);
  return judge(local, { name, ...burst, start, callsPerSecond });
}

interface Judged {
  readonly name: string;
  readonly chats: readonly string[];
  readonly each: number;
  /** ms since 1970 */
  readonly start: number;
  readonly callsPerSecond: number;
}

async function judge(local: Local, { name, chats, each, start, callsPerSecond }: Judged): Promise<Drain> {
  const { lastAt, rateLimited } = await readCallCounts(local);
  const numbers = Array.from({ length: each }, (_, number) => number);
  const arrived = await Promise.all(chats.map((chat) => readArrivedNumbers(local, chat)));
  const fates = arrived.map((one) => countDeliveries(numbers, one));
  const seconds = (lastAt - start) / 1000;
  const lost = sum(fates.map(({ missing }) => missing.length));
  return {
    design: name,
    callsPerSecond,
    chats: chats.length,
    sent: chats.length * each - lost,
    seconds: round1(seconds),
    ratio: round2(seconds / ((chats.length * each) / callsPerSecond)),
    tooMany: rateLimited,
    twice: sum(fates.map(({ twice }) => twice)),
    lost,
    outOfOrder: sum(arrived.map((one) => countOutOfOrder(numbers, one))),
  };
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
