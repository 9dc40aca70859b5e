import { describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import {
  apiFixture,
  manualClock,
  nina,
  outline,
  type Running,
  startApi,
  tomas,
  until,
} from '../../../test/test-simulator.ts';

const dana = { customer: { name: 'Dana Whitfield', email: 'dana@shop.example', sessionFields: { plan: 'pro' } } };
/** Fields that depend on earlier chats. webhooks.test.ts compares the events. */
const optionalFields = /events\[\]|agent_last_event|customer_last_event|cart_value|rating|tags/;

const findMissingFields = (json: unknown, fixture: string): string[] => {
  const lines = outline(json);
  return outline(apiFixture(fixture)).filter((line) => !optionalFields.test(line) && !lines.includes(line));
};

/** Starts a chat with this many threads. */
const startChatWithThreads = async ({ startChat, act }: Running, threads: number): Promise<string> => {
  const chatId = await startChat(dana);
  for (let n = 1; n < threads; n++) {
    await act(chatId, { as: 'agent', action: 'message', text: 'Bye' });
    await act(chatId, { action: 'leave' });
    await act(chatId, { action: 'reopen', text: String(n) });
  }
  return chatId;
};

const page = z.object({
  threads: z.array(z.object({ id: z.string() })),
  found_threads: z.number(),
  next_page_id: z.optional(z.string()),
  previous_page_id: z.optional(z.string()),
});

describe('get_chat', () => {
  test('has every field of the fixture', async () => {
    const running = await startApi();
    const { json } = await running.api('get_chat', { chat_id: await startChatWithThreads(running, 2) });
    expect(findMissingFields(json, 'get_chat.response')).toEqual([]);
  });

  test('returns the newest or the requested thread', async () => {
    const running = await startApi();
    const chat_id = await startChatWithThreads(running, 3);
    const { threads } = page.parse((await running.api('list_threads', { chat_id })).json);
    const [newest, , oldest] = threads.map(({ id }) => id);
    expect((await running.api('get_chat', { chat_id })).json).toMatchObject({ thread: { id: newest } });
    const old = await running.api('get_chat', { chat_id, thread_id: oldest });
    expect(old.json).toMatchObject({ thread: { id: oldest, active: false } });
    expect((await running.api('get_chat', { chat_id, thread_id: 'T0' })).status).toBe(404);
  });

  test('returns last_visit before 3.6, and no customer_visit', async () => {
    const { api, startChat } = await startApi();
    const { json } = await api('get_chat', { chat_id: await startChat() }, { version: 'v3.4' });
    expect(json).toMatchObject({ users: [{ last_visit: { ip: '203.0.113.24' } }, {}] });
    expect(json).not.toHaveProperty('thread.customer_visit');
    expect(json).not.toHaveProperty('users.0.visit');
  });
});

describe('list_threads', () => {
  test('has every field of the fixture', async () => {
    const running = await startApi();
    const { json } = await running.api('list_threads', { chat_id: await startChatWithThreads(running, 2) });
    expect(findMissingFields(json, 'list_threads.response')).toEqual([]);
  });

  test('returns three threads per page, newest first, with page ids', async () => {
    const running = await startApi();
    const chat_id = await startChatWithThreads(running, 7);
    const list = async (more: object) => page.parse((await running.api('list_threads', { chat_id, ...more })).json);
    const pages = [await list({})];
    for (let id = pages[0]?.next_page_id; id !== undefined; id = pages.at(-1)?.next_page_id) {
      pages.push(await list({ page_id: id }));
    }
    expect(pages.map(({ threads, found_threads }) => [threads.length, found_threads])).toEqual([
      [3, 7],
      [3, 7],
      [1, 7],
    ]);
    const ids = pages.flatMap(({ threads }) => threads.map(({ id }) => id));
    const ascending = await list({ sort_order: 'asc', limit: 100 });
    expect(ascending.threads.map(({ id }) => id)).toEqual(ids.toReversed());
    expect(await list({ page_id: pages[1]?.previous_page_id })).toEqual(pages[0]);
  });

  test('filters by creation time', async () => {
    const clock = manualClock();
    const running = await startApi({ clock });
    const chat_id = await startChatWithThreads(running, 1);
    clock.advance(60_000);
    const from = new Date(clock.now()).toISOString();
    const to = new Date(clock.now() - 1).toISOString();
    await running.act(chat_id, { action: 'leave' });
    await running.act(chat_id, { action: 'reopen', text: 'Again' });
    const since = await running.api('list_threads', { chat_id, filters: { from } });
    expect(since.json).toMatchObject({ found_threads: 1 });
    expect((await running.api('list_threads', { chat_id, filters: { to } })).json).toMatchObject({
      found_threads: 1,
    });
  });

  test.each([
    [{ limit: 101 }, '`limit` must be from 1 to 100'],
    [{ limit: 0 }, '`limit` must be from 1 to 100'],
    [{ page_id: 'nonsense' }, '`page_id` is invalid'],
    [{ sort_order: 'up' }, '`sort_order` must be one of asc, desc'],
    [{ filters: { from: 'today' } }, '`filters.from` must be a time'],
  ])('rejects %j', async (more, message) => {
    const { api, startChat } = await startApi();
    const answer = await api('list_threads', { chat_id: await startChat(), ...more });
    expect(answer).toMatchObject({ status: 422, json: { error: { message } } });
  });
});

describe('list_chats', () => {
  const startThreeChats = async () => {
    const clock = manualClock();
    const running = await startApi({ clock });
    const ids: string[] = [];
    for (const group of [0, 4, 4]) {
      ids.push(await running.startChat({ group }));
      clock.advance(1000);
    }
    await running.act(ids[1] ?? '', { action: 'leave' });
    const list = async (request: object, version = 'v3.6') => {
      const { json } = await running.api('list_chats', request, { version });
      return z
        .object({ chats_summary: z.array(z.object({ id: z.string() })) })
        .parse(json)
        .chats_summary.map(({ id }) => ids.indexOf(id));
    };
    return { ...running, list };
  };

  test('filters by activity and group, depending on the version', async () => {
    const { list } = await startThreeChats();
    expect(await list({})).toEqual([2, 1, 0]);
    expect(await list({ sort_order: 'asc', limit: 2 })).toEqual([0, 1]);
    expect(await list({ filters: { active: true } })).toEqual([2, 0]);
    expect(await list({ filters: { active: false } })).toEqual([1]);
    expect(await list({ filters: { group_ids: [4] } })).toEqual([2, 1]);
    expect(await list({ filters: { include_active: false } }, 'v3.4')).toEqual([1]);
    expect(await list({ filters: { include_active: true }, limit: 100 }, 'v3.5')).toEqual([2, 1, 0]);
  });

  test('rejects page_id with other parameters', async () => {
    const { api, list } = await startThreeChats();
    const { json } = await api('list_chats', { limit: 2 });
    const { next_page_id } = z.object({ next_page_id: z.string() }).parse(json);
    expect(json).toMatchObject({ found_chats: 3, chats_summary: [{ last_thread_summary: { active: true } }, {}] });
    expect(await list({ page_id: next_page_id })).toEqual([0]);
    expect((await api('list_chats', { page_id: next_page_id, limit: 2 })).status).toBe(422);
  });
});

test('tag_thread and untag_thread work on any thread', async () => {
  const running = await startApi();
  const chat_id = await startChatWithThreads(running, 2);
  const { threads } = page.parse((await running.api('list_threads', { chat_id })).json);
  const request = { chat_id, thread_id: threads[1]?.id, tag: 'bug_report' };
  expect(await running.api('tag_thread', request)).toMatchObject({ status: 200, json: {} });
  const tagged = await running.api('list_threads', { chat_id });
  expect(tagged.json).toMatchObject({ threads: [{}, { active: false, tags: ['bug_report'] }] });
  expect((await running.api('untag_thread', request)).status).toBe(200);
  expect((await running.api('untag_thread', request)).status).toBe(422);
  expect((await running.api('tag_thread', { ...request, thread_id: 'T0' })).status).toBe(404);
});

const addRequest = (chat_id: string, changes: object = {}) => ({
  chat_id,
  user_id: nina,
  user_type: 'agent',
  visibility: 'all',
  ignore_requester_presence: true,
  ...changes,
});

describe('add_user_to_chat', () => {
  test('sends the webhook immediately, and lets the user send after a delay', async () => {
    const clock = manualClock();
    const { api, startChat, send, receiver } = await startApi({ clock });
    const chatId = await startChat({ agent: null });
    expect(await api('add_user_to_chat', addRequest(chatId))).toMatchObject({ status: 200, json: {} });
    await until(() => receiver.bodies.length === 2);
    expect(receiver.bodies[1]).toMatchObject({
      action: 'user_added_to_chat',
      payload: { chat_id: chatId, user: { id: nina, present: true, visibility: 'all' }, requester_id: nina },
    });
    clock.advance(299);
    expect((await send(chatId)).status).toBe(403);
    clock.advance(1);
    expect((await send(chatId)).status).toBe(200);
  });

  test('rejects a second public agent unless the setting allows it', async () => {
    const { api, startChat, simulatorApi } = await startApi();
    const chatId = await startChat({ agent: tomas });
    const { status, json } = await api('add_user_to_chat', addRequest(chatId));
    expect({ status, json }).toEqual({ status: 422, json: apiFixture('error.validation_public_agents_limit.422') });
    await simulatorApi('settings', { publicAgentsLimit: 2 });
    expect((await api('add_user_to_chat', addRequest(chatId))).status).toBe(200);
  });

  test('accepts an agent with visibility agents, who can send to agents only', async () => {
    const { api, startChat, send, simulatorApi } = await startApi();
    await simulatorApi('settings', { joinDelayMs: 0 });
    const chatId = await startChat({ agent: tomas });
    expect((await api('add_user_to_chat', addRequest(chatId, { visibility: 'agents' }))).status).toBe(200);
    expect((await send(chatId)).status).toBe(422);
    expect((await send(chatId, { visibility: 'agents' })).status).toBe(200);
  });

  test('accepts a user who is already in the chat', async () => {
    const { api, startChat, simulatorApi } = await startApi();
    const chatId = await startChat();
    expect((await api('add_user_to_chat', addRequest(chatId))).status).toBe(200);
    expect((await simulatorApi('calls')).json).toMatchObject({
      methods: { add_user_to_chat: { count: 1, accepted: 1 } },
    });
  });

  test('adds the customer to a thread that an agent started', async () => {
    const { api, startChat, act, receiver } = await startApi();
    const customer = '5f0c1d7e-2a84-4c39-9b61-7c2e9d1a4b55';
    const chatId = await startChat({ customerId: customer });
    await act(chatId, { action: 'leave' });
    await api('resume_chat', { chat: { id: chatId } });
    await api('add_user_to_chat', addRequest(chatId, { user_id: customer, user_type: 'customer' }));
    await until(() => receiver.bodies.length === 5);
    expect(receiver.bodies[4]).toMatchObject({ payload: { user: { id: customer, type: 'customer', present: true } } });
  });

  test.each([
    [{ user_id: 'nina' }, 422, apiFixture('error.validation_user_id_not_found.422')],
    [{ user_type: 'customer' }, 422, apiFixture('error.validation_user_id_not_found.422')],
    [{ ignore_requester_presence: false }, 403, apiFixture('error.authorization_not_member.403')],
    [{ visibility: undefined }, 422, { error: { type: 'validation', message: '`visibility` is required' } }],
  ])('rejects %j', async (changes, status, json) => {
    const { api, startChat } = await startApi();
    const answer = await api('add_user_to_chat', addRequest(await startChat({ agent: null }), changes));
    expect(answer).toMatchObject({ status, json });
  });
});

test('remove_user_from_chat removes an agent, who then cannot send', async () => {
  const { api, startChat, send, receiver } = await startApi();
  const chatId = await startChat();
  expect((await api('remove_user_from_chat', addRequest(chatId, { user_id: tomas }))).status).toBe(422);
  expect((await api('remove_user_from_chat', addRequest(chatId))).status).toBe(200);
  await until(() => receiver.bodies.length === 2);
  expect(receiver.bodies[1]).toMatchObject({ action: 'user_removed_from_chat', payload: { user_id: nina } });
  expect((await send(chatId)).status).toBe(403);
});

describe('transfer_chat', () => {
  test('takes over a chat in which a second agent would be rejected', async () => {
    const { api, startChat, send, receiver } = await startApi();
    const chatId = await startChat({ agent: tomas });
    const target = { type: 'agent', ids: [nina] };
    expect((await api('transfer_chat', { id: chatId, target })).status).toBe(403);
    const request = { id: chatId, target, ignore_requester_presence: true };
    expect((await api('transfer_chat', request)).status).toBe(200);
    await until(() => receiver.bodies.length === 5);
    expect(receiver.bodies.slice(1).map(({ action }) => action)).toEqual([
      'chat_transferred',
      'user_added_to_chat',
      'incoming_event',
      'user_removed_from_chat',
    ]);
    expect(receiver.bodies[4]).toMatchObject({ payload: { user_id: tomas, requester_id: nina } });
    expect((await send(chatId)).status).toBe(200);
  });

  test('makes a hidden agent visible to the customer', async () => {
    const { api, startChat, send, simulatorApi } = await startApi();
    await simulatorApi('settings', { joinDelayMs: 0 });
    const chatId = await startChat({ agent: tomas });
    await api('add_user_to_chat', addRequest(chatId, { visibility: 'agents' }));
    expect((await api('transfer_chat', { id: chatId, target: { type: 'agent', ids: [nina] } })).status).toBe(200);
    expect((await send(chatId)).status).toBe(200);
  });

  test('to a group removes the agents and queues the chat', async () => {
    const { api, startChat, send } = await startApi();
    const chatId = await startChat();
    expect((await api('transfer_chat', { id: chatId, target: { type: 'group', ids: [19] } })).status).toBe(200);
    expect((await send(chatId)).status).toBe(403);
    const chat = await api('get_chat', { chat_id: chatId });
    expect(chat.json).toMatchObject({ access: { group_ids: [19] }, thread: { queue: { position: 1 } } });
  });

  test('rejects unavailable targets unless the chat may queue', async () => {
    const { api, startChat, simulatorApi } = await startApi();
    await simulatorApi('settings', { offlineAgents: [tomas], offlineGroups: [19], groups: [0, 7, 19] });
    const chatId = await startChat({ agent: nina });
    const transfer = async (target: object | undefined, more: object = {}) => {
      const { status, json } = await api('transfer_chat', { id: chatId, ...(target && { target }), ...more });
      return [status, json];
    };
    const rejected = (type: string, message: string) => [422, { error: { type, message } }];
    expect(await transfer({ type: 'agent', ids: [tomas] })).toEqual(rejected('agent_offline', 'Agent is offline'));
    expect(await transfer({ type: 'group', ids: [19] })).toEqual(rejected('groups_offline', 'All groups are offline'));
    expect(await transfer({ type: 'group', ids: [8] })).toEqual(rejected('validation', 'Group not found'));
    expect(await transfer({ type: 'group', ids: [7, 19] })).toEqual([200, {}]);
    const mayQueue = { ignore_agents_availability: true, ignore_requester_presence: true };
    expect(await transfer({ type: 'group', ids: [19] }, mayQueue)).toEqual([200, {}]);
    const notInChat = { ignore_requester_presence: true };
    expect(await transfer(undefined, notInChat)).toEqual(rejected('groups_offline', 'All groups are offline'));
  });

  test('rejects a request without an id', async () => {
    const { api } = await startApi();
    const { status, json } = await api('transfer_chat', {});
    expect({ status, json }).toEqual({ status: 422, json: apiFixture('error.validation.422') });
  });
});

test('deactivate_chat closes the thread, once', async () => {
  const { api, startChat, receiver } = await startApi();
  const id = await startChat({ agent: tomas });
  expect((await api('deactivate_chat', { id })).status).toBe(403);
  expect((await api('deactivate_chat', { id, ignore_requester_presence: true })).status).toBe(200);
  await until(() => receiver.bodies.length === 3);
  expect(receiver.bodies[2]).toMatchObject({ action: 'chat_deactivated', payload: { chat_id: id, user_id: nina } });
  expect((await api('deactivate_chat', { id })).json).toEqual(apiFixture('error.chat_inactive.422'));
});
