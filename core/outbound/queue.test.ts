import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Local, startLocal } from '../../test/local.ts';
import { memoryStores } from '../../test/model/stores.ts';
import type { ConversationKey, QueueStore } from './queue.ts';

describe('the queue of a conversation', () => {
  let local: Local;
  let queue: QueueStore;
  beforeAll(async () => {
    local = await startLocal();
    for (const [name, value] of Object.entries(local.environment)) vi.stubEnv(name, value);
    ({ queueStore: queue } = await import('./queue.ts'));
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await local.stop();
  });

  const fresh = (): ConversationKey => ({ organizationId: 'organization', conversationId: randomUUID() });
  const runs = Array.from({ length: 64 }, (_, index) => `run-${index}`);

  it('takes in 64 who come at once, each behind another and nobody lost', async () => {
    const key = fresh();
    const seen = await Promise.all(runs.map((run) => queue.enter(key, run)));
    const waiting = await queue.read(key);
    expect(waiting.toSorted()).toEqual(runs.toSorted());
    for (const [index, run] of runs.entries()) {
      expect(seen[index]).toContain(run);
      expect(waiting.slice(0, seen[index]?.length)).toEqual(seen[index]);
    }
  });

  it('lets all leave at once, wherever they stand', async () => {
    const key = fresh();
    for (const run of runs.slice(0, 16)) await queue.enter(key, run);
    await Promise.all(runs.slice(1, 16).map((run) => queue.leave(key, run)));
    expect(await queue.read(key)).toEqual(['run-0']);
  });

  it('loses nobody who comes while others leave', async () => {
    const key = fresh();
    const [early, late] = [runs.slice(0, 16), runs.slice(16, 32)];
    for (const run of early) await queue.enter(key, run);
    await Promise.all([...early.map((run) => queue.leave(key, run)), ...late.map((run) => queue.enter(key, run))]);
    expect((await queue.read(key)).toSorted()).toEqual(late.toSorted());
  });

  it('takes the same one in once, however often it comes at once', async () => {
    const key = fresh();
    await Promise.all(Array.from({ length: 16 }, () => queue.enter(key, 'run')));
    expect(await queue.read(key)).toEqual(['run']);
  });

  it('is each conversation’s own', async () => {
    const [here, there] = [fresh(), fresh()];
    await queue.enter(here, 'run');
    expect(await queue.read(there)).toEqual([]);
    expect(await queue.read({ ...here, organizationId: 'other' })).toEqual([]);
  });

  it('is none before anybody came', async () => {
    const key = fresh();
    expect(await queue.read(key)).toEqual([]);
    await queue.leave(key, 'run');
    expect(await queue.read(key)).toEqual([]);
  });

  it('answers and ends as the one in memory does, whatever is done to it', { timeout: 120_000 }, async () => {
    const operation = fc.tuple(
      fc.constantFrom('enter', 'enter', 'leave', 'read'),
      fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    );
    const operations = fc.array(operation, { minLength: 20, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(operations, async (list) => {
        const key = fresh();
        const memory = memoryStores(10).queue;
        for (const [todo, run] of list) {
          const [answer, expected] = await Promise.all([queue, memory].map((one) => one[todo](key, run)));
          expect(answer).toEqual(expected);
        }
        expect(await queue.read(key)).toEqual(await memory.read(key));
      }),
      { numRuns: 100 },
    );
  });
});
