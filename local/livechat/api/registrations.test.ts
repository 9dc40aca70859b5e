import { describe, expect, test } from 'vitest';
import {
  apiFixture,
  manualClock,
  ownClientId,
  readText,
  requestFixture,
  startApi,
  startReceiver,
  until,
} from '../../../test/test-simulator.ts';

const owner = { owner_client_id: ownClientId };

describe('webhooks', () => {
  test('are registered, listed without their secret, and unregistered', async () => {
    const { api } = await startApi();
    const request = requestFixture('register_webhook', {});
    const { status, json } = await api('configuration/register_webhook', request);
    expect({ status, json }).toEqual({ status: 200, json: { id: expect.stringMatching(/^[0-9a-f]{32}$/) } });
    const id = readText(json, 'id');
    const { secret_key: _, ...visible } = { ...request, secret_key: '' };
    expect((await api('configuration/list_webhooks', owner)).json).toEqual([{ id, ...visible }]);
    expect((await api('configuration/list_webhooks', { owner_client_id: 'other' })).json).toEqual([]);
    expect((await api('configuration/unregister_webhook', { id, owner_client_id: 'other' })).status).toBe(404);
    expect((await api('configuration/unregister_webhook', { id, ...owner })).json).toEqual({});
    expect((await api('configuration/list_webhooks', owner)).json).toEqual([]);
  });

  test('rejects a fourth one per action and application', async () => {
    const { api } = await startApi();
    const register = (changes: object = {}) =>
      api('configuration/register_webhook', requestFixture('register_webhook', changes));
    for (let n = 0; n < 3; n++) expect((await register()).status).toBe(200);
    const { status, json } = await register();
    expect({ status, json }).toEqual({ status: 422, json: apiFixture('error.limit_reached') });
    expect((await register({ action: 'incoming_chat' })).status).toBe(200);
    expect((await register({ owner_client_id: 'other' })).status).toBe(200);
  });

  test.each([
    [{ action: 'agent_changed' }, '`action` must be the name of a webhook action'],
    [{ secret_key: undefined }, '`secret_key` is required'],
    [{ owner_client_id: '' }, '`owner_client_id` is required'],
    [{ url: 'nowhere' }, '`url` must be a URL'],
    [{ url: `https://a.example/${'a'.repeat(500)}` }, '`url` must be at most 500 characters'],
    [{ type: 'licence' }, '`type` must be one of bot, license'],
  ])('rejects %j', async (changes, message) => {
    const { api } = await startApi();
    const answer = await api('configuration/register_webhook', requestFixture('register_webhook', changes));
    expect(answer).toMatchObject({ status: 422, json: { error: { type: 'validation', message } } });
  });

  test('are sent to the registered URL, with its secret and additional data', async () => {
    const { api, startChat, act, receiver } = await startApi();
    const registered = await startReceiver();
    const response = await api(
      'configuration/register_webhook',
      requestFixture('register_webhook', {
        action: 'chat_deactivated',
        url: registered.url,
        secret_key: 'another secret',
        additional_data: ['chat_presence_user_ids'],
      }),
    );
    await act(await startChat(), { action: 'leave' });
    await until(() => registered.bodies.length === 1);
    expect(registered.bodies[0]).toMatchObject({
      webhook_id: readText(response.json, 'id'),
      secret_key: 'another secret',
      action: 'chat_deactivated',
    });
    expect(registered.bodies[0]?.additional_data).toEqual({ chat_presence_user_ids: expect.any(Array) });
    expect(receiver.bodies).toEqual([]);
  });

  test('are registered and unregistered with a delay', async () => {
    const clock = manualClock();
    const { api, simulatorApi, startChat, receiver } = await startApi({ clock });
    const registered = await startReceiver();
    await simulatorApi('settings', { registrationDelayMs: 120_000 });
    const request = requestFixture('register_webhook', { action: 'incoming_chat', url: registered.url });
    const { json } = await api('configuration/register_webhook', request);
    await startChat({ customer: { name: 'Before' } });
    clock.advance(120_000);
    await startChat({ customer: { name: 'Between' } });
    await api('configuration/unregister_webhook', { id: readText(json, 'id'), ...owner });
    expect((await api('configuration/list_webhooks', owner)).json).toEqual([]);
    await startChat({ customer: { name: 'Still' } });
    clock.advance(120_000);
    await startChat({ customer: { name: 'After' } });
    const chats = ({ bodies }: typeof registered) => bodies.filter(({ action }) => action === 'incoming_chat');
    await until(() => chats(registered).length === 2 && chats(receiver).length === 1);
    expect(JSON.stringify(registered.bodies)).toMatch(/Between.*Still/);
    expect(JSON.stringify(receiver.bodies)).not.toContain('After');
  });

  test.each([
    ['v3.4', 'tag_created', 422],
    ['v3.5', 'tag_created', 200],
    ['v3.5', 'event_deleted', 422],
    ['v3.6', 'event_deleted', 200],
  ])('%s of %s: %i', async (version, action, status) => {
    const { api } = await startApi();
    const request = requestFixture('register_webhook', { action });
    expect((await api('configuration/register_webhook', request, { version })).status).toBe(status);
  });

  test('are not sent while license webhooks are disabled', async () => {
    const { api, startChat, receiver } = await startApi();
    const state = async () => (await api('configuration/get_license_webhooks_state', owner)).json;
    expect(await state()).toEqual(apiFixture('get_license_webhooks_state.response'));
    await api('configuration/disable_license_webhooks', owner);
    expect(await state()).toEqual({ license_webhooks_enabled: false });
    await startChat({ customer: { name: 'Disabled' } });
    await api('configuration/enable_license_webhooks', owner);
    await startChat({ customer: { name: 'Enabled' } });
    await until(() => receiver.bodies.length > 0);
    expect(JSON.stringify(receiver.bodies)).not.toContain('Disabled');
  });
});
