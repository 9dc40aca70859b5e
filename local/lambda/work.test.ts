import { expect, test } from 'vitest';
import { allIdle, createWork } from './work.ts';

test('work is idle when all that began has ended, each piece once', async () => {
  const work = createWork();
  const first = work.begin();
  const second = work.begin();

  first();
  first();
  expect(await work.idle(1)).toBe(false);
  const idle = work.idle(5_000);
  second();

  expect(await idle).toBe(true);
  expect(work.pending()).toBe(0);
});

test('all are idle when they are so at the same moment', async () => {
  const [one, other] = [createWork(), createWork()];
  const first = one.begin();
  const second = other.begin();
  const idle = allIdle([one, other], 5_000);

  // The end of the one begins something at the other, and the other way round.
  const third = other.begin();
  first();
  second();
  const fourth = one.begin();
  third();
  fourth();

  expect(await idle).toBe(true);
  one.begin();
  expect(await allIdle([other, one], 1)).toBe(false);
});
