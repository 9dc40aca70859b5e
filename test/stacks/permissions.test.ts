import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { basename, join } from 'node:path';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DisableRuleCommand, EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DeleteCommand, DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createEvent } from '../../core/events/event.ts';
import { type ExecutionInput, executionName, type SendRequestData } from '../../core/outbound/request.ts';
import { type Permission, permissions } from '../../stacks/permissions.ts';
import { type FunctionName, functions, queues, scheduledEvent } from '../../stacks/topology.ts';
import { loadSendPath } from '../accept.ts';
import { listResponse } from '../archive.ts';
import { type Invoked, invokeBundle } from '../bundled.ts';
import { type BusEvent, busEvents, eventsFor, toBusEvent } from '../bus-events.ts';
import { fixture, liveChatTime } from '../fixtures.ts';
import { respondWith, startServer } from '../http-server.ts';
import { type Local, organizationId, startLocal } from '../local.ts';
import { injectAwsFault } from '../local-aws.ts';
import { outbound } from '../outbound.ts';
import { loadApp } from './app.ts';
import { describeGrant, type IamProxy, startIamProxy } from './iam-proxy.ts';
import { at, find, listAt, parseStatements, resourceName, type Statement, textAt } from './select.ts';

/**
 * Runs the deployed bundles with their deployed environment against the local engine, through a proxy that enforces their
 * roles. Every permission must be sufficient and in use.
 */

const app = loadApp('production');
const organization = randomUUID();
const events = busEvents(organization);
/** A low limit, so that longer texts become large events. */
const limits = { EVENT_MAX_BYTES: '1000' };
/** Metadata of a request that makes its events large. */
const large = { correlationId: 'order-'.padEnd(1000, '9') };

/** Not exercised here: Lambda polls the queue. */
const notExercised = [
  'dead-letter sqs:ReceiveMessage',
  'dead-letter sqs:DeleteMessage',
  'dead-letter sqs:GetQueueAttributes',
  // An idempotency record is deleted only if a table or the bus fails.
  'route-thread dynamodb:DeleteItem control',
  'route-first-message dynamodb:DeleteItem control',
  // The rate limiter reads its state only if it remembers none that allows a call, or the credentials are rejected.
  'route-thread dynamodb:GetItem control',
  'route-first-message dynamodb:GetItem control',
  'reconcile dynamodb:GetItem control',
  // It reads messages only if the customer's first message was handled before the start of the thread.
  'route-thread dynamodb:Query messages',
  // It deletes a large event only if the message is deleted during the download.
  'store-media s3:DeleteObject events',
];

const names = Object.keys(functions).filter(isFunction);

function isFunction(name: string): name is FunctionName {
  return Object.hasOwn(functions, name);
}

/** The statements of the deployed role. */
function roleStatements(name: FunctionName): readonly Statement[] {
  const role =
    textAt(find(app, 'aws:lambda/function:Function', resourceName(app, name)).inputs, 'role')
      .split('/')
      .at(-1) ?? '';
  return listAt(find(app, 'aws:iam/role:Role', role).inputs, 'inlinePolicies').flatMap((policy) =>
    parseStatements(textAt(policy, 'policy')),
  );
}

function deployedEnvironment(name: FunctionName): Readonly<Record<string, string>> {
  const found = at(find(app, 'aws:lambda/function:Function', resourceName(app, name)).inputs, 'environment.variables');
  return Object.fromEntries(
    Object.entries(typeof found === 'object' && found ? found : {}).map(([variable, value]) => [
      variable,
      String(value),
    ]),
  );
}

describe('with the deployed permissions and environment', () => {
  let local: Local;
  let proxy: IamProxy;
  let bus: ReturnType<typeof outbound>;
  let sendPath: Awaited<ReturnType<typeof loadSendPath>>;
  const cdn = createServer(({ url }, response) => {
    response.writeHead(url?.endsWith('?unavailable') ? 503 : 200, { 'content-type': 'image/png' }).end(png);
  });
  /** A LiveChat account with an archived chat. */
  let archive: Awaited<ReturnType<typeof startServer>>;
  /** Resource names of the local engine, by variable. */
  let localNames: Readonly<Record<string, string>>;

  beforeAll(async () => {
    local = await startLocal();
    bus = outbound(local);
    const text = JSON.stringify('word '.repeat(300));
    archive = await startServer((response, incoming) => {
      const listed = listResponse(incoming.url);
      if (!listed) return respondWith(404, { error: { type: 'not_found', message: '' } })(response, incoming);
      respondWith(200, JSON.stringify(listed).replace('"Hello"', text))(response, incoming);
    });
    await new Promise<void>((listening) => cdn.listen(0, '127.0.0.1', listening));
    const queue = new SQSClient({ ...client, endpoint: local.aws });
    const { QueueUrl = '' } = await queue.send(new GetQueueUrlCommand({ QueueName: queues.deadLetters }));
    localNames = { ...local.environment, DEAD_LETTER_QUEUE_URL: QueueUrl };
    const deployedNames = Object.assign({}, ...names.map(deployedEnvironment));
    const deployed = new Map(Object.entries(localNames).map(([variable, value]) => [value, deployedNames[variable]]));
    deployed.set(new URL(QueueUrl).pathname, deployedNames.DEAD_LETTER_QUEUE_URL);
    deployed.set('SEND_MACHINE_ARN', deployedNames.SEND_MACHINE_ARN);
    sendPath = await loadSendPath(local);
    proxy = await startIamProxy({
      upstream: local.aws,
      allowed: Object.fromEntries(names.map((name) => [name, roleStatements(name)])),
      deployed: (name) => deployed.get(name) ?? name,
    });
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    proxy.stop();
    cdn.close();
    await archive.stop();
    await local.stop();
  });

  function invoke(name: FunctionName, event: unknown): Promise<Invoked> {
    const { handler, memoryMb } = functions[name];
    const bundle = app.builds.find(({ handler: built }) => built === basename(handler))?.bundle ?? '';
    const file = join(bundle, `${basename(handler, '.handler')}.mjs`);
    const own = Object.entries(deployedEnvironment(name)).map(([variable, value]) => [
      variable,
      localNames[variable] ?? value,
    ]);
    const environment: Record<string, string> = {
      ...Object.fromEntries(own),
      ...limits,
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL: proxy.url,
      // The proxy identifies the function by its access key.
      AWS_ACCESS_KEY_ID: name,
      AWS_SECRET_ACCESS_KEY: 'local',
      LIVECHAT_API_BASE_URL: name === 'reconcile' ? archive.url : local.livechat,
      MEDIA_SIMULATOR_URL: `http://127.0.0.1:${serverPort(cdn)}`,
    };
    // The SQS client sends requests to the host of the queue URL.
    const { DEAD_LETTER_QUEUE_URL: queue } = environment;
    if (queue) environment.DEAD_LETTER_QUEUE_URL = `${proxy.url}${new URL(queue).pathname}`;
    return invokeBundle({ name, file, memoryMb }, event, environment);
  }

  /** Handles events in sequence, because each depends on the state that earlier ones wrote. */
  async function handleAll(name: FunctionName, all: readonly BusEvent[]): Promise<void> {
    for (const event of all) expect(await invoke(name, event)).not.toHaveProperty('error');
  }

  const put = async (key: string, body: string) =>
    new S3Client({ ...client, endpoint: local.aws }).send(
      new PutObjectCommand({ Bucket: localNames.MEDIA_BUCKET, Key: key, Body: body, ContentType: 'text/plain' }),
    );

  it('webhook publishes small and large events', async () => {
    const webhook = JSON.parse(JSON.stringify(fixture('incoming_event.message.customer.json')));
    webhook.payload.event.text = 'word '.repeat(300);
    const body = JSON.stringify({ ...webhook, organization_id: organization });
    const call = { version: '2.0', headers: { 'content-type': 'application/json' }, body, isBase64Encoded: false };
    expect(await invoke('webhook', call)).toMatchObject({ result: { statusCode: 200 } });
  });

  const subscribers = names.filter((name) => eventsFor(name, events).length > 0);
  it.each(subscribers)('%s handles its events, duplicates and claim checks', async (name) => {
    // A new organization, so that the conversation does not exist yet.
    const organization = randomUUID();
    const [first, ...others] = eventsFor(name, busEvents(organization));
    if (!first) throw new Error('no event');
    await handleAll(name, [first, first, ...others.slice(0, 1)]);
    const key = `events/${organization}/${randomUUID()}.json`;
    await put(key, JSON.stringify(first.detail.data));
    const dataRef = { bucket: localNames.MEDIA_BUCKET, key, bytes: 1 };
    expect(await invoke(name, { ...first, detail: { metadata: first.detail.metadata, dataRef } })).not.toHaveProperty(
      'error',
    );
  });

  it('reconcile publishes small and large events, and reads a chat that LiveChat does not list', async () => {
    const own = randomUUID();
    const secret = { LIVECHAT_WEBHOOK_SECRET: 'a webhook secret', LIVECHAT_ACCESS_TOKEN: 'token' };
    await new SecretsManagerClient({ ...client, endpoint: local.aws }).send(
      new CreateSecretCommand({ Name: `livechat/${own}`, SecretString: JSON.stringify(secret) }),
    );
    const run = () => {
      const cause = { organizationId: own, correlationId: 'e', causationId: 'e' };
      const event = createEvent('reconciliation.requested', { reason: 'schedule' }, cause, [own], Date.now());
      return handleAll('reconcile', [toBusEvent(event)]);
    };
    await run();
    expect(await published(own)).toBeGreaterThan(0);
    // LiveChat lists no active chat, so the run reads it.
    const [started] = eventsFor('chat-started', busEvents(own));
    if (!started) throw new Error('there is no chat.started event');
    await handleAll('chat-started', [copyEvent(started, { conversationId: 'unlisted' })]);
    await run();
  });

  it('reconcile loads the data of a large event', async () => {
    const key = `events/${organization}/${randomUUID()}.json`;
    await put(key, JSON.stringify({ reason: 'schedule' }));
    const cause = { organizationId: randomUUID(), correlationId: 'e', causationId: 'e' };
    const event = toBusEvent(createEvent('reconciliation.requested', { reason: 'schedule' }, cause, [], Date.now()));
    const dataRef = { bucket: localNames.MEDIA_BUCKET, key, bytes: 1 };
    const detail = { metadata: event.detail.metadata, dataRef };
    expect(await invoke('reconcile', { ...event, detail })).not.toHaveProperty('error');
  });

  it('schedule-reconciliation lists organizations and requests their reconciliation', async () => {
    const aws = { ...client, endpoint: local.aws };
    await new EventBridgeClient(aws).send(new DisableRuleCommand({ EventBusName: local.bus, Name: 'reconcile' }));
    const event = scheduledEvent('e', new Date().toISOString());
    expect(await invoke('schedule-reconciliation', event)).not.toHaveProperty('error');
  });

  it('message-deleted removes the stored files of the message', async () => {
    const file = events.find(({ detail }) => 'type' in detail.data && detail.data.type === 'media');
    if (!file || !('id' in file.detail.data)) throw new Error('there is no event with a file');
    const { id: messageId, conversationId, threadId } = Object.assign({ threadId: '' }, file.detail.data);
    await handleAll('message-received', [file]);
    await put(`${organization}/${conversationId}/${messageId}/photo.png`, 'png');
    const data = { conversationId, threadId, messageId };
    const deleted = { ...file, 'detail-type': 'message.deleted', detail: { ...file.detail, data } };
    expect(await invoke('message-deleted', deleted)).not.toHaveProperty('error');
  });

  const writers = [
    'message-received',
    'note-received',
    'message-delivered',
    'message-updated',
    'note-updated',
    'store-media',
  ] as const;
  it.each(writers)('%s deletes the stored data of a deleted message', async (name) => {
    const [event] = eventsFor(name, busEvents(randomUUID()));
    if (!event) throw new Error('no event');
    const { data, metadata } = event.detail;
    const message = 'message' in data && data.message ? data.message : data;
    const ids = { conversationId: '', threadId: '', id: '', ...message };
    const deletion = { conversationId: ids.conversationId, threadId: ids.threadId, messageId: ids.id };
    await handleAll('message-deleted', [
      { ...event, 'detail-type': 'message.deleted', detail: { metadata, data: deletion } },
    ]);
    await handleAll(name, [event]);
  });

  const recorders = names.filter((name) => functions[name].permissions.some((one) => one === 'correct-authors'));
  it.each(recorders)('%s corrects the author of an earlier message', async (name) => {
    const sample = busEvents(randomUUID());
    const [event] = eventsFor(name, sample);
    const message = eventsFor('message-received', sample).find(({ detail }) => messageContent(detail.data) !== '');
    const joined = eventsFor('participant-changed', sample).find(({ detail }) => 'participant' in detail.data);
    if (!event || !message || !joined || !('conversationId' in event.detail.data)) throw new Error('no event');
    const { conversationId } = event.detail.data;
    // A customer whose id looks like that of an agent.
    const user = { id: 'dana@example.com', type: 'customer' };
    const author = { id: user.id, type: 'agent' };
    await handleAll('message-received', [copyEvent(message, { conversationId, threadId: 'T', id: 'T_1', author })]);
    await handleAll('participant-changed', [
      copyEvent(joined, { conversationId, change: 'joined', participant: { ...user, misleadingId: true } }),
    ]);
    const { messageKey, setAuthorType } = await import('../../core/messages/messages.ts');
    const { organizationId: own } = event.detail.metadata;
    await setAuthorType(messageKey({ organizationId: own, conversationId, threadId: 'T', id: 'T_1' }), 'agent');
    await handleAll(name, [event]);
  });

  it('store-media stores the file of a note, and publishes it in a large event', async () => {
    const [event] = eventsFor('store-media', busEvents(randomUUID()));
    if (!event) throw new Error('there is no event with a file');
    const note = copyEvent(event, { visibility: 'agents', conversationId: 'T8RM2K0V9X'.repeat(30) });
    await handleAll('store-media', [{ ...note, 'detail-type': 'note.received' }]);
  });

  it('store-media removes the file that an update replaces, and fails if the new one is unavailable', async () => {
    const [event] = eventsFor('store-media', busEvents(randomUUID()));
    if (!event) throw new Error('there is no event with a file');
    const { data, metadata } = event.detail;
    // The time of an update determines its order.
    const update = (query: string, second: number) => ({
      ...event,
      'detail-type': 'message.updated',
      detail: {
        metadata: { ...metadata, id: randomUUID(), receivedAt: `2026-03-11T11:00:0${second}.000Z` },
        data: { ...data, content: `${messageContent(data)}?${query}` },
      },
    });
    await handleAll('message-received', [event]);
    const [second, unavailable] = [update('second', 1), update('unavailable', 2)];
    await handleAll('store-media', [event]);
    await handleAll('message-updated', [second]);
    await handleAll('store-media', [second]);
    await handleAll('message-updated', [unavailable]);
    expect(await invoke('store-media', unavailable)).toMatchObject({ error: { name: 'FileUnavailable' } });
  });

  describe('the send path', () => {
    const text = { type: 'text', content: 'Our prices' } as const;
    const requestData = (conversationId: string, messages: SendRequestData['messages'] = [text]) => ({
      requestId: randomUUID(),
      organizationId,
      conversationId,
      messages,
    });
    /** The event of a request, as EventBridge delivers it. */
    const requested = (data: object) => ({
      id: randomUUID(),
      'detail-type': 'message.send.requested',
      source: 'shop',
      time: new Date().toISOString(),
      detail: { data },
    });
    /** Lets a request look as if its execution had not been heard of since. */
    const silence = (request: ExecutionInput) => sendPath.groups.put(request, { ...sendPath.entry(request), until: 0 });
    /** Lets a request wait with a task token. */
    const wait = (request: ExecutionInput) =>
      sendPath.groups.put(request, { ...sendPath.entry(request), token: 'token' });

    it('send-requested accepts, repeats and rejects requests', async () => {
      const conversationId = await bus.chat();
      const data = requestData(conversationId);
      for (const event of [requested(data), requested(data), requested({ ...data, messages: [] })]) {
        expect(await invoke('send-requested', event)).not.toHaveProperty('error');
      }
      await bus.waitForExecutions();
      expect(await bus.sentTexts(conversationId)).toEqual(['Our prices']);
      // Without the record, the acceptance finds that the execution has ended, leaves the group and wakes the next.
      await wait(await sendPath.accept(requestData(conversationId)));
      await forgetAcceptances();
      expect(await invoke('send-requested', requested(data))).not.toHaveProperty('error');
    });

    it('send-requested deletes its idempotency record if the state machine fails', async () => {
      await injectAwsFault(local, { service: 'states', operation: 'StartExecution', kind: 'unavailable', count: 8 });
      expect(await invoke('send-requested', requested(requestData(await bus.chat())))).toHaveProperty('error');
    });

    it.each(['wait-for-turn', 'send'] as const)(
      '%s continues behind executions that never started or ended',
      async (name) => {
        const conversationId = await bus.chat();
        const earlier = await sendPath.accept(requestData(conversationId));
        const input = { request: await sendPath.accept(requestData(conversationId)), seconds: 60, token: 'token' };
        await silence(earlier);
        await invoke(name, input);
        await bus.waitForExecutions();
        expect(await bus.sentTexts(conversationId)).toEqual(['Our prices']);
        await silence(earlier);
        await invoke(name, input);
        expect(await sendPath.groups.head(earlier)).not.toMatchObject({ first: { execution: executionName(earlier) } });
      },
    );

    it('wait-for-turn completes the task of a request that is first', async () => {
      const request = await sendPath.accept(requestData(await bus.chat()));
      expect(await invoke('wait-for-turn', { request, seconds: 60, token: 'token' })).not.toHaveProperty('error');
    });

    it('send reports a missing file', async () => {
      const missing = { type: 'media', content: { key: `${organizationId}/gone.txt` } } as const;
      const request = await sendPath.accept(requestData(await bus.chat(), [missing]));
      expect(await invoke('send', { request })).toMatchObject({ error: { name: 'FileRefused' } });
    });

    it('send delivers texts and files, and wakes the next request', async () => {
      const conversationId = await bus.chat();
      const key = `${organizationId}/price-list.txt`;
      await put(key, 'price list');
      const file = { type: 'media', content: { key, name: 'prices.txt' } } as const;
      const request = await sendPath.accept(requestData(conversationId, [text, file]), large);
      const next = await sendPath.accept(requestData(conversationId));
      await wait(next);
      // It has waited for a slot, which is no longer valid.
      const turn = { slot: { at: 1, epoch: 0 } };
      expect(await invoke('send', { request, turn })).toMatchObject({ result: { outcome: 'sent' } });
      await sendPath.groups.remove(next, sendPath.entry(next).position);
      expect(await invoke('send', { request })).toMatchObject({ result: { outcome: 'sent' } });
      expect(await bus.sentTexts(conversationId)).toHaveLength(2);
    });

    it('dead-letter records sends and events, and redrives them', async () => {
      const conversationId = await bus.chat();
      const error = { Error: 'ChannelServerError', Cause: JSON.stringify({ errorMessage: 'no answer' }) };
      const request = await sendPath.accept(requestData(conversationId), large);
      const stopped = await sendPath.accept(requestData(conversationId));
      await wait(await sendPath.accept(requestData(conversationId)));
      const ended = { status: 'ABORTED', input: JSON.stringify({ request: stopped }), error: null, cause: null };
      expect(await processMessage({ kind: 'send', request, error })).toEqual([]);
      expect(await processMessage({ source: 'aws.states', detail: ended })).toEqual([]);
      expect(await processMessage(events[0])).toEqual([]);
      // The execution of the redrive exists, as after a crash.
      const redrive = { ...request, redrive: 1 };
      await startExecution(executionName(redrive), { request: redrive });
      const { body } = await local.api('/api/dead-letters');
      const open = listAt(body, 'deadLetters').filter((deadLetter) => at(deadLetter, 'status') === 'open');
      expect(open.length).toBeGreaterThan(1);
      for (const deadLetter of open) {
        expect(await processMessage({ kind: 'redrive', id: at(deadLetter, 'id') })).toEqual([]);
      }
    });
  });

  it.each(['route-thread', 'route-first-message'] as const)('%s evaluates rules and transfers', async (name) => {
    // An organization without a rate limit, which its first call creates.
    const own = randomUUID();
    const transfer = { transfer: [{ group: 99 }, { agent: 'nina.kowal@acme.example' }], tag: ['order'] };
    const rules = [{ name: 'orders', when: { fact: 'message', words: 'order' }, do: transfer }];
    const response = await fetch(new URL('/api/routing/rules', local.console), {
      method: 'POST',
      body: JSON.stringify({ organizationId: own, ruleSet: { match: 'first', rules } }),
    });
    expect(response.status).toBe(200);
    const sample = busEvents(own);
    const started = eventsFor('route-thread', sample)[0];
    const received = eventsFor('message-received', sample).find(({ detail }) => messageContent(detail.data) !== '');
    const requested = eventsFor('route-first-message', sample)[0];
    if (!started || !received || !requested) throw new Error('an event is missing');
    const text = 'Where is my order?';
    const opening = name === 'route-thread' ? { text, answers: [] } : undefined;
    // An older thread or message is too late to be routed.
    const at = liveChatTime();
    const start = {
      reason: 'new',
      active: true,
      causedByUs: false,
      by: undefined,
      threadId: 'A',
      createdAt: at,
      opening,
    };
    const thread = copyEvent(started, start);
    await handleAll('route-thread', [thread, thread]);
    if (name === 'route-thread') return;
    const author = { id: 'dana', type: 'customer' };
    const message = copyEvent(received, { threadId: 'A', timestamp: at, type: 'text', author, content: text });
    // A replayed message requests no routing, which the engine would do first.
    await handleAll('message-received', [{ ...message, 'replay-name': 'r' }]);
    await handleAll(name, [copyEvent(requested, { threadId: 'A', at })]);
    await handleAll('message-received', [message]);
  });

  /** The number of events that the last run of an organization published. */
  async function published(organizationId: string): Promise<number> {
    const { body } = await local.api(`/api/reconciliation?organizationId=${organizationId}`);
    return Number(at(listAt(body, 'organizations')[0], 'last.report.published'));
  }

  /** Deletes every idempotency record. */
  async function forgetAcceptances(): Promise<void> {
    const database = DynamoDBDocumentClient.from(new DynamoDBClient({ ...client, endpoint: local.aws }));
    const TableName = localNames.CONTROL_TABLE;
    const { Items = [] } = await database.send(new ScanCommand({ TableName }));
    const records = Items.filter(({ sk }) => sk === 'idempotency');
    for (const { pk, sk } of records) await database.send(new DeleteCommand({ TableName, Key: { pk, sk } }));
    expect(records.length).toBeGreaterThan(0);
  }

  async function startExecution(name: string, input: object): Promise<void> {
    const states = new SFNClient({ ...client, endpoint: local.aws });
    const stateMachineArn = localNames.SEND_MACHINE_ARN;
    await states.send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }));
  }

  /** Returns the failed batch items. */
  async function processMessage(body: unknown): Promise<unknown> {
    const record = { messageId: randomUUID(), body: JSON.stringify(body), messageAttributes: {} };
    const { result, error } = await invoke('dead-letter', { Records: [record] });
    expect(error).toBeUndefined();
    return at(result, 'batchItemFailures');
  }

  it('the proxy denies what a role does not allow', async () => {
    const { upstream, deployed } = { upstream: local.aws, deployed: (name: string) => name };
    const strict = await startIamProxy({
      upstream,
      deployed,
      allowed: { 'message-seen': roleStatements('message-seen') },
    });
    const s3 = new S3Client({
      ...client,
      endpoint: strict.url,
      credentials: { ...client.credentials, accessKeyId: 'message-seen' },
    });
    await expect(s3.send(new PutObjectCommand({ Bucket: 'media', Key: 'x', Body: 'x' }))).rejects.toThrow();
    expect(strict.denied).toEqual(['message-seen may not s3:PutObject on arn:aws:s3:::media/x']);
    strict.stop();
  });

  it('no call is denied, and every permission is in use', () => {
    expect(proxy.denied).toEqual([]);
    const granted = names.flatMap((name) => {
      const actions = new Set(functions[name].permissions.flatMap((one) => [...listActions(permissions[one])]));
      return roleStatements(name).flatMap((statement) =>
        statement.actions
          .filter((action) => actions.has(action))
          .flatMap((action) => statement.resources.map((resource) => describeGrant(name, action, resource))),
      );
    });
    const seen = new Set([...proxy.used, ...notExercised]);
    expect([...new Set(granted)].filter((one) => !seen.has(one))).toEqual([]);
    expect(notExercised.filter((one) => !granted.includes(one))).toEqual([]);
  });
});

/** A copy of an event with the current time and other data. */
function copyEvent({ detail, ...event }: BusEvent, data: object): BusEvent {
  const metadata = { ...detail.metadata, id: randomUUID(), receivedAt: new Date().toISOString() };
  return { ...event, detail: { metadata, data: { ...detail.data, ...data } } };
}

const messageContent = (data: object): string => ('content' in data ? String(data.content) : '');
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=',
  'base64',
);

function serverPort(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

const listActions = ({ actions }: Permission): readonly string[] => actions;
const client = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  forcePathStyle: true,
};
