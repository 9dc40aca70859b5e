import { describe, expect, it } from 'vitest';
import { deferral, never, organizationId, world } from '../../../test/model/gate-world.ts';
import { type Gate, open } from './gate.ts';
import type { Passage } from './passage.ts';

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
