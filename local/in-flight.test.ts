import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { createInFlight, waitUntilAllIdle } from './in-flight.ts';

test('resolves idle when all work has ended, and counts each end once', async () => {
  const inFlight = createInFlight();
  expect(await inFlight.idle(0)).toBe(true);
  const [first, second] = [inFlight.track(), inFlight.track()];

  expect(await inFlight.idle(1)).toBe(false);
  first();
  first();
  expect(inFlight.pending()).toBe(1);
  expect(await inFlight.idle(1)).toBe(false);
  const idle = inFlight.idle(5_000);
  second();

  expect(await idle).toBe(true);
  expect(inFlight.pending()).toBe(0);
});

test('waits until all counters are zero at the same moment', async () => {
  const [one, other] = [createInFlight(), createInFlight()];
  const first = one.track();
  const second = other.track();
  const idle = waitUntilAllIdle([one, other], 5_000);

  // Work of each counter starts work of the other.
  const third = other.track();
  first();
  second();
  const fourth = one.track();
  third();
  fourth();

  expect(await idle).toBe(true);
  one.track();
  expect(await waitUntilAllIdle([other, one], 1)).toBe(false);
});

test('shares the count between counters with the same memory', () => {
  const { memory, track } = createInFlight();
  const end = track();
  expect(createInFlight(memory).pending()).toBe(1);
  end();
  expect(createInFlight(memory).pending()).toBe(0);
});

test('waits for work that another thread ends', async () => {
  const inFlight = createInFlight();
  inFlight.track();
  const end = `
    const count = new Int32Array(require('node:worker_threads').workerData);
    Atomics.sub(count, 0, 1);
    Atomics.notify(count, 0);`;
  const thread = new Worker(end, { eval: true, workerData: inFlight.memory });
  await expect(inFlight.idle(10_000)).resolves.toBe(true);
  await thread.terminate();
});
