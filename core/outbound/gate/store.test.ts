import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Local, startLocal } from '../../../test/local.ts';
import { decimalGate } from '../../../test/model/decimal-gate.ts';
import { operation, rate, type Step, trace } from '../../../test/model/gate-trace.ts';
import { memoryStores } from '../../../test/model/stores.ts';
import type { Clock } from '../../platform/clock.ts';
import { freshGate, type Gate, nearMs } from './gate.ts';
import { Passage } from './passage.ts';
import type { GateStore } from './store.ts';

const fields = new Set(Object.keys(freshGate(1)));
/** The table's items know their organization, which those in memory do not. */
const butForItsKey = (gate: Gate | undefined) =>
  gate && Object.fromEntries(Object.entries(gate).filter(([field]) => fields.has(field)));
const outcomes = (steps: readonly Step[]) => steps.map(({ after }) => butForItsKey(after));

describe('the table of gates', () => {
  let local: Local;
  let gateStore: typeof import('./store.ts').gateStore;
  beforeAll(async () => {
    local = await startLocal();
    for (const [name, value] of Object.entries(local.environment)) vi.stubEnv(name, value);
    ({ gateStore } = await import('./store.ts'));
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await local.stop();
  });

  const now = 1_790_000_000_000;
  /** Time that stands still, so that who takes a slot need not wait for it. */
  const still: Clock = { now: () => now, sleep: async () => {}, random: () => 0.5 };

  /** The gate of an organization that nobody has heard of. */
  function fresh(callsPerSecond: number): GateStore {
    const organizationId = randomUUID();
    const store = gateStore(callsPerSecond);
    return {
      read: () => store.read(organizationId),
      update: (_organizationId, update) => store.update(organizationId, update),
    };
  }

  it.each([
    ['with exact decimals', decimalGate],
    ['of the model', (callsPerSecond: number) => memoryStores(callsPerSecond).gate],
  ])(
    'answers and ends as the one in memory %s, whatever is done to it',
    { timeout: 120_000 },
    async (_name, inMemory) => {
      const operations = fc.array(operation, { minLength: 20, maxLength: 20 });
      await fc.assert(
        fc.asyncProperty(rate, fc.nat(1e9), operations, async (callsPerSecond, later, list) => {
          const [table, memory] = [fresh(callsPerSecond), inMemory(callsPerSecond)];
          const kept = await trace(table, now + later, list);
          expect(outcomes(kept)).toEqual(outcomes(await trace(memory, now + later, list)));
          expect(butForItsKey(await table.read(''))).toEqual(await memory.read(''));
        }),
        { numRuns: 100 },
      );
    },
  );

  it.each([10, 60, 200])(
    'gives 200 who come at once distinct slots, evenly spaced, at %d calls a second',
    async (rate) => {
      const store = fresh(rate);
      const { interval } = freshGate(rate);
      const near = nearMs(freshGate(rate));
      const taken = await Promise.allSettled(
        Array.from({ length: 200 }, async (_, index) => {
          const passage = new Passage({
            store,
            clock: still,
            organizationId: '',
            run: `run-${index}`,
            returning: true,
          });
          return (await passage.enter(Number.POSITIVE_INFINITY)).at;
        }),
      );
      const slots = taken
        .flatMap((one) => (one.status === 'fulfilled' ? [one.value - now] : []))
        .toSorted((a, b) => a - b);
      for (const [index, at] of slots.entries()) expect(at).toBe(index * interval);
      // As many as are near; the others were told to come back.
      expect(slots).toHaveLength(Math.min(200, Math.floor(near / interval) + 1));
      for (const one of taken) if (one.status === 'rejected') expect(one.reason).toMatchObject({ name: 'Deferred' });
    },
  );

  it('tells 40 who come at once to a closed gate to come back one after the other', async () => {
    const store = fresh(10);
    await store.read('');
    await store.update('', { when: [], set: { nextSlotAt: now + 60_000, tail: now + 60_000 } });
    const back = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        new Passage({ store, clock: still, organizationId: '', run: `run-${index}`, returning: false }).joinLine(),
      ),
    );
    const places = back.map(({ backAt }) => backAt - now - 60_000 + 1_030).toSorted((a, b) => a - b);
    expect(places).toEqual(places.map((_, index) => (index + 1) * 103));
  });

  it('is one gate, whoever reads it first', async () => {
    const store = fresh(7);
    const read = await Promise.all(Array.from({ length: 20 }, () => store.read('')));
    for (const gate of read) expect(butForItsKey(gate)).toEqual(freshGate(7));
  });

  it('is not made by a write alone', async () => {
    const store = fresh(10);
    expect(await store.update('', { when: [], add: { failures: 1 } })).toBeUndefined();
  });

  it('counts failures of many at once', async () => {
    const store = fresh(10);
    await store.read('');
    await Promise.all(Array.from({ length: 50 }, () => store.update('', { when: [], add: { failures: 1 } })));
    expect(await store.read('')).toMatchObject({ failures: 50 });
  });
});
