import { describe, expect, it } from 'vitest';
import { modelWorlds } from '../../test/depth.ts';
import { type FaultsResult, runFaults } from '../../test/model/faults.ts';
import type { Mutation } from '../../test/model/faulty-ports.ts';
import { drain } from '../../test/model/scenarios.ts';

const flawless = {
  lost: 0,
  twice: 0,
  inversions: 0,
  interleaved: 0,
  stuck: 0,
  left: 0,
  withoutExecution: 0,
  failures: 0,
};

const defects = (result: FaultsResult) =>
  Object.fromEntries(Object.keys(flawless).map((name) => [name, Reflect.get(result, name)]));

describe('the send path in worlds of faults, crashes, lost wake-ups, duplicates, stopped executions and outages', () => {
  it(`loses, repeats, reorders and forgets nothing in ${modelWorlds} worlds`, { timeout: 600_000 }, async () => {
    let dead = 0;
    for (let seed = 1; seed <= modelWorlds; seed += 1) {
      const result = await runFaults(seed);
      expect({ seed, ...defects(result) }).toEqual({ seed, ...flawless });
      dead += result.dead;
    }
    // The worlds are as bad as intended.
    expect(dead).toBeGreaterThan(modelWorlds * 2);
  });

  it.each<Mutation>(['no probe', 'no claim', 'no order', 'no settle time', 'no lock'])(
    'fails within 40 worlds with the mutation "%s"',
    { timeout: 120_000 },
    async (mutation) => {
      const found = async () => {
        for (let seed = 1; seed <= 40; seed += 1) {
          const result = defects(await runFaults(seed, mutation));
          if (Object.values(result).some((count) => count > 0)) return result;
        }
        return undefined;
      };
      expect(await found()).toBeDefined();
    },
  );

  it('takes minutes for a chat’s later requests with the mutation "no wake-up"', async () => {
    const small = { seed: 1, callsPerSecond: 10, chats: 10, messages: 100, faults: 0 };
    expect((await drain(small)).maxWait).toBeLessThan(12);
    expect((await drain({ ...small, mutation: 'no wake-up' })).maxWait).toBeGreaterThan(300);
  });

  it('enters more states with the mutation "floor instead of ceil"', { timeout: 120_000 }, async () => {
    const transitions = async (mutation?: Mutation) => {
      let sum = 0;
      for (let seed = 1; seed <= 20; seed += 1) sum += (await runFaults(seed, mutation)).transitions;
      return sum / 20;
    };
    const [correct, mutated] = [await transitions(), await transitions('floor instead of ceil')];
    expect(correct).toBeLessThan(8);
    expect(mutated).toBeGreaterThan(correct * 1.05);
  });
});
