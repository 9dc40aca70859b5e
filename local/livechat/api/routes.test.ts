import { describe, expect, test } from 'vitest';
import { apiFixture, manualClock, startApi } from '../testing-api.ts';

const basic = (accountId: string, apiKey: string) => ({
  authorization: `Basic ${Buffer.from(`${accountId}:${apiKey}`).toString('base64')}`,
});

describe('credentials', () => {
  test('are needed, and any will do when none were set', async () => {
    const { base, api } = await startApi();
    const none = await fetch(`${base}/v3.6/agent/action/list_chats`, { method: 'POST', body: '{}' });
    expect(none.status).toBe(401);
    expect(await none.json()).toEqual(apiFixture('error.authentication_no_header.401'));
    expect((await api('list_chats', {})).status).toBe(200);
  });

  test('must be the account with its key, or the token', async () => {
    const { api, own } = await startApi({ accountId: 'acc', apiKey: 'key', accessToken: 'tok' });
    const list = (headers: { authorization: string }) => api('list_chats', {}, { headers });
    const { status, json } = await list(basic('acc', 'wrong'));
    expect({ status, json }).toEqual({ status: 401, json: apiFixture('error.authentication.401') });
    expect((await list({ authorization: 'Bearer key' })).status).toBe(401);
    expect((await list(basic('acc', 'key'))).status).toBe(200);
    expect((await list({ authorization: 'Bearer tok' })).status).toBe(200);
    const changed = await own('settings', { apiKey: 'new key' });
    expect(JSON.stringify(changed.json)).not.toContain('new key');
    expect((await list(basic('acc', 'key'))).status).toBe(401);
    expect((await list(basic('acc', 'new key'))).status).toBe(200);
  });
});

describe('addresses', () => {
  test.each(['v3.4', 'v3.5', 'v3.6'])('%s is spoken', async (version) => {
    const { api } = await startApi();
    expect((await api('list_chats', {}, { version })).status).toBe(200);
  });

  test.each(['v3.3', 'v3.7', 'v4'])('%s is not', async (version) => {
    const { api } = await startApi();
    expect((await api('list_chats', {}, { version })).json).toEqual(apiFixture('error.unsupported_version'));
  });

  test.each(['dance', 'agent/register_webhook', 'configuration/send_event', 'agent/constructor'])(
    'there is no %s',
    async (method) => {
      const { api } = await startApi();
      const { status, json } = await api(method, {});
      expect({ status, json }).toEqual({ status: 404, json: apiFixture('error.not_found.404') });
    },
  );

  test('every answer has an id for the support, and none tells of limits', async () => {
    const { api, send } = await startApi();
    for (const { headers } of [await api('list_chats', {}), await send('T0'), await api('dance', {})]) {
      expect(headers.get('x-debug-id')).toMatch(/./);
      expect([...headers.keys()].join()).not.toMatch(/rate|retry/);
    }
  });

  test('a body that is no JSON is refused', async () => {
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

test('past the limit of a second, calls are refused until the window has moved on', async () => {
  const clock = manualClock();
  const { api, own } = await startApi({ clock });
  const statusOf = async () => (await api('list_chats', {})).status;
  await own('settings', { rateLimitPerSecond: 2 });
  expect(await statusOf()).toBe(200);
  clock.advance(600);
  expect(await statusOf()).toBe(200);
  const { status, json, headers } = await api('list_chats', {});
  expect({ status, json }).toEqual({ status: 429, json: apiFixture('error.too_many_requests.429') });
  expect(headers.has('retry-after')).toBe(false);
  clock.advance(399);
  expect(await statusOf()).toBe(429);
  clock.advance(1);
  expect(await statusOf()).toBe(200);
  expect(await statusOf()).toBe(429);
  await own('settings', { rateLimitPerSecond: null });
  expect(await statusOf()).toBe(200);
  expect((await own('calls')).json).toEqual({
    methods: { list_chats: { count: 7, accepted: 4, rate_limited: 3 } },
    arrivals: [],
  });
});
