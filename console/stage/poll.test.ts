import { expect, it } from 'vitest';
import { createHorizon } from './poll.ts';

const start = Date.UTC(2026, 2, 11, 9);
const at = (seconds: number) => new Date(start + seconds * 1_000).toISOString();

it('a look goes back over the last minute, and no further than to what was there a minute ago', () => {
  const horizon = createHorizon();
  horizon.note([at(-300), at(-301)], start);
  // What was on its way when the console began is late by a minute at most.
  expect(horizon.since(start)).toBe(at(-360));
  horizon.note([at(2)], start + 2_000);
  expect(horizon.since(start + 59_000)).toBe(at(-360));
  expect(horizon.since(start + 60_000)).toBe(at(-300));
  expect(horizon.since(start + 62_000)).toBe(at(2));
  // Nothing has happened since: one item is read.
  expect(horizon.since(start + 3_600_000)).toBe(at(2));
});

it('where nothing was stored yet, all that comes is new', () => {
  const horizon = createHorizon();
  expect(horizon.since(start + 3_600_000)).toBe('0');
  horizon.note([], start);
  horizon.note([at(0)], start);
  expect(horizon.since(start + 30_000)).toBe(at(-60));
  expect(horizon.since(start + 60_000)).toBe(at(0));
});

it('one wrong date, years ahead, hides nothing', () => {
  const horizon = createHorizon();
  const wrong = '2099-01-01T00:00:00.000000Z';
  horizon.note([wrong], start);
  expect(horizon.since(start)).toBe('0');
  horizon.note([wrong, at(0)], start);
  horizon.note([at(3), at(0)], start + 4_000);
  expect(horizon.since(start + 120_000)).toBe(at(3));
});
