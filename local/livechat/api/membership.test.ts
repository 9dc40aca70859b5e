import { describe, expect, test } from 'vitest';
import { nina, tomas, until } from '../testing.ts';
import { apiFixture, manualClock, startApi } from '../testing-api.ts';

const adding = (chat_id: string, changes: object = {}) => ({
  chat_id,
  user_id: nina,
  user_type: 'agent',
  visibility: 'all',
  ignore_requester_presence: true,
  ...changes,
});

describe('add_user_to_chat', () => {
  test('is told at once, and lets the user send a moment later', async () => {
    const clock = manualClock();
    const { api, begin, send, receiver } = await startApi({ clock });
    const chatId = await begin({ agent: null });
    expect(await api('add_user_to_chat', adding(chatId))).toMatchObject({ status: 200, json: {} });
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

  test('a second agent whom the customer sees is one too many, until the setting allows it', async () => {
    const { api, begin, own } = await startApi();
    const chatId = await begin({ agent: tomas });
    const { status, json } = await api('add_user_to_chat', adding(chatId));
    expect({ status, json }).toEqual({ status: 422, json: apiFixture('error.validation_public_agents_limit.422') });
    await own('settings', { publicAgentsLimit: 2 });
    expect((await api('add_user_to_chat', adding(chatId))).status).toBe(200);
  });

  test('an agent whom the customer does not see may always come, but speaks to agents only', async () => {
    const { api, begin, send, own } = await startApi();
    await own('settings', { joinDelayMs: 0 });
    const chatId = await begin({ agent: tomas });
    expect((await api('add_user_to_chat', adding(chatId, { visibility: 'agents' }))).status).toBe(200);
    expect((await send(chatId)).status).toBe(422);
    expect((await send(chatId, { visibility: 'agents' })).status).toBe(200);
  });

  test('who is there already is added without a word', async () => {
    const { api, begin, own } = await startApi();
    const chatId = await begin();
    expect((await api('add_user_to_chat', adding(chatId))).status).toBe(200);
    expect((await own('calls')).json).toMatchObject({ methods: { add_user_to_chat: { count: 1, accepted: 1 } } });
  });

  test('brings the customer back into a thread that an agent began alone', async () => {
    const { api, begin, act, receiver } = await startApi();
    const customer = '5f0c1d7e-2a84-4c39-9b61-7c2e9d1a4b55';
    const chatId = await begin({ customerId: customer });
    await act(chatId, { action: 'leave' });
    await api('resume_chat', { chat: { id: chatId } });
    await api('add_user_to_chat', adding(chatId, { user_id: customer, user_type: 'customer' }));
    await until(() => receiver.bodies.length === 5);
    expect(receiver.bodies[4]).toMatchObject({ payload: { user: { id: customer, type: 'customer', present: true } } });
  });

  test.each([
    [{ user_id: 'nina' }, 422, apiFixture('error.validation_user_id_not_found.422')],
    [{ user_type: 'customer' }, 422, apiFixture('error.validation_user_id_not_found.422')],
    [{ ignore_requester_presence: false }, 403, apiFixture('error.authorization_not_member.403')],
    [{ visibility: undefined }, 422, { error: { type: 'validation', message: '`visibility` is required' } }],
  ])('%j is refused', async (changes, status, json) => {
    const { api, begin } = await startApi();
    const answer = await api('add_user_to_chat', adding(await begin({ agent: null }), changes));
    expect(answer).toMatchObject({ status, json });
  });
});

test('remove_user_from_chat takes an agent out, who then cannot send', async () => {
  const { api, begin, send, receiver } = await startApi();
  const chatId = await begin();
  expect((await api('remove_user_from_chat', adding(chatId, { user_id: tomas }))).status).toBe(422);
  expect((await api('remove_user_from_chat', adding(chatId))).status).toBe(200);
  await until(() => receiver.bodies.length === 2);
  expect(receiver.bodies[1]).toMatchObject({ action: 'user_removed_from_chat', payload: { user_id: nina } });
  expect((await send(chatId)).status).toBe(403);
});

describe('transfer_chat', () => {
  test('takes a chat over where a second agent would be refused', async () => {
    const { api, begin, send, receiver } = await startApi();
    const chatId = await begin({ agent: tomas });
    const target = { type: 'agent', ids: [nina] };
    expect((await api('transfer_chat', { id: chatId, target })).status).toBe(403);
    const taken = await api('transfer_chat', { id: chatId, target, ignore_requester_presence: true });
    expect(taken.status).toBe(200);
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

  test('makes an agent visible to the customer who was not', async () => {
    const { api, begin, send, own } = await startApi();
    await own('settings', { joinDelayMs: 0 });
    const chatId = await begin({ agent: tomas });
    await api('add_user_to_chat', adding(chatId, { visibility: 'agents' }));
    expect((await api('transfer_chat', { id: chatId, target: { type: 'agent', ids: [nina] } })).status).toBe(200);
    expect((await send(chatId)).status).toBe(200);
  });

  test('to a group: nobody is left, and the chat waits', async () => {
    const { api, begin, send } = await startApi();
    const chatId = await begin();
    expect((await api('transfer_chat', { id: chatId, target: { type: 'group', ids: [19] } })).status).toBe(200);
    expect((await send(chatId)).status).toBe(403);
    const chat = await api('get_chat', { chat_id: chatId });
    expect(chat.json).toMatchObject({ access: { group_ids: [19] }, thread: { queue: { position: 1 } } });
  });

  test('fails where nobody can take the chat at once, unless it may queue', async () => {
    const { api, begin, own } = await startApi();
    await own('settings', { offlineAgents: [tomas], offlineGroups: [19], groups: [0, 7, 19] });
    const chatId = await begin({ agent: nina });
    const to = async (target: object | undefined, more: object = {}) => {
      const { status, json } = await api('transfer_chat', { id: chatId, ...(target && { target }), ...more });
      return [status, json];
    };
    const refused = (type: string, message: string) => [422, { error: { type, message } }];
    expect(await to({ type: 'agent', ids: [tomas] })).toEqual(refused('agent_offline', 'Agent is offline'));
    expect(await to({ type: 'group', ids: [19] })).toEqual(refused('groups_offline', 'All groups are offline'));
    expect(await to({ type: 'group', ids: [8] })).toEqual(refused('validation', 'Group not found'));
    expect(await to({ type: 'group', ids: [7, 19] })).toEqual([200, {}]);
    const queued = { ignore_agents_availability: true, ignore_requester_presence: true };
    expect(await to({ type: 'group', ids: [19] }, queued)).toEqual([200, {}]);
    const present = { ignore_requester_presence: true };
    expect(await to(undefined, present)).toEqual(refused('groups_offline', 'All groups are offline'));
  });

  test('without an id it is refused as LiveChat refuses it', async () => {
    const { api } = await startApi();
    const { status, json } = await api('transfer_chat', {});
    expect({ status, json }).toEqual({ status: 422, json: apiFixture('error.validation.422') });
  });
});

test('deactivate_chat closes the thread, once', async () => {
  const { api, begin, receiver } = await startApi();
  const id = await begin({ agent: tomas });
  expect((await api('deactivate_chat', { id })).status).toBe(403);
  expect((await api('deactivate_chat', { id, ignore_requester_presence: true })).status).toBe(200);
  await until(() => receiver.bodies.length === 3);
  expect(receiver.bodies[2]).toMatchObject({ action: 'chat_deactivated', payload: { chat_id: id, user_id: nina } });
  expect((await api('deactivate_chat', { id })).json).toEqual(apiFixture('error.chat_inactive.422'));
});
