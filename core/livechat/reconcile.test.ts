import { afterEach, describe, expect, it } from 'vitest';
import { fixture, order } from '../../test/fixtures.ts';
import { type Respond, respondWith, startServer } from '../../test/http-server.ts';
import type { ListedThread } from '../reconciliation/source.ts';
import { createLiveChatClient } from './client.ts';
import type { Connection } from './connection.ts';
import { isSameContent, liveChatSource } from './reconcile.ts';
import { translate } from './translate.ts';

const organizationId = '7d1b0c52-9e44-4f0a-8a6e-2f63c1e0b9d4';
const observedAt = '2026-11-27T12:00:00.000Z';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

/** A source whose LiveChat gives these responses in order. */
async function serve(responses: readonly Respond[], version = 'v3.6') {
  const left = [...responses];
  const server = await startServer((response, request) => left.shift()?.(response, request));
  stops.push(server.stop);
  const client = createLiveChatClient({ authorization: 'Basic x', baseUrl: server.url, version });
  const connection: Connection = {
    client,
    agentId: undefined,
    inRegion: () => connection,
    refresh: async () => undefined,
  };
  const source = liveChatSource(connection, { organizationId, listsOnlyActive: version === 'v3.6' });
  const requests = () => server.received.map(({ path, body }) => [path, JSON.parse(body.toString())]);
  return { source, requests };
}

const respond = (body: unknown) => respondWith(200, body);
const ids = ({ started, events = [] }: ListedThread) => [started, ...events].map(({ metadata }) => metadata.id);

/** A thread as `get_chat` and the archives return it. */
const chat = (thread: object, users: readonly object[] = []) => ({
  id: 'C',
  users,
  access: { group_ids: [1] },
  thread: { id: 'T', active: false, created_at: '2026-11-27T10:00:00.000000Z', user_ids: ['c'], ...thread },
});
const event = (number: number, given: object = {}) => ({
  id: `T_${number}`,
  type: 'message',
  text: 'hello',
  author_id: '5f0c1d7e-2a84-4c39-9b61-7c2e9d1a4b55',
  visibility: 'all',
  created_at: `2026-11-27T10:00:0${number}.000000Z`,
  ...given,
});

async function listOne(body: object): Promise<ListedThread> {
  const { source } = await serve([respond({ chats: [body] })]);
  const { threads } = await source.listArchived(observedAt, { from: observedAt, to: observedAt }, undefined);
  const [thread] = threads;
  if (!thread) throw new Error('no thread');
  return thread;
}

describe('listArchived', () => {
  const period = { from: '2026-11-20T08:00:00.000Z', to: '2026-11-20T10:00:00.000Z' };

  it('reads the first page by its period, and the next page by its id alone', async () => {
    const { source, requests } = await serve([
      respond(fixture('api/list_archives.response.json')),
      respond({ chats: [] }),
    ]);
    const { next } = await source.listArchived(observedAt, period, undefined);
    expect(next).toBe('MTUxNzM5ODEzMTQ5Ng==');
    expect(await source.listArchived(observedAt, period, next)).toEqual({ threads: [], invalid: [], next: undefined });
    expect(requests()).toEqual([
      ['/v3.6/agent/action/list_archives', { filters: period, sort_order: 'asc', limit: 100 }],
      ['/v3.6/agent/action/list_archives', { page_id: next }],
    ]);
  });

  it('translates a thread with its state', async () => {
    const { source } = await serve([respond(fixture('api/list_archives.response.json'))]);
    const { threads } = await source.listArchived(observedAt, period, undefined);
    expect(threads).toMatchObject([
      {
        conversationId: 'T8RM2K0V9X',
        threadId: 'T8RM2K0W01',
        observedAt,
        active: false,
        isLatest: true,
        groups: [1],
        tags: ['returns'],
        started: {
          data: { reason: 'reopened', createdAt: '2026-11-20T08:01:00.412000Z' },
          metadata: { recovered: true, receivedAt: observedAt },
        },
        seenUpTo: [
          { userId: '5f0c1d7e-2a84-4c39-9b61-7c2e9d1a4b55', at: '2026-11-20T08:12:09.000000Z' },
          { userId: 'nina@acme.example', at: '2026-11-20T08:12:20.000000Z' },
        ],
      },
    ]);
    expect(threads[0]?.events?.map(({ type }) => type)).toEqual(['message.received', 'message.received']);
  });

  it('names a chat that does not match the schema, and an event that does not', async () => {
    const { source } = await serve([
      respond({ chats: [{ id: 'bad', thread: {} }, chat({ events: [event(1), { id: 'T_2' }] })] }),
    ]);
    const { threads, invalid } = await source.listArchived(observedAt, period, undefined);
    expect(invalid).toEqual(['bad']);
    expect(threads).toMatchObject([{ invalid: ['payload.chat.thread.events.1'], events: [{ data: { id: 'T_1' } }] }]);
  });

  it('leaves the events undefined if the list omits them', async () => {
    expect((await listOne(chat({}))).events).toBeUndefined();
  });
});

it('gives the events of a thread the ids of their webhooks', async () => {
  const webhooks = order()
    .map(fixture)
    .flatMap(({ action, payload }) =>
      translate({ organizationId, action: String(action), payload, receivedAt: observedAt }, {}),
    )
    .map(({ metadata }) => metadata.id);
  const { source } = await serve([respond(fixture('api/get_chat.response.json'))]);
  const thread = await source.getThread(observedAt, 'T8RM2K0V9X', 'T8RM2KD13X');
  const listed = typeof thread === 'string' ? [] : ids(thread);
  expect(listed.length).toBeGreaterThan(5);
  expect(listed.filter((id) => !webhooks.includes(id))).toEqual([]);
});

describe('the last transfer', () => {
  const nina = { id: 'nina@acme.example', type: 'agent', name: 'Nina' };
  const transfer = (number: number, targets: string) =>
    event(number, {
      type: 'system_message',
      author_id: undefined,
      system_message_type: 'chat_transferred',
      text_vars: { targets },
    });

  it.each([
    ['an agent', ['Nina'], [nina.id]],
    ['a group', ['Nina', 'Sales'], []],
    ['two agents', ['Nina, Tomas'], [nina.id, 'tomas@acme.example']],
  ])('names %s', async (_what, targets, agents) => {
    const users = [nina, { ...nina, id: 'tomas@acme.example', name: 'Tomas' }];
    const thread = await listOne(chat({ events: targets.map((names, index) => transfer(index + 1, names)) }, users));
    expect(thread.transfer).toEqual({ at: `2026-11-27T10:00:0${targets.length}.000000Z`, agents });
  });

  it('is unknown if two users have the name', async () => {
    const thread = await listOne(
      chat({ events: [transfer(1, 'Nina')] }, [nina, { ...nina, id: 'other@acme.example' }]),
    );
    expect(thread.transfer).toBeUndefined();
  });

  it('is also that of the router', async () => {
    const routed = event(1, {
      type: 'system_message',
      system_message_type: 'routing.assigned_inactive',
      text_vars: { agent_added: 'Nina', agent_removed: 'Tomas' },
    });
    expect((await listOne(chat({ events: [routed] }, [nina]))).transfer?.agents).toEqual([nina.id]);
  });
});

describe('listActive', () => {
  const summary = (active: boolean, given: object = {}) => ({
    id: 'C',
    users: [],
    last_thread_summary: { id: 'T', active, created_at: '2026-11-27T10:00:00.000000Z' },
    ...given,
  });

  it('lists active chats, with the last event of each type', async () => {
    const last_event_per_type = { message: { event: event(3) }, file: {} };
    const { source, requests } = await serve([
      respond({ chats_summary: [summary(true, { last_event_per_type })], next_page_id: 'p2' }),
    ]);
    const { threads, next } = await source.listActive(observedAt, undefined);
    expect(next).toBe('p2');
    expect(threads).toMatchObject([
      {
        threadId: 'T',
        events: undefined,
        tags: undefined,
        latestEvents: [{ id: 'T_3', at: '2026-11-27T10:00:03.000000Z' }],
      },
    ]);
    expect(requests()[0]).toEqual(['/v3.6/agent/action/list_chats', { limit: 100, filters: { active: true } }]);
  });

  it('leaves out the last events of earlier threads', async () => {
    const last_event_per_type = {
      message: { thread_id: 'T', event: event(3) },
      filled_form: { thread_id: 'T0', event: event(1, { type: 'filled_form' }) },
    };
    const { source } = await serve([respond({ chats_summary: [summary(true, { last_event_per_type })] })]);
    const { threads } = await source.listActive(observedAt, undefined);
    expect(threads).toMatchObject([{ latestEvents: [{ id: 'T_3' }] }]);
  });

  it('has no latest events if LiveChat lists none', async () => {
    const { source } = await serve([respond({ chats_summary: [summary(true)] })]);
    expect((await source.listActive(observedAt, undefined)).threads).toMatchObject([{ latestEvents: undefined }]);
  });

  it('stops at the first page without an active chat before v3.6, which cannot filter them', async () => {
    const { source, requests } = await serve(
      [
        respond({ chats_summary: [summary(true), summary(false)], next_page_id: 'p2' }),
        respond({ chats_summary: [summary(false)], next_page_id: 'p3' }),
      ],
      'v3.5',
    );
    expect(await source.listActive(observedAt, undefined)).toMatchObject({ threads: [{ active: true }], next: 'p2' });
    expect(await source.listActive(observedAt, 'p2')).toEqual({ threads: [], invalid: [], next: undefined });
    expect(requests()[0]?.[1]).toEqual({ limit: 100, filters: { include_active: true } });
  });
});

describe('getThread', () => {
  it.each(['not_found', 'authorization', 'missing_access'])('finds no thread if LiveChat answers %s', async (type) => {
    const { source } = await serve([respondWith(403, { error: { type, message: 'x' } })]);
    expect(await source.getThread(observedAt, 'C', 'T')).toBe('not found');
  });

  it('throws any other error', async () => {
    const { source } = await serve([respondWith(500, { error: { type: 'internal', message: 'x' } })]);
    await expect(source.getThread(observedAt, 'C', 'T')).rejects.toMatchObject({ name: 'ChannelServerError' });
  });

  it('reads a thread without events as empty', async () => {
    const { source, requests } = await serve([respond(chat({}))]);
    expect(await source.getThread(observedAt, 'C', 'T')).toMatchObject({ events: [] });
    expect(requests()[0]).toEqual(['/v3.6/agent/action/get_chat', { chat_id: 'C', thread_id: 'T' }]);
  });
});

it('lists the threads of a chat page by page', async () => {
  const { source, requests } = await serve([
    respond({ threads: [{ id: 'T2' }, { id: 'T1' }], next_page_id: 'p2' }),
    respond({ threads: [] }),
  ]);
  expect(await source.listThreadIds('C', undefined)).toEqual({ ids: ['T2', 'T1'], next: 'p2' });
  expect(await source.listThreadIds('C', 'p2')).toEqual({ ids: [], next: undefined });
  expect(requests().map(([, body]) => body)).toEqual([
    { chat_id: 'C', limit: 100 },
    { chat_id: 'C', page_id: 'p2' },
  ]);
});

describe('isSameContent', () => {
  const rich = (clicks: readonly string[]) => JSON.stringify([{ buttons: [{ postback_id: 'a', user_ids: clicks }] }]);
  const message = async (given: object) => {
    const [first] = (await listOne(chat({ events: [event(1, given)] }))).events ?? [];
    if (first?.type !== 'message.received') throw new Error('no message');
    return first.data;
  };

  it.each<[string, object, unknown, boolean]>([
    ['the same text', {}, 'hello', true],
    ['another text', {}, 'other', false],
    ['a missing text', {}, undefined, false],
    ['another click', { type: 'rich_message', elements: JSON.parse(rich(['c'])) }, rich([]), true],
    ['another button', { type: 'rich_message', elements: [{ buttons: [{ postback_id: 'b' }] }] }, rich([]), false],
    ['the same custom content in another order', { type: 'custom', content: { a: 1, b: [2] } }, { b: [2], a: 1 }, true],
    ['an unknown event', { type: 'poll' }, 'anything', true],
  ])('compares %s', async (_what, given, stored, expected) => {
    expect(isSameContent(await message(given), stored)).toBe(expected);
  });
});
