import { expect, test } from 'vitest';
import { createPace } from './pace.ts';
import { percentile } from './percentile.ts';

/** Time goes on only by sleeping. */
const sleepingClock = () => {
  let time = 0;
  const sleep = async (milliseconds: number) => {
    time += milliseconds;
  };
  return { now: () => time, sleep };
};

test('turns come at even distances', async () => {
  const clock = sleepingClock();
  const pace = createPace(4, clock);
  const turns: number[] = [];
  for (let n = 0; n < 4; n++) {
    await pace();
    turns.push(clock.now());
  }
  expect(turns).toEqual([0, 250, 500, 750]);
});

test('time that was lost is not made up by a burst', async () => {
  const clock = sleepingClock();
  const pace = createPace(10, clock);
  await pace();
  await clock.sleep(1000);
  await pace();
  await pace();
  expect(clock.now()).toBe(1100);
});

test('without a rate nobody waits', async () => {
  const clock = sleepingClock();
  const pace = createPace(undefined, clock);
  await pace();
  await pace();
  expect(clock.now()).toBe(0);
});

test.each([
  [[], 50, 0],
  [[7], 99, 7],
  [[3, 1, 2], 50, 2],
  [Array.from({ length: 100 }, (_, n) => n + 1), 99, 99],
])('%j, percentile %i: %i', (values, percent, expected) => {
  expect(percentile(values, percent)).toBe(expected);
});
