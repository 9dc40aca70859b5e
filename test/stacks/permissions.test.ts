import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { basename, join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Permission, permissions } from '../../stacks/permissions.ts';
import { type FunctionName, functions, queues } from '../../stacks/topology.ts';
import { type Invoked, invokeBundle } from '../bundled.ts';
import { type BusEvent, busEvents, eventsFor } from '../bus-events.ts';
import { fixture, sendInput } from '../fixtures.ts';
import { type Local, organizationId, startLocal } from '../local.ts';
import { outbound } from '../outbound.ts';
import { emitted } from './emitted.ts';
import { type Guard, startGuard } from './permissions/guard.ts';
import { at, find, listAt, named, type Statement, statementsOf, textAt } from './select.ts';

/**
 * The deployed bundles, each in a process of its own with the environment that it has on AWS, before the local engine, and between
 * the two what its role allows there: so nothing is missing, and nothing is granted that nobody needs.
 */

const app = emitted('production');
const organization = randomUUID();
const events = busEvents(organization);
/** So small that what is said a little longer goes by way of the bucket. */
const limits = { EVENT_MAX_BYTES: '1000' };
/** The id of a request whose events are so large. */
const long = 'order-'.padEnd(1000, '9');

/** Hardly ever seen here: Lambda itself reads the queue, and a run looks after others only when it has waited for 15 s. */
const unseen = [
  'dead-letter sqs:ReceiveMessage',
  'dead-letter sqs:DeleteMessage',
  'dead-letter sqs:GetQueueAttributes',
  'send states:DescribeExecution',
  // Routing takes its mark back only where a table or the bus fails it.
  'route-thread dynamodb:DeleteItem',
  'route-first-message dynamodb:DeleteItem',
];

const names = Object.keys(functions).filter(isFunction);

function isFunction(name: string): name is FunctionName {
  return Object.hasOwn(functions, name);
}

/** What the function's role allows, where it is deployed. */
function allowedTo(name: FunctionName): readonly Statement[] {
  const role =
    textAt(find(app, 'aws:lambda/function:Function', named(app, name)).inputs, 'role')
      .split('/')
      .at(-1) ?? '';
  return listAt(find(app, 'aws:iam/role:Role', role).inputs, 'inlinePolicies').flatMap((policy) =>
    statementsOf(textAt(policy, 'policy')),
  );
}

function environmentOf(name: FunctionName): Readonly<Record<string, string>> {
  const found = at(find(app, 'aws:lambda/function:Function', named(app, name)).inputs, 'environment.variables');
  return Object.fromEntries(
    Object.entries(typeof found === 'object' && found ? found : {}).map(([variable, value]) => [
      variable,
      String(value),
    ]),
  );
}

describe('with the permissions and the environment that it is deployed with', () => {
  let local: Local;
  let guard: Guard;
  let bus: ReturnType<typeof outbound>;
  const cdn = createServer(({ url }, response) => {
    response.writeHead(url?.endsWith('?away') ? 503 : 200, { 'content-type': 'image/png' }).end(png);
  });
  /** What is called otherwise here than where it is deployed, by the variable. */
  let here: Readonly<Record<string, string>>;

  beforeAll(async () => {
    local = await startLocal();
    bus = outbound(local);
    await new Promise<void>((listening) => cdn.listen(0, '127.0.0.1', listening));
    const queue = new SQSClient({ ...client, endpoint: local.aws });
    const { QueueUrl = '' } = await queue.send(new GetQueueUrlCommand({ QueueName: queues.deadLetters }));
    here = { ...local.environment, DEAD_LETTER_QUEUE_URL: QueueUrl };
    const everywhere = Object.assign({}, ...names.map(environmentOf));
    const deployed = new Map(Object.entries(here).map(([variable, value]) => [value, everywhere[variable]]));
    deployed.set(new URL(QueueUrl).pathname, everywhere.DEAD_LETTER_QUEUE_URL);
    guard = await startGuard({
      upstream: local.aws,
      allowed: Object.fromEntries(names.map((name) => [name, allowedTo(name)])),
      deployed: (name) => deployed.get(name) ?? name,
    });
  });
  afterAll(async () => {
    guard.stop();
    cdn.close();
    await local.stop();
  });

  function invoke(name: FunctionName, event: unknown): Promise<Invoked> {
    const { handler, memoryMb } = functions[name];
    const bundle = app.builds.find(({ handler: built }) => built === basename(handler))?.bundle ?? '';
    const file = join(bundle, `${basename(handler, '.handler')}.mjs`);
    const own = Object.entries(environmentOf(name)).map(([variable, value]) => [variable, here[variable] ?? value]);
    const environment: Record<string, string> = {
      ...Object.fromEntries(own),
      ...limits,
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL: guard.url,
      // Its key says who it is.
      AWS_ACCESS_KEY_ID: name,
      AWS_SECRET_ACCESS_KEY: 'local',
      // The world outside.
      LIVECHAT_API_BASE_URL: local.livechat,
      MEDIA_SIMULATOR_URL: `http://127.0.0.1:${portOf(cdn)}`,
    };
    // The client of SQS goes where the queue's address says.
    const { DEAD_LETTER_QUEUE_URL: queue } = environment;
    if (queue) environment.DEAD_LETTER_QUEUE_URL = `${guard.url}${new URL(queue).pathname}`;
    return invokeBundle({ name, file, memoryMb }, event, environment);
  }

  /** Events one after the other, since each finds what those before it have left. */
  async function handled(name: FunctionName, all: readonly BusEvent[]): Promise<void> {
    for (const event of all) expect(await invoke(name, event)).not.toHaveProperty('error');
  }

  const put = async (key: string, body: string) =>
    new S3Client({ ...client, endpoint: local.aws }).send(
      new PutObjectCommand({ Bucket: here.MEDIA_BUCKET, Key: key, Body: body, ContentType: 'text/plain' }),
    );

  it('the webhook puts events on the bus, small and large', async () => {
    const said = JSON.parse(JSON.stringify(fixture('incoming_event.message.customer.json')));
    said.payload.event.text = 'word '.repeat(300);
    const body = JSON.stringify({ ...said, organization_id: organization });
    const call = { version: '2.0', headers: { 'content-type': 'application/json' }, body, isBase64Encoded: false };
    expect(await invoke('webhook', call)).toMatchObject({ result: { statusCode: 200 } });
  });

  const subscribers = names.filter((name) => eventsFor(name, events).length > 0);
  it.each(subscribers)('%s handles its events, also when told again', async (name) => {
    // Of an organization of its own, so that it knows nothing of the conversation yet.
    const organization = randomUUID();
    const [first, ...others] = eventsFor(name, busEvents(organization));
    if (!first) throw new Error('no event');
    await handled(name, [first, first, ...others.slice(0, 1)]);
    const key = `events/${organization}/${randomUUID()}.json`;
    await put(key, JSON.stringify(first.detail.data));
    const dataRef = { bucket: here.MEDIA_BUCKET, key, bytes: 1 };
    expect(await invoke(name, { ...first, detail: { metadata: first.detail.metadata, dataRef } })).not.toHaveProperty(
      'error',
    );
  });

  it('message-deleted removes a file that was stored for the message', async () => {
    const file = events.find(({ detail }) => 'type' in detail.data && detail.data.type === 'media');
    if (!file || !('id' in file.detail.data)) throw new Error('the story has no file');
    const { id: messageId, conversationId, threadId } = Object.assign({ threadId: '' }, file.detail.data);
    await handled('message-received', [file]);
    await put(`${organization}/${conversationId}/${messageId}/photo.png`, 'png');
    const data = { conversationId, threadId, messageId };
    const deleted = { ...file, 'detail-type': 'message.deleted', detail: { ...file.detail, data } };
    expect(await invoke('message-deleted', deleted)).not.toHaveProperty('error');
  });

  it('store-media removes the file that an edition no longer names, and leaves one that is away for later', async () => {
    const [event] = eventsFor('store-media', busEvents(randomUUID()));
    if (!event) throw new Error('the story has no file');
    const { data, metadata } = event.detail;
    // An edition's time tells which is the later one.
    const edited = (query: string, second: number) => ({
      ...event,
      'detail-type': 'message.updated',
      detail: {
        metadata: { ...metadata, id: randomUUID(), receivedAt: `2026-03-11T11:00:0${second}.000Z` },
        data: { ...data, content: `${contentOf(data)}?${query}` },
      },
    });
    await handled('message-received', [event]);
    const [second, away] = [edited('second', 1), edited('away', 2)];
    await handled('store-media', [event]);
    await handled('message-updated', [second]);
    await handled('store-media', [second]);
    await handled('message-updated', [away]);
    expect(await invoke('store-media', away)).toMatchObject({ error: { name: 'FileUnavailable' } });
  });

  it('send says that a file is not there', async () => {
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
    const input = request(conversationId, `${long}-${randomUUID()}`, messages);
    expect(await invoke('send', input)).toMatchObject({ result: { outcome: 'sent' } });
    expect(await bus.sentTexts(conversationId)).toHaveLength(2);
  });

  it('dead-letter buries sends and events, and redrives them', async () => {
    const { input: state, execution } = JSON.parse(JSON.stringify(sendInput(1)).replaceAll('order-1042', long));
    const gaveUp = (name: string) => ({ Error: name, Cause: JSON.stringify({ errorMessage: 'no answer' }) });
    const request = Object.assign({}, state, { error: gaveUp('LiveChatServerError'), deferral: undefined });
    const ended = { executionArn: `${execution}-2`, status: 'ABORTED', input: null, error: null, cause: null };
    expect(await letters({ kind: 'send', execution, state: request })).toEqual([]);
    expect(await letters({ source: 'aws.states', detail: ended })).toEqual([]);
    expect(await letters(events[0])).toEqual([]);
    const { body } = await local.api('/api/dead-letters');
    const open = listAt(body, 'deadLetters').filter(
      (letter) => at(letter, 'status') === 'open' && at(letter, 'errorName') !== 'ABORTED',
    );
    expect(open.length).toBeGreaterThan(1);
    for (const letter of open) expect(await letters({ kind: 'redrive', id: at(letter, 'id') })).toEqual([]);
  });

  it('routing asks, transfers and tells, at the start and when the customer has written', async () => {
    const transfer = { transfer: [{ group: 99 }, { agent: 'nina.kowal@acme.example' }], tag: ['order'] };
    const rules = [{ name: 'orders', when: { fact: 'message', words: 'order' }, do: transfer }];
    const answer = await fetch(new URL('/api/routing/rules', local.console), {
      method: 'POST',
      body: JSON.stringify({ organizationId, rules: { match: 'first', rules } }),
    });
    expect(answer.status).toBe(200);
    const story = busEvents(organizationId);
    const started = eventsFor('route-thread', story)[0];
    const said = eventsFor('route-first-message', story).find(({ detail }) => contentOf(detail.data) !== '');
    if (!started || !said) throw new Error('the story has no beginning');
    const order = { text: 'Where is my order?', answers: [] };
    const start = { reason: 'new', active: true, causedByUs: false, by: undefined };
    await handled('route-thread', [now(started, { ...start, threadId: 'A', opening: order })]);
    await handled('route-thread', [now(started, { ...start, threadId: 'B', opening: undefined })]);
    const customer = { id: 'dana', type: 'customer' };
    await handled('route-first-message', [
      now(said, { threadId: 'B', type: 'text', author: customer, content: order.text }),
    ]);
  });

  /** Answers those that it could not handle. */
  async function letters(body: unknown): Promise<unknown> {
    const record = { messageId: randomUUID(), body: JSON.stringify(body), messageAttributes: {} };
    const { result, error } = await invoke('dead-letter', { Records: [record] });
    expect(error).toBeUndefined();
    return at(result, 'batchItemFailures');
  }

  it('what a role does not allow is refused', async () => {
    const { upstream, deployed } = { upstream: local.aws, deployed: (name: string) => name };
    const strict = await startGuard({ upstream, deployed, allowed: { 'message-seen': allowedTo('message-seen') } });
    const s3 = new S3Client({
      ...client,
      endpoint: strict.url,
      credentials: { ...client.credentials, accessKeyId: 'message-seen' },
    });
    await expect(s3.send(new PutObjectCommand({ Bucket: 'media', Key: 'x', Body: 'x' }))).rejects.toThrow();
    expect(strict.refused).toEqual(['message-seen may not s3:PutObject on arn:aws:s3:::media/x']);
    strict.stop();
  });

  it('nothing was refused, and nothing is granted that was not used', () => {
    expect(guard.refused).toEqual([]);
    const granted = names.flatMap((name) =>
      functions[name].permissions.flatMap((use) => actionsOf(permissions[use]).map((action) => `${name} ${action}`)),
    );
    const seen = new Set([...guard.used, ...unseen]);
    expect([...new Set(granted)].filter((one) => !seen.has(one))).toEqual([]);
    expect(unseen.filter((one) => !granted.includes(one))).toEqual([]);
  });
});

/** What the state machine would hand to the send step now. */
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

/** The same to another thread, just now. */
function now({ detail, ...event }: BusEvent, data: object): BusEvent {
  const metadata = { ...detail.metadata, id: randomUUID(), receivedAt: new Date().toISOString() };
  return { ...event, detail: { metadata, data: { ...detail.data, ...data } } };
}

const contentOf = (data: object): string => ('content' in data ? String(data.content) : '');
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=',
  'base64',
);

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

const actionsOf = ({ actions }: Permission): readonly string[] => actions;
const client = {
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  forcePathStyle: true,
};
