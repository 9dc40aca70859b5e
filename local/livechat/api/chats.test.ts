import { describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { apiFixture, manualClock, nina, startApi, tomas, until } from '../../../test/test-simulator.ts';

test('tag_thread and untag_thread work on any thread', async () => {
  const { api, startChat, act } = await startApi();
  const chat_id = await startChat();
  await act(chat_id, { action: 'leave' });
  await act(chat_id, { action: 'reopen', text: 'Again' });
  const listed = z.object({ threads: z.array(z.object({ id: z.string() })) });
  const { threads } = listed.parse((await api('list_threads', { chat_id })).json);
  const request = { chat_id, thread_id: threads[1]?.id, tag: 'bug_report' };
  expect(await api('tag_thread', request)).toMatchObject({ status: 200, json: {} });
  const tagged = await api('list_threads', { chat_id });
  expect(tagged.json).toMatchObject({ threads: [{}, { active: false, tags: ['bug_report'] }] });
  expect((await api('untag_thread', request)).status).toBe(200);
  expect((await api('untag_thread', request)).status).toBe(422);
  expect((await api('tag_thread', { ...request, thread_id: 'T0' })).status).toBe(404);
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
