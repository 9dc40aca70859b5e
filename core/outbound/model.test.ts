import { describe, expect, it } from 'vitest';
import { simulate } from '../../test/model/simulate.ts';
import { calm, everything, range, total } from '../../test/model/worlds.ts';

describe('the send step in a world where everything goes wrong', () => {
  it.each([
    { callsPerSecond: 10, atMost: 1.05 },
    // Whole milliseconds make that 4 % of margin, and the start is a greater part of it.
    { callsPerSecond: 40, atMost: 1.06 },
  ])(
    'sends a burst at $callsPerSecond calls a second, each message once and in order',
    async ({ callsPerSecond, atMost }) => {
      const outcome = await simulate({ ...calm, callsPerSecond, seed: 1, requests: 1000, chats: 50 });
      expect(outcome).toMatchObject({ twice: 0, lost: 0, inverted: 0, dead: 0, accepted: 1000 });
      // Where each step takes so long and so differently, a call drifts into another's time now and then.
      expect(outcome.tooMany).toBeLessThan(5);
      expect(outcome.seconds).toBeLessThan((1000 / callsPerSecond) * atMost);
    },
  );

  it('keeps its pace when files come from slow servers', async () => {
    const outcome = await simulate({ ...calm, seed: 1, requests: 300, chats: 100, files: 0.5 });
    expect(outcome).toMatchObject({ twice: 0, lost: 0, inverted: 0, tooMany: 0, dead: 0, accepted: 300 });
  });

  it.each([
    { callsPerSecond: 10, chats: 50, slowness: 5, atMost: 1.05 },
    { callsPerSecond: 40, chats: 200, slowness: 5, atMost: 1.1 },
    // A table that takes 65 ms for each call. A run that waits inside the function does nothing else there.
    { callsPerSecond: 40, chats: 200, slowness: 10, atMost: 1.5 },
    { callsPerSecond: 10, chats: 50, slowness: 20, atMost: 2.6 },
  ])(
    'keeps its pace over $chats chats at $callsPerSecond calls a second while the tables are $slowness times slower',
    async ({ atMost, ...slow }) => {
      const outcome = await simulate({ ...calm, ...slow, seed: 1, requests: 1000 });
      expect(outcome).toMatchObject({ twice: 0, lost: 0, inverted: 0, dead: 0, accepted: 1000 });
      // Where each step takes so long and so differently, a call drifts into another's time now and then.
      expect(outcome.tooMany).toBeLessThan(5);
      expect(outcome.seconds).toBeLessThan((1000 / slow.callsPerSecond) * atMost);
    },
  );

  it.each(['probe', 'claim', 'queue'] as const)('goes wrong without the %s', { timeout: 120_000 }, async (without) => {
    const sum = await total(range(20).map((seed) => ({ ...everything(seed), without })));
    expect(sum.twice + sum.lost + sum.inverted).toBeGreaterThan(0);
  });
});
