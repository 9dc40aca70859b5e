import { expect } from 'vitest';
import { functions } from '../../stacks/topology.ts';
import { modelWorlds } from '../depth.ts';
import { type Scenario, simulate } from './simulate.ts';

export const range = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

const worlds = modelWorlds;
/** Half of the worlds, by seed, for each of two files: two files run side by side. */
export const firstHalf: readonly number[] = range(worlds).slice(0, worlds / 2);
export const secondHalf: readonly number[] = range(worlds).slice(worlds / 2);
export const calm: Omit<Scenario, 'seed'> = {
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
export const everything = (seed: number): Scenario => ({
  ...calm,
  seed,
  faults: 0.3,
  crash: 0.01,
  duplicates: 0.15,
  stopped: 0.02,
  partsAtMost: seed % 2 ? 1 : 3,
  outage: seed % 3 ? undefined : [5_000, 40_000],
  files: seed % 4 ? 0 : 0.3,
});

/** The totals over many seeds. */
export async function total(scenarios: readonly Scenario[]) {
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

/** @param seeds One world each. */
export async function expectNothingLostIn(seeds: readonly number[]): Promise<void> {
  const sum = await total(seeds.map(everything));
  expect(sum).toMatchObject({ twice: 0, lost: 0, inverted: 0 });
  // The worlds are as bad as they should be.
  expect(sum.dead).toBeGreaterThan(seeds.length);
}
