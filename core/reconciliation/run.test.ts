import { describe, expect, it } from 'vitest';
import { at, metadata } from '../../test/conversation-events.ts';
import { listed, nothing, received, store, time } from '../../test/listed-threads.ts';
import type { AnyEvent } from '../events/event.ts';
import { isSameContent } from '../livechat/reconcile.ts';
import type { StoredThread } from './compare.ts';
import { emptyReport, Runner, type RunPorts } from './run.ts';
import type { ListedThread, Page, ReconciliationSource } from './source.ts';
import type { RunCursor, SavedRun } from './state.ts';

/** A thread of its own chat, with one message. */
function chat(name: string, given: Parameters<typeof listed>[0] = {}): ListedThread {
  const ids = { conversationId: name, threadId: `${name}1` };
  const thread = listed({ events: [received(2, { id: `${name}1_1`, ...ids })], ...given });
  const { started } = thread;
  const own = { ...started, metadata: { ...started.metadata, id: name }, data: { ...started.data, ...ids } };
  return { ...thread, ...ids, started: own };
}

const summary = (
  thread: ListedThread,
  latest: ListedThread['latest'] = [{ id: `${thread.threadId}_1`, at: at(2) }],
) => ({
  ...thread,
  events: undefined,
  latest,
});
const page = (threads: readonly ListedThread[], next?: string): Page => ({ threads, invalid: [], next });

interface World {
  readonly active?: Readonly<Record<string, Page>>;
  readonly archived?: Readonly<Record<string, Page>>;
  /** By chat and thread. */
  readonly threads?: readonly ListedThread[];
  readonly stored?: readonly ListedThread[];
  readonly webhooks?: readonly AnyEvent[];
  readonly latestThreads?: readonly { conversationId: string; threadId: string; isClosed: boolean }[];
  /** Whether the functions store an event. */
  readonly stores?: (event: AnyEvent, delivery: number) => boolean;
  readonly dryRun?: boolean;
}

const first: RunCursor = { phase: 'active chats', pass: 1, publishedBefore: 0 };

function saved(given: Partial<SavedRun> = {}): SavedRun {
  const run = {
    organizationId: 'O',
    runId: 'r',
    reason: 'schedule',
    startedAt: time(40),
    status: 'running',
    from: time(0),
    to: time(38),
    report: emptyReport,
  } as const;
  return { run, cursor: first, isDeep: false, newsSince: time(30), ...given };
}

function start(world: World, from = saved()) {
  const { active = {}, archived = {}, threads = [], latestThreads = [], stores = () => true } = world;
  const items = new Map<string, StoredThread>();
  const deliveries = new Map<string, number>();
  const calls: string[] = [];
  const published: AnyEvent[] = [];
  const write = (event: AnyEvent) => {
    const threadId = 'threadId' in event.data ? (event.data.threadId ?? '') : '';
    items.set(threadId, store(items.get(threadId) ?? nothing, [event]));
  };
  for (const { started, events = [] } of world.stored ?? []) for (const event of [started, ...events]) write(event);
  for (const event of world.webhooks ?? []) write(event);
  const source: ReconciliationSource = {
    listActive: async (_at, id = 'first') => active[id] ?? page([]),
    listArchived: async (_at, _period, id = 'first') => archived[id] ?? page([]),
    getThread: async (_at, conversationId, threadId) =>
      threads.find((one) => one.conversationId === conversationId && one.threadId === threadId),
    listThreadIds: async (conversationId) => {
      const ids = threads.filter((one) => one.conversationId === conversationId).map(({ threadId }) => threadId);
      return ids.length > 0 ? { ids, next: undefined } : undefined;
    },
    inRegion: () => source,
    withFreshCredentials: async () => undefined,
  };
  const recorded = new Proxy(source, {
    get: (target, name: keyof ReconciliationSource) => {
      calls.push(name);
      return target[name];
    },
  });
  const checkpoints: { progress: SavedRun; isUrgent: boolean }[] = [];
  const ports: RunPorts = {
    requireTime: () => {},
    call: (request) => request(recorded, time(40)),
    readStored: async (ids) => ids.map(({ threadId }) => items.get(threadId) ?? nothing),
    async *latestThreads() {
      yield* latestThreads;
    },
    isSameContent,
    publish: world.dryRun
      ? undefined
      : async (events) => {
          for (const event of events) {
            const delivery = (deliveries.get(event.metadata.id) ?? 0) + 1;
            deliveries.set(event.metadata.id, delivery);
            published.push(event);
            if (stores(event, delivery)) write(event);
          }
        },
    clock: { sleep: async () => {} },
    checkpoint: async (progress, isUrgent) => void checkpoints.push({ progress, isUrgent }),
  };
  const runner = new Runner(from, ports);
  return { runner, calls, published, checkpoints, types: () => published.map(({ type }) => type) };
}

describe('a run', () => {
  it('is complete after one pass if nothing differs, without saving anything', async () => {
    const [a, b] = [chat('a'), chat('b', { active: false })];
    const { runner, calls, checkpoints } = start({
      active: { first: page([summary(a)]) },
      archived: { first: page([b]) },
      stored: [a, b],
      latestThreads: [
        { ...a, isClosed: false },
        { ...b, isClosed: true },
      ],
    });
    expect(await runner.run()).toBe('complete');
    expect(calls).toEqual(['listActive', 'listArchived']);
    expect(checkpoints.map(({ isUrgent }) => isUrgent)).toEqual([false, false]);
    expect(runner.progress.run.report).toMatchObject({ threads: 2, equal: 2, repaired: 0, published: 0, passes: 1 });
  });

  it('publishes what is missing, and proves it with a second pass', async () => {
    const a = chat('a', { active: false });
    const { runner, types, checkpoints } = start({ archived: { first: page([a]) } });
    expect(await runner.run()).toBe('complete');
    expect(types()).toEqual(['chat.started', 'message.received']);
    expect(checkpoints.filter(({ isUrgent }) => isUrgent)).toHaveLength(1);
    expect(runner.progress.run.report).toMatchObject({ threads: 1, equal: 1, repaired: 1, published: 2, passes: 2 });
  });

  it('publishes nothing in a dry run, and counts what it would publish', async () => {
    const { runner, published } = start({ archived: { first: page([chat('a')]) }, dryRun: true });
    expect(await runner.run()).toBe('complete');
    expect(published).toEqual([]);
    expect(runner.progress.run.report).toMatchObject({ repaired: 1, published: 2, passes: 1 });
  });

  it('publishes again what was not stored in time', async () => {
    const { runner, types } = start({
      archived: { first: page([chat('a')]) },
      stores: ({ type }, delivery) => type !== 'message.received' || delivery > 1,
    });
    expect(await runner.run()).toBe('complete');
    expect(types()).toEqual(['chat.started', 'message.received', 'message.received']);
    expect(runner.progress.run.report).toMatchObject({ repaired: 1, unprovable: {}, passes: 3 });
  });

  it('is incomplete if something is never stored', async () => {
    const { runner } = start({
      archived: { first: page([chat('a')]) },
      stores: ({ type }) => type !== 'message.received',
    });
    expect(await runner.run()).toBe('incomplete');
    expect(runner.progress.run.report).toMatchObject({
      unprovable: { 'not stored': 1 },
      examples: [{ conversationId: 'a', threadId: 'a1', reason: 'not stored' }],
      passes: 4,
    });
  });

  it('reads an active chat with news, and the events that an archive omits', async () => {
    const [a, b, c] = [chat('a'), chat('b'), chat('c', { active: false })];
    const { runner, calls } = start({
      active: { first: page([summary(a), summary(b, [{ id: 'b1_1', at: at(35) }])]) },
      archived: { first: page([{ ...c, events: undefined }]) },
      threads: [b, c],
      stored: [a, b, c],
    });
    expect(await runner.run()).toBe('complete');
    expect(calls).toEqual(['listActive', 'getThread', 'listArchived', 'getThread']);
  });

  it('reads every active chat if it is deep', async () => {
    const a = chat('a');
    const { runner, calls } = start(
      { active: { first: page([summary(a)]) }, threads: [a], stored: [a] },
      saved({ isDeep: true }),
    );
    await runner.run();
    expect(calls).toEqual(['listActive', 'getThread', 'listArchived']);
  });

  it('reads a stored thread that LiveChat did not list', async () => {
    const a = chat('a', { active: false });
    const { runner, types } = start({
      threads: [a],
      stored: [chat('a')],
      latestThreads: [{ ...a, isClosed: false }],
    });
    expect(await runner.run()).toBe('complete');
    expect(types()).toEqual(['chat.observed']);
  });

  it('reports a stored thread that LiveChat does not return', async () => {
    const { runner } = start({ latestThreads: [{ conversationId: 'a', threadId: 'a1', isClosed: false }] });
    expect(await runner.run()).toBe('complete');
    expect(runner.progress.run.report).toMatchObject({ unprovable: { 'not found': 1 } });
  });

  it('reads the thread before a thread whose start was lost', async () => {
    const before = { ...chat('a', { active: false }), isLatest: false };
    const a = chat('a');
    const reopened = {
      ...a,
      threadId: 'a2',
      started: {
        ...a.started,
        metadata: { ...a.started.metadata, id: 'a2' },
        data: { ...a.started.data, threadId: 'a2', createdAt: at(20), previousThreadId: 'a1' },
      },
      events: [],
    };
    const { runner, types } = start({ archived: { first: page([reopened]) }, threads: [before] });
    await runner.run();
    expect(types()).toEqual(['chat.started', 'chat.started', 'message.received']);
  });

  it('reports a thread that webhooks are changing, and leaves its state', async () => {
    const a = chat('a');
    const changed: AnyEvent = {
      type: 'chat.updated',
      metadata: metadata(41, 'tagged'),
      data: { conversationId: 'a', threadId: 'a1', tag: 'refund' },
    };
    const world = start({
      archived: { first: page([a]) },
      stored: [{ ...a, events: [] }],
      webhooks: [changed],
    });
    expect(await world.runner.run()).toBe('complete');
    expect(world.types()).toEqual(['message.received']);
    expect(world.runner.progress.run.report).toMatchObject({ unprovable: { changing: 1 }, equal: 0 });
  });

  it('names what does not match the schema', async () => {
    const { runner } = start({
      archived: { first: { threads: [chat('a', { invalid: ['x'] })], invalid: ['b'], next: undefined } },
    });
    await runner.run();
    expect(runner.progress.run.report.unprovable).toEqual({ invalid: 2 });
  });

  it('of one chat reads its threads only', async () => {
    const a = chat('a');
    const one = saved();
    const { runner, calls, types } = start(
      { threads: [a], active: { first: page([summary(chat('b'))]) } },
      { ...one, run: { ...one.run, conversationId: 'a' } },
    );
    expect(await runner.run()).toBe('complete');
    expect(types()).toEqual(['chat.started', 'message.received']);
    expect(calls).toEqual(['listThreadIds', 'getThread', 'listThreadIds', 'getThread']);
  });
});

describe('a stored thread that is closed, and that LiveChat did not list', () => {
  const long = chat('long', { active: false, createdAt: at(5) });
  const run = (world: World, given: Partial<SavedRun> = {}) => {
    const from = saved(given);
    const started = start(
      { threads: [long], stored: [long], latestThreads: [{ ...long, isClosed: true }], ...world },
      { ...from, run: { ...from.run, from: time(10) } },
    );
    return started.runner.run().then(() => started.calls.includes('getThread'));
  };
  const changed = (minute: number): AnyEvent => ({
    type: 'chat.deactivated',
    metadata: metadata(minute, 'closed'),
    data: { conversationId: 'long', threadId: 'long1' },
  });

  it.each<[string, World, Partial<SavedRun>, boolean]>([
    ['was changed since the last proof', { webhooks: [changed(35)] }, {}, true],
    ['was not changed since', {}, { newsSince: time(41) }, false],
    ['was not changed since, in a deep run', {}, { newsSince: time(41), isDeep: true }, true],
    ['started after the period', { stored: [chat('long', { createdAt: at(39) })] }, {}, false],
  ])('is read if it %s', async (_what, world, given, expected) => {
    expect(await run(world, given)).toBe(expected);
  });
});

describe('a run that continues', () => {
  const [a, b] = [chat('a', { active: false }), chat('b', { active: false })];

  it('begins with the page that it had saved', async () => {
    const { runner, types } = start(
      { archived: { first: page([a], 'p2'), p2: page([b]) } },
      saved({ cursor: { phase: 'archive', page: 'p2', pass: 1, publishedBefore: 0 } }),
    );
    expect(await runner.run()).toBe('complete');
    // The second pass, which proves the run, reads the first page too.
    expect(types()).toEqual(['chat.started', 'message.received', 'chat.started', 'message.received']);
  });

  it('reads by itself only a closed thread that began before the period, since it does not know what was listed', async () => {
    const old = chat('old', { active: false, createdAt: at(1) });
    const world = {
      threads: [a, old],
      stored: [a, old],
      latestThreads: [
        { ...a, isClosed: true },
        { ...old, isClosed: true },
      ],
    };
    const from = saved({ cursor: { phase: 'stored chats', pass: 1, publishedBefore: 0 } });
    const { runner, calls } = start(world, { ...from, run: { ...from.run, from: time(0) } });
    await runner.run();
    expect(calls).toEqual([]);
    const later = start(world, { ...from, run: { ...from.run, from: time(2) } });
    await later.runner.run();
    expect(later.calls).toEqual(['getThread', 'getThread']);
  });
});
