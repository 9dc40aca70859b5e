import * as z from 'zod/mini';
import type { RateLimitView } from '../core/channel/rate-limit-store.ts';

/** A webhook, a domain event, a function invocation or an execution. */
export interface Activity {
  readonly type: string;
  /** ISO 8601. */
  readonly at: string;
  readonly [key: string]: unknown;
}

/** Calls `listener` for each activity. */
export type Subscribe = (listener: (activity: Activity) => void) => void;

/** The components that a message passes, inbound first. */
export type Station = 'webhook' | 'bus' | 'functions' | 'tables' | 'machine' | 'livechat' | 'dead-letters';

/** The counts of all stations, and the last fifteen minutes. */
export type Flow = ReturnType<ReturnType<typeof createFlow>['view']>;

const sliceSeconds = 5;
const sliceCount = 180;
const minuteSlices = 60 / sliceSeconds;

interface SliceCounts {
  /** Whether the pipeline was observed. If so, zero means no activity. */
  isMeasured: boolean;
  readonly totals: Record<Station, number>;
  readonly inboundMs: number[];
  readonly sendMs: number[];
  rateLimit: ReturnType<typeof summarizeRateLimits> | undefined;
}

interface Counted {
  readonly station: Station;
  readonly failed?: boolean;
}

/** The stations at which an activity is counted. */
function countedStations(activity: Activity): Counted[] {
  const { type, status, ok, function: name, error } = activity;
  if (type === 'webhook') return [{ station: 'webhook', failed: Number(status) >= 400 }];
  if (type === 'event') return eventStations(activity);
  if (type === 'execution') return isStart(activity) ? [{ station: 'machine' }] : [];
  // The webhook is a station of its own, and the state machine waits by `wait-for-turn`.
  if (type !== 'invocation' || name === 'webhook' || name === 'wait-for-turn') return [];
  if (name === 'send') return isChannelError(error) ? [{ station: 'livechat', failed: true }] : [];
  const writes = ok === true && !notStoring.has(name) ? [tableWrite] : [];
  return [{ station: 'functions', failed: ok !== true }, ...writes];
}

/** Functions that store no event: reconciliation publishes what other functions store. */
const notStoring: ReadonlySet<unknown> = new Set(['dead-letter', 'reconcile', 'schedule-reconciliation']);

/** Only calls that LiveChat failed: a request may also wait, expire or be invalid. */
function isChannelError(error: unknown): boolean {
  return typeof error === 'string' && error.startsWith('Channel');
}

const tableWrite = { station: 'tables' } as const;

function eventStations({ detailType, stored }: Activity): Counted[] {
  return [
    { station: 'bus' },
    ...(detailType === 'message.sent' ? [{ station: 'livechat' } as const] : []),
    ...(stored === true ? [tableWrite] : []),
  ];
}

/** Executions that started before the console are not counted. */
function isStart({ status, startedBefore }: Activity): boolean {
  return status === 'RUNNING' && startedBefore !== true;
}

const failedEvent = z.object({
  detailType: z.literal('message.failed'),
  detail: z.object({ data: z.object({ deadLetterId: z.string() }) }),
});

/** The same failure may be reported twice; its dead letter is counted once. */
function createDeadLetterFilter(): (activity: Activity) => Counted[] {
  const known = new Set<string>();
  return (activity) => {
    const id = failedEvent.safeParse(activity).data?.detail.data.deadLetterId;
    return id !== undefined && known.size < known.add(id).size ? [{ station: 'dead-letters' }] : [];
  };
}

function inboundTimes({ type, ms, stored }: Activity): number[] {
  return typeof ms === 'number' && (type === 'webhook' || stored === true) ? [ms] : [];
}

function forEachStation<T>(create: (station: Station) => T): Record<Station, T> {
  return {
    webhook: create('webhook'),
    bus: create('bus'),
    functions: create('functions'),
    tables: create('tables'),
    machine: create('machine'),
    livechat: create('livechat'),
    'dead-letters': create('dead-letters'),
  };
}

const zero = () => forEachStation(() => 0);

/** The stations whose activity the tables do not show. */
export const stationsNotInTables: readonly Station[] = ['webhook', 'functions'];

/** Counts activity in memory. Times are ms since 1970. */
export function createFlow(notMeasured: readonly Station[] = []) {
  const totals = zero();
  const failures = zero();
  const slices = new Map<number, SliceCounts>();
  const newDeadLetter = createDeadLetterFilter();
  const sendTimes = createSendTimer();
  /** Names of executions. */
  const running = new Set<string>();
  let sampledAt: number | null = null;

  const sliceAt = (now: number): SliceCounts => {
    const index = Math.floor(now / 1000 / sliceSeconds);
    const found = slices.get(index);
    if (found) return found;
    const fresh: SliceCounts = { isMeasured: false, totals: zero(), inboundMs: [], sendMs: [], rateLimit: undefined };
    slices.set(index, fresh);
    for (const old of slices.keys()) if (old <= index - sliceCount) slices.delete(old);
    return fresh;
  };

  const recordExecution = ({ name, status }: Activity) => {
    if (typeof name !== 'string') return;
    if (status === 'RUNNING') running.add(name);
    else running.delete(name);
  };

  return {
    /** Records that the pipeline was observed, with or without activity. */
    measure(now: number): void {
      sliceAt(now).isMeasured = true;
    },
    count(activity: Activity, now: number): void {
      const slice = sliceAt(now);
      slice.isMeasured = true;
      for (const { station, failed } of [...countedStations(activity), ...newDeadLetter(activity)]) {
        (failed ? failures : totals)[station] += 1;
        if (!failed) slice.totals[station] += 1;
      }
      slice.inboundMs.push(...inboundTimes(activity));
      slice.sendMs.push(...sendTimes(activity));
      if (activity.type === 'sampled') sampledAt = now;
      if (activity.type === 'execution') recordExecution(activity);
    },
    recordRateLimits(rateLimits: readonly RateLimitView[], now: number): void {
      if (rateLimits.length > 0) sliceAt(now).rateLimit = summarizeRateLimits(rateLimits);
    },
    view(now: number) {
      const last = Math.floor(now / 1000 / sliceSeconds);
      const indexes = Array.from({ length: sliceCount }, (_, index) => last - sliceCount + 1 + index);
      const lastMinute = (station: Station) =>
        indexes.slice(-minuteSlices).reduce((sum, index) => sum + (slices.get(index)?.totals[station] ?? 0), 0);
      return {
        stations: forEachStation((station) => ({
          total: totals[station],
          failed: failures[station],
          lastMinute: lastMinute(station),
        })),
        /** Stations that report no activity to this console. */
        notMeasured,
        /** When a poll last found more than it reads, ms since 1970. */
        sampledAt,
        /** Running executions of the send state machine. */
        running: running.size,
        /** Oldest first, without gaps. */
        slices: indexes.map((index) => toSlice(index * sliceSeconds, slices.get(index))),
      };
    },
  };
}

export type FlowSlice = ReturnType<typeof toSlice>;

/** @param at start of the slice, seconds since 1970 */
function toSlice(at: number, counted: SliceCounts | undefined) {
  const totals = counted?.isMeasured ? counted.totals : undefined;
  return {
    at,
    /** Null while the pipeline was not observed. */
    webhooks: totals?.webhook ?? null,
    events: totals?.bus ?? null,
    sent: totals?.livechat ?? null,
    /** Webhook response times or, on a stage, times from a webhook to the stored message. */
    inboundMs: percentiles(counted?.inboundMs),
    /** Times from a send request on the bus until LiveChat accepted the message. */
    sendMs: percentiles(counted?.sendMs),
    /** Null where rate limits were not read. */
    callsPerSecond: counted?.rateLimit?.callsPerSecond ?? null,
    breaker: counted?.rateLimit?.breaker ?? null,
  };
}

/** Null without any value. */
function percentiles(values: readonly number[] = []) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1];
  const [p50, p99] = [at(0.5), at(0.99)];
  return p50 === undefined || p99 === undefined ? null : { p50, p99 };
}

const severity = ['closed', 'open', 'paused'] as const;

/** The lowest rate of all organizations, in calls a second, and the worst state. */
function summarizeRateLimits(rateLimits: readonly RateLimitView[]) {
  const states = rateLimits.map(({ paused, breaker }) => (paused ? 'paused' : breaker));
  const breaker = severity.findLast((state) => states.includes(state)) ?? 'closed';
  return { callsPerSecond: Math.min(...rateLimits.map(({ callsPerSecond }) => callsPerSecond)), breaker };
}

const requestEvent = z.object({ detail: z.object({ data: z.object({ requestId: z.string() }) }) });
/** Maximum number of requests whose time is kept; the oldest are dropped first. */
const maxRequests = 10_000;

/**
 * Measures delivery times in ms: from a request on the bus to each of its accepted messages or, on a stage, the duration of its
 * execution. Returns an empty list for other activity.
 */
function createSendTimer(): (activity: Activity) => number[] {
  const requestedAt = new Map<string, number>();

  // A duplicate of a request keeps its first time.
  const remember = (requestId: string, time: number) => {
    if (requestedAt.has(requestId)) return;
    requestedAt.set(requestId, time);
    const [oldest] = requestedAt.keys();
    if (requestedAt.size > maxRequests && oldest !== undefined) requestedAt.delete(oldest);
  };

  return (activity) => {
    const { type, detailType, at, ms, status } = activity;
    if (type === 'execution') return typeof ms === 'number' && status === 'SUCCEEDED' ? [ms] : [];
    const isSent = detailType === 'message.sent';
    if (!isSent && detailType !== 'message.send.requested') return [];
    const requestId = requestEvent.safeParse(activity).data?.detail.data.requestId ?? '';
    const time = Date.parse(at);
    if (!isSent) remember(requestId, time);
    const startedAt = requestedAt.get(requestId);
    return isSent && startedAt !== undefined ? [time - startedAt] : [];
  };
}
