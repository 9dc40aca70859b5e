import { expect, test } from 'vitest';
import { nina, startApi, tomas } from '../../../test/test-simulator.ts';

test('logs accepted events in order, and clears the log on request', async () => {
  const { api, startChat, send, simulatorApi } = await startApi();
  const [one, other] = [await startChat(), await startChat({ agent: tomas })];
  await send(one, { custom_id: 'out-1' });
  await send(other, { custom_id: 'out-2' });
  await send(one);
  await send(one, { custom_id: 'out-1' });
  await api('get_chat', { chat_id: one });
  const arrival = {
    method: 'send_event',
    chat_id: one,
    thread_id: expect.stringMatching(/^T/),
    event_id: expect.stringMatching(/_2$/),
    custom_id: 'out-1',
    at: expect.stringMatching(/^\d{4}-.*\.\d{6}Z$/),
  };
  const { json } = await simulatorApi('calls');
  expect(json).toEqual({
    methods: {
      send_event: { count: 4, accepted: 3, rate_limited: 0 },
      get_chat: { count: 1, accepted: 1, rate_limited: 0 },
    },
    arrivals: [
      arrival,
      { ...arrival, event_id: expect.stringMatching(/_3$/), custom_id: expect.stringMatching(/^\w+$/) },
      { ...arrival, event_id: expect.stringMatching(/_4$/) },
    ],
  });
  expect((await simulatorApi('calls', undefined, 'DELETE')).json).toEqual({ cleared: 3 });
  expect((await simulatorApi('calls')).json).toEqual({ methods: {}, arrivals: [] });
});

test('returns and changes the settings; another requester is not a member of the chats', async () => {
  const { startChat, send, simulatorApi } = await startApi();
  const chatId = await startChat();
  const before = {
    rateLimitPerSecond: null,
    joinDelayMs: 300,
    publicAgentsLimit: 1,
    offlineAgents: [],
    offlineGroups: [],
    groups: null,
    inactiveForm: 'chat_inactive',
    registrationDelayMs: 0,
    archiveDelayMs: 0,
    archiveEvents: true,
    archiveTime: 'created',
    activeListDelayMs: 0,
    agentId: nina,
  };
  expect((await simulatorApi('settings')).json).toEqual(before);
  expect((await simulatorApi('settings', { agentId: tomas, joinDelayMs: 0 })).json).toEqual({
    ...before,
    agentId: tomas,
    joinDelayMs: 0,
  });
  expect((await send(chatId)).status).toBe(403);
  expect((await send(await startChat())).status).toBe(403);
});
