/**
 * One organization's way to LiveChat: how fast calls may follow each other, and whether LiveChat is well. Times are ms
 * since 1970, intervals ms.
 */
export interface Gate {
  /** When the next call may start. */
  readonly nextSlotAt: number;
  /** Where the line of those who wait without a slot ends. */
  readonly tail: number;
  /** Between two calls, now. */
  readonly interval: number;
  /** Between two calls while all is well: 3 % above what the rate allows. */
  readonly baseInterval: number;
  /** Counts the changes of regime; whoever decided by an older one must look again. */
  readonly epoch: number;
  readonly calls: number;
  readonly failures: number;
  /** Since when calls and failures are counted. */
  readonly windowStart: number;
  /** When the pace last changed. */
  readonly pacedAt: number;
  /** `open` as a breaker is: nothing passes but one trial. */
  readonly breaker: 'closed' | 'open';
  readonly openUntil: number;
  readonly trialUntil: number;
  readonly trialBy: string;
  /** Why the breaker opened, or who paused it. */
  readonly reason: '' | 'failures' | 'credentials';
  readonly paused: 'no' | 'yes';
}

type Numbers = { readonly [K in keyof Gate as Gate[K] extends number ? K : never]?: number };

/** A single conditional write. All conditions must hold; `add` is atomic, so that many may write at once. */
export interface GateUpdate {
  readonly when: readonly GateCondition[];
  readonly set?: Partial<Gate>;
  readonly add?: Numbers;
}

export interface GateCondition {
  readonly field: keyof Gate;
  readonly is: '=' | '>' | '<=';
  readonly value: string | number;
}

const windowMs = 30_000;
const openForMs = 30_000;
const trialForMs = 65_000;
const leastCalls = 10;
const failureShare = 0.5;
/** Below the limit, so that calls that arrive unevenly stay within it. */
const margin = 1.03;
const slowdown = 1.25;
const slowestMs = 10_000;
const restoreEveryMs = 3_000;

export function baseInterval(callsPerSecond: number): number {
  return whole((1000 / callsPerSecond) * margin);
}

/**
 * Times and intervals are whole milliseconds. DynamoDB adds decimals exactly and a double does not: with fractions the
 * table would hold times that no condition of ours could ever equal.
 */
function whole(ms: number): number {
  return Math.ceil(ms - 1e-6);
}

/** A gate through which nothing has gone. */
export function freshGate(callsPerSecond: number): Gate {
  const interval = baseInterval(callsPerSecond);
  return {
    nextSlotAt: 0,
    tail: 0,
    interval,
    baseInterval: interval,
    epoch: 0,
    calls: 0,
    failures: 0,
    windowStart: 0,
    pacedAt: 0,
    breaker: 'closed',
    openUntil: 0,
    trialUntil: 0,
    trialBy: '',
    reason: '',
    paused: 'no',
  };
}

/** A slot is waited for inside the function by no more runs than this, so that they do not use up its concurrency. */
const waitInside = 20;
/** Never longer than this, ms, however slow the pace. */
export const longestNearMs = 5_000;
const shortestNearMs = 500;

/** A slot nearer than this, ms, is waited for inside the function. */
export function nearMs({ baseInterval }: Gate): number {
  return Math.min(longestNearMs, Math.max(shortestNearMs, waitInside * baseInterval));
}

/** Who waits in line comes back this long before its turn, ms. */
export function leadMs(gate: Gate): number {
  return nearMs(gate) / 2;
}

/** Where a newcomer would stand in line. */
export function endOfLine(gate: Gate, now: number): number {
  return Math.max(gate.tail, gate.nextSlotAt, now);
}

const passable: GateCondition = { field: 'paused', is: '=', value: 'no' };
const sameRegime = (gate: Gate): GateCondition => ({ field: 'epoch', is: '=', value: gate.epoch });

/**
 * Takes the next slot, if it is no later than `limit`. The slot is `now`, or where `nextSlotAt` was before the write.
 */
export function takeSlot(gate: Gate, now: number, limit: number): GateUpdate {
  const behind = gate.nextSlotAt > now;
  const position: GateCondition[] = behind
    ? [
        { field: 'nextSlotAt', is: '>', value: now },
        { field: 'nextSlotAt', is: '<=', value: limit },
      ]
    : [{ field: 'nextSlotAt', is: '<=', value: now }];
  const counted = windowed(gate, now);
  const paced = restored(gate, now);
  return {
    when: [
      sameRegime(gate),
      passable,
      { field: 'breaker', is: '=', value: 'closed' },
      ...position,
      ...counted.when,
      ...paced.when,
    ],
    set: { ...counted.set, ...paced.set, ...(behind ? {} : { nextSlotAt: now + gate.interval }) },
    add: { ...counted.add, ...(behind && { nextSlotAt: gate.interval }) },
  };
}

/** Counts a call in the window, or begins another one. */
function windowed(gate: Gate, now: number): GateUpdate {
  if (now - gate.windowStart <= windowMs) return { when: [], add: { calls: 1 } };
  return {
    when: [{ field: 'windowStart', is: '=', value: gate.windowStart }],
    set: { windowStart: now, calls: 1, failures: 0 },
  };
}

/** After a while without a 429 the pace picks up by a tenth. */
function restored(gate: Gate, now: number): GateUpdate {
  if (gate.interval <= gate.baseInterval || now - gate.pacedAt <= restoreEveryMs) return { when: [] };
  return {
    when: [{ field: 'pacedAt', is: '=', value: gate.pacedAt }],
    set: { interval: Math.max(gate.baseInterval, Math.floor(gate.interval * 0.9)), pacedAt: now },
  };
}

/**
 * Puts one more at the end of the line; it does not hold a slot. The line is spaced as for the best pace: a slot that
 * nobody has come back for is lost, while who comes back too early waits once more.
 */
export function joinLine(gate: Gate, now: number): GateUpdate {
  const onlyMoves = gate.tail > now && gate.tail >= gate.nextSlotAt;
  if (onlyMoves)
    return { when: [sameRegime(gate), { field: 'tail', is: '>', value: now }], add: { tail: gate.baseInterval } };
  return {
    when: [sameRegime(gate), { field: 'tail', is: '=', value: gate.tail }],
    set: { tail: endOfLine(gate, now) + gate.baseInterval },
  };
}

/** When one whose turn came too early comes back, ms since 1970: not later than the next slot it could have. */
export function nextTurn(gate: Gate, now: number, random: number): number {
  const share = ((gate.tail - now) / 8) * (0.5 + random);
  return Math.max(gate.nextSlotAt - leadMs(gate), now + share);
}

/** The one trial that may pass while the breaker is open and its time is over; leased, in case who took it dies. */
export function takeTrial(gate: Gate, now: number, by: string): GateUpdate {
  return {
    when: [
      sameRegime(gate),
      passable,
      { field: 'breaker', is: '=', value: 'open' },
      { field: 'trialUntil', is: '<=', value: now },
    ],
    set: { trialUntil: now + trialForMs, trialBy: by },
  };
}

/** A trial that was not used is given back for another to take. */
export function returnTrial(by: string): GateUpdate {
  return { when: [{ field: 'trialBy', is: '=', value: by }], set: { trialUntil: 0, trialBy: '' } };
}

/** Nothing stands in the way, from now on. */
export function clear(now: number): Partial<Gate> {
  return {
    breaker: 'closed',
    reason: '',
    calls: 0,
    failures: 0,
    windowStart: now,
    nextSlotAt: now,
    tail: now,
    trialUntil: 0,
    trialBy: '',
  };
}

/** A trial went well: everything may pass again. */
export function close(epoch: number, now: number): GateUpdate {
  return {
    when: [
      { field: 'epoch', is: '=', value: epoch },
      { field: 'breaker', is: '=', value: 'open' },
    ],
    set: clear(now),
    add: { epoch: 1 },
  };
}

/** Opens the breaker, from the regime in which the failures were seen. */
export function open(gate: Gate, now: number, reason: 'failures' | 'credentials'): GateUpdate {
  const openUntil = now + openForMs;
  return {
    when: [sameRegime(gate)],
    set: { breaker: 'open', reason, openUntil, nextSlotAt: openUntil, tail: openUntil, trialUntil: 0, trialBy: '' },
    add: { epoch: 1 },
  };
}

/** Whether failures have become so many that LiveChat is to be left alone for a while. */
export function mustOpen(gate: Gate): boolean {
  return gate.breaker === 'closed' && gate.calls >= leastCalls && gate.failures / gate.calls >= failureShare;
}

/** A 429: the pace slows once an epoch, however many were on their way, and everybody's next slot moves. */
export function slow(gate: Gate, now: number, retryAfterMs: number): GateUpdate {
  const nextSlotAt = Math.max(gate.nextSlotAt, now + whole(retryAfterMs));
  return {
    when: [sameRegime(gate), { field: 'nextSlotAt', is: '<=', value: nextSlotAt }],
    set: {
      interval: Math.max(gate.baseInterval, Math.min(slowestMs, whole(gate.interval * slowdown))),
      pacedAt: now,
      nextSlotAt,
      tail: Math.max(gate.tail, nextSlotAt),
    },
    add: { epoch: 1 },
  };
}
