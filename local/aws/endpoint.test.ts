import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { CloudWatchLogsClient, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import { DeleteItemCommand, DynamoDBClient, PutItemCommand, TransactWriteItemsCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, ListEventBusesCommand, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { GetBucketPolicyCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { RedriveExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import { ListMessageMoveTasksCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { entry, resources, startTestAws, type TestAws } from '../../test/test-aws.ts';
import { startLocalAws } from './local-aws.ts';

const key = { pk: { S: 'a' }, sk: { S: 'b' } };

let aws: TestAws;
beforeEach(async () => {
  aws = await startTestAws();
});
afterEach(() => aws.stop());

test.each<[string, () => Promise<unknown>]>([
  [
    'Step Functions RedriveExecution',
    () => new SFNClient(aws.client).send(new RedriveExecutionCommand({ executionArn: 'arn' })),
  ],
  ['EventBridge ListEventBuses', () => new EventBridgeClient(aws.client).send(new ListEventBusesCommand({}))],
  [
    'DynamoDB TransactWriteItems',
    () => new DynamoDBClient(aws.client).send(new TransactWriteItemsCommand({ TransactItems: [] })),
  ],
  ['S3 GET ?policy', () => new S3Client(aws.client).send(new GetBucketPolicyCommand({ Bucket: 'media' }))],
  [
    'SQS ListMessageMoveTasks',
    () => new SQSClient(aws.client).send(new ListMessageMoveTasksCommand({ SourceArn: 'a' })),
  ],
  ['lambda GET /2015-03-31/functions', () => new LambdaClient(aws.client).send(new ListFunctionsCommand({}))],
  ['sts GetCallerIdentity', () => new STSClient(aws.client).send(new GetCallerIdentityCommand({}))],
  [
    'Logs_20140328.DescribeLogGroups',
    () => new CloudWatchLogsClient(aws.client).send(new DescribeLogGroupsCommand({})),
  ],
])('rejects and reports the unsupported call %s', async (what, call) => {
  const named = new RegExp(what.replace('?', '\\?'));

  await expect(call()).rejects.toMatchObject({
    name: 'UnknownOperationException',
    message: expect.stringMatching(named),
  });
  expect(aws.reports).toEqual([expect.stringMatching(named)]);
});

describe('faults', () => {
  test('accepts only the first half of the entries with the fault "partial"', async () => {
    const events = new EventBridgeClient(aws.client);
    await aws.control('POST', 'faults', { service: 'events', kind: 'partial', count: 1 });
    const put = (entries: number) =>
      events.send(new PutEventsCommand({ Entries: Array.from({ length: entries }, () => entry()) }));

    const { FailedEntryCount, Entries } = await put(3);

    expect(FailedEntryCount).toBe(2);
    expect(Entries?.map(({ ErrorCode }) => ErrorCode)).toEqual([
      undefined,
      'ThrottlingException',
      'ThrottlingException',
    ]);
    expect((await put(3)).FailedEntryCount).toBe(0);
  });

  test.each<[string, string, string, () => Promise<unknown>]>([
    [
      'dynamodb',
      'throttle',
      'ProvisionedThroughputExceededException',
      () => new DynamoDBClient(aws.client).send(new DeleteItemCommand({ TableName: 'control', Key: key })),
    ],
    [
      'events',
      'throttle',
      'ThrottlingException',
      () => new EventBridgeClient(aws.client).send(new PutEventsCommand({ Entries: [entry()] })),
    ],
    [
      'secretsmanager',
      'unavailable',
      'ServiceUnavailableException',
      () => new SecretsManagerClient(aws.client).send(new ListSecretsCommand({})),
    ],
    [
      'sqs',
      'unavailable',
      'ServiceUnavailableException',
      () => new SQSClient(aws.client).send(new ReceiveMessageCommand({ QueueUrl: aws.deadLetterQueueUrl })),
    ],
    [
      's3',
      'throttle',
      'SlowDown',
      () => new S3Client(aws.client).send(new PutObjectCommand({ Bucket: 'media', Key: 'a', Body: 'x' })),
    ],
  ])('responds to the fault %s %s with %s until it is cleared', async (service, kind, name, call) => {
    await aws.control('POST', 'faults', { service, kind, count: 5 });
    await expect(call()).rejects.toMatchObject({ name });
    await aws.control('DELETE', 'faults');
    await expect(call()).resolves.toBeDefined();
  });

  test('rejects an invalid fault with the field', async () => {
    expect(await aws.control('POST', 'faults', { service: 's3', kind: 'throttle', count: 0 })).toEqual({
      status: 400,
      body: { __type: 'ValidationException', message: 'count: Too small: expected number to be >=1' },
    });
  });
});

test('counts calls by service and operation since the start or the last reset', async () => {
  expect((await aws.control('GET', 'calls')).body).toEqual({});
  const put = new PutItemCommand({ TableName: 'control', Item: key });
  await new DynamoDBClient(aws.client).send(put);
  await new EventBridgeClient(aws.client).send(new PutEventsCommand({ Entries: [entry()] }));
  await aws.control('GET', 'idle');

  expect((await aws.control('GET', 'calls')).body).toEqual({
    'dynamodb.PutItem': 1,
    'events.PutEvents': 1,
    'lambda.Invoke:audit': 1,
    'lambda.Invoke:message': 1,
  });
  await aws.control('DELETE', 'calls');
  expect((await aws.control('GET', 'calls')).body).toEqual({});
});

test('rejects a port in use with the option that changes it', async () => {
  const second = startLocalAws({
    resources,
    port: aws.port,
    asyncRetryDelayMs: 1,
    report: () => {},
    invoke: async () => {},
  });

  await expect(second).rejects.toMatchObject({
    name: 'PortTakenError',
    message: expect.stringMatching(new RegExp(`Port ${aws.port} is taken.*--aws-port`)),
  });
});

describe('requests of other sites', () => {
  const fault = JSON.stringify({ service: 'events', kind: 'unavailable', count: 1 });
  const secret = { 'x-amz-target': 'secretsmanager.GetSecretValue', 'content-type': 'application/x-amz-json-1.1' };

  /** `fetch` cannot set the header `Host`. */
  async function send(method: string, path: string, headers: Readonly<Record<string, string>>, body?: string) {
    const sent = request(`${aws.url}${path}`, { method, headers });
    sent.end(body);
    const [response]: IncomingMessage[] = await once(sent, 'response');
    if (!response) throw new Error('no response');
    return { status: response.statusCode, body: await text(response) };
  }

  beforeEach(async () => {
    aws.secrets.call('CreateSecret', { Name: 'livechat/default', SecretString: 'top secret' });
    await new S3Client(aws.client).send(new PutObjectCommand({ Bucket: 'media', Key: 'a', Body: 'content' }));
  });

  test.each([
    ['another host name (DNS rebinding)', { host: 'evil.com' }, 'Host'],
    ['another host name after the bucket', { host: 'media.evil.com' }, 'Host'],
    ['another host name that starts with localhost', { host: 'localhost.evil.com' }, 'Host'],
    ['another origin', { origin: 'https://evil.com' }, 'Origin'],
    ['an opaque origin', { origin: 'null' }, 'Origin'],
  ] as const)("rejects %s with 403 in the service's error format", async (_, headers, field) => {
    const json = { __type: 'AccessDeniedException', message: expect.stringContaining(`The ${field} header must be`) };
    const answers = [
      await send('POST', '/', { ...secret, ...headers }, '{"SecretId":"livechat/default"}'),
      await send('POST', '/_local/faults', { 'content-type': 'text/plain', ...headers }, fault),
      await send('GET', '/_local/calls', headers),
    ];
    for (const { status, body } of answers) {
      expect(status).toBe(403);
      expect(JSON.parse(body)).toEqual(json);
    }
    const object = await send('GET', '/media/a', headers);
    expect(object.status).toBe(403);
    expect(object.body).toContain('<Code>AccessDenied</Code>');
    // No fault was injected.
    await new EventBridgeClient(aws.client).send(new PutEventsCommand({ Entries: [entry()] }));
  });

  test.each([
    { host: 'localhost:4566' },
    { host: '127.0.0.1' },
    { host: '[::1]:4566', origin: 'http://localhost:3000' },
  ])('accepts %j', async (headers) => {
    const { status, body } = await send('POST', '/', { ...secret, ...headers }, '{"SecretId":"livechat/default"}');
    expect([status, JSON.parse(body)]).toEqual([200, expect.objectContaining({ SecretString: 'top secret' })]);
  });

  test('accepts a bucket before localhost for S3 only', async () => {
    const host = 'media.localhost:4566';
    expect(await send('GET', '/a', { host })).toEqual({ status: 200, body: 'content' });
    expect((await send('GET', '/_local/calls', { host })).status).toBe(403);
    expect((await send('POST', '/', { ...secret, host }, '{"SecretId":"livechat/default"}')).status).toBe(403);
  });
});
