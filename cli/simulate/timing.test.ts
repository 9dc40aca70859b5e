import { expect, test } from 'vitest';
import { createThrottle, percentile } from './timing.ts';

/** Only sleeping advances the time. */
const sleepingClock = () => {
  let time = 0;
  const sleep = async (milliseconds: number) => {
    time += milliseconds;
  };
  return { now: () => time, sleep };
};

test('a throttle allows calls at even intervals', async () => {
  const clock = sleepingClock();
  const throttle = createThrottle(4, clock);
  const times: number[] = [];
  for (let n = 0; n < 4; n++) {
    await throttle();
    times.push(clock.now());
  }
  expect(times).toEqual([0, 250, 500, 750]);
});

test('a throttle does not catch up with a burst', async () => {
  const clock = sleepingClock();
  const throttle = createThrottle(10, clock);
  await throttle();
  await clock.sleep(1000);
  await throttle();
  await throttle();
  expect(clock.now()).toBe(1100);
});

test('a throttle without a rate does not wait', async () => {
  const clock = sleepingClock();
  const throttle = createThrottle(undefined, clock);
  await throttle();
  await throttle();
  expect(clock.now()).toBe(0);
});

test.each([
  [[], 50, 0],
  [[7], 99, 7],
  [[3, 1, 2], 50, 2],
  [Array.from({ length: 100 }, (_, n) => n + 1), 99, 99],
])('the percentile of %j at %i is %i', (values, percent, expected) => {
  expect(percentile(values, percent)).toBe(expected);
});
