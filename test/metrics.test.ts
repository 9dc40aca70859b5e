import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { DisableRuleCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { createEvent } from '../core/events/event.ts';
import { executionName } from '../core/outbound/request.ts';
import { type MetricName, type MetricSpec, metrics, namespace } from '../core/platform/metrics.ts';
import { scheduledEvent } from '../stacks/topology.ts';
import { loadSendPath } from './accept.ts';
import { listResponse } from './archive.ts';
import { invokeBundle } from './bundled.ts';
import { type EmittedMetric, emittedMetrics } from './emf.ts';
import { fixture, startedNow } from './fixtures.ts';
import { respondWith, startServer } from './http-server.ts';
import { type Local, pollOptions, post, startLocal } from './local.ts';
import { awsClientConfig, copyDefaultSecret } from './local-aws.ts';
import { executionInput } from './model/requests.ts';
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
const pausedOrganization = randomUUID();
const lateOrganization = randomUUID();
/** After this time the request behind the paused one expires. */
const expirySeconds = 5;
/** How long before its receipt a request of the paused organization was sent. */
const sentBeforeMs = 2_000;
const reconciledOrganization = randomUUID();
const organizationId = String(fixture('incoming_event.message.customer.json').organization_id);

/** A LiveChat server whose responses all announce the end of this API version. */
async function startLiveChat() {
  const calls = new Map<string, number>();
  let isArchiveEmpty = true;
  const server = await startServer((response, request) => {
    // Its files: one text file; any other is not found.
    if (request.method === 'GET') return respondWith(request.url === '/a.txt' ? 200 : 404, 'text')(response, request);
    const listed = listResponse(request.url, isArchiveEmpty);
    if (listed) return respondWith(200, listed)(response, request);
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
  const archiveChat = () => {
    isArchiveEmpty = false;
  };
  return { ...server, archiveChat };
}

describe('the metrics', () => {
  let local: Local;
  let liveChat: Awaited<ReturnType<typeof startLiveChat>>;
  /** What the scheduled function logged. */
  let scheduled: string;
  beforeAll(async () => {
    liveChat = await startLiveChat();
    // Without LIVECHAT_ORGANIZATION_ID, the default secret is used for all organizations.
    local = await startLocal({ LIVECHAT_API_BASE_URL: liveChat.url, LIVECHAT_ORGANIZATION_ID: '' });
    for (const [name, value] of Object.entries(local.environment)) vi.stubEnv(name, value);
    await Promise.all([
      receive(local),
      receiveGaps(local),
      receiveFiles(local),
      send(local),
      route(local),
      fail(local),
      sendLate(local),
    ]);
    await reconcile(local, liveChat);
    await local.idle();
    scheduled = await measureAge(local);
  }, 120_000);
  afterAll(async () => {
    vi.unstubAllEnvs();
    await local.stop();
    await liveChat.stop();
  });

  const emitted = () => emittedMetrics({ output: () => `${local.output()}\n${scheduled}` });
  const all = (name: MetricName) => emitted().filter((one) => one.name === name);

  it('are exactly those of the catalogue', async () => {
    await expect
      .poll(() => [...new Set(emitted().map(({ name }) => name))].toSorted(), { timeout: 28_000 })
      .toEqual(Object.keys(metrics).toSorted());
  });

  it.each(Object.entries<MetricSpec>(metrics))(
    'include %s with the unit, dimensions and properties of the catalogue',
    async (name, { unit = 'Count', dimension, properties = [] }) => {
      const lines = () => emitted().filter((one) => one.name === name);
      await expect.poll(lines, { timeout: 28_000 }).not.toEqual([]);
      const dimensions = [['service'], ...(dimension ? [['service', dimension]] : [])];
      const keys = ['service', dimension ?? [], ...properties].flat().toSorted();
      for (const line of lines()) {
        expect(line).toMatchObject({ namespace, unit, dimensions, value: expect.any(Number) });
        expect(Object.keys(line.keys).toSorted()).toEqual(keys);
        expect(Object.values(line.keys)).not.toContain('');
      }
    },
  );

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
    ['DeadLetters', 1, { category: 'Client', kind: 'send', error: 'ChannelClientError' }],
    ['DeadLetters', 1, { category: 'Authentication', error: 'ChannelAuthenticationError' }],
    ['DeadLetters', 1, { category: 'Event', kind: 'event', error: 'InvalidEvent' }],
    ['MediaStored', 1, { typeCheck: 'unknown', organizationId }],
    ['MediaFailed', 1, { error: 'FileRefused', organizationId }],
    ['LiveChatCalls', 1, { method: 'list_threads' }],
    ['LiveChatDeprecationNotices', 1, { kind: 'legacy', method: 'send_event' }],
    ['ChatsRouted', 1, { outcome: 'no transfer action', organizationId: routedOrganization }],
    ['BreakerOpened', 1, { reason: 'credentials', organizationId: lockedOrganization }],
    ['CallsRateLimited', 1, { organizationId }],
    ['SlotsMissed', 1, { organizationId: lateOrganization }],
    ['TurnsTimedOut', 1, { organizationId: pausedOrganization }],
    ['GroupsUnblocked', 1, { organizationId }],
    ['ReconciledEvents', 4, { organizationId: reconciledOrganization }],
    ['ReconciliationDifferences', 1, { organizationId: reconciledOrganization }],
    ['SendsDeferred', 1, { reason: 'turn', organizationId: pausedOrganization }],
    ['SendsDeferred', 1, { reason: 'blocked', organizationId: pausedOrganization }],
  ])('include %s with the value %d and %o', async (name, value, keys) => {
    const matching = () => all(name).map((one) => ({ value: one.value, ...one.keys }));
    await expect.poll(matching, pollOptions).toContainEqual(expect.objectContaining({ value, ...keys }));
  });

  it('count each failed invocation for an event, and its dead letter once', async () => {
    const of = (type: MetricName, keys: object) => () => all(type).filter((one) => matches(one, keys));
    await expect.poll(of('EventsFailed', { type: 'message.received' }), pollOptions).toHaveLength(3);
    await expect.poll(of('DeadLetters', { category: 'Event' }), pollOptions).toHaveLength(1);
  });

  it('include the age of a waiting request in OldestUnsentSeconds', async () => {
    const ages = () => all('OldestUnsentSeconds').filter((one) => matches(one, { organizationId: pausedOrganization }));
    const oldest = () => Math.max(...ages().map(({ value }) => Number(value)));
    // A stamp counts only if the request is received within seconds after it, which a busy machine may miss.
    const sendEarlier = async () => {
      const sentAt = Date.now() - sentBeforeMs;
      await outbound(local).send(`paused-${randomUUID()}`, { organizationId: pausedOrganization, sentAt });
      await expect.poll(oldest, { timeout: 5_000 }).toBeGreaterThanOrEqual(sentBeforeMs / 1000);
    };
    await vi.waitFor(sendEarlier, { timeout: 25_000, interval: 10 });
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
  await bus.send('healthy', { messages: ['one', 'two'].map((content) => ({ type: 'text', content })) });
  for (const chat of ['failing', 'invalid', 'busy']) await bus.send(chat);
  await bus.send('locked', { organizationId: lockedOrganization });
  await Promise.all([sendBehindPaused(local), sendBehindEnded(local)]);
}

/** The second request of a paused organization waits for its turn until it expires. */
async function sendBehindPaused(local: Local): Promise<void> {
  const bus = outbound(local);
  const paused = { organizationId: pausedOrganization };
  const address = new URL(`/api/rate-limits/${pausedOrganization}`, local.console);
  await fetch(address, { method: 'POST', body: JSON.stringify({ do: 'pause' }) });
  await bus.send('paused', paused);
  await local.idle();
  await bus.send('paused', { ...paused, options: { expiresInSeconds: expirySeconds } });
}

/** The execution of an earlier request has ended, but its entry is still in the message group. */
async function sendBehindEnded(local: Local): Promise<void> {
  const bus = outbound(local);
  const { groups } = await loadSendPath(local);
  const requestId = await bus.send('ended');
  await vi.waitFor(async () => expect(await isEnded(local, requestId)).toBe(true), { timeout: 20_000, interval: 100 });
  const execution = executionName({ organizationId, requestId, redrive: 0 });
  const position = `000000000000001#${execution}`;
  await groups.put({ organizationId, conversationId: 'ended' }, { position, execution, input: '{}', until: 0 });
  await bus.send('ended');
}

async function isEnded(local: Local, requestId: string): Promise<boolean> {
  const name = executionName({ organizationId, requestId, redrive: 0 });
  const executionArn = `${local.environment.SEND_MACHINE_ARN?.replace(':stateMachine:', ':execution:')}:${name}`;
  const { status } = await new SFNClient(awsClientConfig(local)).send(new DescribeExecutionCommand({ executionArn }));
  return status !== 'RUNNING';
}

/** An execution whose wait for its slot ended long after the slot. */
async function sendLate(local: Local): Promise<void> {
  const expiresAt = Date.now() + 900_000;
  const request = executionInput({ organizationId: lateOrganization, requestId: randomUUID(), expiresAt });
  const input = JSON.stringify({ request, turn: { slot: { at: 1, epoch: 0 } } });
  const stateMachineArn = local.environment.SEND_MACHINE_ARN;
  await new SFNClient(awsClientConfig(local)).send(new StartExecutionCommand({ stateMachineArn, input }));
}

async function route(local: Local): Promise<void> {
  const ruleSet = { match: 'first', rules: [{ name: 'all', do: { priority: 'low' } }] };
  const given = { organizationId: routedOrganization, ruleSet };
  await fetch(new URL('/api/routing/rules', local.console), { method: 'POST', body: JSON.stringify(given) });
  await post(local, { ...startedNow(fixture('incoming_chat.json')), organization_id: routedOrganization });
}

/** An event that no function can handle. */
async function fail(local: Local): Promise<void> {
  await outbound(local).put('omnichannel.livechat', 'message.received', { metadata: {}, data: {} });
}

/** The webhooks of a chat are lost after the first run, which is an inventory. */
async function reconcile(local: Local, liveChat: { readonly archiveChat: () => void }): Promise<void> {
  await copyDefaultSecret(local, reconciledOrganization);
  const cause = { organizationId: reconciledOrganization, correlationId: 'e', causationId: 'e' };
  const run = async (number: string) => {
    const { type, metadata, data } = createEvent('reconciliation.requested', reason, cause, [number], Date.now());
    await outbound(local).put('omnichannel.livechat', type, { metadata, data });
    await local.idle();
  };
  const reason = { reason: 'schedule' } as const;
  await run('first');
  liveChat.archiveChat();
  await run('second');
}

/** Runs the scheduled function, but not the reconciliations that it requests. Returns its log. */
async function measureAge(local: Local): Promise<string> {
  const rule = new DisableRuleCommand({ EventBusName: local.bus, Name: 'reconcile' });
  await new EventBridgeClient(awsClientConfig(local)).send(rule);
  const name = 'schedule-reconciliation';
  const file = fileURLToPath(new URL(`../functions/${name}.ts`, import.meta.url));
  const event = scheduledEvent('e', new Date().toISOString());
  const { log } = await invokeBundle({ name, file, memoryMb: 512 }, event, { ...local.environment });
  return log.join('\n');
}
