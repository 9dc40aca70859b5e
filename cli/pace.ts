/** Waits for one's turn. */
export type Pace = () => Promise<void>;

export interface Clock {
  /** Milliseconds. */
  readonly now: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

/** Turns at even distances, so many a second; without a rate there is no waiting. */
export const createPace = (perSecond: number | undefined, { now, sleep }: Clock): Pace => {
  if (perSecond === undefined) return () => Promise.resolve();
  let next = now();
  return async () => {
    const turn = Math.max(next, now());
    next = turn + 1000 / perSecond;
    const wait = turn - now();
    if (wait > 0) await sleep(wait);
  };
};
