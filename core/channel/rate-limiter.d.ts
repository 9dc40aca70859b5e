import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/logger.ts';
import type * as metrics from '../platform/metrics.ts';
import { type HeldSlot } from './deferred.ts';
import { type RateLimitState, type RateLimitUpdate, type Share, type Shares } from './rate-limit.ts';
/** Where the states are stored. */
export interface RateLimitStore {
    read(organizationId: string): Promise<RateLimitState>;
    /** One conditional write. Returns the stored state, after the write if it was applied. */
    update(organizationId: string, update: RateLimitUpdate): Promise<{
        applied: boolean;
        state: RateLimitState;
    }>;
}
export interface RateLimiterPorts {
    readonly store: RateLimitStore;
    readonly clock: Clock;
    readonly shares: Shares;
    /** The rate of an organization without a stored state. */
    readonly callsPerSecond: number;
    readonly metrics: Pick<typeof metrics, 'count'>;
    readonly log: Pick<Log, 'warn'>;
}
/** The calls of one invocation, within its organization's rate limit. */
export interface RateLimiter {
    /**
     * Reserves slots for the next `calls` calls, or takes up the slot that was reserved before a wait. Throws
     * {@link Deferred} if the first slot is more than `maxWaitMs` away.
     */
    reserve(calls: number, options?: {
        readonly held?: HeldSlot | undefined;
        readonly maxWaitMs?: number;
    }): Promise<void>;
    /**
     * Makes one call at the next slot, and records its outcome. Throws the error of the call, and {@link Deferred} after a 429
     * or if the slot is too far away. A failure to record the outcome is only logged: the call was made.
     */
    run<T>(call: () => Promise<T>): Promise<T>;
    /** Reserves slots for another execution. Undefined while none can be reserved. */
    reserveForNext(calls: number): Promise<HeldSlot | undefined>;
    /** Discards the unused slots. An unused probe call is left to another caller. */
    release(): Promise<void>;
    /** Opens the breaker: the credentials do not work. Returns false if it was open for that reason already. */
    blockCredentials(): Promise<boolean>;
    /**
     * The channel has announced, in its response to the call that `run` makes, that no call is left before `resetMs` have
     * passed. Every slot moves behind it, by at most a minute.
     */
    holdFor(resetMs: number): void;
}
export type CreateRateLimiter = (organizationId: string, options: {
    readonly share: Share;
    readonly maxWaitMs?: number;
}) => RateLimiter;
/** Creates rate limiters, which share what the container remembers. */
export declare function createRateLimiters(ports: RateLimiterPorts): CreateRateLimiter;
