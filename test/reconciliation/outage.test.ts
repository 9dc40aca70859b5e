import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import type { ReconciliationRun } from '../../core/reconciliation/report.ts';
import { drill } from '../depth.ts';
import { type DeployedBridge, deployBridge } from './bridge.ts';
import { playScenario } from './scenario.ts';
import { expectSame, type View } from './view.ts';
import { type Bridge, listChanges, startWorld, type World } from './world.ts';

const minute = 60_000;
const hour = 60 * minute;
/** Waits for two hours in which 300 chats live. */
const timeoutMs = 30 * minute;

/** The bridges, with the share of the webhooks that each loses and the group of LiveChat's whose chats it routes. */
const bridges = { complete: { loss: 0, group: 11 }, lossy: { loss: 0.3, group: 12 }, deaf: { loss: 1, group: 13 } };
type BridgeName = keyof typeof bridges;
const names: readonly BridgeName[] = ['complete', 'lossy', 'deaf'];

/** Greets or moves the chats of one group: at their start, or when the customer writes. */
const routingRules = (group: number) => ({
  match: 'first',
  rules: [
    {
      name: 'greet',
      when: {
        all: [
          { fact: 'group', is: group },
          { fact: 'message', contains: 'Hello' },
        ],
      },
      do: {
        answer: 'We will be with you in a minute!',
        tag: ['greeted'],
        transfer: [{ agent: 'ada.lind@acme.example' }],
      },
    },
    { name: 'move', when: { fact: 'group', is: group }, do: { tag: ['moved'], transfer: [{ group: 4, queue: true }] } },
  ],
});

const thread = z.looseObject({ conversationId: z.string(), threadId: z.string() });
const routedThread = z.looseObject({ data: thread });

let deployed: DeployedBridge;
beforeAll(async () => {
  deployed = await deployBridge();
});
afterAll(() => deployed.stop());

describe.each(drill.seeds)('after two hours in which webhooks were lost (seed %i)', (seed) => {
  let world: World;
  let bridge: Record<BridgeName, Bridge>;
  /** Messages that were sent before the backfills. */
  let sentBefore: Awaited<ReturnType<World['calls']>>['arrivals'];
  let routedBefore: Record<BridgeName, number>;
  let first: Record<BridgeName, readonly ReconciliationRun[]>;
  let second: Record<BridgeName, readonly ReconciliationRun[]>;
  let complete: Record<string, View>;

  async function forEach<T>(run: (name: BridgeName) => T): Promise<Record<BridgeName, Awaited<T>>> {
    const [complete, lossy, deaf] = await Promise.all([run('complete'), run('lossy'), run('deaf')]);
    return { complete, lossy, deaf };
  }

  beforeAll(async () => {
    const loss = Object.fromEntries(names.map((name) => [name, bridges[name].loss]));
    world = await startWorld(deployed, { seed, loss });
    bridge = await forEach((name) => world.bridge(name));
    await forEach((name) => bridge[name].route(routingRules(bridges[name].group)));
    const routedGroups = names.map((name) => bridges[name].group);
    await playScenario(world, { seed, chats: drill.chats, durationMs: 2 * hour, routedGroups });
    // So that nothing counts as in flight.
    await world.pass(5 * minute);
    complete = await bridge.complete.stored();
    routedBefore = await forEach((name) => bridge[name].published('conversation.routed').length);
    sentBefore = (await world.calls()).arrivals;
    await world.forgetCalls();
    first = await forEach((name) => bridge[name].backfill());
    await world.pass(minute);
    second = await forEach((name) => bridge[name].backfill());
  }, timeoutMs);
  afterAll(() => world.stop());

  it('a backfill finds nothing to publish for the bridge that received every webhook', () => {
    expect(first.complete).toMatchObject([
      { status: 'complete', report: { published: 0, repaired: 0, unprovable: {} } },
    ]);
  });

  it.each(['lossy', 'deaf'] as const)('a backfill restores what the %s bridge has missed', async (name) => {
    expect(first[name]).toMatchObject([{ status: 'complete', report: { unprovable: {} } }]);
    expectSame(world, name, await bridge[name].stored(), complete);
  });

  it.each(names)('a second backfill publishes nothing for the %s bridge', (name) => {
    expect(second[name]).toMatchObject([{ status: 'complete', report: { published: 0, passes: 1 } }]);
  });

  it('a backfill changes nothing at LiveChat', async () => {
    const { counts, arrivals } = await world.calls();
    expect(counts).toMatchObject({ list_archives: expect.any(Number), list_chats: expect.any(Number) });
    expect(listChanges(counts)).toEqual([]);
    expect(arrivals).toEqual([]);
  });

  it.each(names)('no chat of the %s bridge is routed twice, or because it was recovered', (name) => {
    const routed = bridge[name].published('conversation.routed');
    expect(routed).toHaveLength(routedBefore[name]);
    if (name === 'deaf') expect(routed).toEqual([]);
    else expect(routed.length).toBeGreaterThan(0);
    const threads = routed.map(({ detail }) => routedThread.parse(detail).data);
    const assigned = threads.filter(({ assignedTo }) => assignedTo !== undefined);
    expect(new Set(assigned.map(({ threadId }) => threadId)).size).toBe(assigned.length);
  });

  it('greets no customer twice in a thread', () => {
    expect(sentBefore.length).toBeGreaterThan(0);
    expect(new Set(sentBefore.map(({ thread_id }) => thread_id)).size).toBe(sentBefore.length);
  });

  it('loses the files of no message', async () => {
    const states = Object.values(await bridge.deaf.stored()).flatMap(({ messages }) =>
      messages.flatMap(({ file }) => file ?? []),
    );
    expect(states.length).toBeGreaterThan(0);
    expect(new Set(states)).toEqual(new Set(['stored']));
  });
});
