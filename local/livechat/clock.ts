import { setTimeout as after } from 'node:timers/promises';

/** Time as the simulator sees it: given in, so that a test can set it. */
export interface Clock {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly wait: (ms: number) => Promise<unknown>;
}

export const systemClock: Clock = {
  now: Date.now,
  // What waits must not keep the process alive when everything else has ended.
  wait: (ms) => after(ms, undefined, { ref: false }),
};
