/**
 * The policy of the rate limiter (GCRA) and circuit breaker of one organization at one channel: pure functions on the
 * stored state. Times are ms since 1970, intervals are ms. All are whole numbers, because DynamoDB adds decimals exactly and
 * a double does not.
 */
export interface RateLimitState {
  /** When the next slot of each share is free (the theoretical arrival time of GCRA). */
  readonly sendsTat: number;
  readonly routingTat: number;
  readonly reconciliationTat: number;
  /** Until when the shares of routing and reconciliation are active; sends use them otherwise. */
  readonly routingUntil: number;
  readonly reconciliationUntil: number;
  /** ms between two calls now, and without a recent 429 (`baseInterval`). */
  readonly interval: number;
  readonly baseInterval: number;
  /** The interval at the last 429; `baseInterval` before any. */
  readonly limitedInterval: number;
  /** When the interval last changed. */
  readonly slowedAt: number;
  /** Incremented when reserved slots become invalid: a 429, a trip of the breaker, a new share. */
  readonly epoch: number;
  readonly breaker: 'closed' | 'open' | 'half-open';
  /** Why the breaker opened. */
  readonly reason: '' | 'failures' | 'credentials';
  readonly openUntil: number;
  /** Until when the probe call of the half-open breaker is awaited. */
  readonly probeUntil: number;
  /** Outcomes since `windowStart`. Successes are counted only while there are failures. */
  readonly failures: number;
  readonly successes: number;
  readonly windowStart: number;
  readonly paused: 'no' | 'yes';
}

/** Who calls: each has a share of the organization's rate. */
export type Share = 'sends' | 'routing' | 'reconciliation';

/** The shares of routing and reconciliation in percent of the rate. Sends have the rest. */
export interface Shares {
  readonly routing: number;
  readonly reconciliation: number;
}

type NumberField = {
  readonly [K in keyof RateLimitState]: RateLimitState[K] extends number ? K : never;
}[keyof RateLimitState];

/** One conditional write. All conditions must hold; `add` is atomic. */
export interface RateLimitUpdate {
  readonly when: readonly RateLimitCondition[];
  readonly set?: Partial<RateLimitState>;
  readonly add?: { readonly [K in NumberField]?: number };
}

export interface RateLimitCondition {
  readonly field: keyof RateLimitState;
  readonly is: '=' | '>' | '<=';
  readonly value: string | number;
}

/** Sends wait for slots up to this far away in their functions, ms. */
export const maxSlotWaitMs = 1_500;
/** Below the limit, so that calls of uneven latency stay within it. */
export const margin = 1.04;
const maxIntervalMs = 10_000;
/**
 * How the interval grows after a 429. At about the interval of the last 429, calls of uneven latency came too close to each
 * other; at a longer interval, the limit is lower than it was.
 */
const slowdown = { near: 1.05, above: 1.25 } as const;
/** Up to this multiple of the interval of the last 429, a 429 is near it. */
const nearLimit = 1.035;
/** How the interval recovers: fast, but slowly where the last 429 came. */
const recovery = { fast: { factor: 0.9, afterMs: 3_000 }, slow: { factor: 0.99, afterMs: 20_000 } } as const;
export const windowMs = 30_000;
const minOutcomes = 10;
const openMs = 30_000;
/** How long the outcome of a probe call is awaited. */
const probeMs = 2_500;
/** How long a share is active after its last call. */
const activeShareMs = { routing: 7 * 86_400_000, reconciliation: 120_000 } as const;

const whole = (ms: number) => Math.ceil(ms - 1e-6);

export function baseInterval(callsPerSecond: number): number {
  return whole((1000 / callsPerSecond) * margin);
}

/** The state of an organization without calls. */
export function initialState(callsPerSecond: number): RateLimitState {
  const interval = baseInterval(callsPerSecond);
  return {
    sendsTat: 0,
    routingTat: 0,
    reconciliationTat: 0,
    routingUntil: 0,
    reconciliationUntil: 0,
    interval,
    baseInterval: interval,
    limitedInterval: interval,
    slowedAt: 0,
    epoch: 0,
    breaker: 'closed',
    reason: '',
    openUntil: 0,
    probeUntil: 0,
    failures: 0,
    successes: 0,
    windowStart: 0,
    paused: 'no',
  };
}

/** The interval between two calls of a share. Sends use the shares that are not active. */
export function shareInterval(state: RateLimitState, share: Share, shares: Shares, now: number): number {
  const active = (other: keyof Shares) => (state[`${other}Until`] > now ? shares[other] : 0);
  const percent = share === 'sends' ? 100 - active('routing') - active('reconciliation') : shares[share];
  return whole((state.interval * 100) / percent);
}

/** A reserved block of slots. */
export interface Reservation {
  /** The slot of the first call. */
  readonly at: number;
  /** When the first call may start: before its slot, if no other call is near. */
  readonly from: number;
  readonly interval: number;
  readonly count: number;
  readonly epoch: number;
  /** The probe call of a half-open breaker. */
  readonly isProbe: boolean;
  /** Reserved behind a probe call: whether it is valid is known at its time. */
  readonly isBehindProbe: boolean;
  /** The state after the reservation. */
  readonly state: RateLimitState;
}

export interface ReservationPlan {
  readonly update: RateLimitUpdate;
  /** The reservation, from the state after the update. */
  readonly reservation: (after: RateLimitState) => Reservation;
}

export interface ReservationRequest {
  readonly share: Share;
  readonly shares: Shares;
  readonly count: number;
  readonly now: number;
  /** The earliest time that the caller can keep. */
  readonly earliest: number;
  /** The latest useful time: nothing is reserved behind it. */
  readonly latest?: number | undefined;
}

/**
 * Plans a reservation as one conditional write. The state may be stale: the conditions hold only if the plan is right for
 * the stored state. `paused`: an operator has paused the organization. `late`: there is no slot up to `latest`.
 */
export function planReservation(
  state: RateLimitState,
  request: ReservationRequest,
): ReservationPlan | 'paused' | 'late' {
  const { share, now, earliest, latest = Number.POSITIVE_INFINITY } = request;
  if (state.paused === 'yes') return 'paused';
  const isProbeFree = state.breaker === 'open' || (state.breaker === 'half-open' && state.probeUntil <= now);
  if (isProbeFree) return state.openUntil > latest ? 'late' : planProbe(state, earliest);
  const isBacklogged = state.sendsTat > earliest;
  if (share !== 'sends' && isBacklogged && state[`${share}Until`] <= now && state.breaker === 'closed') {
    return planShare(state, share, request);
  }
  // Routing uses the slots of sends if they are free earlier than its own.
  const own = `${share}Tat` as const;
  const tat =
    share === 'routing' && Math.max(state.sendsTat, earliest) <= Math.max(state.routingTat, earliest)
      ? 'sendsTat'
      : own;
  return state[tat] > latest ? 'late' : planSlots(state, tat, request);
}

function createReservation(state: RateLimitState, at: number, interval: number, count: number): Reservation {
  return { at, from: at, interval, count, epoch: state.epoch, isProbe: false, isBehindProbe: false, state };
}

function planProbe(state: RateLimitState, earliest: number): ReservationPlan {
  const at = Math.max(state.openUntil, earliest);
  const end = at + probeMs;
  return {
    update: {
      when: [
        { field: 'epoch', is: '=', value: state.epoch },
        { field: 'breaker', is: '=', value: state.breaker },
        { field: 'probeUntil', is: '=', value: state.probeUntil },
        { field: 'paused', is: '=', value: 'no' },
      ],
      // An unused probe call of before is no longer valid.
      set: {
        breaker: 'half-open',
        epoch: state.epoch + 1,
        probeUntil: end,
        ...allTats(end),
      },
    },
    reservation: (after) => ({ ...createReservation(after, at, after.interval, 1), isProbe: true }),
  };
}

function planSlots(
  state: RateLimitState,
  tat: `${Share}Tat`,
  { share, shares, count, now, earliest, latest }: ReservationRequest,
): ReservationPlan {
  const interval = shareInterval(state, tat === 'sendsTat' ? 'sends' : share, shares, now);
  const isBusy = state[tat] > earliest;
  const isIdle = state[tat] <= now && state.breaker === 'closed';
  const isActive = share === 'sends' || state[`${share}Until`] > now || state.breaker !== 'closed';
  const is = (other: keyof Shares): RateLimitCondition => ({
    field: `${other}Until`,
    is: state[`${other}Until`] > now ? '>' : '<=',
    value: now,
  });
  return {
    update: {
      when: [
        { field: tat, is: isBusy ? '>' : '<=', value: isIdle ? now : earliest },
        ...(latest === undefined ? [] : [{ field: tat, is: '<=', value: latest } as const]),
        // Beside a backlog, a share becomes active first.
        ...(isActive ? [] : [{ field: 'sendsTat', is: '<=', value: earliest } as const]),
        { field: 'interval', is: '=', value: state.interval },
        { field: 'breaker', is: '=', value: state.breaker },
        { field: 'paused', is: '=', value: 'no' },
        is('routing'),
        is('reconciliation'),
        ...(state.breaker === 'half-open' ? [{ field: 'probeUntil', is: '>', value: now } as const] : []),
      ],
      set: { ...extendShare(state, share, now), ...(!isBusy && { [tat]: earliest + count * interval }) },
      add: isBusy ? { [tat]: count * interval } : {},
    },
    reservation: (after) => ({
      ...createReservation(after, isBusy ? after[tat] - count * interval : earliest, interval, count),
      ...(isIdle && { from: now }),
      isBehindProbe: after.breaker !== 'closed',
    }),
  };
}

/**
 * Makes a share active beside a backlog of sends. The slots that sends have reserved at the full rate become invalid, except
 * those whose functions are already waiting for them: the first slot of the share is behind them.
 */
function planShare(
  state: RateLimitState,
  share: keyof Shares,
  { shares, count, now, earliest, latest = Number.POSITIVE_INFINITY }: ReservationRequest,
): ReservationPlan | 'late' {
  const until = `${share}Until` as const;
  const after = { ...state, [until]: now + activeShareMs[share] };
  const interval = shareInterval(after, share, shares, now);
  // After a 429, the slots of every share are behind the announced delay.
  const at = Math.max(state[`${share}Tat`], Math.min(latest, now + maxSlotWaitMs));
  if (at > latest) return 'late';
  return {
    update: {
      when: [
        { field: 'epoch', is: '=', value: state.epoch },
        { field: 'interval', is: '=', value: state.interval },
        { field: 'breaker', is: '=', value: 'closed' },
        { field: 'paused', is: '=', value: 'no' },
        { field: 'sendsTat', is: '>', value: earliest },
        { field: until, is: '<=', value: now },
      ],
      set: {
        [until]: after[until],
        [`${share}Tat`]: at + count * interval,
        sendsTat: at + shareInterval(after, 'sends', shares, now),
      },
      add: { epoch: 1 },
    },
    reservation: (stored) => createReservation(stored, at, interval, count),
  };
}

/** Extends the time for which the share of a caller is active. */
function extendShare(state: RateLimitState, share: Share, now: number): Partial<RateLimitState> {
  if (share === 'sends' || state[`${share}Until`] - now > activeShareMs[share] / 2) return {};
  return { [`${share}Until`]: now + activeShareMs[share] };
}

/** After a while without a 429 the interval recovers: in small steps near the interval of the last 429, else in large ones. */
export function planRestore(state: RateLimitState, now: number): RateLimitUpdate | undefined {
  const { interval, baseInterval, limitedInterval, slowedAt } = state;
  const isAbove = interval > whole(limitedInterval * slowdown.near);
  const isNear = !isAbove && interval > limitedInterval / slowdown.near;
  const { factor, afterMs } = isNear ? recovery.slow : recovery.fast;
  if (interval <= baseInterval || now - slowedAt <= afterMs) return undefined;
  const shortest = isAbove ? Math.max(baseInterval, whole(limitedInterval * slowdown.near)) : baseInterval;
  return {
    when: [
      { field: 'slowedAt', is: '=', value: slowedAt },
      { field: 'breaker', is: '=', value: 'closed' },
    ],
    set: { interval: Math.max(shortest, Math.floor(interval * factor)), slowedAt: now },
  };
}

/**
 * After a 429: the interval grows once per epoch, and every slot moves behind `retryAfterMs` and behind the calls whose
 * functions already wait for their slots.
 */
export function planSlowdown(reservation: Reservation, now: number, retryAfterMs: number): RateLimitUpdate {
  const { epoch, state, isProbe } = reservation;
  const factor = state.interval <= state.limitedInterval * nearLimit ? slowdown.near : slowdown.above;
  return planNewEpoch(epoch, {
    ...allTats(now + Math.max(maxSlotWaitMs, whole(retryAfterMs))),
    interval: Math.max(state.baseInterval, Math.min(maxIntervalMs, whole(state.interval * factor))),
    limitedInterval: state.interval,
    slowedAt: now,
    ...(isProbe && closedBreaker),
  });
}

/** The channel has announced that no call is left until then: every slot moves behind it. */
export function planHold({ epoch }: Reservation, until: number): RateLimitUpdate {
  return planNewEpoch(epoch, allTats(whole(until)));
}

/** Ends an epoch, if it is still the current one: every slot that was reserved in it becomes invalid. */
export function planNewEpoch(epoch: number, set: Partial<RateLimitState>): RateLimitUpdate {
  return { when: [{ field: 'epoch', is: '=', value: epoch }], set, add: { epoch: 1 } };
}

export const closedBreaker = { breaker: 'closed', reason: '', failures: 0, successes: 0, probeUntil: 0 } as const;
export const allTats = (at: number) => ({ sendsTat: at, routingTat: at, reconciliationTat: at });

const isHalfOpen: RateLimitCondition = { field: 'breaker', is: '=', value: 'half-open' };

/**
 * After a success. Undefined where nothing has to be written: no probe call, and no recent failures. A probe call that takes
 * longer than {@link probeMs} is followed by others; the first that succeeds closes the breaker.
 */
export function planSuccess({ isProbe, state }: Reservation, now: number): RateLimitUpdate | undefined {
  if (isProbe) {
    // An operator may have set another rate meanwhile.
    const isSameRate = { field: 'baseInterval', is: '=', value: state.baseInterval } as const;
    return { when: [isHalfOpen, isSameRate], set: { ...closedBreaker, interval: state.baseInterval } };
  }
  const isCounting = state.failures > 0 && now - state.windowStart < windowMs;
  if (!isCounting) return undefined;
  return { when: [{ field: 'windowStart', is: '=', value: state.windowStart }], add: { successes: 1 } };
}

/**
 * After a failure: counts it, or begins a new window. A call that was reserved before its window began is not counted,
 * whether it failed or succeeded: counting failures alone would open the breaker at random failures.
 *
 * @param state as of the reservation
 */
export function planFailure({ windowStart, failures }: RateLimitState, now: number): RateLimitUpdate {
  const sameWindow = { field: 'windowStart', is: '=', value: windowStart } as const;
  if (failures > 0 && now - windowStart < windowMs) return { when: [sameWindow], add: { failures: 1 } };
  return { when: [sameWindow], set: { windowStart: now, failures: 1, successes: 0 } };
}

/**
 * Whether the failure opens the breaker, given the state after it was counted. The first probe call that fails opens it. Probe
 * calls that started before it opened do not open it again.
 */
export function mustOpen({ at, epoch, isProbe }: Reservation, after: RateLimitState): boolean {
  const { breaker, failures, successes } = after;
  if (breaker === 'half-open') return isProbe && at >= after.openUntil;
  const isFailing = failures + successes >= minOutcomes && failures >= successes;
  return breaker === 'closed' && after.epoch === epoch && isFailing;
}

export function planOpen(epoch: number, now: number, reason: 'failures' | 'credentials'): RateLimitUpdate {
  const openUntil = now + openMs;
  return planNewEpoch(epoch, { ...closedBreaker, breaker: 'open', reason, openUntil, ...allTats(openUntil) });
}

/** A probe call that was not made is left to another caller. */
export function planUnused({ epoch, isProbe }: Reservation, now: number): RateLimitUpdate | undefined {
  if (!isProbe) return undefined;
  const ownProbe = [{ field: 'epoch', is: '=', value: epoch } as const, isHalfOpen];
  return { when: ownProbe, set: { breaker: 'open', openUntil: now, probeUntil: 0 }, add: { epoch: 1 } };
}

/** Whether a slot that was reserved earlier may be used, {@link maxSlotWaitMs} before it at the earliest. */
export function isSlotValid(
  { at, epoch, isProbe }: Pick<Reservation, 'at' | 'epoch' | 'isProbe'>,
  state: RateLimitState,
  now: number,
): boolean {
  if (state.epoch !== epoch) return false;
  return state.breaker === 'closed' || isProbe || now < at - maxSlotWaitMs;
}

/** Whether a held slot is the probe call of the half-open breaker. */
export function isProbeSlot({ at, epoch }: Pick<Reservation, 'at' | 'epoch'>, state: RateLimitState): boolean {
  return state.breaker === 'half-open' && state.epoch === epoch && state.probeUntil === at + probeMs;
}
