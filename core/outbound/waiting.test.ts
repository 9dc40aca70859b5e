import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Waiting, whileWaiting } from './waiting.ts';

const runs = { numRuns: 1_000 };
const position = fc.integer({ min: 1, max: 10_000 });
const ms = fc.integer({ min: 0, max: 86_400_000 });

describe('a run that waits in its conversation', () => {
  it.each<[string, Parameters<typeof whileWaiting>[0], Waiting]>([
    ['polls when it is the second', { position: 1, waitedMs: 0, ageMs: 0 }, { kind: 'poll', ms: 200 }],
    ['polls more slowly the longer it waits', { position: 1, waitedMs: 1_000, ageMs: 0 }, { kind: 'poll', ms: 300 }],
    ['polls for 15 s', { position: 1, waitedMs: 15_000, ageMs: 0 }, { kind: 'poll', ms: 500 }],
    ['polls for a quarter of that as the third', { position: 2, waitedMs: 3_750, ageMs: 0 }, { kind: 'poll', ms: 500 }],
    ['and comes back later then', { position: 2, waitedMs: 3_751, ageMs: 60_000 }, { kind: 'later', ms: 2_000 }],
    [
      'but looks at the first as the third once it is a minute old',
      { position: 2, waitedMs: 3_751, ageMs: 63_000 },
      { kind: 'look', ms: 2_100 },
    ],
    [
      'looks at the first after 15 s',
      { position: 1, waitedMs: 15_001, ageMs: 16_000 },
      { kind: 'look', ms: 16_000 / 30 },
    ],
    ['comes back later from further behind', { position: 5, waitedMs: 0, ageMs: 0 }, { kind: 'later', ms: 1_500 }],
    ['waits longer the older it is', { position: 5, waitedMs: 0, ageMs: 300_000 }, { kind: 'later', ms: 10_000 }],
    [
      'looks from wherever it is once it is old',
      { position: 90, waitedMs: 0, ageMs: 300_001 },
      { kind: 'look', ms: 27_000 },
    ],
    [
      'comes back after ten minutes at the latest',
      { position: 1e4, waitedMs: 0, ageMs: 0 },
      { kind: 'later', ms: 600_000 },
    ],
    [
      'enters again at once when it is not in line',
      { position: -1, waitedMs: 99_000, ageMs: 1e6 },
      { kind: 'poll', ms: 0 },
    ],
  ])('%s', (_name, given, expected) => {
    expect(whileWaiting(given)).toEqual(expected);
  });

  it('never polls past 15 s: it looks or comes back later', () => {
    fc.assert(
      fc.property(position, fc.integer({ min: 15_001, max: 86_400_000 }), ms, (place, waitedMs, ageMs) => {
        expect(whileWaiting({ position: place, waitedMs, ageMs }).kind).not.toBe('poll');
      }),
      runs,
    );
  });

  it('pauses for at least a moment, at most 2 s within the function and 10 min outside', () => {
    fc.assert(
      fc.property(position, ms, ms, (place, waitedMs, ageMs) => {
        const next = whileWaiting({ position: place, waitedMs, ageMs });
        expect(next.ms).toBeGreaterThanOrEqual(200);
        expect(next.ms).toBeLessThanOrEqual(next.kind === 'poll' ? 2_000 : 600_000);
      }),
      runs,
    );
  });

  it('does not come back sooner from further behind', () => {
    fc.assert(
      fc.property(position, ms, (place, ageMs) => {
        const from = (one: number) => whileWaiting({ position: one, waitedMs: 20_000, ageMs }).ms;
        expect(from(place + 1)).toBeGreaterThanOrEqual(from(place));
      }),
      runs,
    );
  });

  it('looks at who blocks it, wherever it stands, once its request is older than 5 min', () => {
    fc.assert(
      fc.property(position, fc.integer({ min: 300_001, max: 86_400_000 }), (place, ageMs) => {
        expect(whileWaiting({ position: place, waitedMs: 15_001, ageMs }).kind).toBe('look');
      }),
      runs,
    );
  });
});
