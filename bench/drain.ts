import { round1 } from '../cli/simulate/timing.ts';
import type { Local } from '../test/local.ts';
import { outbound } from '../test/outbound.ts';
import { type Design, limiterPerProcess, noLimiter, runBaseline } from './baselines.ts';
import {
  type BurstOptions,
  countDeliveries,
  countInversions,
  countOutOfOrder,
  putBurst,
  type RequestedNumbers,
  readAccepted,
  startChats,
} from './burst.ts';
import { type CapacityRecord, recordCapacity } from './capacity.ts';
import { countAwsCalls } from './cost.ts';
import { measureCpu, reportProgress, round2, waitForExecutions, withLocal } from './engine.ts';
import { clearCallLog, readArrivedNumbers, readCallCounts, simulatorEnvironment } from './livechat.ts';

const messages = 1_000;
/** A drain that takes longer than this many times the ideal, and a minute for the last retries, is cut off. */
const maxRatio = 3;
const maxTailSeconds = 60;

export interface DrainRow {
  readonly design: string;
  /** LiveChat's limit. */
  readonly callsPerSecond: number;
  readonly chats: number;
  readonly sent: number;
  /** From the first request to the last message that LiveChat accepted. */
  readonly seconds: number;
  /** `seconds` divided by the time of as many messages at exactly LiveChat's limit. The aim is at most 1.05. */
  readonly ratio: number;
  /** Answers 429. The aim is none, as for the columns after it. */
  readonly rateLimited: number;
  readonly twice: number;
  readonly lost: number;
  /** Messages that arrived after one of their chat that was requested later. */
  readonly outOfRequestOrder: number;
  /** The same against the order of acceptance, which is what the bridge promises. */
  readonly outOfOrder?: number;
  /** Invocations of functions/send, and state transitions, for each message. */
  readonly invocations?: number;
  readonly transitions?: number;
  readonly describeExecutions?: number;
  /** CPU time of the local engine for each message: a core sustains at most 1,000 / `cpuMs` a second. */
  readonly cpuMs?: number;
  /** Share of all cores that the engine used, %. Near 100, or with other load, the ratio shows the machine's limit. */
  readonly cpuShare?: number;
}

/**
 * A burst of send requests at a rate limit: the bridge, and two common designs in the same run, each with an engine of its
 * own. A baseline loses what it gives up after its last retry; the bridge also what is not sent in time.
 *
 * Requests of one chat are put at least 20 ms apart, without `sentAt`. EventBridge promises no order, hence the two
 * columns on order.
 */
export async function drain(rates: readonly number[]): Promise<DrainRow[]> {
  const rows: DrainRow[] = [];
  for (const callsPerSecond of rates) {
    for (const chats of [50, 5]) rows.push(await drainBridge(callsPerSecond, chats));
    const designs = { 'limiter in each process': limiterPerProcess(callsPerSecond), 'no limiter': noLimiter };
    for (const [name, design] of Object.entries(designs)) {
      reportProgress(`drain: ${name}`);
      rows.push(await withLimit(callsPerSecond, (local) => baseline(local, { name, design, callsPerSecond })));
    }
  }
  return rows;
}

/** Drains 1,000 requests of so many chats through the bridge. */
export function drainBridge(callsPerSecond: number, chats: number): Promise<DrainRow> {
  reportProgress(`drain: the bridge, ${messages} messages of ${chats} chats at ${callsPerSecond} calls a second`);
  return withLimit(callsPerSecond, async (local, capacity) => {
    const burst = { chats: await startChats(local, chats), each: messages / chats };
    return measureBurst(local, capacity, burst, callsPerSecond);
  });
}

function withLimit<T>(
  callsPerSecond: number,
  measure: (local: Local, capacity: CapacityRecord) => Promise<T>,
): Promise<T> {
  const capacity = recordCapacity();
  const environment = {
    ...simulatorEnvironment,
    ...capacity.environment,
    LIVECHAT_CALLS_PER_SECOND: String(callsPerSecond),
  };
  return withLocal(environment, async (local) => {
    // The first calls of each kind take longer.
    await putBurst(local, { chats: await startChats(local, 50), each: 3 });
    await waitForExecutions(local);
    await outbound(local).simulator('POST', '/simulator/settings', { rateLimitPerSecond: callsPerSecond });
    return measure(local, capacity);
  });
}

async function measureBurst(
  local: Local,
  capacity: CapacityRecord,
  burst: BurstOptions,
  callsPerSecond: number,
): Promise<DrainRow> {
  const count = burst.chats.length * burst.each;
  await waitForExecutions(local);
  await clearCallLog(local);
  capacity.clear();
  const stopCpu = await measureCpu(local);
  const start = Date.now();
  const limitMs = ((maxRatio * count) / callsPerSecond + maxTailSeconds) * 1000;
  let requested: RequestedNumbers = new Map();
  const { invocationsOf, transitions, describeExecutions } = await countAwsCalls(local, async () => {
    requested = await putBurst(local, burst);
    if (!(await waitForExecutions(local, limitMs))) reportProgress('drain: some executions have not ended in time');
  });
  const { ms, share } = await stopCpu();
  const accepted = await readAccepted(local, requested, capacity.read());
  const outOfOrder = await Promise.all(
    burst.chats.map(async (chat) => countInversions(accepted.get(chat) ?? [], await readArrivedNumbers(local, chat))),
  );
  return {
    ...(await evaluate(local, { name: 'the bridge', ...burst, start, callsPerSecond })),
    outOfOrder: sum(outOfOrder),
    invocations: round2(invocationsOf('send') / count),
    transitions: round2(transitions / count),
    describeExecutions,
    cpuMs: round2(ms / count),
    cpuShare: Math.round(100 * share),
  };
}

/** 2,000 requests of 400 chats within about a second. */
export async function simultaneous(): Promise<DrainRow> {
  const callsPerSecond = 50;
  reportProgress('order: 2,000 requests of 400 chats within a second');
  return withLimit(callsPerSecond, async (local, capacity) => {
    const burst = { chats: await startChats(local, 400), each: 5, spacingMs: 100 };
    return measureBurst(local, capacity, burst, callsPerSecond);
  });
}

interface Baseline {
  readonly name: string;
  readonly design: Design;
  readonly callsPerSecond: number;
}

async function baseline(local: Local, { name, design, callsPerSecond }: Baseline): Promise<DrainRow> {
  const burst = { chats: await startChats(local, 50), each: messages / 50 };
  await waitForExecutions(local);
  await clearCallLog(local);
  const start = Date.now();
  await runBaseline(local, design, burst);
  return evaluate(local, { name, ...burst, start, callsPerSecond });
}

interface Evaluated {
  readonly name: string;
  readonly chats: readonly string[];
  readonly each: number;
  /** ms since 1970 */
  readonly start: number;
  readonly callsPerSecond: number;
}

async function evaluate(local: Local, { name, chats, each, start, callsPerSecond }: Evaluated): Promise<DrainRow> {
  const { lastAt, rateLimited } = await readCallCounts(local);
  const numbers = Array.from({ length: each }, (_, number) => number);
  const arrived = await Promise.all(chats.map((chat) => readArrivedNumbers(local, chat)));
  const deliveries = arrived.map((one) => countDeliveries(numbers, one));
  const seconds = (lastAt - start) / 1000;
  const lost = sum(deliveries.map(({ missing }) => missing.length));
  return {
    design: name,
    callsPerSecond,
    chats: chats.length,
    sent: chats.length * each - lost,
    seconds: round1(seconds),
    ratio: round2(seconds / ((chats.length * each) / callsPerSecond)),
    rateLimited,
    twice: sum(deliveries.map(({ twice }) => twice)),
    lost,
    outOfRequestOrder: sum(arrived.map((one) => countOutOfOrder(numbers, one))),
  };
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
