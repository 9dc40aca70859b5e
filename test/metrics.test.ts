import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { type MetricName, type MetricSpec, metrics, namespace } from '../core/platform/metrics.ts';
import { type EmittedMetric, emittedMetrics } from './emf.ts';
import { fixture } from './fixtures.ts';
import { respondWith, startServer } from './http-server.ts';
import { type Local, pollOptions, post, startLocal } from './local.ts';
import { outbound } from './outbound.ts';

/** LiveChat's error responses by chat id. */
const errorResponses: Readonly<Record<string, { status: number; type: string; times: number }>> = {
  busy: { status: 429, type: 'too_many_requests', times: 1 },
  failing: { status: 500, type: 'internal', times: 1 },
  invalid: { status: 422, type: 'validation', times: Number.POSITIVE_INFINITY },
  locked: { status: 401, type: 'authentication', times: Number.POSITIVE_INFINITY },
};
const chatRequest = z.object({ chat_id: z.string() });
const lockedOrganization = randomUUID();
const routedOrganization = randomUUID();

/** A LiveChat server whose responses all announce the end of this API version. */
async function startLiveChat() {
  const calls = new Map<string, number>();
  const server = await startServer((response, request) => {
    // Its files: one text file; any other is not found.
    if (request.method === 'GET') return respondWith(request.url === '/a.txt' ? 200 : 404, 'text')(response, request);
    const { chat_id } = chatRequest.parse(JSON.parse(server.received.at(-1)?.body.toString() ?? ''));
    const call = (calls.get(chat_id) ?? 0) + 1;
    calls.set(chat_id, call);
    const failure = errorResponses[chat_id];
    const notice = { legacy: '2026-12-31' };
    const answer =
      failure && call <= failure.times
        ? respondWith(failure.status, { error: { type: failure.type, message: 'no' } }, notice)
        : respondWith(200, request.url?.endsWith('list_threads') ? { threads: [] } : { event_id: 'T_1' }, notice);
    answer(response, request);
  });
  return server;
}

describe('the metrics', () => {
  let local: Local;
  let liveChat: Awaited<ReturnType<typeof startLiveChat>>;
  beforeAll(async () => {
    liveChat = await startLiveChat();
    local = await startLocal({ LIVECHAT_API_BASE_URL: liveChat.url });
    for (const [name, value] of Object.entries(local.environment)) vi.stubEnv(name, value);
    await Promise.all([
      receive(local),
      receiveGaps(local),
      receiveFiles(local),
      send(local),
      route(local),
      fail(local),
    ]);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await local.stop();
    await liveChat.stop();
  });

  const all = (name: MetricName) => emittedMetrics(local).filter((one) => one.name === name);

  it('are exactly those of the catalogue', async () => {
    await expect
      .poll(() => [...new Set(emittedMetrics(local).map(({ name }) => name))].toSorted(), { timeout: 28_000 })
      .toEqual(Object.keys(metrics).toSorted());
  });

  it.each(Object.entries<MetricSpec>(metrics))(
    'include %s with the unit, dimensions and properties of the catalogue',
    async (name, { unit, ...spec }) => {
      const lines = () => emittedMetrics(local).filter((one) => one.name === name);
      await expect.poll(lines, { timeout: 28_000 }).not.toEqual([]);
      const dimensions = [['service'], ...(spec.dimensions.length > 0 ? [['service', ...spec.dimensions]] : [])];
      const keys = ['service', ...spec.dimensions, ...spec.properties].toSorted();
      for (const line of lines()) {
        expect(line).toMatchObject({ namespace, unit, dimensions, value: expect.any(Number) });
        expect(Object.keys(line.keys).toSorted()).toEqual(keys);
        expect(Object.values(line.keys)).not.toContain('');
      }
    },
  );

  const organizationId = String(fixture('incoming_event.message.customer.json').organization_id);
  it.each<[MetricName, number, Record<string, unknown>]>([
    ['WebhooksReceived', 1, { action: 'other' }],
    ['WebhookErrorResponses', 1, { status: '401' }],
    ['WebhooksRejected', 1, { reason: 'payload', action: 'incoming_event' }],
    ['WebhooksRejected', 1, { reason: 'event', action: 'incoming_chat' }],
    ['DuplicateEvents', 1, { type: 'message.received' }],
    ['DuplicateEvents', 1, { type: 'chat.started' }],
    ['EventNumberGaps', 2, { organizationId, conversationId: 'gaps', threadId: 'TGAPS' }],
    ['MessagesSent', 2, { organizationId }],
    ['SendsDeferred', 1, { reason: 'limited' }],
    ['SendsRetried', 1, { category: 'Server' }],
    ['SendsFailed', 1, { category: 'Client' }],
    ['DeadLetters', 1, { category: 'Client', kind: 'send', error: 'LiveChatClientError' }],
    ['DeadLetters', 1, { category: 'Authentication', error: 'LiveChatAuthenticationError' }],
    ['DeadLetters', 1, { category: 'Event', kind: 'event', error: 'InvalidEvent' }],
    ['MediaStored', 1, { typeCheck: 'unknown', organizationId }],
    ['MediaFailed', 1, { error: 'FileRefused', organizationId }],
    ['LiveChatCalls', 1, { method: 'list_threads' }],
    ['LiveChatDeprecationNotices', 1, { kind: 'legacy', method: 'send_event' }],
    ['ChatsRouted', 1, { outcome: 'no transfer action', organizationId: routedOrganization }],
    ['BreakerOpened', 1, { reason: 'credentials', organizationId: lockedOrganization }],
    ['GateClosed', 1, { reason: 'credentials', organizationId: lockedOrganization }],
  ])('include %s with the value %d and %o', async (name, value, keys) => {
    const matching = () => all(name).map((one) => ({ value: one.value, ...one.keys }));
    await expect.poll(matching, pollOptions).toContainEqual(expect.objectContaining({ value, ...keys }));
  });

  it('count each failed invocation for an event, and its dead letter once', async () => {
    const of = (type: MetricName, keys: object) => () => all(type).filter((one) => matches(one, keys));
    await expect.poll(of('EventsFailed', { type: 'message.received' }), pollOptions).toHaveLength(3);
    await expect.poll(of('DeadLetters', { category: 'Event' }), pollOptions).toHaveLength(1);
  });

  it('include the wait for the breaker in BacklogSeconds', async () => {
    const backlog = () => all('BacklogSeconds').filter((one) => matches(one, { organizationId: lockedOrganization }));
    await expect.poll(backlog, pollOptions).not.toEqual([]);
    // The breaker stays open for 30 s.
    expect(Math.max(...backlog().map(({ value }) => Number(value)))).toBeGreaterThan(20);
  });
});

function matches({ keys }: EmittedMetric, wanted: object): boolean {
  return Object.entries(wanted).every(([name, value]) => keys[name] === value);
}

async function receive(local: Local): Promise<void> {
  const message = fixture('incoming_event.message.customer.json');
  for (const body of [
    message,
    message,
    fixture('incoming_chat.json'),
    fixture('incoming_chat.json'),
    {
      ...fixture('incoming_chat.json'),
      payload: { chat: { id: 'odd', thread: { ...thread('TODD'), events: [{}] } } },
    },
    { ...message, payload: {} },
    { ...message, secret_key: 'wrong' },
    fixture('_edge.unknown_action.json'),
  ]) {
    await post(local, body);
    // Concurrent duplicates would both count as new.
    await local.idle();
  }
}

const thread = (id: string) => ({ id, created_at: '2026-03-11T09:14:12.000001Z' });

/** Two files; the second is not found. */
async function receiveFiles(local: Local): Promise<void> {
  const file = fixture('incoming_event.file.json');
  const { event } = z.object({ event: z.looseObject({}) }).parse(file.payload);
  for (const name of ['a.txt', 'none.txt']) {
    const named = { ...event, id: `TFILES_${name}`, name, content_type: 'text/plain' };
    const url = `https://cdn.livechat-files.com/${name}`;
    await post(local, { ...file, payload: { chat_id: 'files', thread_id: 'TFILES', event: { ...named, url } } });
  }
}

/** Events 2, 3 and 6 of a thread, and its end. */
async function receiveGaps(local: Local): Promise<void> {
  const message = fixture('incoming_event.message.customer.json');
  const place = { chat_id: 'gaps', thread_id: 'TGAPS' };
  const event = z.looseObject({}).parse(z.looseObject({ event: z.unknown() }).parse(message.payload).event);
  for (const number of [6, 2, 3]) {
    await post(local, { ...message, payload: { ...place, event: { ...event, id: `TGAPS_${number}` } } });
  }
  await local.idle();
  await post(local, { ...fixture('chat_deactivated.by_agent.json'), payload: place });
}

async function send(local: Local): Promise<void> {
  const bus = outbound(local);
  const { queueStore } = await import('../core/outbound/queue.ts');
  const organizationId = String(fixture('incoming_event.message.customer.json').organization_id);
  await queueStore.enter({ organizationId, conversationId: 'left' }, `${local.environment.SEND_MACHINE_ARN}:gone`);
  await bus.send('left');
  await bus.send('healthy', { messages: ['one', 'two'].map((content) => ({ type: 'text', content })) });
  for (const chat of ['failing', 'invalid', 'busy']) await bus.send(chat);
  await bus.send('locked', { organizationId: lockedOrganization });
  const opened = () => expect(emittedMetrics(local).map(({ name }) => name)).toContain('BreakerOpened');
  await vi.waitFor(opened, { timeout: 20_000, interval: 100 });
  await bus.send('locked', { organizationId: lockedOrganization });
}

async function route(local: Local): Promise<void> {
  const ruleSet = { match: 'first', rules: [{ name: 'all', do: { priority: 'low' } }] };
  const given = { organizationId: routedOrganization, ruleSet };
  await fetch(new URL('/api/routing/rules', local.console), { method: 'POST', body: JSON.stringify(given) });
  await post(local, { ...fixture('incoming_chat.json'), organization_id: routedOrganization });
}

/** An event that no function can handle. */
async function fail(local: Local): Promise<void> {
  await outbound(local).put('omnichannel.livechat', 'message.received', { metadata: {}, data: {} });
}
