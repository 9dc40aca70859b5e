import { setTimeout as wait } from 'node:timers/promises';

/** Time and randomness, injectable for tests. Times are in ms since 1970. */
export interface Clock {
  now(): number;
  sleep(ms: number): Promise<void>;
  /** From 0 (inclusive) to 1 (exclusive). */
  random(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms) => void (await wait(Math.max(0, ms))),
  random: Math.random,
};
