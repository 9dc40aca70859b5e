/**
 * Why a request waits: the rate limit (`rate`), a 429 (`limited`), a pause or an open circuit breaker (`blocked`), failed
 * calls (`failing`), a message whose outcome is unknown and not settled (`unknown`), a claim of another invocation
 * (`claimed`), or the function's own time (`time`).
 */
export type DeferralReason = 'rate' | 'limited' | 'blocked' | 'failing' | 'unknown' | 'claimed' | 'time';
/** A reserved slot that is carried over a wait of the state machine. */
export interface HeldSlot {
    /** ms since 1970 */
    readonly at: number;
    readonly epoch: number;
    /** How many slots the request has missed before. */
    readonly missed?: number | undefined;
}
/**
 * The message of an error that the state machine reads: `reason|until|seconds|at|epoch|missed|`. The state machine splits the
 * error's Cause at `|`, because an intrinsic function of Step Functions cannot read a field of another's result.
 */
export declare function turnMessage(text: string, until: number, seconds: number, slot: HeldSlot | undefined): string;
/** When to continue for a slot: up to 1.45 s before it, since Step Functions waits in whole seconds. */
export declare function slotWakeUp(at: number): number;
/** The state machine waits until `until`, in whole seconds, and runs the step again. */
export declare class Deferred extends Error {
    readonly name = "Deferred";
    /** ms since 1970. Step Functions truncates milliseconds, so the time is in whole seconds. */
    readonly until: number;
    readonly reason: DeferralReason;
    readonly slot: HeldSlot | undefined;
    /** @param at ms since 1970. @param options the failure that caused the deferral, as `cause` */
    constructor(at: number, reason: DeferralReason, options?: ErrorOptions & {
        readonly slot?: HeldSlot;
    });
}
