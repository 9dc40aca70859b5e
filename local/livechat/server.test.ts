import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, it, test } from 'vitest';
import * as z from 'zod/mini';
import { manualClock, readText, startApi, tomas, until } from '../../test/test-simulator.ts';

const chatBody = z.object({
  thread_ids: z.array(z.string()),
  events: z.array(z.looseObject({ type: z.string(), text: z.optional(z.string()) })),
});

test('takes times and ids of chats, threads and events from the clock', async () => {
  const play = async () => {
    const clock = manualClock();
    const { startChat, act, simulatorApi } = await startApi({ clock });
    const chatId = await startChat({ customerId: '5f0c1d7e-2a84-4c39-9b61-7c2e9d1a4b55' });
    clock.advance(60_000);
    await act(chatId, { as: 'agent', action: 'close' });
    await act(chatId, { action: 'reopen', text: 'Again' });
    return (await simulatorApi(`chats/${chatId}`)).json;
  };
  const played = await play();
  expect(played).toMatchObject({ events: [{ created_at: '2026-03-11T09:14:00.000001Z' }, {}, {}] });
  expect(await play()).toEqual(played);
});

test("returns the customer's view and sends the webhooks of a whole chat", async () => {
  const { receiver, simulatorApi, startChat, ...running } = await startApi();
  const chatId = await startChat({ form: [{ type: 'name', label: 'Name', answer: 'Dana' }] });
  const act = async (body: object) => (await running.act(chatId, body)).json;

  await act({ action: 'message', text: 'Where is my parcel?' });
  const misspelt = readText(await act({ as: 'agent', action: 'message', text: 'Let me sea.' }), 'event_id');
  await act({ as: 'agent', action: 'edit', eventId: misspelt, text: 'Let me see.' });
  await act({ as: 'agent', action: 'note', text: 'Difficult customer' });
  const file = readText(await act({ action: 'file', name: 'receipt.png' }), 'event_id');
  await act({ as: 'agent', action: 'delete', eventId: file });
  await act({ as: 'agent', action: 'transfer', agents: [tomas] });
  await act({ as: 'agent', action: 'close' });
  const thread_id = readText(await act({ action: 'reopen', text: 'One more thing' }), 'thread_id');

  const { json } = await simulatorApi(`chats/${chatId}`);
  expect(json).toMatchObject({ chat_id: chatId, active: true, customer: { name: 'Dana' } });
  const { thread_ids, events } = chatBody.parse(json);
  expect(thread_ids).toHaveLength(2);
  expect(thread_ids[1]).toBe(thread_id);
  expect(events.map((event) => event.text ?? event.type)).toEqual([
    'filled_form',
    'Hello',
    'Where is my parcel?',
    'Let me see.',
    'file',
    'Nina Kowal transferred the chat to Tomas Reyes',
    'Tomas Reyes archived the chat',
    'One more thing',
  ]);
  expect(events[4]).toMatchObject({ id: file, deleted: true });
  expect(events[4]).not.toHaveProperty('url');

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
  expect((await simulatorApi('chats')).json).toEqual({
    chats: [{ chat_id: chatId, active: true, customer: { id: expect.any(String), name: 'Dana' } }],
  });
});

describe('rejects', () => {
  const message = { customer: { name: 'Dana' }, text: 'Hi' };
  test.each([
    ['chats', '{', 'body'],
    ['chats', [], 'body'],
    ['chats', { text: 'Hi' }, 'customer'],
    ['chats', { ...message, customer: {} }, 'customer.name'],
    ['chats', { ...message, customer: { name: 'Dana', email: 'dana' } }, 'customer.email'],
    ['chats', { ...message, text: '' }, 'text'],
    ['chats', { ...message, text: 'é'.repeat(8193) }, 'text'],
    ['chats', { ...message, group: -1 }, 'group'],
    ['chats', { ...message, agent: 'nina' }, 'agent'],
    ['chats', { ...message, customerId: 'dana' }, 'customerId'],
    ['chats', { ...message, form: [{ type: 'name' }] }, 'form.0.label'],
    ['chats', { ...message, colour: 'red' }, 'colour'],
    ['chats/:id/events', {}, 'action'],
    ['chats/:id/events', { action: 'dance' }, 'action'],
    ['chats/:id/events', { as: 'owner', action: 'message' }, 'as'],
    ['chats/:id/events', { action: 'note', text: 'Hi' }, 'action'],
    ['chats/:id/events', { action: 'message' }, 'text'],
    ['chats/:id/events', { action: 'file', name: 'a', url: 'ftp://a' }, 'url'],
    ['chats/:id/events', { action: 'session-fields', fields: { a: 1 } }, 'fields.a'],
    ['chats/:id/events', { action: 'click', eventId: 'T1_9', postbackId: 'a' }, 'eventId'],
    ['chats/:id/events', { as: 'agent', action: 'transfer' }, 'agents'],
    ['chats/:id/events', { as: 'agent', action: 'rich-message', templateId: 'cards', elements: [] }, 'elements'],
  ])('%s %j with 400 and the field %s', async (path, body, field) => {
    const { simulatorApi, startChat, receiver } = await startApi();
    const chatId = await startChat();
    await until(() => receiver.bodies.length === 1);
    const { status, json } = await simulatorApi(path.replace(':id', chatId), body);
    expect({ status, json }).toEqual({ status: 400, json: { error: { field, expected: expect.stringMatching(/./) } } });
    expect(receiver.bodies).toHaveLength(1);
  });

  test('an unknown chat with 404', async () => {
    const { simulatorApi, act } = await startApi();
    expect((await simulatorApi('chats/T000000000')).status).toBe(404);
    expect((await act('T000000000', { action: 'seen' })).status).toBe(404);
  });

  test.each([
    { action: 'message', text: 'Hi' },
    { action: 'seen' },
    { action: 'leave' },
    { as: 'agent', action: 'tag', tag: 'a' },
    { as: 'agent', action: 'join', agent: tomas },
    { as: 'router', action: 'idle' },
  ])('%j in a closed chat with 409', async (body) => {
    const { act, startChat } = await startApi();
    const chatId = await startChat();
    await act(chatId, { as: 'router', action: 'archive' });
    const message = expect.stringContaining('is not active');
    expect(await act(chatId, body)).toMatchObject({ status: 409, json: { error: { message } } });
  });

  test('a message of an agent who is not in the chat with 409', async () => {
    const { act, startChat } = await startApi();
    const body = { as: 'agent', agent: tomas, action: 'message', text: 'Hi' };
    const message = expect.stringContaining(tomas);
    expect(await act(await startChat(), body)).toMatchObject({ status: 409, json: { error: { message } } });
  });
});

test('fails to start on a port in use', async () => {
  const { port } = await startApi();
  await expect(startApi({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
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
