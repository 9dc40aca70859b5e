import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { DynamoDBClient, GetItemCommand, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import {
  CreateApiDestinationCommand,
  CreateConnectionCommand,
  DescribeRuleCommand,
  DisableRuleCommand,
  EnableRuleCommand,
  EventBridgeClient,
  ListTargetsByRuleCommand,
  PutEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
  type RetryPolicy,
} from '@aws-sdk/client-eventbridge';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { entry, resources, startTestAws, type TestAws } from '../../test/test-aws.ts';
import { close, listen } from '../listen.ts';
import { openState, type State } from '../state.ts';
import type { LocalAwsOptions } from './local-aws.ts';

let folder: string;
let state: State | undefined;
const cleanups: (() => unknown)[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'livechat-restart-'));
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  state?.close();
  rmSync(folder, { recursive: true });
});

/** Stops the running local AWS, if any, and starts another one on the same folder. */
async function start(overrides: Partial<LocalAwsOptions> = {}) {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  state?.close();
  state = openState(folder);
  const aws = await startTestAws({ state, ...overrides });
  cleanups.push(() => aws.stop());
  return aws;
}

test('keeps items with their indexes, objects and secrets', async () => {
  const first = await start();
  const item = { pk: { S: 'p' }, sk: { S: 's' }, gsi1pk: { S: 'g' }, gsi1sk: { S: '1' } };
  await new DynamoDBClient(first.client).send(new PutItemCommand({ TableName: 'messages', Item: item }));
  first.secrets.call('CreateSecret', { Name: 'mine', SecretString: 'one' });
  await new SecretsManagerClient(first.client).send(
    new PutSecretValueCommand({ SecretId: 'mine', SecretString: 'two' }),
  );
  const file = { Bucket: 'media', Key: 'photo.png' };
  await new S3Client({ ...first.client, forcePathStyle: true }).send(new PutObjectCommand({ ...file, Body: 'bytes' }));

  const { client } = await start();

  const database = new DynamoDBClient(client);
  const key = { pk: { S: 'p' }, sk: { S: 's' } };
  expect(await database.send(new GetItemCommand({ TableName: 'messages', Key: key }))).toMatchObject({ Item: item });
  const [index] = resources.tables.messages?.indexes ?? [];
  const query = new QueryCommand({
    TableName: 'messages',
    IndexName: index?.name,
    KeyConditionExpression: `${index?.partitionKey} = :g`,
    ExpressionAttributeValues: { ':g': { S: 'g' } },
  });
  expect(await database.send(query)).toMatchObject({ Count: 1 });
  const secret = new GetSecretValueCommand({ SecretId: 'mine' });
  expect(await new SecretsManagerClient(client).send(secret)).toMatchObject({ SecretString: 'two' });
  const object = await new S3Client({ ...client, forcePathStyle: true }).send(new GetObjectCommand(file));
  expect(await object.Body?.transformToString()).toBe('bytes');
});

test('keeps messages in queues, with their visibility', async () => {
  const first = new SQSClient((await start()).client);
  const { QueueUrl } = await first.send(new CreateQueueCommand({ QueueName: 'mine' }));
  for (const MessageBody of ['released', 'invisible', 'new']) {
    await first.send(new SendMessageCommand({ QueueUrl, MessageBody }));
  }
  const receive = { QueueUrl, MaxNumberOfMessages: 2, VisibilityTimeout: 600 };
  const { Messages = [] } = await first.send(new ReceiveMessageCommand(receive));
  const released = { QueueUrl, ReceiptHandle: Messages[0]?.ReceiptHandle, VisibilityTimeout: 0 };
  await first.send(new ChangeMessageVisibilityCommand(released));

  const { client, url } = await start();

  const second = new SQSClient(client);
  const found = await second.send(new GetQueueUrlCommand({ QueueName: 'mine' }));
  expect(found.QueueUrl?.startsWith(url)).toBe(true);
  const all = await second.send(
    new ReceiveMessageCommand({
      QueueUrl: found.QueueUrl,
      MaxNumberOfMessages: 10,
      MessageSystemAttributeNames: ['All'],
    }),
  );
  const counts = all.Messages?.map(({ Body, Attributes }) => [Body, Attributes?.ApproximateReceiveCount]);
  expect(counts?.sort()).toEqual([
    ['new', '1'],
    ['released', '2'],
  ]);
});

test('invokes the consumer of a queue again for an unhandled message', async () => {
  const consumers = {
    letters: { queue: 'deadLetters', function: 'letter', batchSize: 1, maxReceiveCount: 3, quarantine: 'quarantine' },
  };
  const handled: unknown[] = [];
  const options = { resources: { ...resources, consumers } };
  const received = Promise.withResolvers<void>();
  const first = await start({
    ...options,
    invoke: async () => {
      received.resolve();
      await new Promise(() => {});
    },
  });
  await new SQSClient(first.client).send(
    new SendMessageCommand({ QueueUrl: first.deadLetterQueueUrl, MessageBody: 'letter' }),
  );
  await received.promise;

  const second = await start({ ...options, invoke: async (_name, event) => void handled.push(event) });
  await second.control('GET', 'idle');

  expect(handled).toEqual([{ Records: [expect.objectContaining({ body: 'letter' })] }]);
});

test('invokes the functions that have not handled an accepted event', async () => {
  const rules = {
    function: { pattern: { source: ['test'] }, target: { function: 'audit' } },
    queue: { pattern: { source: ['test'] }, target: { queue: 'quarantine' } },
  };
  const invoked: unknown[] = [];
  const options = { resources: { ...resources, rules } };
  const first = await start({ ...options, invoke: () => new Promise(() => {}) });
  const Entries = [entry({ Detail: '{"n":1}' }), entry({ Detail: '{"n":2}' })];
  await new EventBridgeClient(first.client).send(new PutEventsCommand({ Entries }));

  const second = await start({
    ...options,
    invoke: async (name, event) => void invoked.push([name, event]),
  });
  await second.control('GET', 'idle');

  const event = (n: number) => expect.objectContaining({ 'detail-type': 'message.received', detail: { n } });
  expect(invoked).toEqual([
    ['audit', event(1)],
    ['audit', event(2)],
  ]);
  const QueueUrl = second.deadLetterQueueUrl.replace('dead-letters', 'quarantine');
  const receive = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 });
  const { Messages = [] } = await new SQSClient(second.client).send(receive);
  expect(Messages.map(({ Body = '' }): unknown => JSON.parse(Body))).toEqual([event(1), event(2)]);
});

test('delivers an accepted event to a queue after a stop that interrupted its delivery', async () => {
  const rules = { queue: { pattern: { source: ['test'] }, target: { queue: 'quarantine' } } };
  const options = { resources: { ...resources, rules } };
  const accepted = Promise.withResolvers<void>();
  const first = await start({ ...options, onEvent: () => accepted.resolve() });
  const put = new EventBridgeClient(first.client).send(new PutEventsCommand({ Entries: [entry()] })).catch(() => {});
  await accepted.promise;

  const second = await start(options);
  await put;
  await second.control('GET', 'idle');

  const QueueUrl = second.deadLetterQueueUrl.replace('dead-letters', 'quarantine');
  const { Messages = [] } = await new SQSClient(second.client).send(new ReceiveMessageCommand({ QueueUrl }));
  expect(Messages).toHaveLength(1);
  expect(first.reports).toEqual([]);
});

test('keeps a change of a rule of the app until a call reverts it', async () => {
  const on = { EventBusName: 'omnichannel' };
  const rule = { ...on, Name: 'everything' };
  const states: unknown[] = [];
  const restart = async () => {
    const events = new EventBridgeClient((await start()).client);
    const { State } = await events.send(new DescribeRuleCommand(rule));
    const { Targets = [] } = await events.send(new ListTargetsByRuleCommand({ ...on, Rule: rule.Name }));
    states.push([State, Targets.length]);
    return { events, target: Targets[0] };
  };
  const first = await restart();
  await first.events.send(new DisableRuleCommand(rule));
  await first.events.send(new RemoveTargetsCommand({ ...on, Rule: rule.Name, Ids: [`${first.target?.Id}`] }));
  const { events } = await restart();
  await events.send(new EnableRuleCommand(rule));
  await events.send(
    new PutTargetsCommand({ ...on, Rule: rule.Name, Targets: [{ Id: first.target?.Id, Arn: first.target?.Arn }] }),
  );
  await restart();
  expect(states).toEqual([
    ['ENABLED', 1],
    ['DISABLED', 0],
    ['ENABLED', 1],
  ]);
});

/** Starts an endpoint, which responds with the statuses in order, then with the last one. */
async function startEndpoint(...statuses: readonly number[]) {
  const received: string[] = [];
  const server = createServer(async (request, response) => {
    received.push(`${request.headers['x-key']} ${JSON.parse(await text(request)).detail.n}`);
    response.writeHead(statuses[Math.min(received.length, statuses.length) - 1] ?? 200).end();
  });
  const port = await listen(server, 0, '--port');
  onTestFinished(() => close(server));
  return { received, url: `http://127.0.0.1:${port}/` };
}

/** Adds a rule whose target is an endpoint, and publishes an event for it. */
async function subscribe(aws: TestAws, InvocationEndpoint: string, RetryPolicy?: RetryPolicy) {
  const events = new EventBridgeClient(aws.client);
  const bus = 'omnichannel';
  const { ConnectionArn } = await events.send(
    new CreateConnectionCommand({
      Name: 'connection',
      AuthorizationType: 'API_KEY',
      AuthParameters: { ApiKeyAuthParameters: { ApiKeyName: 'x-key', ApiKeyValue: 'mine' } },
    }),
  );
  const { ApiDestinationArn: Arn } = await events.send(
    new CreateApiDestinationCommand({ Name: 'destination', ConnectionArn, InvocationEndpoint, HttpMethod: 'POST' }),
  );
  const EventPattern = '{"source":["test"]}';
  await events.send(new PutRuleCommand({ EventBusName: bus, Name: 'mine', EventPattern }));
  const Targets = [{ Id: 'a', Arn, RetryPolicy }];
  await events.send(new PutTargetsCommand({ EventBusName: bus, Rule: 'mine', Targets }));
  await events.send(new PutEventsCommand({ Entries: [entry({ Detail: '{"n":1}' })] }));
  await aws.control('GET', 'idle');
}

test("keeps a subscriber's rule, and resumes its pending deliveries after a restart", async () => {
  const { received, url } = await startEndpoint(500, 200);
  await subscribe(await start({ asyncRetryDelayMs: 60_000 }), url);

  const second = await start();
  await new EventBridgeClient(second.client).send(new PutEventsCommand({ Entries: [entry({ Detail: '{"n":2}' })] }));
  await second.control('GET', 'idle');
  await start();

  expect(received.toSorted()).toEqual(['mine 1', 'mine 1', 'mine 2']);
});

test("counts the retries of a subscriber's endpoint across restarts", async () => {
  const { received, url } = await startEndpoint(500);
  await subscribe(await start({ asyncRetryDelayMs: 60_000 }), url, { MaximumRetryAttempts: 2 });
  for (let restart = 0; restart < 4; restart += 1) {
    await (await start({ asyncRetryDelayMs: 60_000 })).control('GET', 'idle');
  }
  expect(received).toHaveLength(3);
});

test('does not deliver an event that expired while the engine was stopped', async () => {
  const { received, url } = await startEndpoint(500);
  await subscribe(await start({ asyncRetryDelayMs: 1_000 }), url, { MaximumEventAgeInSeconds: 60 });
  onTestFinished(() => void vi.useRealTimers());
  vi.setSystemTime(Date.now() + 61_000);
  const second = await start();
  await second.control('GET', 'idle');
  expect(received).toHaveLength(1);
  expect(second.reports).toEqual([expect.stringContaining('Dropped an event of the rule mine for the target a')]);
});

test('runs a schedule one interval after its last run, even if that run was before the restart', async () => {
  const invoked: string[] = [];
  const options = {
    schedules: [{ function: 'reconcile', minutes: 15 }],
    invoke: async (name: string) => void invoked.push(name),
  };
  await start(options);
  await start(options);
  expect(invoked).toEqual([]);

  state?.collection<number>('scheduled runs').put('reconcile', Date.now() - 16 * 60_000);
  await start(options);

  await expect.poll(() => invoked).toEqual(['reconcile']);
});
