/** What a run does while others are before it in its conversation. */
export type Waiting =
  /** Look again after `ms`. */
  | { readonly kind: 'poll'; readonly ms: number }
  /** See whether the first is still running; if it is, come back after `ms`. */
  | { readonly kind: 'look'; readonly ms: number }
  /** Come back after `ms`. */
  | { readonly kind: 'later'; readonly ms: number };

/** How long the second waits inside the function; the third a quarter of that, the fourth a ninth, lest they use up its concurrency. */
const pollMs = 15_000;
const longestPollPauseMs = 500;
/** The second looks at who blocks it. Those behind do once their request is so old, near the front and elsewhere: the second may have ended, too. */
const oldNearFrontMs = 60_000;
const oldMs = 300_000;
const longestDeferralMs = 600_000;
/** About what each one before it takes. */
const pauseAtPositionMs = 300;
/** So near the front it waits inside the function. */
const nearFront = 4;

/** @param position 1 for the second in the queue; negative for one that is not in it. */
export function whileWaiting({
  position,
  waitedMs,
  ageMs,
}: {
  position: number;
  waitedMs: number;
  ageMs: number;
}): Waiting {
  if (position < 0) return { kind: 'poll', ms: 0 };
  if (position <= nearFront && waitedMs <= pollMs / position ** 2) {
    return { kind: 'poll', ms: Math.min(longestPollPauseMs, 200 + waitedMs / 10) };
  }
  const ms = Math.min(longestDeferralMs, Math.max(pauseAtPositionMs * position, ageMs / 30));
  const old = ageMs > (position <= nearFront ? oldNearFrontMs : oldMs);
  return { kind: position === 1 || old ? 'look' : 'later', ms };
}
