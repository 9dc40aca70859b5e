import { expect, test } from 'vitest';
import { ownClientId } from '../testing.ts';
import { startApi } from '../testing-api.ts';

const owner = { owner_client_id: ownClientId };

test('a token does only what its scopes allow', async () => {
  const { api, own, begin, send } = await startApi();
  const chatId = await begin();
  await own('settings', { scopes: ['chats--all:ro', 'webhooks.state:ro'] });
  const refused = { error: { type: 'authorization', message: 'Missing scope: chats--all:rw or chats--access:rw' } };
  expect(await send(chatId)).toMatchObject({ status: 403, json: refused });
  expect((await api('get_chat', { chat_id: chatId })).status).toBe(200);
  expect((await api('configuration/list_webhooks', owner)).status).toBe(403);
  expect((await api('configuration/get_license_webhooks_state', owner)).status).toBe(200);
  expect((await api('configuration/disable_license_webhooks', owner)).status).toBe(403);
  await own('settings', { scopes: null });
  expect((await send(chatId)).status).toBe(200);
});

test.each([
  ['v3.4', null, '2026-03-31'],
  ['v3.5', '2027-03-31', null],
  ['v3.6', null, null],
])('%s says with each answer how long it lives: legacy %s, deprecation %s', async (version, legacy, deprecation) => {
  const { api } = await startApi();
  for (const method of ['list_chats', 'get_chat']) {
    const { headers } = await api(method, {}, { version });
    expect({ legacy: headers.get('legacy'), deprecation: headers.get('deprecation') }).toEqual({ legacy, deprecation });
  }
});
