import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, it, test } from 'vitest';
import * as z from 'zod/mini';
import { type SimulatorOptions, startSimulator } from './server.ts';
import { cleanUp, nina, organizationId, ownClientId, startApi, startReceiver, tomas, until } from './testing.ts';

const answerBody = z.looseObject({
  chat_id: z.optional(z.string()),
  thread_id: z.optional(z.string()),
  event_id: z.optional(z.string()),
  thread_ids: z._default(z.array(z.string()), []),
  events: z._default(z.array(z.looseObject({ type: z.string(), text: z.optional(z.string()) })), []),
  error: z.optional(z.looseObject({ message: z.optional(z.string()) })),
});

const start = async (options: Partial<SimulatorOptions> = {}) => {
  const receiver = await startReceiver();
  const simulator = await startSimulator({
    port: 0,
    webhookUrl: receiver.url,
    secretKey: 'whsec-test',
    organizationId,
    clientId: ownClientId,
    agentId: nina,
    ...options,
  });
  cleanUp(simulator.stop);
  const base = `http://127.0.0.1:${simulator.port}/simulator/chats`;
  const call = async (path: string, body?: unknown) => {
    const init =
      body === undefined ? {} : { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) };
    const response = await fetch(base + path, init);
    const json: unknown = await response.json();
    return { status: response.status, json, body: answerBody.parse(json) };
  };
  const startChat = async (request: object = {}): Promise<string> =>
    (await call('', { customer: { name: 'Dana' }, text: 'Hello', ...request })).body.chat_id ?? 'no chat';
  return { receiver, simulator, call, startChat };
};

test("returns the customer's view and sends the webhooks of a whole chat", async () => {
  const { receiver, call, startChat } = await start();
  const chatId = await startChat({ form: [{ type: 'name', label: 'Name', answer: 'Dana' }] });
  const act = async (body: object) => (await call(`/${chatId}/events`, body)).body;

  await act({ action: 'message', text: 'Where is my parcel?' });
  const answer = await act({ as: 'agent', action: 'message', text: 'Let me sea.' });
  await act({ as: 'agent', action: 'edit', eventId: answer.event_id, text: 'Let me see.' });
  await act({ as: 'agent', action: 'note', text: 'Difficult customer' });
  const file = await act({ action: 'file', name: 'receipt.png' });
  await act({ as: 'agent', action: 'delete', eventId: file.event_id });
  await act({ as: 'agent', action: 'transfer', agents: [tomas] });
  await act({ as: 'agent', action: 'close' });
  const { thread_id } = await act({ action: 'reopen', text: 'One more thing' });

  const { body: seen } = await call(`/${chatId}`);
  expect(seen).toMatchObject({ chat_id: chatId, active: true, customer: { name: 'Dana' } });
  expect(seen.thread_ids).toHaveLength(2);
  expect(seen.thread_ids[1]).toBe(thread_id);
  expect(seen.events.map((event) => event.text ?? event.type)).toEqual([
    'filled_form',
    'Hello',
    'Where is my parcel?',
    'Let me see.',
    'file',
    'Nina Kowal transferred the chat to Tomas Reyes',
    'Tomas Reyes archived the chat',
    'One more thing',
  ]);
  expect(seen.events[4]).toMatchObject({ id: file.event_id, deleted: true });
  expect(seen.events[4]).not.toHaveProperty('url');

  await until(() => receiver.bodies.length === 14);
  expect(receiver.bodies.map(({ action }) => action)).toEqual([
    'incoming_chat',
    'incoming_event',
    'incoming_event',
    'event_updated',
    'incoming_event',
    'incoming_event',
    'event_deleted',
    'chat_transferred',
    'user_added_to_chat',
    'incoming_event',
    'user_removed_from_chat',
    'incoming_event',
    'chat_deactivated',
    'incoming_chat',
  ]);
  expect((await call('')).json).toEqual({
    chats: [{ chat_id: chatId, active: true, customer: { id: expect.any(String), name: 'Dana' } }],
  });
});

describe('rejects', () => {
  const message = { customer: { name: 'Dana' }, text: 'Hi' };
  test.each([
    ['', '{', 400, 'body'],
    ['', [], 400, 'body'],
    ['', { text: 'Hi' }, 400, 'customer'],
    ['', { ...message, customer: {} }, 400, 'customer.name'],
    ['', { ...message, customer: { name: 'Dana', email: 'dana' } }, 400, 'customer.email'],
    ['', { ...message, text: '' }, 400, 'text'],
    ['', { ...message, text: 'é'.repeat(8193) }, 400, 'text'],
    ['', { ...message, group: -1 }, 400, 'group'],
    ['', { ...message, agent: 'nina' }, 400, 'agent'],
    ['', { ...message, customerId: 'dana' }, 400, 'customerId'],
    ['', { ...message, form: [{ type: 'name' }] }, 400, 'form.0.label'],
    ['', { ...message, colour: 'red' }, 400, 'colour'],
    ['/:id/events', {}, 400, 'action'],
    ['/:id/events', { action: 'dance' }, 400, 'action'],
    ['/:id/events', { as: 'owner', action: 'message' }, 400, 'as'],
    ['/:id/events', { action: 'note', text: 'Hi' }, 400, 'action'],
    ['/:id/events', { action: 'message' }, 400, 'text'],
    ['/:id/events', { action: 'file', name: 'a', url: 'ftp://a' }, 400, 'url'],
    ['/:id/events', { action: 'session-fields', fields: { a: 1 } }, 400, 'fields.a'],
    ['/:id/events', { action: 'click', eventId: 'T1_9', postbackId: 'a' }, 400, 'eventId'],
    ['/:id/events', { as: 'agent', action: 'transfer' }, 400, 'agents'],
    ['/:id/events', { as: 'agent', action: 'rich-message', templateId: 'cards', elements: [] }, 400, 'elements'],
  ])('%s %j: %i %s', async (path, body, status, field) => {
    const { call, startChat, receiver } = await start();
    const chatId = await startChat();
    await until(() => receiver.bodies.length === 1);
    const answer = await call(path.replace(':id', chatId), body);
    expect(answer.status).toBe(status);
    expect(answer.json).toEqual({ error: { field, expected: expect.stringMatching(/./) } });
    expect(receiver.bodies).toHaveLength(1);
  });

  test('an unknown chat with 404', async () => {
    const { call } = await start();
    expect((await call('/T000000000')).status).toBe(404);
    expect((await call('/T000000000/events', { action: 'seen' })).status).toBe(404);
  });

  test.each([
    { action: 'message', text: 'Hi' },
    { action: 'seen' },
    { action: 'leave' },
    { as: 'agent', action: 'tag', tag: 'a' },
    { as: 'agent', action: 'join', agent: tomas },
    { as: 'router', action: 'idle' },
  ])('%j in a closed chat with 409', async (body) => {
    const { call, startChat } = await start();
    const chatId = await startChat();
    await call(`/${chatId}/events`, { as: 'router', action: 'archive' });
    const answer = await call(`/${chatId}/events`, body);
    expect(answer.status).toBe(409);
    expect(answer.body.error?.message).toContain('is not active');
  });

  test('a message of an agent who is not in the chat with 409', async () => {
    const { call, startChat } = await start();
    const body = { as: 'agent', agent: tomas, action: 'message', text: 'Hi' };
    const answer = await call(`/${await startChat()}/events`, body);
    expect(answer.status).toBe(409);
    expect(answer.body.error?.message).toContain(tomas);
  });
});

test('fails to start on a port in use', async () => {
  const { simulator } = await start();
  await expect(start({ port: simulator.port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

/** `fetch` forbids the header `Host`. */
const call = async (base: string, method: string, path: string, headers: Readonly<Record<string, string>>) => {
  const sent = request(`${base}${path}`, { method, headers: { 'content-type': 'text/plain', ...headers } });
  sent.end(method === 'POST' ? '{"kind":"expired-token"}' : undefined);
  const [response]: IncomingMessage[] = await once(sent, 'response');
  if (!response) throw new Error('no response');
  return { status: response.statusCode, body: await text(response) };
};

const requests = [
  ['POST', '/simulator/faults'],
  ['DELETE', '/simulator/faults'],
  ['GET', '/simulator/chats'],
  ['POST', '/v3.6/agent/action/list_chats'],
  ['GET', '/api/file/lc/att/1/receipt.png'],
] as const;

it.each([
  ['another host name (DNS rebinding)', { host: 'evil.com' }, 'Host'],
  ['another origin', { origin: 'https://evil.com' }, 'Origin'],
  ['an opaque origin', { origin: 'null' }, 'Origin'],
] as const)('rejects %s with 403', async (_, headers, field) => {
  const { base, simulatorApi } = await startApi();
  for (const [method, path] of requests) {
    const { status, body } = await call(base, method, path, headers);
    expect(status).toBe(403);
    expect(JSON.parse(body)).toEqual({ error: { field, expected: expect.stringContaining('localhost') } });
  }
  expect((await simulatorApi('faults')).json).toEqual({ faults: [] });
});

it.each([
  [{ host: 'localhost:4600' }],
  [{ host: '[::1]:4600', origin: 'http://localhost:3000' }],
  [{ origin: 'http://127.0.0.1:3000' }],
])('accepts %j', async (headers) => {
  const { base } = await startApi();
  expect((await call(base, 'POST', '/simulator/faults', headers)).status).toBe(200);
});
