import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { fixture } from '../../../test/fixtures.ts';
import type { ApiCredentials } from '../credentials.ts';
import type { CallRecord, LifeCycleNotice } from './call.ts';
import { createLiveChatClient, type LiveChatClient } from './client.ts';
import { answering, type Respond, startServer } from './testing.ts';

const basic: ApiCredentials = { kind: 'basic', accountId: 'account-1', apiKey: 'pat-1' };
const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

async function served(respond: Respond, { credentials = basic, version = 'v3.6' } = {}) {
  const server = await startServer(respond);
  stops.push(server.stop);
  const calls: CallRecord[] = [];
  const notices: LifeCycleNotice[] = [];
  const client = createLiveChatClient({
    credentials,
    version,
    baseUrl: server.url,
    organizationId: 'organization-1',
    onCall: (record) => calls.push(record),
    onNotice: (notice) => notices.push(notice),
  });
  return { client, calls, notices, received: server.received };
}

const chatId = 'T8RM2K0V9X';
const ofClient = { owner_client_id: '9a0d3c7741be4f6e8d52c0f1a7be2e60' };

describe('a method', () => {
  const table: [string, string, unknown, (client: LiveChatClient) => Promise<unknown>][] = [
    [
      'agent/action/send_event',
      'send_event.message.request.json',
      { event_id: 'T8RM2KD13X_7' },
      (client) =>
        client.sendEvent({
          chat_id: chatId,
          event: {
            type: 'message',
            text: 'Your parcel left the depot at 07:40.',
            visibility: 'all',
            custom_id: 'out-01J8Z6Q0Y2W4',
          },
        }),
    ],
    [
      'agent/action/resume_chat',
      'resume_chat.request.json',
      fixture('api/resume_chat.response.json'),
      (client) => client.resumeChat({ chat: { id: chatId }, active: true }),
    ],
    [
      'agent/action/add_user_to_chat',
      'add_user_to_chat.request.json',
      undefined,
      (client) =>
        client.addUserToChat({
          chat_id: chatId,
          user_id: 'nina.kowal@acme.example',
          user_type: 'agent',
          visibility: 'all',
          ignore_requester_presence: true,
        }),
    ],
    [
      'agent/action/transfer_chat',
      'transfer_chat.agent.request.json',
      undefined,
      (client) => client.transferChat({ id: chatId, target: { type: 'agent', ids: ['tomas.reyes@acme.example'] } }),
    ],
    [
      'agent/action/deactivate_chat',
      'deactivate_chat.request.json',
      undefined,
      (client) => client.deactivateChat({ id: chatId, ignore_requester_presence: true }),
    ],
    [
      'agent/action/tag_thread',
      'tag_thread.request.json',
      undefined,
      (client) => client.tagThread({ chat_id: chatId, thread_id: 'T8RM2KD13X', tag: 'bug_report' }),
    ],
    [
      'agent/action/get_chat',
      'get_chat.request.json',
      fixture('api/get_chat.response.json'),
      (client) => client.getChat({ chat_id: chatId, thread_id: 'T8RM2KD13X' }),
    ],
    [
      'agent/action/list_threads',
      'list_threads.request.json',
      fixture('api/list_threads.response.json'),
      (client) => client.listThreads({ chat_id: chatId, sort_order: 'desc', limit: 3 }),
    ],
    [
      'agent/action/list_chats',
      'list_chats.request.v3.6.json',
      { chats_summary: [{ id: chatId }], found_chats: 1 },
      (client) => client.listChats({ filters: { active: true, group_ids: [4] }, sort_order: 'desc', limit: 100 }),
    ],
    [
      'configuration/action/register_webhook',
      'register_webhook.request.json',
      fixture('api/register_webhook.response.json'),
      (client) =>
        client.registerWebhook({
          url: 'https://hooks.example.net/livechat',
          description: 'incoming events',
          action: 'incoming_event',
          secret_key: 'whsec-demo-3f9c1a7be2',
          ...ofClient,
          type: 'license',
          additional_data: ['chat_properties', 'chat_presence_user_ids'],
        }),
    ],
    [
      'configuration/action/unregister_webhook',
      'unregister_webhook.request.json',
      undefined,
      (client) => client.unregisterWebhook({ id: 'f2b0974177aceab90cbf1ee15f0c896c', ...ofClient }),
    ],
    [
      'configuration/action/list_webhooks',
      'list_webhooks.request.json',
      [{ id: 'f2b0974177aceab90cbf1ee15f0c896c', action: 'incoming_event' }],
      (client) => client.listWebhooks(ofClient),
    ],
    [
      'configuration/action/get_license_webhooks_state',
      'list_webhooks.request.json',
      fixture('api/get_license_webhooks_state.response.json'),
      (client) => client.getLicenseWebhooksState(ofClient),
    ],
    [
      'configuration/action/enable_license_webhooks',
      'list_webhooks.request.json',
      undefined,
      (client) => client.enableLicenseWebhooks(ofClient),
    ],
  ];

  it.each(table)('%s posts what LiveChat documents and reads the answer', async (path, request, answer, ask) => {
    const { client, received, calls } = await served(answering(200, answer ?? ''));
    expect(await ask(client)).toEqual(answer);
    expect(received).toMatchObject([
      { method: 'POST', path: `/v3.6/${path}`, headers: { 'content-type': 'application/json' } },
    ]);
    expect(JSON.parse(String(received[0]?.body))).toEqual(fixture(`api/${request}`));
    expect(calls).toEqual([
      {
        organizationId: 'organization-1',
        method: path.split('/')[2],
        status: 200,
        ms: expect.any(Number),
        category: undefined,
      },
    ]);
  });

  it.each(['', '""', '{}', '\n'])('with nothing to answer succeeds with the body %j', async (body) => {
    const { client } = await served(answering(200, body));
    expect(await client.tagThread({ chat_id: chatId, thread_id: 't', tag: 'a' })).toBeUndefined();
  });
});

describe('a call is authorised', () => {
  it.each<[ApiCredentials, string]>([
    [basic, `Basic ${Buffer.from('account-1:pat-1').toString('base64')}`],
    [{ kind: 'bearer', accessToken: 'dal:token-1' }, 'Bearer dal:token-1'],
  ])('by %j', async (credentials, authorization) => {
    const { client, received } = await served(answering(200, {}), { credentials });
    await client.enableLicenseWebhooks(ofClient);
    expect(received[0]?.headers).toMatchObject({ authorization });
    expect(received[0]?.headers).not.toHaveProperty('x-region');
  });
});

describe('a region', () => {
  it('goes along with every call of the client made for it', async () => {
    const { client, received } = await served(answering(200, {}));
    await client.inRegion('us-south1').enableLicenseWebhooks(ofClient);
    await client.inRegion('us-south1').inRegion('fra').enableLicenseWebhooks(ofClient);
    await client.enableLicenseWebhooks(ofClient);
    expect(received.map(({ headers }) => headers['x-region'])).toEqual(['us-south1', 'fra', undefined]);
  });

  it.each(['', 'a b', 'a\r\nx: y', '-a'])('named %j is refused', async (region) => {
    const { client } = await served(answering(200, {}));
    expect(() => client.inRegion(region)).toThrow(TypeError);
  });
});

describe('the API version', () => {
  it.each([
    ['3.4', '/v3.4/', { include_active: true, group_ids: [4] }],
    ['v3.5', '/v3.5/', { include_active: true, group_ids: [4] }],
    ['v3.6', '/v3.6/', { active: true, group_ids: [4] }],
    ['3.10', '/v3.10/', { active: true, group_ids: [4] }],
    ['4.0', '/v4.0/', { active: true, group_ids: [4] }],
  ])('%s decides the path and how active chats are asked for', async (version, prefix, filters) => {
    const { client, received } = await served(answering(200, { chats_summary: [] }), { version });
    await client.listChats({ filters: { active: true, group_ids: [4] } });
    await client.listChats({ page_id: 'next' });
    expect(received.map(({ path }) => path)).toEqual(Array(2).fill(`${prefix}agent/action/list_chats`));
    expect(received.map(({ body }) => JSON.parse(String(body)))).toEqual([{ filters }, { page_id: 'next' }]);
  });

  it('that is on its way out is told with every answer', async () => {
    const headers = { Legacy: '2026-01-31', Deprecation: '2026-06-30' };
    const { client, notices } = await served(answering(404, fixture('api/error.not_found.404.json'), headers));
    await expect(client.getChat({ chat_id: chatId })).rejects.toThrow();
    expect(notices).toEqual([
      { kind: 'legacy', date: '2026-01-31', method: 'get_chat' },
      { kind: 'deprecation', date: '2026-06-30', method: 'get_chat' },
    ]);
  });
});

it('an answer keeps what this bridge does not know', async () => {
  const { client } = await served(answering(200, { event_id: 'e', brand_new: 1 }));
  const answer = await client.sendEvent({ chat_id: chatId, event: { type: 'message', text: 'Hello' } });
  expect(z.looseObject({ brand_new: z.number() }).parse(answer).brand_new).toBe(1);
});
