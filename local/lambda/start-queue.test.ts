import { setImmediate as round } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createStartQueue } from './start-queue.ts';

it('starts one invocation per turn, in order', async () => {
  const started: number[] = [];
  const startQueue = createStartQueue(() => 0);
  for (const index of [1, 2, 3]) startQueue(() => started.push(index));
  const seen: number[][] = [];
  for (let rounds = 0; rounds < 4; rounds += 1) {
    seen.push([...started]);
    await round();
  }
  expect(seen).toEqual([[], [1], [1, 2], [1, 2, 3]]);
});

it('starts nothing in a long turn', async () => {
  const clock = [0, 50, 50, 51];
  let started = false;
  createStartQueue(() => clock.shift() ?? 0)(() => {
    started = true;
  });
  await round();
  expect(started).toBe(false);
  await round();
  expect(started).toBe(true);
});
