import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { type Local, organizationId, post, secret, startLocal } from '../test/local.ts';
import { outbound } from '../test/outbound.ts';

const entry = z.looseObject({ id: z.string(), kind: z.string(), type: z.string(), status: z.string(), at: z.string() });
const page = z.object({ entries: z.array(entry), next: z.optional(z.string()), limits: z.array(z.string()) });
const details = z.looseObject({ entry, related: z.array(entry), deadLetterIds: z.array(z.string()) });

let folder: string;
let local: Local;
let bridge: ReturnType<typeof outbound>;
let chatId: string;

const start = async () => {
  local = await startLocal({}, ['--data', folder, '--machine-retry-delay', '50']);
  bridge = outbound(local);
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'livechat-events-'));
  await start();
  chatId = await bridge.chat({ text: 'Where is my parcel?' });
  await local.idle();
  await bridge.send(chatId, bridge.text('On its way.'));
  await bridge.waitForExecutions();
  const wrong = { action: 'incoming_event', organization_id: organizationId, payload: { text: 'Never verified' } };
  await post(local, { ...wrong, secret_key: 'wrong-secret' });
  await post(local, `{"secret_key":"${secret}","nope`);
  await local.idle();
}, 60_000);
afterAll(async () => {
  await local?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function list(query: Readonly<Record<string, string>> = {}) {
  const { status, body } = await local.api(`/api/events?${new URLSearchParams(query)}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return page.parse(body);
}

const types = async (query: Readonly<Record<string, string>>) => (await list(query)).entries.map(({ type }) => type);

async function read(query: Readonly<Record<string, string>>) {
  const [first] = (await list(query)).entries;
  const { status, body } = await local.api(`/api/events/${first?.id}`);
  expect(status).toBe(200);
  return details.parse(body);
}

async function replay(id: string) {
  const response = await fetch(new URL(`/api/events/${id}/replay`, local.console), { method: 'POST' });
  await local.idle();
  return { status: response.status, body: await response.json() };
}

describe('the list of events', () => {
  it('has webhooks and events, newest first, page by page', async () => {
    const all = await list();
    const times = all.entries.map(({ at }) => at);
    expect(times).toEqual(times.toSorted().toReversed());
    expect(new Set(all.entries.map(({ kind }) => kind))).toEqual(new Set(['webhook', 'event']));
    const found: string[] = [];
    let after: string | undefined;
    do {
      const { entries, next } = await list({ limit: '2', ...(after && { after }) });
      found.push(...entries.map(({ id }) => id));
      after = next;
    } while (after !== undefined);
    expect(found).toEqual(all.entries.map(({ id }) => id));
  });

  it('has refused webhooks with their status and reason', async () => {
    expect((await list({ status: 'refused' })).entries).toMatchObject([
      { kind: 'webhook', type: '', response: { status: 400, reason: 'Invalid JSON' } },
      {
        kind: 'webhook',
        type: 'incoming_event',
        organizationId,
        response: { status: 401, reason: 'Invalid signature', ms: expect.any(Number) },
      },
    ]);
  });

  it('has the events that a function handled and those that only other services receive', async () => {
    expect(await types({ type: 'event', status: 'published', conversationId: chatId })).toEqual(['message.sent']);
    expect((await types({ type: 'event', status: 'handled', conversationId: chatId })).toSorted()).toEqual([
      'chat.started',
      'message.delivered',
      'message.received',
      'message.send.requested',
    ]);
  });

  it('filters by type, organization, chat and time', async () => {
    expect(await types({ type: 'incoming_chat' })).toEqual(['incoming_chat']);
    expect(await types({ type: 'chat.started', organizationId })).toEqual(['chat.started']);
    expect(await types({ organizationId: randomUUID() })).toEqual([]);
    expect(await types({ conversationId: 'UNKNOWN' })).toEqual([]);
    expect(await types({ until: '2020-01-01T00:00:00Z' })).toEqual([]);
  });

  it.each([
    ['type', 'unknown'],
    ['status', 'ok'],
    ['since', 'yesterday'],
  ])('rejects the %s %j', async (field, value) => {
    const { status, body } = await local.api(`/api/events?${new URLSearchParams({ [field]: value })}`);
    expect({ status, body }).toMatchObject({ status: 400, body: { error: { field, expected: expect.any(String) } } });
  });

  it('names the types and organizations to filter by', async () => {
    expect((await local.api('/api/event-filters')).body).toMatchObject({
      types: expect.arrayContaining(['webhook', 'event', 'incoming_chat', 'message.received']),
      organizations: [organizationId],
    });
  });
});

describe('an event', () => {
  it('has its payload, the functions that handled it, and the webhook that caused it', async () => {
    const event = await read({ type: 'message.received' });
    expect(event).toMatchObject({
      payload: { metadata: { organizationId }, data: { content: 'Where is my parcel?' } },
      functions: [{ function: 'message-received', ok: true, ms: expect.any(Number), at: expect.any(String) }],
      deadLetterIds: [],
    });
    expect(event.related.map(({ type }) => type).toSorted()).toEqual(['chat.started', 'incoming_chat']);
  });

  it('has the functions of a send request', async () => {
    const { functions } = await read({ type: 'message.send.requested' });
    expect(functions).toMatchObject([
      { function: 'send-requested', ok: true },
      { function: 'send', ok: true },
    ]);
  });

  it('has the id of its dead letter', async () => {
    await bridge.fault({ kind: 'error', status: 422, type: 'validation', method: 'send_event', count: 1 });
    await bridge.send(chatId, bridge.text('Refused'));
    await bridge.waitForExecutions();
    const [deadLetter] = await bridge.deadLetters(chatId);
    expect(await read({ type: 'message.send.requested' })).toMatchObject({
      entry: { status: 'failed' },
      deadLetterIds: [deadLetter?.id],
    });
  });

  it('responds with 404 to an unknown id', async () => {
    expect(await local.api('/api/events/unknown')).toMatchObject({ status: 404, body: { error: { field: 'id' } } });
  });
});

describe('a webhook', () => {
  it('has its body without the secret', async () => {
    const { payload } = await read({ type: 'incoming_chat' });
    expect(payload).toMatchObject({ action: 'incoming_chat', organization_id: organizationId });
    for (const status of ['accepted', 'refused']) {
      for (const { id } of (await list({ status })).entries) {
        const text = JSON.stringify((await local.api(`/api/events/${id}`)).body);
        expect(text).not.toContain(secret);
        expect(text).not.toContain('wrong-secret');
      }
    }
  });
});

describe('a replay', () => {
  it('publishes the events of a webhook with the same ids, and nothing is stored twice', async () => {
    const before = await bridge.read(chatId);
    const { entry: webhook } = await read({ type: 'incoming_chat' });
    const count = (await list({ type: 'chat.started' })).entries.length;
    for (const times of [1, 2]) {
      const { status, body } = await replay(webhook.id);
      expect({ status, body }).toMatchObject({
        status: 200,
        body: { eventIds: [{}, {}].map(() => expect.any(String)) },
      });
      expect((await list({ type: 'chat.started' })).entries).toHaveLength(count + times);
    }
    expect(await bridge.read(chatId)).toEqual(before);
  });

  it('publishes a send request again, and nothing is sent twice', async () => {
    const sent = await bridge.sentTexts(chatId);
    const requests = (await list({ type: 'message.send.requested', status: 'handled' })).entries;
    expect((await replay(requests.at(-1)?.id ?? '')).status).toBe(200);
    await bridge.waitForExecutions();
    expect(await bridge.sentTexts(chatId)).toEqual(sent);
  });

  it('is refused for a webhook that published nothing', async () => {
    const { entry: refused } = await read({ status: 'refused' });
    expect(await replay(refused.id)).toMatchObject({ status: 409, body: { error: { field: 'id' } } });
  });
});

it('keeps webhooks and events after a restart', async () => {
  const before = await list();
  await local.stop();
  await start();
  expect(await list()).toEqual(before);
  expect(await read({ type: 'message.received' })).toMatchObject({
    payload: { data: { content: 'Where is my parcel?' } },
    functions: [{ function: 'message-received' }],
  });
});
