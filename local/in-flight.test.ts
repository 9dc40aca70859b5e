import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { allIdle, createWork, sharedCount, sharedWork } from './in-flight.ts';

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

test('nothing is under way until it begins, and no more when all of it has ended', async () => {
  const work = sharedWork(sharedCount());
  await expect(work.idle(0)).resolves.toBe(true);
  const [first, second] = [work.begin(), work.begin()];
  await expect(work.idle(10)).resolves.toBe(false);
  first();
  first();
  expect(work.pending()).toBe(1);
  const idle = work.idle(10_000);
  second();
  await expect(idle).resolves.toBe(true);
});

test('two that count in the same memory see the same', () => {
  const memory = sharedCount();
  const end = sharedWork(memory).begin();
  expect(sharedWork(memory).pending()).toBe(1);
  end();
  expect(sharedWork(memory).pending()).toBe(0);
});

test('work that another thread ends is waited for', async () => {
  const memory = sharedCount();
  const work = sharedWork(memory);
  work.begin();
  const ending = `
    const count = new Int32Array(require('node:worker_threads').workerData);
    Atomics.sub(count, 0, 1);
    Atomics.notify(count, 0);`;
  const thread = new Worker(ending, { eval: true, workerData: memory });
  await expect(work.idle(10_000)).resolves.toBe(true);
  await thread.terminate();
});
