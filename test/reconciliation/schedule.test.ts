import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReconciliationRun } from '../../core/reconciliation/report.ts';
import { drill } from '../depth.ts';
import { type DeployedBridge, deployBridge } from './bridge.ts';
import { playScenario } from './scenario.ts';
import { expectSame, type View } from './view.ts';
import { startWorld, type World } from './world.ts';

const minute = 60_000;
const hour = 60 * minute;

let deployed: DeployedBridge;
beforeAll(async () => {
  deployed = await deployBridge();
});
afterAll(() => deployed.stop());

describe.each(drill.seeds)('with a run every 15 minutes while chats are active (seed %i)', (seed) => {
  const names = ['complete', 'lossy', 'deaf'] as const;
  let world: World;
  const runs: Record<(typeof names)[number], (ReconciliationRun | undefined)[]> = { complete: [], lossy: [], deaf: [] };

  async function reconcileAll(): Promise<void> {
    await Promise.all(names.map(async (name) => runs[name].push(await world.bridge(name).reconcile())));
  }

  async function readAll(): Promise<Record<(typeof names)[number], Record<string, View>>> {
    const [complete, lossy, deaf] = await Promise.all(names.map((name) => world.bridge(name).stored()));
    return { complete: complete ?? {}, lossy: lossy ?? {}, deaf: deaf ?? {} };
  }

  beforeAll(async () => {
    world = await startWorld(deployed, { seed, loss: { complete: 0, lossy: 0.3, deaf: 1 } });
    // The first run sets the watermark.
    await reconcileAll();
    await playScenario(world, {
      seed: 100 + seed,
      // Each chat is read by every run of three bridges.
      chats: Math.min(drill.chats, 30),
      durationMs: 2 * hour,
      routedGroups: [],
      every: { ms: 15 * minute, run: reconcileAll },
    });
    await world.pass(5 * minute);
    await reconcileAll();
  }, 30 * minute);
  afterAll(() => world.stop());

  it('nothing is published for the bridge that receives every webhook', () => {
    expect(runs.complete.map((run) => run?.report.published)).toEqual(runs.complete.map(() => 0));
  });

  it.each(['lossy', 'deaf'] as const)(
    'the %s bridge misses no message and no state after the last run',
    async (name) => {
      expect(runs[name].at(-1)).toMatchObject({ status: 'complete' });
      const { [name]: stored, complete } = await readAll();
      // A thread without other news is read again once a day. Until then a later tag, edit or deletion may be missing.
      expectSame(world, name, stored, complete, ['tags', 'content', 'deleted']);
    },
  );

  it('the run of the next day finds the rest', async () => {
    await world.pass(24 * hour);
    await reconcileAll();
    for (const name of names) expect(runs[name].at(-1)).toMatchObject({ status: 'complete' });
    const { complete, lossy, deaf } = await readAll();
    expectSame(world, 'lossy', lossy, complete);
    expectSame(world, 'deaf', deaf, complete);
    await world.pass(15 * minute);
    await reconcileAll();
    for (const name of names)
      expect(runs[name].at(-1)).toMatchObject({ status: 'complete', report: { published: 0, unprovable: {} } });
  });
});
