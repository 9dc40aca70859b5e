import { beforeAll, expect, it } from 'vitest';
import { withCapacity } from '../bench/engine.ts';
import {
  closeThreads,
  countWrites,
  type MeasuredRun,
  measureRun,
  reconcile,
  reconcileRate,
  sendNews,
  startThreads,
} from '../bench/reconcile.ts';
import { createMeter } from '../bench/usage.ts';

const archived = 250;
const active = 30;
const activeWithNews = 5;

let run: MeasuredRun;

beforeAll(async () => {
  run = await withCapacity(reconcileRate, async (local, capacity) => {
    await closeThreads(local, await startThreads(local, archived));
    const chats = await startThreads(local, active);
    await reconcile(local);
    await sendNews(local, chats.slice(0, activeWithNews));
    const meter = await createMeter(local, capacity);
    return measureRun(local, meter).finally(meter.stop);
  });
}, 180_000);

it('finds no difference and publishes nothing', () => {
  const threads = archived + active;
  expect(run.run).toMatchObject({ status: 'complete', report: { threads, equal: threads, published: 0, passes: 1 } });
  expect(run.used.busEvents).toBe(0);
});

it('makes one call for 100 archived threads, one for 100 active chats, and one for each active chat with news', () => {
  expect(run.calls).toEqual({
    list_archives: Math.ceil(archived / 100),
    list_chats: Math.ceil(active / 100),
    get_chat: activeWithNews,
  });
});

it('writes twice, apart from the reservations of the rate limiter', () => {
  expect(countWrites(run, (entity) => entity === 'reconciliation')).toBe(2);
  expect(countWrites(run, (entity) => entity !== 'reconciliation' && entity !== 'rateLimit')).toBe(0);
});
