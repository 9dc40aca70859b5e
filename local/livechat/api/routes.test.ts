import { describe, expect, test } from 'vitest';
import { apiFixture, manualClock, ownClientId, startApi } from '../../../test/test-simulator.ts';

const basic = (accountId: string, apiKey: string) => ({
  authorization: `Basic ${Buffer.from(`${accountId}:${apiKey}`).toString('base64')}`,
});

describe('credentials', () => {
  test('are required; any are accepted if none are configured', async () => {
    const { base, api } = await startApi();
    const none = await fetch(`${base}/v3.6/agent/action/list_chats`, { method: 'POST', body: '{}' });
    expect(none.status).toBe(401);
    expect(await none.json()).toEqual(apiFixture('error.authentication_no_header.401'));
    expect((await api('list_chats', {})).status).toBe(200);
  });

  test('must be the configured account and key, or token', async () => {
    const { api, simulatorApi } = await startApi({ accountId: 'acc', apiKey: 'key', accessToken: 'tok' });
    const list = (headers: { authorization: string }) => api('list_chats', {}, { headers });
    const { status, json } = await list(basic('acc', 'wrong'));
    expect({ status, json }).toEqual({ status: 401, json: apiFixture('error.authentication.401') });
    expect((await list({ authorization: 'Bearer key' })).status).toBe(401);
    expect((await list(basic('acc', 'key'))).status).toBe(200);
    expect((await list({ authorization: 'Bearer tok' })).status).toBe(200);
    const changed = await simulatorApi('settings', { apiKey: 'new key' });
    expect(JSON.stringify(changed.json)).not.toContain('new key');
    expect((await list(basic('acc', 'key'))).status).toBe(401);
    expect((await list(basic('acc', 'new key'))).status).toBe(200);
  });
});

describe('paths', () => {
  test.each(['v3.4', 'v3.5', 'v3.6'])('accepts %s', async (version) => {
    const { api } = await startApi();
    expect((await api('list_chats', {}, { version })).status).toBe(200);
  });

  test.each(['v3.3', 'v3.7', 'v4'])('rejects %s', async (version) => {
    const { api } = await startApi();
    expect((await api('list_chats', {}, { version })).json).toEqual(apiFixture('error.unsupported_version'));
  });

  test.each(['dance', 'agent/register_webhook', 'configuration/send_event', 'agent/constructor'])(
    'rejects the unknown method %s with 404',
    async (method) => {
      const { api } = await startApi();
      const { status, json } = await api(method, {});
      expect({ status, json }).toEqual({ status: 404, json: apiFixture('error.not_found.404') });
    },
  );

  test('every response has a debug id and no rate limit headers', async () => {
    const { api, send } = await startApi();
    for (const { headers } of [await api('list_chats', {}), await send('T0'), await api('dance', {})]) {
      expect(headers.get('x-debug-id')).toMatch(/./);
      expect([...headers.keys()].join()).not.toMatch(/rate|retry/);
    }
  });

  test('rejects a body that is not JSON with 422', async () => {
    const { base } = await startApi();
    const response = await fetch(`${base}/v3.6/agent/action/list_chats`, {
      method: 'POST',
      headers: { authorization: 'Bearer any' },
      body: '{',
    });
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ error: { type: 'validation' } });
  });
});

test('rejects calls over the rate limit with 429 until the window has moved', async () => {
  const clock = manualClock();
  const { api, simulatorApi } = await startApi({ clock });
  const getStatus = async () => (await api('list_chats', {})).status;
  await simulatorApi('settings', { rateLimitPerSecond: 2 });
  expect(await getStatus()).toBe(200);
  clock.advance(600);
  expect(await getStatus()).toBe(200);
  const { status, json, headers } = await api('list_chats', {});
  expect({ status, json }).toEqual({ status: 429, json: apiFixture('error.too_many_requests.429') });
  expect(headers.has('retry-after')).toBe(false);
  clock.advance(399);
  expect(await getStatus()).toBe(429);
  clock.advance(1);
  expect(await getStatus()).toBe(200);
  expect(await getStatus()).toBe(429);
  await simulatorApi('settings', { rateLimitPerSecond: null });
  expect(await getStatus()).toBe(200);
  expect((await simulatorApi('calls')).json).toEqual({
    methods: { list_chats: { count: 7, accepted: 4, rate_limited: 3 } },
    arrivals: [],
  });
});

const owner = { owner_client_id: ownClientId };

test('rejects methods outside the scopes of the token with 403', async () => {
  const { api, simulatorApi, startChat, send } = await startApi();
  const chatId = await startChat();
  await simulatorApi('settings', { scopes: ['chats--all:ro', 'webhooks.state:ro'] });
  const rejected = { error: { type: 'authorization', message: 'Missing scope: chats--all:rw or chats--access:rw' } };
  expect(await send(chatId)).toMatchObject({ status: 403, json: rejected });
  expect((await api('get_chat', { chat_id: chatId })).status).toBe(200);
  expect((await api('configuration/list_webhooks', owner)).status).toBe(403);
  expect((await api('configuration/get_license_webhooks_state', owner)).status).toBe(200);
  expect((await api('configuration/disable_license_webhooks', owner)).status).toBe(403);
  await simulatorApi('settings', { scopes: null });
  expect((await send(chatId)).status).toBe(200);
});

test.each([
  ['v3.4', null, '2026-03-31'],
  ['v3.5', '2027-03-31', null],
  ['v3.6', null, null],
])('%s announces its end of life in each response: legacy %s, deprecation %s', async (version, legacy, deprecation) => {
  const { api } = await startApi();
  for (const method of ['list_chats', 'get_chat']) {
    const { headers } = await api(method, {}, { version });
    expect({ legacy: headers.get('legacy'), deprecation: headers.get('deprecation') }).toEqual({ legacy, deprecation });
  }
});
