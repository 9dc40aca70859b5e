import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DisableRuleCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { createEvent } from '../core/events/event.ts';
import { translate } from '../core/livechat/translate.ts';
import { executionName, type SendRequestData } from '../core/outbound/request.ts';
import { bundle } from '../stacks/build/bundle.ts';
import { type FunctionName, functions, queues, scheduledEvent } from '../stacks/topology.ts';
import { loadSendPath } from './accept.ts';
import { archivedChatId, listResponse } from './archive.ts';
import { invokeBundle } from './bundled.ts';
import { busEvents, eventsFor, isFunction, toBusEvent } from './bus-events.ts';
import { fixture, sendInput, sendInputVersions } from './fixtures.ts';
import { respondWith, startServer } from './http-server.ts';
import { type Local, organizationId, startLocal } from './local.ts';
import { awsClientConfig, copyDefaultSecret } from './local-aws.ts';
import { outbound } from './outbound.ts';
import { watchBus } from './watch-bus.ts';

const message = { ...fixture('incoming_event.message.customer.json'), organization_id: randomUUID() };
const events = busEvents(randomUUID());

const webhookCall = {
  version: '2.0',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(message),
  isBase64Encoded: false,
};

/** A dead letter from EventBridge. */
const deadLetter = {
  Records: [
    {
      messageId: 'm1',
      body: JSON.stringify(events[0]),
      messageAttributes: { ERROR_CODE: { stringValue: 'NO_PERMISSIONS' } },
    },
  ],
};

describe('the bundle of', () => {
  let local: Local;
  let environment: Record<string, string>;
  let folder: string;
  let sendPath: Awaited<ReturnType<typeof loadSendPath>>;
  const files = new Map<string, string>();
  const invoke = (name: FunctionName, event: unknown, more: Record<string, string> = {}) =>
    invokeBundle({ name, file: files.get(name) ?? '', memoryMb: functions[name].memoryMb }, event, {
      ...environment,
      ...more,
    });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'livechat-bundles-'));
    const built = Object.entries(functions).map(async ([name, { handler }]) => {
      const { file } = await bundle(handler.replace(/\.handler$/, '.ts'), join(folder, name));
      files.set(name, file);
    });
    [local] = await Promise.all([startLocal(), ...built]);
    const sqs = new SQSClient(awsClientConfig(local));
    const { QueueUrl = '' } = await sqs.send(new GetQueueUrlCommand({ QueueName: queues.deadLetters }));
    environment = { ...local.environment, LOG_LEVEL: 'DEBUG', DEAD_LETTER_QUEUE_URL: QueueUrl };
    sendPath = await loadSendPath(local);
  }, 120_000);
  afterAll(async () => {
    vi.unstubAllEnvs();
    await local.stop();
    await rm(folder, { recursive: true });
  });

  const byRules = Object.keys(functions)
    .filter(isFunction)
    .filter((name) => eventsFor(name, events).length > 0);
  const ownTests: readonly FunctionName[] = [
    ...(['webhook', 'send-requested', 'wait-for-turn', 'send', 'dead-letter'] as const),
    ...(['reconcile', 'schedule-reconciliation'] as const),
  ];
  const requestData = (conversationId: string): SendRequestData => ({
    requestId: randomUUID(),
    organizationId,
    conversationId,
    messages: [{ type: 'text', content: 'Your parcel has left.' }],
  });
  const accept = (conversationId: string) => sendPath.accept(requestData(conversationId));
  /** The event of a send request. */
  const requested = (conversationId: string, changes: object = {}) => ({
    id: randomUUID(),
    'detail-type': 'message.send.requested',
    source: 'shop',
    time: new Date().toISOString(),
    detail: { data: { ...requestData(conversationId), ...changes } },
  });

  it('every function of the topology is tested', () => {
    expect([...byRules, ...ownTests].toSorted()).toEqual(Object.keys(functions).toSorted());
  });

  it.concurrent.each(byRules)('%s handles its event', async (name) => {
    const { error, log } = await invoke(name, eventsFor(name, events)[0]);
    expect(error).toBeUndefined();
    expect(log.join('\n')).toMatch(/"message":"event handled"/);
  });

  it('webhook puts the message on the bus', async () => {
    const { result } = await invoke('webhook', webhookCall);
    expect(result).toMatchObject({ statusCode: 200, body: '{"success":true}' });
    const stored = () => local.api(`/api/conversations/T8RM2K0V9X?organizationId=${message.organization_id}`);
    await expect.poll(async () => (await stored()).body).toMatchObject({ messages: [{ direction: 'inbound' }] });
  });

  it('send-requested accepts a request, and wait-for-turn lets its execution wait', async () => {
    const bus = outbound(local);
    const conversationId = await bus.chat();
    const { error, log } = await invoke('send-requested', requested(conversationId));
    expect(error).toBeUndefined();
    expect(log.join('\n')).toMatch(/"message":"accepted".*"execution":"[0-9a-f]+/);
    await bus.waitForExecutions();
    expect(await bus.sentTexts(conversationId)).toEqual(['Your parcel has left.']);
    const [first, second] = [await accept(conversationId), await accept(conversationId)];
    expect(second.orderKey).toBeGreaterThanOrEqual(first.orderKey);
    const waited = await invoke('wait-for-turn', { request: second, seconds: 60, token: 'token' });
    expect(waited.error).toBeUndefined();
    expect(await sendPath.groups.head(second)).toMatchObject({ first: { execution: executionName(first) } });
  });

  it.each([
    ['without messages', { messages: [] }],
    [
      'with characters that SQS rejects',
      { messages: [{ type: 'text', content: 'a\uFFFF' }], options: { onAbsent: '\uFFFE' } },
    ],
  ])('send-requested sends an invalid request %s to the dead-letter queue', async (_what, invalid) => {
    const conversationId = await outbound(local).chat();
    expect(await invoke('send-requested', requested(conversationId, invalid))).not.toHaveProperty('error');
    await expect
      .poll(() => outbound(local).deadLetters(conversationId))
      .toMatchObject([{ kind: 'rejected', errorName: 'RequestInvalid' }]);
  });

  it.each(sendInputVersions())(
    'send handles an input of version %i of an execution that has waited',
    async (version) => {
      const conversationId = await outbound(local).chat();
      const accepted = await accept(conversationId);
      const { request, turn } = sendInput(version);
      const { deliveries, conversationId: _, requestId, orderKey, requestedAt, expiresAt } = accepted;
      // What identifies the request and its times; every other field is that of the version.
      const own = { deliveries, conversationId, requestId, orderKey, requestedAt, expiresAt };
      expect(await invoke('send', { request: { ...request, ...own }, turn })).toMatchObject({
        result: { outcome: 'sent' },
      });
      expect(await outbound(local).sentTexts(conversationId)).toEqual(['Your parcel has left.']);
    },
  );

  it('the latest version of the input has the fields of an accepted request', async () => {
    const { request } = sendInput(Math.max(...sendInputVersions()));
    expect(Object.keys(request).toSorted()).toEqual(Object.keys(await accept('fields')).toSorted());
  });

  it('send rejects an unsupported version and names the field', async () => {
    const { request } = sendInput(1);
    const { error } = await invoke('send', { request: { ...request, version: 99 } });
    expect(error).toMatchObject({ name: 'RequestInvalid', message: expect.stringMatching(/^request\.version: /) });
  });

  it('store-media fetches a file, detects its type and stores it', async () => {
    const { chat, act, simulator } = outbound(local);
    const id = await chat();
    await act(id, { action: 'file', name: 'photo.png' });
    const chatView = z.object({ events: z.array(z.looseObject({ url: z.optional(z.string()) })) });
    const { events } = chatView.parse(await simulator('GET', `/simulator/chats/${id}`));
    const sent = fixture('incoming_event.file.json');
    const { event } = z.object({ event: z.looseObject({}) }).parse(sent.payload);
    const payload = { chat_id: id, thread_id: 'T', event: { ...event, url: events.at(-1)?.url } };
    const at = {
      organizationId: randomUUID(),
      action: 'incoming_event',
      receivedAt: '2026-03-11T11:00:00.000Z',
    } as const;
    const [received] = translate({ ...at, payload }, {}).map(toBusEvent);
    const { error, log } = await invoke('store-media', received);
    expect(error).toBeUndefined();
    expect(log.join('\n')).toMatch(/"MediaStored":1/);
    expect(log.join('\n')).toMatch(/"typeCheck":"match"/);
  });

  it('reconcile publishes what LiveChat lists and the tables lack', async () => {
    const liveChat = await startServer((response, incoming) =>
      respondWith(200, listResponse(incoming.url))(response, incoming),
    );
    const own = randomUUID();
    await copyDefaultSecret(local, own);
    const cause = { organizationId: own, correlationId: 'schedule', causationId: 'schedule' };
    const request = toBusEvent(
      createEvent('reconciliation.requested', { reason: 'schedule' }, cause, [own], Date.now()),
    );
    const { error, log } = await invoke('reconcile', request, { LIVECHAT_API_BASE_URL: liveChat.url });
    await liveChat.stop();
    expect(error).toBeUndefined();
    expect(log.join('\n')).toMatch(/"message":"reconciliation ended".*"status":"complete"/);
    expect((await local.api(`/api/conversations/${archivedChatId}?organizationId=${own}`)).body).toMatchObject({
      conversation: { status: 'closed' },
      messages: [{ content: 'Hello' }, { type: 'system' }],
    });
  });

  it('schedule-reconciliation requests a run for every organization whose credentials are known', async () => {
    const aws = awsClientConfig(local);
    await new EventBridgeClient(aws).send(new DisableRuleCommand({ EventBusName: local.bus, Name: 'reconcile' }));
    const withSecret = randomUUID();
    for (const name of [withSecret, `dev/${randomUUID()}`]) await copyDefaultSecret(local, name);
    const bus = await watchBus(local);
    const { error, log } = await invoke('schedule-reconciliation', scheduledEvent('e', new Date().toISOString()));
    expect(error).toBeUndefined();
    expect(log.join('\n')).toMatch(/"ReconciliationAgeSeconds":\d+/);
    const requested = () => bus.of('reconciliation.requested').map(({ metadata }) => metadata);
    const expected = [organizationId, withSecret].map((id) => expect.objectContaining({ organizationId: id }));
    await expect.poll(requested).toEqual(expect.arrayContaining(expected));
    await bus.stop();
  });

  it('dead-letter stores the messages of the queue', async () => {
    const { result } = await invoke('dead-letter', deadLetter);
    expect(result).toEqual({ batchItemFailures: [] });
    expect((await local.api('/api/dead-letters')).body).toMatchObject({
      deadLetters: expect.arrayContaining([expect.objectContaining({ kind: 'event', errorName: 'NO_PERMISSIONS' })]),
    });
  });

  describe('a function with an empty secret', () => {
    const unfilled = { SECRET_PREFIX: 'unfilled' };
    const expected =
      /secret unfilled\/default is not filled: expected .*LIVECHAT_WEBHOOK_SECRET.*LIVECHAT_ACCESS_TOKEN/;
    beforeAll(async () => {
      const secrets = new SecretsManagerClient(awsClientConfig(local));
      await secrets.send(new CreateSecretCommand({ Name: 'unfilled/default' }));
    });

    it('responds with 500 and logs the reason once', async () => {
      const { result, log } = await invoke('webhook', webhookCall, unfilled);
      expect(result).toMatchObject({ statusCode: 500, body: '{"error":"Internal server error"}' });
      const errors = log.filter((line) => line.includes('"level":"ERROR"'));
      expect(errors).toEqual([expect.stringMatching(expected)]);
    });

    it('fails with an error that names the secret', async () => {
      const { error } = await invoke('send', sendInput(1), unfilled);
      expect(error).toMatchObject({ name: 'ConfigurationError', message: expect.stringMatching(expected) });
    });
  });
});
