import pLimit from 'p-limit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { drill } from '../depth.ts';
import { bridgeAgent, type DeployedBridge, deployBridge, moveClock } from './bridge.ts';
import { playScenario } from './scenario.ts';
import { listWrites, traceCalls } from './trace.ts';
import { expectSame, type View } from './view.ts';
import { type Bridge, startWorld, type World, type WorldOptions } from './world.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
/** A run that was killed loses its lease after five minutes. */
const leaseEnd = 6 * minute;

let deployed: DeployedBridge;
beforeAll(async () => {
  deployed = await deployBridge();
});
afterAll(() => deployed.stop());

async function expectRestored(world: World, ...bridges: readonly Bridge[]): Promise<void> {
  const complete: Record<string, View> = await world.bridge('complete').stored();
  expect(Object.keys(complete).length).toBeGreaterThan(0);
  for (const bridge of bridges) expectSame(world, bridge.name, await bridge.stored(), complete);
}

const isComplete = [{ status: 'complete', report: { unprovable: {} } }];
const isProof = [{ status: 'complete', report: { published: 0, unprovable: {} } }];

/** Runs until one is complete, in case a fault interrupts them. */
async function backfillUntilComplete(world: World, bridge: Bridge): Promise<void> {
  for (let run = 1; run <= 6; run += 1) {
    // Rejects if it cannot even store how it ended.
    const runs = await bridge.backfill().catch(() => []);
    if (runs.at(-1)?.status === 'complete') return;
    await world.pass(leaseEnd);
  }
  throw new Error('no run is complete');
}

/** Proves that nothing is missing. */
async function expectProven(world: World, bridge: Bridge): Promise<void> {
  await world.pass(3 * minute);
  expect(await bridge.backfill()).toMatchObject(isProof);
}

/** Numbers from 1 to nearly `made`, at most `count`: how often a run reads what is stored depends on the machine. */
function spread(made: number, count: number): number[] {
  const last = made > count ? Math.floor(0.9 * made) : made;
  const step = Math.max(1, last / count);
  return Array.from({ length: Math.min(count, last) }, (_, index) => Math.floor(1 + index * step));
}

describe('after an outage of half an hour', () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld(deployed, { seed: 1, loss: { complete: 0 } });
    await playScenario(world, { seed: 3, chats: 6, durationMs: 30 * minute, routedGroups: [] });
  }, 3 * minute);
  // So that nothing counts as in flight.
  beforeEach(() => world.pass(5 * minute));
  afterEach(() => world.clearFaults());
  afterAll(() => world.stop());

  it(
    'a run that is killed is continued by the next one, whichever call it was killed before',
    async () => {
      const { calls } = await traceCalls(() => world.addDeafBridge().backfill());
      const kills = ['livechat', 'events', 'dynamodb'].flatMap((prefix) => {
        const made = calls.filter((call) => call.startsWith(prefix)).length;
        return spread(made, drill.kills).map((number) => ({ prefix, number, bridge: world.addDeafBridge() }));
      });
      const limit = pLimit(8);
      const isKilled = await Promise.all(
        kills.map(({ bridge, ...kill }) =>
          limit(async () => (await traceCalls(() => bridge.backfill(), kill)).isKilled),
        ),
      );
      expect(kills.filter((_kill, index) => !isKilled[index])).toEqual([]);
      await world.pass(leaseEnd);
      const continued = await Promise.all(kills.map(({ bridge }) => limit(() => bridge.backfill())));
      for (const runs of continued) expect(runs.slice(-1)).toMatchObject(isComplete);
      await expectRestored(world, ...kills.map(({ bridge }) => bridge));
      await world.pass(minute);
      const again = await Promise.all(kills.map(({ bridge }) => limit(() => bridge.backfill())));
      for (const runs of again) expect(runs).toMatchObject(isProof);
    },
    10 * minute,
  );

  it.each<[string, object]>([
    [
      'LiveChat limits the rate of every third call',
      { kind: 'error', status: 429, retryAfterSeconds: 1, probability: 0.3 },
    ],
    ['LiveChat fails every fifth call', { kind: 'error', status: 500, probability: 0.2 }],
    ['LiveChat resets every fifth connection', { kind: 'reset-before-accept', probability: 0.2 }],
    ['LiveChat fails the first calls of a phase', { kind: 'error', status: 503, method: 'list_archives', count: 2 }],
    ['LiveChat fails for longer than it is retried', { kind: 'error', status: 503, count: 6 }],
  ])(
    'a run is completed, or the next ones complete it, although %s',
    async (_what, fault) => {
      const bridge = world.addDeafBridge();
      await world.fault(fault);
      await backfillUntilComplete(world, bridge);
      await world.clearFaults();
      await expectRestored(world, bridge);
      expect(await bridge.backfill()).toMatchObject(isProof);
    },
    3 * minute,
  );

  it.each<[string, object]>([
    ['the bus rejects half of the events of five calls', { service: 'events', kind: 'partial', count: 5 }],
    ['the bus is not available for some calls', { service: 'events', kind: 'unavailable', count: 9 }],
    ['the tables throttle some calls', { service: 'dynamodb', kind: 'throttle', count: 40, probability: 0.1 }],
    ['the tables are not available for some calls', { service: 'dynamodb', kind: 'unavailable', count: 5 }],
  ])(
    'a run is completed, or the next ones complete it, although %s',
    async (_what, fault) => {
      const bridge = world.addDeafBridge();
      await world.awsFault(fault);
      await backfillUntilComplete(world, bridge);
      await expectRestored(world, bridge);
      expect(await bridge.backfill()).toMatchObject(isProof);
    },
    3 * minute,
  );

  it('two runs at once publish nothing twice: one waits for the other', async () => {
    const [bridge, alone] = [world.addDeafBridge(), world.addDeafBridge()];
    const waits: string[] = [];
    const options = { onWait: (until: string) => waits.push(until) };
    const runs = await Promise.all([bridge.backfill(options), bridge.backfill(options), alone.backfill()]);
    expect(waits.length).toBeGreaterThan(0);
    expect(runs).toMatchObject([isComplete, isComplete, isComplete]);
    expect(bridge.published().length).toBe(alone.published().length);
    await expectRestored(world, bridge, alone);
  });

  it('a scheduled run gives way to one on request', async () => {
    const bridge = world.addDeafBridge();
    const [requested, scheduled] = await Promise.all([bridge.backfill(), bridge.reconcile()]);
    // One of the two comes first.
    expect(requested).toMatchObject(isComplete);
    if (scheduled) expect(scheduled).toMatchObject({ status: 'complete' });
    await expectRestored(world, bridge);
    expect(await bridge.backfill()).toMatchObject(isProof);
  });

  it.each([
    ['name a thread in both lists', { activeListDelayMs: 10 * hour }],
    ['leave out the events of archived threads', { archiveEvents: false }],
    ['select archived threads by their last activity', { archiveTime: 'activity' }],
  ])('the lists may %s', async (_what, setting) => {
    await world.setting(setting);
    const bridge = world.addDeafBridge();
    const [none, all] = await Promise.all([world.bridge('complete').backfill(), bridge.backfill()]);
    await world.setting({ activeListDelayMs: 0, archiveEvents: true, archiveTime: 'created' });
    expect(none).toMatchObject(isProof);
    expect(all).toMatchObject(isComplete);
    await expectRestored(world, bridge);
    expect(await bridge.backfill()).toMatchObject(isProof);
  });

  it('a dry run writes nothing, and tells what a run publishes and how many calls it makes', async () => {
    const bridge = world.addDeafBridge();
    const dry = await traceCalls(() => bridge.backfill({ dryRun: true }));
    expect(listWrites(dry.calls)).toEqual([]);
    const [predicted] = dry.result ?? [];
    expect(predicted).toMatchObject({ status: 'complete', report: { passes: 1 } });
    const [run] = await bridge.backfill();
    const { published, events, repaired } = run?.report ?? {};
    expect(predicted?.report).toMatchObject({ published, events, repaired });
    expect(predicted?.report.calls).toBe(dry.calls.filter((call) => call.startsWith('livechat')).length);
  });

  it('a scheduled run without differences makes one call for each list and two writes', async () => {
    const bridge = world.bridge('complete');
    await bridge.reconcile();
    await world.pass(15 * minute);
    const { calls, result } = await traceCalls(() => bridge.reconcile());
    expect(result).toMatchObject({ status: 'complete', report: { published: 0, passes: 1 } });
    const liveChat = calls.filter((call) => call.startsWith('livechat'));
    expect(liveChat.toSorted()).toEqual(['livechat.list_archives', 'livechat.list_chats']);
    // The rate limiter reserves a slot for each call with another write.
    expect(listWrites(calls).length).toBe(liveChat.length + 2);
  });
});

describe('while webhooks are lost', () => {
  let world: World;
  afterEach(() => world.stop());

  async function startOutage(
    options: Partial<WorldOptions> = {},
  ): Promise<{ readonly complete: Bridge; readonly deaf: Bridge }> {
    world = await startWorld(deployed, { seed: 1, loss: { complete: 0, deaf: 1 }, ...options });
    return { complete: world.bridge('complete'), deaf: world.bridge('deaf') };
  }

  /** Some chats live; then some time passes, so that nothing counts as in flight. */
  async function chatsLive(): Promise<void> {
    await playScenario(world, { seed: 4, chats: 4, durationMs: 20 * minute, routedGroups: [] });
    await world.pass(5 * minute);
  }

  it(
    'the lists may change while they are read',
    async () => {
      const { deaf } = await startOutage();
      const chats: string[] = [];
      for (let number = 1; number <= 220; number += 1) {
        const customer = { name: `Customer ${number}` };
        const { chat_id } = await world.startChat({ customer, text: 'Hello', agent: 'nina.kowal@acme.example' });
        chats.push(chat_id);
        if (number % 2 === 0) await world.act(chat_id, { as: 'agent', action: 'close' });
        if (number % 20 === 0) await world.pass(10 * second);
      }
      await world.pass(5 * minute);
      // Time for changes between two pages.
      await world.fault({ kind: 'latency', latencyMs: 300, method: 'list_chats' });
      await world.fault({ kind: 'latency', latencyMs: 300, method: 'list_archives' });
      const changes: Promise<unknown>[] = [];
      const change = () => {
        const [open] = chats.splice(changes.length, 1);
        if (changes.length > 10 || !open) return;
        changes.push(world.act(open, { as: 'agent', action: 'close' }));
        changes.push(world.startChat({ customer: { name: `Late ${changes.length}` }, text: 'Hello', agent: null }));
      };
      const runs = await deaf.backfill({ onProgress: change });
      await Promise.all(changes);
      expect(changes.length).toBeGreaterThan(4);
      expect(runs).toMatchObject([{ status: 'complete' }]);
      await world.clearFaults();
      await world.pass(5 * minute);
      expect(await deaf.backfill()).toMatchObject([{ status: 'complete', report: { unprovable: {} } }]);
      await expectRestored(world, deaf);
      await expectProven(world, deaf);
    },
    3 * minute,
  );

  it('an archived thread may be listed an hour late: a scheduled run finds it then', async () => {
    const { deaf } = await startOutage();
    // The first run sets the watermark.
    expect(await deaf.reconcile()).toMatchObject({ status: 'complete' });
    await world.setting({ archiveDelayMs: hour });
    // The worst case: it lives nearly from this run to the next.
    const { chat_id } = await world.startChat({ customer: { name: 'Customer 1' }, text: 'Hello', agent: null });
    await world.pass(14 * minute);
    await world.act(chat_id, { as: 'router', action: 'archive' });
    await world.pass(minute);
    for (let run = 1; run <= 4; run += 1) {
      expect(await deaf.reconcile()).toMatchObject({ status: 'complete', report: { published: 0 } });
      await world.pass(15 * minute);
    }
    expect(await deaf.reconcile()).toMatchObject({ status: 'complete', report: { repaired: 1 } });
    await expectRestored(world, deaf);
  });

  it('a scheduled run restores the end of a long thread after which the chat was reopened', async () => {
    const { deaf } = await startOutage();
    deaf.lose(0);
    const { chat_id } = await world.startChat({ customer: { name: 'Dana' }, text: 'Hello', agent: bridgeAgent });
    for (let run = 1; run <= 6; run += 1) {
      await world.pass(15 * minute);
      await deaf.reconcile();
    }
    deaf.lose(1);
    await world.act(chat_id, { as: 'agent', action: 'message', text: 'lost' });
    await world.act(chat_id, { as: 'agent', action: 'close' });
    await world.settle();
    deaf.lose(0);
    await world.pass(minute);
    await world.act(chat_id, { action: 'reopen', text: 'I am back' });
    await world.pass(14 * minute);
    await deaf.reconcile();
    await expectRestored(world, deaf);
  });

  it.each([
    ['slow', -2 * minute],
    ['fast', 2 * minute],
  ])('a clock of LiveChat’s that is two minutes %s does no harm', async (_how, skewMs) => {
    const { complete, deaf } = await startOutage({ skewMs });
    await chatsLive();
    expect(await complete.backfill()).toMatchObject([{ status: 'complete', report: { published: 0 } }]);
    expect(await deaf.backfill()).toMatchObject([{ status: 'complete', report: { unprovable: {} } }]);
    await expectRestored(world, deaf);
    await expectProven(world, deaf);
  });

  it.each([
    ['slow', -2 * minute],
    ['fast', 2 * minute],
  ])('a clock of the operator’s that is two minutes %s does no harm', async (_how, skewMs) => {
    const { complete, deaf } = await startOutage();
    deaf.lose(0);
    const { chat_id } = await world.startChat({ customer: { name: 'Dana' }, text: 'Hello', agent: bridgeAgent });
    const act = (action: string, more: object) => world.act(chat_id, { as: 'agent', action, ...more });
    await world.settle();
    deaf.lose(1);
    await act('tag', { tag: 'lost' });
    await act('transfer', { groups: [4], agents: ['nina.kowal@acme.example'] });
    await world.pass(5 * minute);
    for (const bridge of [complete, deaf]) {
      moveClock(skewMs);
      const published = bridge === complete ? 0 : expect.any(Number);
      expect(await bridge.backfill()).toMatchObject([{ status: 'complete', report: { published } }]);
      moveClock(-skewMs);
    }
    await expectRestored(world, deaf);
    // What the next webhooks tell is newer than what the run has read.
    deaf.lose(0);
    await act('tag', { tag: 'late' });
    await act('transfer', { groups: [19], agents: ['tomas.reyes@acme.example'] });
    await world.settle();
    await expectRestored(world, deaf);
  });

  it('a scheduled run among active chats publishes nothing for a bridge that receives every webhook, some of them late', async () => {
    const { complete } = await startOutage({ late: 0.3 });
    const published: unknown[] = [];
    const run = async () => {
      published.push((await complete.reconcile())?.report.published);
    };
    await playScenario(world, {
      seed: 5,
      chats: 8,
      durationMs: 20 * minute,
      routedGroups: [],
      every: { ms: minute, run },
    });
    expect(published.length).toBeGreaterThan(15);
    expect(new Set(published)).toEqual(new Set([0]));
    await world.pass(5 * minute);
    await expectProven(world, complete);
  });
});
