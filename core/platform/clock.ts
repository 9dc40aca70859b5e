import { setTimeout as wait } from 'node:timers/promises';
import type { Context } from 'aws-lambda';

/** Time and randomness, injectable for tests. Times are in ms since 1970. */
export interface Clock {
  now(): number;
  sleep(ms: number): Promise<void>;
  /** From 0 (inclusive) to 1 (exclusive). */
  random(): number;
}

export const systemClock: Clock = {
  now: Date.now,
  sleep: async (ms) => void (await wait(Math.max(0, ms))),
  random: Math.random,
};

/** A Lambda context that holds the remaining time: Powertools' idempotency reads nothing else. */
export function remainingTimeContext(getRemainingTimeInMillis: () => number): Context {
  const unused = { functionName: '', functionVersion: '', invokedFunctionArn: '', memoryLimitInMB: '' };
  const alsoUnused = { awsRequestId: '', logGroupName: '', logStreamName: '', callbackWaitsForEmptyEventLoop: false };
  return { ...unused, ...alsoUnused, getRemainingTimeInMillis, done() {}, fail() {}, succeed() {} };
}
