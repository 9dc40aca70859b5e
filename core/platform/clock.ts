import { setTimeout as wait } from 'node:timers/promises';
import type { Context } from 'aws-lambda';

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

/** Of a Lambda context Powertools asks nothing but the time that is left. */
export function remainingTimeContext(getRemainingTimeInMillis: () => number): Context {
  const unused = { functionName: '', functionVersion: '', invokedFunctionArn: '', memoryLimitInMB: '' };
  const alsoUnused = { awsRequestId: '', logGroupName: '', logStreamName: '', callbackWaitsForEmptyEventLoop: false };
  return { ...unused, ...alsoUnused, getRemainingTimeInMillis, done() {}, fail() {}, succeed() {} };
}
