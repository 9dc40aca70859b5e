import { describe, expect, it } from 'vitest';
import {
  drain,
  drainBesideBackfill,
  longGroup,
  noisyNeighbours,
  outage,
  pausedOrganization,
  routingBesideBacklog,
  steady,
} from '../../test/model/scenarios.ts';
import type { WorldOptions } from '../../test/model/world.ts';

const calm = { seed: 1, callsPerSecond: 10, faults: 0 };

describe('the send path under load', { timeout: 300_000 }, () => {
  it.each([
    { callsPerSecond: 10, chats: 50, maxRatio: 1.05 },
    { callsPerSecond: 10, chats: 5, maxRatio: 1.05 },
    { callsPerSecond: 20, chats: 50, maxRatio: 1.06 },
    { callsPerSecond: 40, chats: 50, maxRatio: 1.06 },
  ])(
    'sends 1,000 requests of $chats chats at $callsPerSecond calls a second in order, without a 429',
    async ({ callsPerSecond, chats, maxRatio }) => {
      const result = await drain({ ...calm, callsPerSecond, chats });
      expect(result).toMatchObject({ delivered: 1000, rateLimited: 0, inversions: 0, describes: 0 });
      expect(result.ratio).toBeLessThanOrEqual(maxRatio);
      expect(result.transitions).toBeLessThan(7);
    },
  );

  it.each([
    { callsPerSecond: 10, chats: 50, slowness: 5, maxRatio: 1.06 },
    { callsPerSecond: 40, chats: 200, slowness: 5, maxRatio: 1.1 },
    { callsPerSecond: 10, chats: 50, slowness: 20, maxRatio: 1.5 },
  ])(
    'keeps the rate at $callsPerSecond calls a second while tables are $slowness times slower',
    async ({ maxRatio, ...slow }) => {
      const result = await drain({ ...calm, ...slow });
      expect(result).toMatchObject({ delivered: 1000, inversions: 0 });
      // Where each operation takes so long, a few calls come too close to each other.
      expect(result.rateLimited).toBeLessThan(5);
      expect(result.ratio).toBeLessThanOrEqual(maxRatio);
    },
  );

  it.each<WorldOptions & { chats: number; maxRatio: number; maxRateLimited: number }>([
    { ...calm, chats: 50, latency: [40, 160], maxRatio: 1.12, maxRateLimited: 3 },
    { ...calm, chats: 50, latency: [40, 250], maxRatio: 1.15, maxRateLimited: 4 },
    { ...calm, chats: 50, configuredRate: 12, maxRatio: 1.15, maxRateLimited: 10 },
    { ...calm, chats: 50, configuredRate: 20, maxRatio: 1.15, maxRateLimited: 40 },
  ])('finds the rate after 429s with %o', async ({ maxRatio, maxRateLimited, ...options }) => {
    const result = await drain(options);
    expect(result).toMatchObject({ delivered: 1000, inversions: 0 });
    expect(result.ratio).toBeLessThanOrEqual(maxRatio);
    expect(result.rateLimited).toBeLessThanOrEqual(maxRateLimited);
  });

  it('keeps the rate when half of the messages are files of slow servers', async () => {
    const result = await drain({ ...calm, chats: 100, messages: 300, files: 0.5 });
    expect(result).toMatchObject({ delivered: 300, rateLimited: 0, inversions: 0 });
  });

  it('sends one organization’s messages at once beside ten with a backlog', async () => {
    const result = await noisyNeighbours(calm);
    expect(result).toMatchObject({ rateLimited: 0, inversions: 0, throttled: 0 });
    expect(result.p50).toBeLessThanOrEqual(0.5);
    expect(result.p99).toBeLessThanOrEqual(0.7);
  });

  it('sends one organization’s messages at once beside a paused one, which occupies no function', async () => {
    const result = await pausedOrganization(calm);
    expect(result.p99).toBeLessThanOrEqual(0.7);
    expect(result.concurrency).toBeLessThanOrEqual(2);
  });

  it('recovers from an outage of 85 s within 120 s, without a call of DescribeExecution', async () => {
    const result = await outage(calm);
    expect(result).toMatchObject({ dead: 0, describes: 0, inversions: 0 });
    expect(result.recovered).toBeLessThanOrEqual(120);
    expect(result.transitions).toBeLessThanOrEqual(7);
  });

  it('recovers from it within 240 s although LiveChat needs 6 to 12 s for each call', async () => {
    const result = await outage({ ...calm, latency: [6_000, 12_000] });
    expect(result).toMatchObject({ dead: 0, describes: 0, inversions: 0 });
    expect(result.recovered).toBeLessThanOrEqual(240);
    expect(result.transitions).toBeLessThanOrEqual(9);
  });

  it('needs at most 0.3 concurrency-seconds a message at a steady 200 requests a second', async () => {
    const result = await steady({ ...calm, seconds: 30 });
    expect(result).toMatchObject({ rateLimited: 0, inversions: 0 });
    expect(result.concurrencySeconds).toBeLessThanOrEqual(0.3);
    expect(result.transitions).toBeLessThan(1.5);
  });

  it('decides on routing within 2 s beside a backlog of the same organization', async () => {
    for (const seed of [1, 2, 5]) {
      const result = await routingBesideBacklog({ ...calm, seed });
      expect(result).toMatchObject({ refused: 0, delivered: 1000, rateLimited: 0, inversions: 0 });
      expect(result.p99).toBeLessThanOrEqual(2);
      expect(result.first).toBeLessThanOrEqual(3);
      // The slots that become invalid when routing claims its share are used by others.
      expect(result.maxGap).toBeLessThanOrEqual(2);
      expect(result.seconds).toBeLessThanOrEqual(120);
    }
  });

  it.each([
    { callsPerSecond: 10, backfillAt: 0 },
    { callsPerSecond: 10, backfillAt: 10_000 },
    { callsPerSecond: 20, backfillAt: 0 },
  ])(
    'sends 1,000 requests, and makes 1,000 calls of a backfill, at their shares of $callsPerSecond calls a second',
    async ({ callsPerSecond, backfillAt }) => {
      const result = await drainBesideBackfill({ ...calm, callsPerSecond, backfillAt });
      expect(result).toMatchObject({ delivered: 1000, rateLimited: 0, inversions: 0 });
      expect(result.sendsRatio).toBeLessThanOrEqual(1.05);
      expect(result.backfillRatio).toBeLessThanOrEqual(1.05);
    },
  );

  it('accepts 20,000 requests of one conversation, the last at the price of the first, and sends them in order', async () => {
    const { first, last, waiting, sentFirst, dead } = await longGroup({ ...calm, requests: 20_000 });
    expect(waiting).toHaveLength(20_000);
    expect(last).toBeLessThanOrEqual(first * 1.2);
    expect(sentFirst).toEqual(waiting.slice(0, 100));
    expect(dead).toBe(0);
  });
});
