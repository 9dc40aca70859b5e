import { setTimeout as wait } from 'node:timers/promises';

/** Time and chance, so that a test can hold both in its hand. Times are ms since 1970. */
export interface Clock {
  now(): number;
  sleep(ms: number): Promise<void>;
  /** From 0 up to 1. */
  random(): number;
}

export const systemClock: Clock = {
  now: Date.now,
  sleep: async (ms) => void (await wait(Math.max(0, ms))),
  random: Math.random,
};
