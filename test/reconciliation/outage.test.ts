import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DeployedBridge, deployBridge } from './bridge.ts';
import { playScenario } from './scenario.ts';
import { startWorld } from './world.ts';

let deployed: DeployedBridge;
beforeAll(async () => {
  deployed = await deployBridge();
});
afterAll(() => deployed.stop());

describe('smoke', () => {
  it('plays', async () => {
    const t = performance.now();
    const world = await startWorld(deployed, { seed: 1, loss: { complete: 0, lossy: 0.3, deaf: 1 } });
    const { chatIds } = await playScenario(world, { seed: 1, chats: 30, durationMs: 7_200_000, routedGroups: [] });
    console.log(
      performance.now() - t,
      chatIds.length,
      deployed.events.length,
      deployed.problems.slice(0, 5),
      await world.calls(),
    );
    const complete = await world.bridge('complete').stored();
    console.log(
      Object.keys(complete).length,
      Object.keys(await world.bridge('lossy').stored()).length,
      performance.now() - t,
    );
    console.log(
      JSON.stringify(
        Object.values(complete)
          .flatMap((c) => c.messages)
          .filter((m) => m.type === 'media')
          .slice(0, 4),
      ),
      deployed.problems.length,
    );
    expect(1).toBe(1);
  }, 300_000);
});
