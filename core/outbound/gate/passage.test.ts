import { describe, expect, it } from 'vitest';
import { memoryStores } from '../../../test/model/stores.ts';
import { VirtualTime } from '../../../test/model/virtual-time.ts';
import { Deferred } from '../errors.ts';
import { freshGate, type Gate, open } from './gate.ts';
import { Passage } from './passage.ts';
import type { GateStore } from './store.ts';

const organizationId = 'organization';
const never = Number.POSITIVE_INFINITY;
/** Ten calls a second. */
const interval = 103;

function world(gate: Partial<Gate> = {}) {
  const time = new VirtualTime(1);
  const store = memoryStores(10).gate;
  const passage = (run: string, returning = false) =>
    new Passage({ store, clock: time, organizationId, run, returning });
  return {
    time,
    store,
    passage,
    gate: () => store.read(organizationId),
    set: (set: Partial<Gate>) => store.update(organizationId, { when: [], set }),
    /** Lets time pass until it is done. */
    live: async <T>(story: () => Promise<T>): Promise<T> => {
      await store.update(organizationId, { when: [], set: gate });
      return time.until(story(), 3_600_000);
    },
  };
}

/** When somebody is told to come back, ms; fails where it is let in. */
async function deferral(work: Promise<unknown>): Promise<number> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Deferred)) throw error ?? new Error('was let in');
  return error.until;
}

describe('a slot', () => {
  it('is waited for while it is near', async () => {
    const { live, passage, time } = world({ nextSlotAt: 4_000 });
    const at = await live(async () => {
      const slot = await passage('run').enter(never);
      return [slot.at, time.now()];
    });
    expect(at).toEqual([4_000, 4_000]);
  });

  it('is given to a crowd at the pace of the gate', async () => {
    const { live, passage, time } = world();
    const at = await live(() =>
      Promise.all(
        Array.from({ length: 40 }, async (_, index) => {
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
    expect(back.map((at) => at - 60_000 + 2_000)).toEqual([1, 2, 3, 4, 5].map((place) => place * interval));
  });

  it('is not taken by a newcomer before those who wait in line', async () => {
    const { live, passage, gate } = world({ tail: 20_000 });
    await live(async () => {
      expect(await deferral(passage('newcomer').enter(never))).toBe(20_000 + interval - 2_000);
      expect(await passage('returning', true).enter(never)).toMatchObject({ at: 0, trial: false });
      expect((await gate()).nextSlotAt).toBe(interval);
    });
  });

  it('that would come too late for the function is not waited for', async () => {
    const { live, passage, time } = world({ nextSlotAt: 3_000 });
    await live(async () => {
      expect(await deferral(passage('run').enter(2_999))).toBe(0);
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
    for (const at of [await deferral(passage.enter(never)), await passage.estimate()]) {
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
      expect({ slowed, nextSlotAt, epoch }).toEqual({ slowed: 154.5, nextSlotAt: 206 + 10_000, epoch: 1 });
      expect(back.map((at) => at + 2_000 - nextSlotAt)).toEqual([154.5, 309, 463.5]);
    });
  });

  it('is honoured by who has been waiting for a slot meanwhile', async () => {
    const { live, passage, set, time } = world();
    await live(async () => {
      const unlucky = passage('unlucky');
      const early = await unlucky.enter(never);
      await set({ nextSlotAt: 3_000 });
      const waiting = passage('waiting', true).enter(never);
      await time.sleep(1_000);
      await unlucky.limited(early, 4_500);
      const { at } = await waiting;
      expect(at).toBeGreaterThanOrEqual(5_500);
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

describe('the breaker', () => {
  /** Takes a slot for each, and says how each call went. */
  async function calls(passage: Passage, outcomes: readonly ('passed' | 'failed')[]): Promise<void> {
    for (const outcome of outcomes) await passage[outcome](await passage.enter(never));
  }
  const halfOfTen = Array.from({ length: 10 }, (_, index) => (index % 2 ? 'failed' : 'passed'));

  it('opens when half of ten calls have failed, not before', async () => {
    const { live, passage, gate, time } = world();
    await live(async () => {
      const run = passage('run', true);
      await calls(run, halfOfTen.slice(0, 9));
      expect(await gate()).toMatchObject({ breaker: 'closed', calls: 9, failures: 4 });
      await calls(run, halfOfTen.slice(9));
      expect(await gate()).toMatchObject({ breaker: 'open', reason: 'failures', openUntil: time.now() + 30_000 });
      expect(await deferral(passage('other', true).enter(never))).toBeGreaterThan(time.now() + 28_000);
    });
  });

  const opened: Partial<Gate> = { breaker: 'open', reason: 'failures', openUntil: 30_000, epoch: 4 };

  it('lets nobody pass for half a minute, then one trial only, which closes it', async () => {
    const { live, passage, gate, time } = world(opened);
    await live(async () => {
      await time.sleep(29_999);
      await deferral(passage('early', true).enter(never));
      await time.sleep(1);
      const trial = passage('trial', true);
      const slot = await trial.enter(never);
      expect(slot).toEqual({ at: 30_000, trial: true, epoch: 4 });
      const back = await Promise.all(['a', 'b'].map((run) => deferral(passage(run, true).enter(never))));
      for (const at of back) expect(at).toBeGreaterThanOrEqual(32_000);
      await trial.passed(slot);
      expect(await gate()).toMatchObject({ breaker: 'closed', reason: '', epoch: 5 });
      expect(await passage('a', true).enter(never)).toMatchObject({ trial: false });
    });
  });

  it('opens again when the trial fails', async () => {
    const { live, passage, gate, time } = world(opened);
    await live(async () => {
      await time.sleep(30_000);
      const trial = passage('trial', true);
      await trial.failed(await trial.enter(never));
      expect(await gate()).toMatchObject({ breaker: 'open', openUntil: 60_000, epoch: 5, trialBy: '' });
    });
  });

  it.each([
    ['is unused', (trial: Passage) => trial.enter(never).then((slot) => trial.unused(slot))],
    ['comes too late for its function', (trial: Passage) => deferral(trial.enter(29_000))],
    ['is answered 429', (trial: Passage) => trial.enter(never).then((slot) => trial.limited(slot, 0))],
  ])('gives the trial to another when it %s', async (_name, use) => {
    const { live, passage, time } = world(opened);
    await live(async () => {
      await time.sleep(30_000);
      await use(passage('trial', true));
      expect(await passage('other', true).enter(never)).toMatchObject({ trial: true });
    });
  });

  it('gives the trial of one who died to another when its lease is over', async () => {
    const { live, passage, time } = world(opened);
    await live(async () => {
      await time.sleep(30_000);
      await passage('dies', true).enter(never);
      await time.sleep(64_999);
      await deferral(passage('other', true).enter(never));
      await time.sleep(1);
      expect(await passage('other', true).enter(never)).toMatchObject({ trial: true });
    });
  });
});

describe('credentials that stop working', () => {
  it('are news once, however many notice', async () => {
    const { live, passage, gate, time } = world();
    await live(async () => {
      const news = await Promise.all(['a', 'b', 'c'].map((run) => passage(run).locked()));
      expect(news.filter(Boolean)).toHaveLength(1);
      await time.sleep(40_000);
      const trial = passage('trial', true);
      await trial.unused(await trial.enter(never));
      expect(await trial.locked()).toBe(false);
      expect(await gate()).toMatchObject({ breaker: 'open', reason: 'credentials', openUntil: 70_000 });
    });
  });

  it('are news although the breaker is open for failures', async () => {
    const { live, passage, store, gate } = world();
    await live(async () => {
      await store.update(organizationId, open(await gate(), 0, 'failures'));
      expect(await passage('run').locked()).toBe(true);
    });
  });

  it('are news again after they have worked', async () => {
    const { live, passage, time } = world();
    await live(async () => {
      expect(await passage('a').locked()).toBe(true);
      await time.sleep(30_000);
      const trial = passage('trial', true);
      await trial.passed(await trial.enter(never));
      expect(await passage('b').locked()).toBe(true);
    });
  });
});
