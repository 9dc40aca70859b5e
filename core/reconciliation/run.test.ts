import { describe, expect, it } from 'vitest';
import { at, metadata } from '../../test/conversation-events.ts';
import { listed, nothing, received, store, time } from '../../test/listed-threads.ts';
import { ChannelError } from '../channel/channel.ts';
import type { AnyEvent } from '../events/event.ts';
import { isSameContent } from '../livechat/reconcile.ts';
import type { StoredThread } from './compare.ts';
import { firstCursor, Runner, type RunPorts } from './run.ts';
import type { ListedThread, Page, ReconciliationSource } from './source.ts';
import type { RunState } from './state.ts';
import { emptyReport } from './tally.ts';

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
  latestEvents: ListedThread['latestEvents'] = [{ id: `${thread.threadId}_1`, at: at(2) }],
) => ({
  ...thread,
  events: undefined,
  latestEvents,
});
const page = (threads: readonly ListedThread[], next?: string): Page => ({ threads, invalid: [], next });

interface World {
  readonly active?: Readonly<Record<string, Page>>;
  readonly archived?: Readonly<Record<string, Page>>;
  /** By chat and thread. */
  readonly threads?: readonly ListedThread[];
  readonly stored?: readonly ListedThread[];
  readonly webhooks?: readonly AnyEvent[];
  /** Events that are stored with every thread. */
  readonly conversation?: readonly ListedThread['started'][];
  readonly latestThreads?: readonly { conversationId: string; threadId: string; isClosed: boolean }[];
  /** Whether the functions store an event. */
  readonly stores?: (event: AnyEvent, delivery: number) => boolean;
  readonly dryRun?: boolean;
  readonly inFlightMs?: number;
  readonly notFound?: RunPorts['notFound'];
  /** Called before each pause. */
  readonly onPause?: (ms: number, write: (event: AnyEvent) => void) => void;
  /** Called before each call that reads a thread; throws to interrupt the run. */
  readonly onRead?: (threadId: string) => void;
}

function saved(given: Partial<RunState> = {}): RunState {
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
  return { run, cursor: firstCursor, isFull: false, changedSince: time(30), ...given };
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
    getThread: async (_at, conversationId, threadId) => {
      world.onRead?.(threadId);
      return threads.find((one) => one.conversationId === conversationId && one.threadId === threadId) ?? 'not found';
    },
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
  const checkpoints: { progress: RunState; isUrgent: boolean }[] = [];
  const ports: RunPorts = {
    pause: async (ms) => world.onPause?.(ms, write),
    call: (request) => request(recorded, time(40)),
    readStored: async (ids) =>
      ids.map(({ threadId }) => store(items.get(threadId) ?? nothing, world.conversation ?? [])),
    listLatestThreads: async (_since, id = 'open') => {
      const areClosed = id === 'closed';
      return {
        threads: latestThreads.filter(({ isClosed }) => isClosed === areClosed),
        areClosed,
        next: areClosed ? undefined : 'closed',
      };
    },
    notFound: world.notFound ?? [],
    expiredBefore: '',
    inFlightMs: world.inFlightMs ?? 0,
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
    clock: { now: () => 0 },
    checkpoint: async (progress, isUrgent) => void checkpoints.push({ progress, isUrgent }),
  };
  const runner = new Runner(from, ports);
  return { runner, calls, published, checkpoints, types: () => published.map(({ type }) => type) };
}

const complete = { status: 'complete', isProven: true };

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
    expect(await runner.run()).toEqual(complete);
    expect(calls).toEqual(['listActive', 'listArchived']);
    expect(checkpoints.map(({ isUrgent }) => isUrgent)).toEqual([false, false, false, false]);
    expect(runner.tally.report).toMatchObject({ threads: 2, equal: 2, repaired: 0, published: 0, passes: 1 });
  });

  it('publishes what is missing, and proves it with a second pass', async () => {
    const a = chat('a', { active: false });
    const { runner, types, checkpoints } = start({ archived: { first: page([a]) } });
    expect(await runner.run()).toEqual(complete);
    expect(types()).toEqual(['chat.started', 'message.received']);
    expect(checkpoints.filter(({ isUrgent }) => isUrgent)).toHaveLength(1);
    expect(runner.tally.report).toMatchObject({ threads: 1, equal: 1, repaired: 1, published: 2, passes: 2 });
  });

  it('publishes nothing in a dry run, and counts what it would publish', async () => {
    const { runner, published } = start({ archived: { first: page([chat('a')]) }, dryRun: true });
    expect(await runner.run()).toEqual(complete);
    expect(published).toEqual([]);
    expect(runner.tally.report).toMatchObject({ repaired: 1, published: 2, passes: 1 });
  });

  it('publishes again what was not stored in time', async () => {
    const { runner, types } = start({
      archived: { first: page([chat('a')]) },
      stores: ({ type }, delivery) => type !== 'message.received' || delivery > 1,
    });
    expect(await runner.run()).toEqual(complete);
    expect(types()).toEqual(['chat.started', 'message.received', 'message.received']);
    expect(runner.tally.report).toMatchObject({ repaired: 1, unprovable: {}, passes: 3 });
  });

  it('is incomplete if something is never stored', async () => {
    const { runner } = start({
      archived: { first: page([chat('a')]) },
      stores: ({ type }) => type !== 'message.received',
    });
    // It would stop every later run.
    expect(await runner.run()).toEqual({ status: 'incomplete', isProven: true });
    expect(runner.tally.report).toMatchObject({
      unprovable: { 'not stored': 1 },
      examples: [{ conversationId: 'a', threadId: 'a1', reason: 'not stored' }],
      passes: 3,
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
    expect(await runner.run()).toEqual(complete);
    expect(calls).toEqual(['listActive', 'getThread', 'listArchived', 'getThread']);
  });

  it('reads every active chat if it is full', async () => {
    const a = chat('a');
    const { runner, calls } = start(
      { active: { first: page([summary(a)]) }, threads: [a], stored: [a] },
      saved({ isFull: true }),
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
    expect(await runner.run()).toEqual(complete);
    expect(types()).toEqual(['chat.observed']);
  });

  it('reports a stored thread that LiveChat does not return', async () => {
    const { runner } = start({ latestThreads: [{ conversationId: 'a', threadId: 'a1', isClosed: false }] });
    expect(await runner.run()).toEqual(complete);
    expect(runner.tally.report).toMatchObject({ unprovable: { 'not found': 1 } });
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
    expect(await world.runner.run()).toEqual(complete);
    expect(world.types()).toEqual(['message.received']);
    expect(world.runner.tally.report).toMatchObject({ unprovable: { changing: 1 }, equal: 0 });
  });

  it('names what does not match the schema', async () => {
    const { runner } = start({
      archived: { first: { threads: [chat('a', { invalid: ['x'] })], invalid: ['b'], next: undefined } },
    });
    await runner.run();
    expect(runner.tally.report.unprovable).toEqual({ invalid: 2 });
  });

  it.each(['Server', 'Client'] as const)(
    'repairs the other threads if LiveChat answers a %s error for one',
    async (category) => {
      const threads = ['a', 'b', 'c'].map((name) => chat(name));
      const onRead = (threadId: string) => {
        if (threadId === 'b1')
          throw new ChannelError(category, { message: 'it failed', outcome: 'refused', type: 'any' });
      };
      const active = { first: page(threads.map((thread) => summary(thread))) };
      const { runner, published } = start({ active, threads, onRead });
      expect(await runner.run()).toEqual({ status: 'incomplete', isProven: true });
      expect(runner.tally.unprovable('unreadable')).toEqual([{ conversationId: 'b', threadId: 'b1' }]);
      expect(published).toHaveLength(4);
    },
  );

  it.each([
    ['proves nothing if LiveChat fails for most threads', 300, 'Server'],
    ['fails if LiveChat does not answer', 1, 'Network'],
  ] as const)('%s', async (_what, count, category) => {
    const threads = Array.from({ length: count }, (_, index) => chat(`t${index}`));
    const onRead = () => {
      throw new ChannelError(category, { message: 'it failed', outcome: 'refused' });
    };
    const active = { first: page(threads.map((thread) => summary(thread))) };
    const { runner } = start({ active, threads, onRead });
    if (category === 'Network') await expect(runner.run()).rejects.toThrow('it failed');
    else expect(await runner.run()).toEqual({ status: 'incomplete', isProven: false });
  });

  it('of one chat reads its threads only', async () => {
    const a = chat('a');
    const one = saved();
    const { runner, calls, types } = start(
      { threads: [a], active: { first: page([summary(chat('b'))]) } },
      { ...one, run: { ...one.run, conversationId: 'a' } },
    );
    expect(await runner.run()).toEqual(complete);
    expect(types()).toEqual(['chat.started', 'message.received']);
    expect(calls).toEqual(['listThreadIds', 'getThread', 'listThreadIds', 'getThread']);
  });
});

describe('an edit, a deletion or a state, which has no time of its own', () => {
  const closed = chat('a', { active: false });
  const open = chat('a');
  const closing: AnyEvent = {
    type: 'chat.deactivated',
    metadata: metadata(39, 'closed'),
    data: { conversationId: 'a', threadId: 'a1' },
  };

  it('is published in a scheduled run when its webhook can no longer be in flight', async () => {
    const pauses: number[] = [];
    const world = { archived: { first: page([closed]) }, stored: [open], threads: [closed] };
    const { runner, calls, types } = start({ ...world, inFlightMs: 65_000, onPause: (ms) => pauses.push(ms) });
    expect(await runner.run()).toEqual(complete);
    expect(types()).toEqual(['chat.observed']);
    expect(pauses).toContain(65_000);
    expect(calls).toContain('getThread');
  });

  it('is not published if its webhook arrives meanwhile', async () => {
    const { runner, types } = start({
      archived: { first: page([closed]) },
      stored: [open],
      threads: [closed],
      inFlightMs: 65_000,
      onPause: (ms, write) => {
        if (ms === 65_000) write(closing);
      },
    });
    expect(await runner.run()).toEqual(complete);
    expect(types()).toEqual([]);
  });

  it('is read again if an archive may be older than the last webhook', async () => {
    const edit = (content: string): AnyEvent => {
      const [first] = chat('a').events ?? [];
      if (first?.type !== 'message.received') throw new Error('no message');
      return { type: 'message.updated', metadata: metadata(35, 'edit'), data: { ...first.data, content } };
    };
    const current = chat('a', { active: false });
    const edited = (current.events ?? []).map((event) =>
      event.type === 'message.received' ? { ...event, data: { ...event.data, content: 'new' } } : event,
    );
    const { runner, types } = start({
      archived: { first: page([current]) },
      stored: [current],
      webhooks: [edit('new')],
      threads: [{ ...current, events: edited }],
    });
    expect(await runner.run()).toEqual(complete);
    expect(types()).toEqual([]);
  });
});

it('reads an earlier thread of an active chat that is stored as open', async () => {
  const latest = { ...chat('a', { createdAt: at(20), events: [] }), threadId: 'a2' };
  const started = { ...latest.started, metadata: metadata(20, 'a2'), data: { ...latest.started.data, threadId: 'a2' } };
  const earlier = { ...chat('a', { active: false }), isLatest: false };
  const open = { ...chat('a'), started: { ...chat('a').started, metadata: metadata(5, 'a1') } };
  const { runner, types } = start({
    active: { first: page([summary({ ...latest, started }, [])]) },
    threads: [earlier],
    conversation: [open.started, started],
    stored: [{ ...open, started: open.started }],
  });
  expect(await runner.run()).toEqual(complete);
  expect(types()).toEqual(['chat.observed']);
});

it('asks for a thread that LiveChat did not return before in a full run only', async () => {
  const world = {
    latestThreads: [{ conversationId: 'a', threadId: 'a1', isClosed: false }],
    notFound: [{ conversationId: 'a', threadId: 'a1' }],
  };
  const regular = start(world);
  expect(await regular.runner.run()).toEqual(complete);
  expect(regular.calls).not.toContain('getThread');
  expect(regular.runner.tally.report.unprovable).toEqual({ 'not found': 1 });
  const full = start(world, saved({ isFull: true }));
  await full.runner.run();
  expect(full.calls).toContain('getThread');
});

describe('a stored thread that is closed, and that LiveChat did not list', () => {
  const long = chat('long', { active: false, createdAt: at(5) });
  const run = (world: World, given: Partial<RunState> = {}) => {
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

  it.each<[string, World, Partial<RunState>, boolean]>([
    ['was changed since the last proof', { webhooks: [changed(35)] }, {}, true],
    ['was not changed since', {}, { changedSince: time(41) }, false],
    ['was not changed since, in a full run', {}, { changedSince: time(41), isFull: true }, true],
    ['started after the period', { stored: [chat('long', { createdAt: at(39) })] }, {}, false],
  ])('is read if it %s', async (_what, world, given, expected) => {
    expect(await run(world, given)).toBe(expected);
  });
});

/** Archived threads of customers who had a chat before, and all threads. */
function returningCustomers(count: number) {
  const names = Array.from({ length: count }, (_, index) => `c${index}`);
  const earlier = names.map((name) => chat(name, { active: false }));
  const latest = earlier.map((thread): ListedThread => {
    const threadId = `${thread.conversationId}2`;
    const { started } = thread;
    const data = { ...started.data, threadId, previousThreadId: thread.threadId };
    const metadata = { ...started.metadata, id: threadId };
    return { ...thread, threadId, events: [], started: { ...started, metadata, data } };
  });
  const size = 100;
  const pages = Array.from({ length: Math.ceil(count / size) }, (_, index) => {
    const next = (index + 1) * size < count ? `p${index + 1}` : undefined;
    return [index === 0 ? 'first' : `p${index}`, page(latest.slice(index * size, (index + 1) * size), next)] as const;
  });
  return { threads: [...earlier, ...latest], archived: Object.fromEntries(pages) };
}

/** Interrupts a run when it reads its nth thread. */
function failAt(count: number) {
  let reads = 0;
  return () => {
    reads += 1;
    if (reads === count) throw new Error('interrupted');
  };
}

it('limits the size of its checkpoint, regardless of the number of remaining threads', async () => {
  const { threads, archived } = returningCustomers(4_000);
  const { runner, checkpoints } = start({ archived, threads });
  expect(await runner.run()).toEqual(complete);
  // Two runs are in one DynamoDB item, whose limit is 400 KB.
  for (const { progress } of checkpoints) expect(JSON.stringify(progress).length).toBeLessThan(150_000);
});

describe('a run that continues', () => {
  const [a, b] = [chat('a', { active: false }), chat('b', { active: false })];

  it('begins with the page that it had saved', async () => {
    const { runner, types } = start(
      { archived: { first: page([a], 'p2'), p2: page([b]) } },
      saved({ cursor: { ...firstCursor, phase: 'archive', page: 'p2' } }),
    );
    expect(await runner.run()).toEqual(complete);
    // The second pass, which proves the run, reads the first page too.
    expect(types()).toEqual(['chat.started', 'message.received', 'chat.started', 'message.received']);
  });

  it('does not read the threads of a page again that it has compared', async () => {
    const threads = Array.from({ length: 50 }, (_, index) => chat(`t${index}`));
    const world = { active: { first: page(threads.map((thread) => summary(thread))) }, threads, stored: threads };
    const full = saved({ isFull: true });
    let reads = 0;
    const onRead = () => {
      reads += 1;
      if (reads === 45) throw new Error('interrupted');
    };
    const first = start({ ...world, onRead }, full);
    await expect(first.runner.run()).rejects.toThrow('interrupted');
    const second = start(world, first.runner.state);
    expect(await second.runner.run()).toEqual(complete);
    expect(second.calls.filter((name) => name === 'getThread')).toHaveLength(10);
  });

  it('confirms what it had left to confirm', async () => {
    const closed = chat('a', { active: false });
    const world = { archived: { first: page([closed]) }, stored: [chat('a')], threads: [closed], inFlightMs: 65_000 };
    const onPause = (ms: number) => {
      if (ms === 65_000) throw new Error('interrupted');
    };
    const first = start({ ...world, onPause });
    await expect(first.runner.run()).rejects.toThrow('interrupted');
    const second = start({ ...world, archived: {} }, first.runner.state);
    expect(await second.runner.run()).toEqual(complete);
    expect(second.types()).toEqual(['chat.observed']);
  });

  it('confirms a thread that it had read before the interruption', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `s${index}`);
    const threads = names.map((name) => chat(name, { active: false }));
    const world = { threads, stored: names.map((name) => chat(name)), inFlightMs: 65_000 };
    const from = saved({ cursor: { ...firstCursor, phase: 'remaining threads', pending: threads } });
    const first = start({ ...world, onRead: failAt(25) }, from);
    await expect(first.runner.run()).rejects.toThrow('interrupted');
    const second = start(world, first.runner.state);
    expect(await second.runner.run()).toEqual(complete);
    expect(second.types()).toEqual(names.map(() => 'chat.observed'));
  });

  it('reads the earlier threads that it had found before the interruption', async () => {
    const { threads, archived } = returningCustomers(30);
    const first = start({ archived, threads, onRead: failAt(5) });
    await expect(first.runner.run()).rejects.toThrow('interrupted');
    const published = new Set(first.published.map(({ metadata: { id } }) => id));
    const second = start({ archived, threads, webhooks: first.published }, first.runner.state);
    expect(await second.runner.run()).toEqual(complete);
    for (const { metadata } of second.published) published.add(metadata.id);
    expect([...published]).toEqual(expect.arrayContaining(threads.map(({ started }) => started.metadata.id)));
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
    const from = saved({ cursor: { ...firstCursor, phase: 'stored chats' } });
    const { runner, calls } = start(world, { ...from, run: { ...from.run, from: time(0) } });
    await runner.run();
    // The active chats are listed again.
    expect(calls).toEqual(['listActive']);
    const later = start(world, { ...from, run: { ...from.run, from: time(2) } });
    await later.runner.run();
    expect(later.calls).toEqual(['listActive', 'getThread', 'getThread']);
  });
});
