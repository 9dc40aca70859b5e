import { describe, expect, it } from 'vitest';
import { deferral, never, organizationId, world } from '../../../test/model/gate-world.ts';
import { freshGate } from './gate.ts';
import { Passage } from './passage.ts';
import type { GateStore } from './store.ts';

/** Ten calls a second: twenty slots are near, and half of them is what one comes back before its turn. */
const interval = 103;
const near = 20 * interval;
const lead = near / 2;

describe('a slot', () => {
  it('is waited for while it is near', async () => {
    const { live, passage, time } = world({ nextSlotAt: 2_000 });
    const at = await live(async () => {
      const slot = await passage('run').enter(never);
      return [slot.at, time.now()];
    });
    expect(at).toEqual([2_000, 2_000]);
  });

  it('is given to a crowd at the pace of the gate', async () => {
    const { live, passage, time } = world();
    const at = await live(() =>
      Promise.all(
        Array.from({ length: 20 }, async (_, index) => {
          const slot = await passage(`run-${index}`).enter(never);
          expect(time.now()).toBeGreaterThanOrEqual(slot.at);
          return slot.at;
        }),
      ),
    );
    expect(at.toSorted((a, b) => a - b)).toEqual(at.map((_, index) => index * interval));
  });

  it('that is far makes everybody come back an interval later than the one before', async () => {
    const { live, passage } = world({ nextSlotAt: 60_000, tail: 60_000 });
    const back = await live(async () => {
      const times: number[] = [];
      for (let run = 0; run < 5; run += 1) times.push(await deferral(passage(`run-${run}`).enter(never)));
      return times;
    });
    expect(back.map((at) => at - 60_000 + lead)).toEqual([1, 2, 3, 4, 5].map((place) => place * interval));
  });

  it('that is far sends who has waited in line back for a part of what the line takes', async () => {
    const { live, passage, gate } = world({ nextSlotAt: 10_000, tail: 90_000 });
    await live(async () => {
      const back = await deferral(passage('returning', true).enter(never));
      expect(back).toBeGreaterThanOrEqual(10_000 - lead);
      expect(back).toBeLessThanOrEqual(90_000 / 4);
      expect(await gate()).toMatchObject({ nextSlotAt: 10_000, tail: 90_000 });
    });
  });

  it('that has passed while it was being taken is let go', async () => {
    const { store, time, live } = world();
    let slow = 40;
    const slowly: GateStore = {
      read: store.read,
      update: async (id, update) => {
        const written = await store.update(id, update);
        await time.sleep(slow);
        slow = 0;
        return written;
      },
    };
    await live(async () => {
      const passage = new Passage({ store: slowly, clock: time, organizationId, run: 'run', returning: true });
      expect((await passage.enter(never)).at).toBe(interval);
    });
  });

  it('is not taken by a newcomer before those who wait in line', async () => {
    const { live, passage, gate } = world({ tail: 20_000 });
    await live(async () => {
      expect(await deferral(passage('newcomer').enter(never))).toBe(20_000 + interval - lead);
      expect(await passage('returning', true).enter(never)).toMatchObject({ at: 0, trial: false });
      expect((await gate()).nextSlotAt).toBe(interval);
    });
  });

  it('that would come too late for the function is not waited for', async () => {
    const { live, passage, time } = world({ nextSlotAt: 2_000 });
    await live(async () => {
      expect(await deferral(passage('run').enter(1_999))).toBe(0);
      expect(time.now()).toBe(0);
    });
  });

  it('is given to nobody while the gate is paused', async () => {
    const { live, passage, gate } = world({ paused: 'yes' });
    await live(async () => {
      expect(await deferral(passage('run', true).enter(never))).toBe(60_000);
      expect(await gate()).toMatchObject({ nextSlotAt: 0, calls: 0 });
    });
  });

  it('is not had after endless contention: come back in a while', async () => {
    const { time } = world();
    const crowded: GateStore = { read: async () => freshGate(10), update: async () => undefined };
    const passage = new Passage({ store: crowded, clock: time, organizationId, run: 'run', returning: false });
    for (const at of [await deferral(passage.enter(never)), (await passage.joinLine()).backAt]) {
      expect(at).toBeGreaterThanOrEqual(2_000);
      expect(at).toBeLessThanOrEqual(4_000);
    }
  });
});

describe('a 429', () => {
  it('moves the next slot of everybody, and slows the pace once for all who were on their way', async () => {
    const { live, passage, gate } = world();
    await live(async () => {
      const runs = ['one', 'two', 'three'].map((run) => passage(run));
      const slots = await Promise.all(runs.map(async (run) => ({ run, slot: await run.enter(never) })));
      const back: number[] = [];
      for (const { run, slot } of slots) back.push(await run.limited(slot, 10_000));
      const { interval: slowed, nextSlotAt, epoch } = await gate();
      expect({ slowed, nextSlotAt, epoch }).toEqual({ slowed: 129, nextSlotAt: 206 + 10_000, epoch: 1 });
      expect(back.map((at) => at + lead - nextSlotAt)).toEqual([1, 2, 3].map((place) => place * interval));
    });
  });

  it('is honoured by who has been waiting for a slot meanwhile', async () => {
    const { live, passage, set, time } = world();
    await live(async () => {
      const unlucky = passage('unlucky');
      const early = await unlucky.enter(never);
      await set({ nextSlotAt: 2_000 });
      const waiting = passage('waiting', true).enter(never);
      await time.sleep(1_000);
      await unlucky.limited(early, 2_500);
      const { at } = await waiting;
      expect(at).toBeGreaterThanOrEqual(3_500);
      expect(time.now()).toBe(at);
    });
  });

  it('ends for who is limited even when nobody’s write gets through', async () => {
    const { time } = world();
    let reads = 0;
    const crowded: GateStore = {
      read: async () => {
        reads += 1;
        if (reads > 1_000) throw new Error('tried a thousand times');
        return freshGate(10);
      },
      update: async () => undefined,
    };
    const passage = new Passage({ store: crowded, clock: time, organizationId, run: 'run', returning: false });
    expect(await passage.limited({ epoch: 0, at: 0, trial: false }, 1_000)).toBeGreaterThan(0);
  });
});
