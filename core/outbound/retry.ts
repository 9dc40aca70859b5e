/** What to do after a call of unknown or failed outcome. */
export type Next =
  /** Fail with the call's own error: the state machine tries again soon. */
  | { readonly kind: 'again' }
  /** Come back at `at`, ms since 1970. */
  | { readonly kind: 'later'; readonly at: number }
  /** The request expires before another attempt would come. */
  | { readonly kind: 'expired' };

/** The first attempt and three quick retries are the state machine's. */
const machineAttempts = 3;
const pausesMs = [30_000, 120_000, 300_000, 600_000] as const;

/** @param attempts failed calls so far, this one included. Times are ms since 1970. */
export function nextAfter(attempts: number, now: number, expiresAt: number): Next {
  if (attempts <= machineAttempts) return now >= expiresAt ? { kind: 'expired' } : { kind: 'again' };
  const pause = pausesMs[Math.min(attempts - machineAttempts, pausesMs.length) - 1] ?? pausesMs[0];
  return now + pause >= expiresAt ? { kind: 'expired' } : { kind: 'later', at: now + pause };
}

/** LiveChat may still carry out a call for this long after it began. */
export const settlesAfterMs = 20_000;

/**
 * From when on *not found* means *not sent*: at once where LiveChat has answered, else when it can no longer be at work.
 */
export function settledAt(answered: boolean, callBegan: number, now: number): number {
  return answered ? now : callBegan + settlesAfterMs;
}
