import { expect, it } from 'vitest';
import { createHorizon, storageDelayMs } from './changes.ts';

const start = Date.UTC(2026, 2, 11, 9);
const at = (seconds: number) => new Date(start + seconds * 1_000).toISOString();

it('reads back to the latest item that was known a minute ago', () => {
  const horizon = createHorizon();
  horizon.record([at(-300), at(-301)], start);
  // Items written as the console started may appear up to a minute later.
  expect(horizon.since(start)).toBe(at(-360));
  horizon.record([at(2)], start + 2_000);
  expect(horizon.since(start + 59_000)).toBe(at(-360));
  expect(horizon.since(start + 60_000)).toBe(at(-300));
  expect(horizon.since(start + 62_000)).toBe(at(2));
  // No activity since: one item is read.
  expect(horizon.since(start + 3_600_000)).toBe(at(2));
});

it('reads everything while nothing is stored', () => {
  const horizon = createHorizon();
  expect(horizon.since(start + 3_600_000)).toBe('0');
  horizon.record([], start);
  horizon.record([at(0)], start);
  expect(horizon.since(start + 30_000)).toBe(at(-60));
  expect(horizon.since(start + 60_000)).toBe(at(0));
});

it('ignores a time that is years ahead', () => {
  const horizon = createHorizon();
  const wrong = '2099-01-01T00:00:00.000000Z';
  horizon.record([wrong], start);
  expect(horizon.since(start)).toBe('0');
  horizon.record([wrong, at(0)], start);
  horizon.record([at(3), at(0)], start + 4_000);
  expect(horizon.since(start + 120_000)).toBe(at(3));
});

const receivedAt = '2026-03-11T09:00:00.000Z';

it.each([
  [{ receivedAt, storedAt: '2026-03-11T09:00:00.250Z' }, 250],
  [{ receivedAt, storedAt: receivedAt }, 0],
  // The clocks of two machines differ.
  [{ receivedAt, storedAt: '2026-03-11T08:59:59.900Z' }, undefined],
  [{ receivedAt, storedAt: 'later' }, undefined],
  [{ receivedAt }, undefined],
  [{}, undefined],
])('returns the storage delay of %j as %s ms', (message, ms) => {
  expect(storageDelayMs(message)).toBe(ms);
});
