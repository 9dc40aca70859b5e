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

const separator = '|';

/**
 * The message of an error that the state machine reads: `reason|until|seconds|at|epoch|missed|`. The state machine splits the
 * error's Cause at `|`, because an intrinsic function of Step Functions cannot read a field of another's result.
 */
export function turnMessage(text: string, until: number, seconds: number, slot: HeldSlot | undefined): string {
  const fields = [new Date(until).toISOString(), seconds, slot?.at ?? 0, slot?.epoch ?? 0, slot?.missed ?? 0];
  return [text, ...fields, ''].join(separator);
}

const msPerSecond = 1000;

/** When to continue for a slot: up to 1.45 s before it, since Step Functions waits in whole seconds. */
export function slotWakeUp(at: number): number {
  return Math.floor((at - 450) / msPerSecond) * msPerSecond;
}

/** The state machine waits until `until`, in whole seconds, and runs the step again. */
export class Deferred extends Error {
  override readonly name = 'Deferred';
  /** ms since 1970. Step Functions truncates milliseconds, so the time is in whole seconds. */
  readonly until: number;
  readonly reason: DeferralReason;
  readonly slot: HeldSlot | undefined;

  /** @param at ms since 1970. @param options the failure that caused the deferral, as `cause` */
  constructor(at: number, reason: DeferralReason, options: ErrorOptions & { readonly slot?: HeldSlot } = {}) {
    const until = Math.ceil(at / msPerSecond) * msPerSecond;
    super(
      turnMessage(reason, until, 1, options.slot),
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.until = until;
    this.reason = reason;
    this.slot = options.slot;
  }
}
