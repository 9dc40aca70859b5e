import * as z from 'zod/mini';
import type { GateView } from '../core/outbound/gate/hand.ts';
import type { Activity } from './live-stream.ts';

/** Where a message passes, in the order of the way in and out. */
export const stations = ['webhook', 'bus', 'functions', 'tables', 'machine', 'livechat', 'dead-letters'] as const;
export type Station = (typeof stations)[number];

export interface Passed {
  readonly total: number;
  readonly failed: number;
  /** Within the last minute. */
  readonly lastMinute: number;
}

/** Half of them took at most `p50` ms, and all but one in a hundred at most `p99`. */
export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

/** Five seconds of the last fifteen minutes. */
export interface FlowSlice {
  /** When it began, seconds since 1970. */
  readonly at: number;
  readonly webhooks: number;
  readonly events: number;
  readonly sent: number;
  /** How long webhooks took to be answered or, where those are not seen, messages to be stored; null where there was none. */
  readonly inboundMs: Quantiles | null;
  /** How long parts of send requests took from being put on the bus until LiveChat had them. */
  readonly sendMs: Quantiles | null;
  /** Calls a second that the slowest gate lets pass; null where nobody has looked. */
  readonly pace: number | null;
  /** The worst of all gates'. */
  readonly breaker: GateView['breaker'] | 'paused' | null;
}

export interface Flow {
  readonly stations: Readonly<Record<Station, Passed>>;
  /** Stations of which nothing can be seen from here. */
  readonly unseen: readonly Station[];
  /** When there was last more than could be counted: ms since 1970. */
  readonly sampledAt: number | null;
  /** Runs of the send machine that have not ended. */
  readonly running: number;
  /** Oldest first, without gaps. */
  readonly slices: readonly FlowSlice[];
}

const sliceSeconds = 5;
const keptSlices = 180;
const minuteSlices = 60 / sliceSeconds;

interface Counted {
  readonly passed: Record<Station, number>;
  readonly inboundMs: number[];
  readonly sendMs: number[];
  gate: Pick<FlowSlice, 'pace' | 'breaker'> | undefined;
}

/** What an activity counts for at each station. */
export function stationsOf(activity: Activity): { readonly station: Station; readonly failed?: boolean }[] {
  const { type, status, ok, function: name, error } = activity;
  if (type === 'webhook') return [{ station: 'webhook', failed: Number(status) >= 400 }];
  if (type === 'event') return ofEvent(activity);
  if (type === 'execution') return isStart(activity) ? [{ station: 'machine' }] : [];
  if (type !== 'run' || name === 'webhook') return [];
  if (name === 'send')
    return error === undefined || error === 'Deferred' ? [] : [{ station: 'livechat', failed: true }];
  const writes = ok === true && name !== 'dead-letter' ? [written] : [];
  return [{ station: 'functions', failed: ok !== true }, ...writes];
}

const written = { station: 'tables' } as const;

/** One that was read from the tables has been written there. */
function ofEvent({ detailType, stored }: Activity): { readonly station: Station }[] {
  return [
    { station: 'bus' },
    ...(detailType === 'message.sent' ? [{ station: 'livechat' } as const] : []),
    ...(stored === true ? [written] : []),
  ];
}

/** One that was under way before anybody counted is no news. */
function isStart({ status, before }: Activity): boolean {
  return status === 'RUNNING' && before !== true;
}

const failed = z.object({ data: z.object({ deadLetterId: z.string() }) });

/** A failure may be told twice, by the machine and by Step Functions: it is one letter. */
function letterIn({ type, detailType, detail }: Activity): string | undefined {
  if (type !== 'event' || detailType !== 'message.failed') return undefined;
  return failed.safeParse(detail).data?.data.deadLetterId;
}

/** Of webhooks; where those are not seen, of messages that were found in the tables. */
function inboundTimes({ type, ms, stored }: Activity): number[] {
  return typeof ms === 'number' && (type === 'webhook' || stored === true) ? [ms] : [];
}

const zero = (): Record<Station, number> =>
  ({ webhook: 0, bus: 0, functions: 0, tables: 0, machine: 0, livechat: 0, 'dead-letters': 0 }) satisfies Record<
    Station,
    number
  >;

/** What only who is on the bus and beside the functions sees. */
export const unseenInTables: readonly Station[] = ['webhook', 'functions'];

/** Counts what passes, in memory. Times are ms since 1970. */
export function createFlow(unseen: readonly Station[] = []) {
  const totals = zero();
  const failures = zero();
  const slices = new Map<number, Counted>();
  const letters = new Set<string>();
  const sendTimes = createSendTimes();
  /** By name: the end of a run that began before does not count. */
  const running = new Set<string>();
  let sampledAt: number | null = null;

  const sliceAt = (now: number): Counted => {
    const index = Math.floor(now / 1000 / sliceSeconds);
    const found = slices.get(index);
    if (found) return found;
    const fresh: Counted = { passed: zero(), inboundMs: [], sendMs: [], gate: undefined };
    slices.set(index, fresh);
    for (const old of slices.keys()) if (old <= index - keptSlices) slices.delete(old);
    return fresh;
  };

  const noteRun = ({ name, status }: Activity) => {
    if (typeof name !== 'string') return;
    if (status === 'RUNNING') running.add(name);
    else running.delete(name);
  };

  return {
    count(activity: Activity, now: number): void {
      const slice = sliceAt(now);
      for (const { station, failed } of stationsOf(activity)) {
        if (failed) {
          failures[station] += 1;
          continue;
        }
        totals[station] += 1;
        slice.passed[station] += 1;
      }
      const letter = letterIn(activity);
      if (letter !== undefined && !letters.has(letter)) {
        letters.add(letter);
        totals['dead-letters'] += 1;
        slice.passed['dead-letters'] += 1;
      }
      slice.inboundMs.push(...inboundTimes(activity));
      slice.sendMs.push(...sendTimes(activity));
      if (activity.type === 'sampled') sampledAt = now;
      if (activity.type === 'execution') noteRun(activity);
    },
    noteGates(gates: readonly GateView[], now: number): void {
      if (gates.length > 0) sliceAt(now).gate = worstOf(gates);
    },
    view(now: number): Flow {
      const last = Math.floor(now / 1000 / sliceSeconds);
      const indexes = Array.from({ length: keptSlices }, (_, index) => last - keptSlices + 1 + index);
      const lastMinute = (station: Station) =>
        indexes.slice(-minuteSlices).reduce((sum, index) => sum + (slices.get(index)?.passed[station] ?? 0), 0);
      const of = (station: Station): Passed => ({
        total: totals[station],
        failed: failures[station],
        lastMinute: lastMinute(station),
      });
      return {
        stations: {
          webhook: of('webhook'),
          bus: of('bus'),
          functions: of('functions'),
          tables: of('tables'),
          machine: of('machine'),
          livechat: of('livechat'),
          'dead-letters': of('dead-letters'),
        },
        unseen,
        sampledAt,
        running: running.size,
        slices: indexes.map((index) => sliceOf(index * sliceSeconds, slices.get(index))),
      };
    },
  };
}

function sliceOf(at: number, counted: Counted | undefined): FlowSlice {
  return {
    at,
    webhooks: counted?.passed.webhook ?? 0,
    events: counted?.passed.bus ?? 0,
    sent: counted?.passed.livechat ?? 0,
    inboundMs: quantilesOf(counted?.inboundMs),
    sendMs: quantilesOf(counted?.sendMs),
    pace: counted?.gate?.pace ?? null,
    breaker: counted?.gate?.breaker ?? null,
  };
}

function quantilesOf(values: readonly number[] = []): Quantiles | null {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1];
  const [p50, p99] = [at(0.5), at(0.99)];
  return p50 === undefined || p99 === undefined ? null : { p50, p99 };
}

const severity = ['closed', 'open', 'paused'] as const;

function worstOf(gates: readonly GateView[]): Pick<FlowSlice, 'pace' | 'breaker'> {
  const states = gates.map(({ paused, breaker }) => (paused ? 'paused' : breaker));
  const breaker = severity.findLast((state) => states.includes(state)) ?? 'closed';
  return { pace: Math.min(...gates.map(({ callsPerSecond }) => callsPerSecond)), breaker };
}

const told = z.object({ detail: z.object({ data: z.object({ requestId: z.string() }) }) });
/** Requests that are remembered; of more than these the earliest are not measured. */
const most = 10_000;

/**
 * How long send requests took, in ms: each part from the request on the bus until LiveChat had it; where the bus is not seen,
 * the run as a whole, whose activity says so. Answers nothing for whatever else happens.
 */
export function createSendTimes(): (activity: Activity) => number[] {
  const requestedAt = new Map<string, number>();

  // A request that is put on the bus again is the one that it was.
  const remember = (requestId: string, time: number) => {
    if (requestedAt.has(requestId)) return;
    requestedAt.set(requestId, time);
    const [oldest] = requestedAt.keys();
    if (requestedAt.size > most && oldest !== undefined) requestedAt.delete(oldest);
  };

  return (activity) => {
    const { type, detailType, at, ms, status } = activity;
    if (type === 'execution') return typeof ms === 'number' && status === 'SUCCEEDED' ? [ms] : [];
    const isSent = detailType === 'message.sent';
    if (!isSent && detailType !== 'message.send.requested') return [];
    const requestId = told.safeParse(activity).data?.detail.data.requestId ?? '';
    const time = Date.parse(at);
    if (!isSent) remember(requestId, time);
    const began = requestedAt.get(requestId);
    return isSent && began !== undefined ? [time - began] : [];
  };
}
