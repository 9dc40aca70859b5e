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
    readonly add?: {
        readonly [K in NumberField]?: number;
    };
}
export interface RateLimitCondition {
    readonly field: keyof RateLimitState;
    readonly is: '=' | '>' | '<=';
    readonly value: string | number;
}
/** Sends wait for slots up to this far away in their functions, ms. */
export declare const maxSlotWaitMs = 1500;
/** Below the limit, so that calls of uneven latency stay within it. */
export declare const margin = 1.04;
export declare const windowMs = 30000;
export declare function baseInterval(callsPerSecond: number): number;
/** The state of an organization without calls. */
export declare function initialState(callsPerSecond: number): RateLimitState;
/** The interval between two calls of a share. Sends use the shares that are not active. */
export declare function shareInterval(state: RateLimitState, share: Share, shares: Shares, now: number): number;
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
export declare function planReservation(state: RateLimitState, request: ReservationRequest): ReservationPlan | 'paused' | 'late';
/** After a while without a 429 the interval recovers: in small steps near the interval of the last 429, else in large ones. */
export declare function planRestore(state: RateLimitState, now: number): RateLimitUpdate | undefined;
/**
 * After a 429: the interval grows once per epoch, and every slot moves behind `retryAfterMs` and behind the calls whose
 * functions already wait for their slots.
 */
export declare function planSlowdown(reservation: Reservation, now: number, retryAfterMs: number): RateLimitUpdate;
/** The channel has announced that no call is left until then: every slot moves behind it. */
export declare function planHold({ epoch }: Reservation, until: number): RateLimitUpdate;
/** Ends an epoch, if it is still the current one: every slot that was reserved in it becomes invalid. */
export declare function planNewEpoch(epoch: number, set: Partial<RateLimitState>): RateLimitUpdate;
export declare const closedBreaker: {
    readonly breaker: 'closed';
    readonly reason: '';
    readonly failures: 0;
    readonly successes: 0;
    readonly probeUntil: 0;
};
export declare const allTats: (at: number) => {
    sendsTat: number;
    routingTat: number;
    reconciliationTat: number;
};
/** After a success. Undefined where nothing has to be written: no probe call, and no recent failures. */
export declare function planSuccess({ epoch, isProbe, state }: Reservation, now: number): RateLimitUpdate | undefined;
/**
 * After a failure: counts it, or begins a new window. A call that was reserved before its window began is not counted,
 * whether it failed or succeeded: counting failures alone would open the breaker at random failures.
 *
 * @param state as of the reservation
 */
export declare function planFailure({ windowStart, failures }: RateLimitState, now: number): RateLimitUpdate;
/** Whether the failure opens the breaker, given the state after it was counted. */
export declare function mustOpen({ epoch, isProbe }: Reservation, after: RateLimitState): boolean;
export declare function planOpen(epoch: number, now: number, reason: 'failures' | 'credentials'): RateLimitUpdate;
/** A probe call that was not made is left to another caller. */
export declare function planUnused({ epoch, isProbe }: Reservation, now: number): RateLimitUpdate | undefined;
/** Whether a slot that was reserved earlier may be used, {@link maxSlotWaitMs} before it at the earliest. */
export declare function isSlotValid({ at, epoch, isProbe }: {
    readonly at: number;
    readonly epoch: number;
    readonly isProbe: boolean;
}, state: RateLimitState, now: number): boolean;
/** Whether a held slot is the probe call of the half-open breaker. */
export declare function isProbeSlot({ at, epoch }: {
    readonly at: number;
    readonly epoch: number;
}, state: RateLimitState): boolean;
export {};
