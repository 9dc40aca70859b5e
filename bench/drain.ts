import { round1 } from '../cli/simulate/timing.ts';
import type { Local } from '../test/local.ts';
import { outbound } from '../test/outbound.ts';
import {
  type BurstOptions,
  countArrivals,
  countOutOfOrder,
  putBurst,
  type RequestedNumbers,
  startChats,
} from './burst.ts';
import type { CapacityRecord } from './capacity.ts';
import { measureCpu, reportProgress, round2, waitForExecutions, withCapacity } from './engine.ts';
import { clearCallLog, readCallCounts } from './livechat.ts';
import { countAwsCalls } from './usage.ts';

const messages = 1_000;
/** A drain is cut off after this many times the ideal, and these seconds. */
const maxRatio = 3;
const maxTailSeconds = 180;

export interface DrainRow {
  /** LiveChat's limit. */
  readonly callsPerSecond: number;
  readonly chats: number;
  readonly sent: number;
  /** From the first request to the last message that LiveChat accepted. */
  readonly seconds: number;
  /** `seconds` divided by the time of as many messages at exactly LiveChat's limit. The aim is at most 1.05. */
  readonly ratio: number;
  /** Answers 429. The aim is none, as for the next three columns. */
  readonly rateLimited: number;
  readonly twice: number;
  readonly lost: number;
  /** Messages that arrived after one of their chat that was accepted later. */
  readonly outOfOrder: number;
  /** Invocations of functions/send, and state transitions, for each message. */
  readonly invocations: number;
  readonly transitions: number;
  readonly describeExecutions: number;
  /** CPU time of the local engine for each message: a core sustains at most 1,000 / `cpuMs` a second. */
  readonly cpuMs: number;
  /** Share of all cores that the engine used, %. */
  readonly cpuShare: number;
}

/** Bursts of 1,000 send requests at a rate limit, 20 ms apart in each chat and without `sentAt`. */
export async function drain(rates: readonly number[]): Promise<DrainRow[]> {
  const rows: DrainRow[] = [];
  for (const callsPerSecond of rates) {
    for (const chats of [50, 5]) rows.push(await measureBurst({ callsPerSecond, chats, each: messages / chats }));
  }
  return rows;
}

/** 2,000 requests of 400 chats within a second. */
export const simultaneous = (): Promise<DrainRow> =>
  measureBurst({ callsPerSecond: 50, chats: 400, each: 5, spacingMs: 100 });

type Burst = Omit<BurstOptions, 'chats'> & { readonly callsPerSecond: number; readonly chats: number };

async function measureBurst({ callsPerSecond, chats, ...burst }: Burst): Promise<DrainRow> {
  reportProgress(`drain: ${chats * burst.each} messages of ${chats} chats at ${callsPerSecond} calls a second`);
  return withCapacity(callsPerSecond, async (local, capacity) => {
    // The first calls of each kind take longer.
    await putBurst(local, { chats: await startChats(local, 50), each: 3 });
    await waitForExecutions(local);
    await outbound(local).simulator('POST', '/simulator/settings', { rateLimitPerSecond: callsPerSecond });
    const options = { chats: await startChats(local, chats), ...burst };
    await waitForExecutions(local);
    return runBurst(local, capacity, options, callsPerSecond);
  });
}

async function runBurst(
  local: Local,
  capacity: CapacityRecord,
  burst: BurstOptions,
  callsPerSecond: number,
): Promise<DrainRow> {
  const count = burst.chats.length * burst.each;
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
  const { lastAt, rateLimited } = await readCallCounts(local);
  const { once, twice } = await countArrivals(local, burst);
  const seconds = (lastAt - start) / 1000;
  return {
    callsPerSecond,
    chats: burst.chats.length,
    sent: once + twice,
    seconds: round1(seconds),
    ratio: round2(seconds / (count / callsPerSecond)),
    rateLimited,
    twice,
    lost: count - once - twice,
    outOfOrder: await countOutOfOrder(local, burst.chats, requested, capacity.read()),
    invocations: round2(invocationsOf('send') / count),
    transitions: round2(transitions / count),
    describeExecutions,
    cpuMs: round2(ms / count),
    cpuShare: Math.round(100 * share),
  };
}
