import { describe, expect, it } from 'vitest';
import { functions } from '../../stacks/topology.ts';
import { type Scenario, simulate } from '../../test/model/simulate.ts';

// The gate looks at more worlds than a developer wants to wait for.
const seeds = process.env.CI ? 500 : 100;
const calm: Omit<Scenario, 'seed'> = {
  requests: 120,
  chats: 8,
  callsPerSecond: 10,
  partsAtMost: 1,
  faults: 0,
  crash: 0,
  duplicates: 0,
  stopped: 0,
  concurrency: functions.send.concurrency,
};
const everything = (seed: number): Scenario => ({
  ...calm,
  seed,
  faults: 0.3,
  crash: 0.01,
  duplicates: 0.15,
  stopped: 0.02,
  partsAtMost: seed % 2 ? 1 : 3,
  outage: seed % 3 ? undefined : [5_000, 40_000],
});

/** The totals over many seeds. */
async function total(scenarios: readonly Scenario[]) {
  const sum = { twice: 0, lost: 0, inverted: 0, tooMany: 0, dead: 0 };
  for (const scenario of scenarios) {
    const outcome = await simulate(scenario);
    sum.twice += outcome.twice;
    sum.lost += outcome.lost;
    sum.inverted += outcome.inverted;
    sum.tooMany += outcome.tooMany;
    sum.dead += outcome.dead;
  }
  return sum;
}

const range = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

describe('the send step in a world where everything goes wrong', () => {
  it.each([
    { callsPerSecond: 10, atMost: 1.05 },
    // Whole milliseconds make that 4 % of margin, and the start is a greater part of it.
    { callsPerSecond: 40, atMost: 1.06 },
  ])(
    'sends a burst at $callsPerSecond calls a second, each message once and in order',
    async ({ callsPerSecond, atMost }) => {
      const outcome = await simulate({ ...calm, callsPerSecond, seed: 1, requests: 1000, chats: 50 });
      expect(outcome).toMatchObject({ twice: 0, lost: 0, inverted: 0, tooMany: 0, dead: 0, accepted: 1000 });
      expect(outcome.seconds).toBeLessThan((1000 / callsPerSecond) * atMost);
    },
  );

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
      expect(outcome).toMatchObject({ twice: 0, lost: 0, inverted: 0, tooMany: 0, dead: 0, accepted: 1000 });
      expect(outcome.seconds).toBeLessThan((1000 / slow.callsPerSecond) * atMost);
    },
  );

  it(`loses, repeats and swaps nothing in ${seeds} worlds of faults, crashes, duplicate and stopped runs, and outages`, {
    timeout: 600_000,
  }, async () => {
    const sum = await total(range(seeds).map(everything));
    expect(sum).toMatchObject({ twice: 0, lost: 0, inverted: 0 });
    // The worlds are as bad as they should be.
    expect(sum.dead).toBeGreaterThan(seeds);
  });

  it.each(['probe', 'claim', 'queue'] as const)('goes wrong without the %s', { timeout: 120_000 }, async (without) => {
    const sum = await total(range(20).map((seed) => ({ ...everything(seed), without })));
    expect(sum.twice + sum.lost + sum.inverted).toBeGreaterThan(0);
  });
});
