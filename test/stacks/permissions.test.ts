import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { basename, join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FunctionName, functions, type Permission, permissions, queues } from '../../stacks/topology.ts';
import { type Invoked, invokeBundle } from '../bundled.ts';
import { type BusEvent, busEvents, eventsFor } from '../bus-events.ts';
import { fixture, sendInput } from '../fixtures.ts';
import { type Local, organizationId, startLocal } from '../local.ts';
import { outbound } from '../outbound.ts';
import { loadApp } from './app.ts';
import { type IamProxy, startIamProxy } from './iam-proxy.ts';
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
/** A request id that makes its events large. */
const longRequestId = 'order-'.padEnd(1000, '9');

/** Not exercised here: Lambda polls the queue, and an execution describes others only after waiting for 15 s. */
const notExercised = [
  'dead-letter sqs:ReceiveMessage',
  'dead-letter sqs:DeleteMessage',
  'dead-letter sqs:GetQueueAttributes',
  'send states:DescribeExecution',
  // Routing deletes its idempotency record only if a table or the bus fails.
  'route-thread dynamodb:DeleteItem',
  'route-first-message dynamodb:DeleteItem',
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
  const cdn = createServer(({ url }, response) => {
    response.writeHead(url?.endsWith('?unavailable') ? 503 : 200, { 'content-type': 'image/png' }).end(png);
  });
  /** Resource names of the local engine, by variable. */
  let localNames: Readonly<Record<string, string>>;

  beforeAll(async () => {
    local = await startLocal();
    bus = outbound(local);
    await new Promise<void>((listening) => cdn.listen(0, '127.0.0.1', listening));
    const queue = new SQSClient({ ...client, endpoint: local.aws });
    const { QueueUrl = '' } = await queue.send(new GetQueueUrlCommand({ QueueName: queues.deadLetters }));
    localNames = { ...local.environment, DEAD_LETTER_QUEUE_URL: QueueUrl };
    const deployedNames = Object.assign({}, ...names.map(deployedEnvironment));
    const deployed = new Map(Object.entries(localNames).map(([variable, value]) => [value, deployedNames[variable]]));
    deployed.set(new URL(QueueUrl).pathname, deployedNames.DEAD_LETTER_QUEUE_URL);
    proxy = await startIamProxy({
      upstream: local.aws,
      allowed: Object.fromEntries(names.map((name) => [name, roleStatements(name)])),
      deployed: (name) => deployed.get(name) ?? name,
    });
  });
  afterAll(async () => {
    proxy.stop();
    cdn.close();
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
      LIVECHAT_API_BASE_URL: local.livechat,
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

  it('send reports a missing file', async () => {
    const conversationId = await bus.chat();
    const missing = { type: 'media', content: { key: `${organizationId}/gone.txt` } };
    expect(await invoke('send', request(conversationId, randomUUID(), [missing]))).toMatchObject({
      error: { name: 'FileRefused' },
    });
  });

  it('send delivers texts and files', async () => {
    const conversationId = await bus.chat();
    const key = `${organizationId}/price-list.txt`;
    await put(key, 'price list');
    const messages = [
      { type: 'text', content: 'Our prices' },
      { type: 'media', content: { key, name: 'prices.txt' } },
    ];
    const input = request(conversationId, `${longRequestId}-${randomUUID()}`, messages);
    expect(await invoke('send', input)).toMatchObject({ result: { outcome: 'sent' } });
    expect(await bus.sentTexts(conversationId)).toHaveLength(2);
  });

  it('dead-letter records sends and events, and redrives them', async () => {
    const { input: state, execution } = JSON.parse(
      JSON.stringify(sendInput(1)).replaceAll('order-1042', longRequestId),
    );
    const failure = (name: string) => ({ Error: name, Cause: JSON.stringify({ errorMessage: 'no answer' }) });
    const request = Object.assign({}, state, { error: failure('LiveChatServerError'), deferral: undefined });
    const ended = { executionArn: `${execution}-2`, status: 'ABORTED', input: null, error: null, cause: null };
    expect(await processMessage({ kind: 'send', execution, state: request })).toEqual([]);
    expect(await processMessage({ source: 'aws.states', detail: ended })).toEqual([]);
    expect(await processMessage(events[0])).toEqual([]);
    const { body } = await local.api('/api/dead-letters');
    const open = listAt(body, 'deadLetters').filter(
      (deadLetter) => at(deadLetter, 'status') === 'open' && at(deadLetter, 'errorName') !== 'ABORTED',
    );
    expect(open.length).toBeGreaterThan(1);
    for (const deadLetter of open)
      expect(await processMessage({ kind: 'redrive', id: at(deadLetter, 'id') })).toEqual([]);
  });

  it('routing evaluates rules and transfers, at the start and at the first message', async () => {
    const transfer = { transfer: [{ group: 99 }, { agent: 'nina.kowal@acme.example' }], tag: ['order'] };
    const rules = [{ name: 'orders', when: { fact: 'message', words: 'order' }, do: transfer }];
    const response = await fetch(new URL('/api/routing/rules', local.console), {
      method: 'POST',
      body: JSON.stringify({ organizationId, ruleSet: { match: 'first', rules } }),
    });
    expect(response.status).toBe(200);
    const sample = busEvents(organizationId);
    const started = eventsFor('route-thread', sample)[0];
    const received = eventsFor('route-first-message', sample).find(({ detail }) => messageContent(detail.data) !== '');
    if (!started || !received) throw new Error('there is no chat.started or message.received event');
    const order = { text: 'Where is my order?', answers: [] };
    const start = { reason: 'new', active: true, causedByUs: false, by: undefined };
    await handleAll('route-thread', [copyEvent(started, { ...start, threadId: 'A', opening: order })]);
    await handleAll('route-thread', [copyEvent(started, { ...start, threadId: 'B', opening: undefined })]);
    const customer = { id: 'dana', type: 'customer' };
    await handleAll('route-first-message', [
      copyEvent(received, { threadId: 'B', type: 'text', author: customer, content: order.text }),
    ]);
  });

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
    const granted = names.flatMap((name) =>
      functions[name].permissions.flatMap((permission) =>
        listActions(permissions[permission]).map((action) => `${name} ${action}`),
      ),
    );
    const seen = new Set([...proxy.used, ...notExercised]);
    expect([...new Set(granted)].filter((one) => !seen.has(one))).toEqual([]);
    expect(notExercised.filter((one) => !granted.includes(one))).toEqual([]);
  });
});

/** The input that the state machine passes to the send step. */
function request(conversationId: string, requestId: string, messages: readonly object[]): unknown {
  const input = JSON.parse(
    JSON.stringify(sendInput(1))
      .replaceAll('T8RM2K0V9X', conversationId)
      .replaceAll('order-1042', requestId)
      .replaceAll('2026-11-22T15:00:00Z', new Date().toISOString()),
  );
  input.input.detail.data.messages = messages;
  return input;
}

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
