import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Next, nextAfter, settledAt, settlesAfterMs } from './retry.ts';

const now = 1_790_000_000_000;
const never = Number.POSITIVE_INFINITY;
const runs = { numRuns: 1_000 };
const again: Next = { kind: 'again' };
const expired: Next = { kind: 'expired' };
const later = (ms: number): Next => ({ kind: 'later', at: now + ms });

describe('after a failed call', () => {
  it.each<[number, number, Next]>([
    [1, never, again],
    [3, never, again],
    [3, now + 1, again],
    [3, now, expired],
    [4, never, later(30_000)],
    [5, never, later(120_000)],
    [6, never, later(300_000)],
    [7, never, later(600_000)],
    [8, never, later(600_000)],
    [500, never, later(600_000)],
    [4, now + 30_001, later(30_000)],
    [4, now + 30_000, expired],
    [5, now + 30_001, expired],
    [1, now - 1, expired],
  ])('the %dth, with expiry at %d, it is %o', (attempts, expiresAt, expected) => {
    expect(nextAfter(attempts, now, expiresAt)).toEqual(expected);
  });

  const attempts = fc.integer({ min: 1, max: 200 });
  const lifetime = fc.integer({ min: -10_000, max: 86_400_000 });

  it('nothing is ever planned for when the request has expired', () => {
    fc.assert(
      fc.property(attempts, lifetime, (count, ms) => {
        const expiresAt = now + ms;
        const next = nextAfter(count, now, expiresAt);
        if (next.kind === 'later') expect(next.at).toBeLessThan(expiresAt);
        if (next.kind === 'again') expect(now).toBeLessThan(expiresAt);
      }),
      runs,
    );
  });

  it('the next try is never sooner than after fewer failures', () => {
    const wait = (next: Next) => (next.kind === 'again' ? 0 : next.kind === 'later' ? next.at - now : never);
    fc.assert(
      fc.property(attempts, lifetime, (count, ms) => {
        const [one, more] = [count, count + 1].map((failed) => wait(nextAfter(failed, now, now + ms)));
        expect(more).toBeGreaterThanOrEqual(one ?? never);
      }),
      runs,
    );
  });
});

describe('not found means not sent', () => {
  const time = fc.integer({ min: 0, max: 2_000_000_000_000 });

  it('at once when LiveChat has answered', () => {
    fc.assert(
      fc.property(time, fc.nat(60_000), (began, took) => {
        expect(settledAt(true, began, began + took)).toBe(began + took);
      }),
      runs,
    );
  });

  it('20 s after the call began when it has not, however long ago that is', () => {
    expect(settlesAfterMs).toBe(20_000);
    fc.assert(
      fc.property(time, fc.nat(60_000), (began, took) => {
        expect(settledAt(false, began, began + took)).toBe(began + 20_000);
      }),
      runs,
    );
  });
});
