import dns from 'node:dns';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import {
  CreateApiDestinationCommand,
  type CreateApiDestinationCommandInput,
  CreateConnectionCommand,
  type CreateConnectionCommandInput,
  DeleteApiDestinationCommand,
  DeleteConnectionCommand,
  DeleteRuleCommand,
  DescribeApiDestinationCommand,
  DescribeConnectionCommand,
  DescribeRuleCommand,
  DisableRuleCommand,
  EnableRuleCommand,
  EventBridgeClient,
  ListApiDestinationsCommand,
  ListConnectionsCommand,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  PutEventsCommand,
  PutRuleCommand,
  type PutRuleCommandInput,
  PutTargetsCommand,
  RemoveTargetsCommand,
  type Target,
  TestEventPatternCommand,
} from '@aws-sdk/client-eventbridge';
import { CreateQueueCommand, GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { entry, startTestAws, type TestAws } from '../../test/test-aws.ts';
import { createInFlight } from '../in-flight.ts';
import { close, listen } from '../listen.ts';
import { openState } from '../state.ts';
import type { OutgoingMessage } from './sqs-s3.ts';
import { createSubscriberRules } from './subscriber-rules.ts';

const EventBusName = 'omnichannel';

let aws: TestAws;
let events: EventBridgeClient;
let sqs: SQSClient;
const cleanups: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  aws = await startTestAws();
  events = new EventBridgeClient(aws.client);
  sqs = new SQSClient(aws.client);
});
afterEach(async () => {
  await aws.stop();
  await Promise.all(cleanups.splice(0).map((cleanup) => cleanup()));
});

async function createQueue(QueueName: string, Attributes: Record<string, string> = {}) {
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName, Attributes }));
  const found = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
  return { QueueUrl, Arn: found.Attributes?.QueueArn };
}

async function receive(QueueUrl: string | undefined) {
  const command = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ['All'] });
  return (await sqs.send(command)).Messages ?? [];
}

async function receiveBodies(QueueUrl: string | undefined): Promise<readonly unknown[]> {
  return (await receive(QueueUrl)).map(({ Body = '' }): unknown => JSON.parse(Body));
}

const putRule = (input: Partial<PutRuleCommandInput> = {}) =>
  events.send(new PutRuleCommand({ EventBusName, Name: 'mine', EventPattern: '{"source":["test"]}', ...input }));

const putTarget = (target: Partial<Target>, Rule = 'mine') =>
  events.send(new PutTargetsCommand({ EventBusName, Rule, Targets: [{ Id: 'a', Arn: undefined, ...target }] }));

async function publish(overrides: object = {}): Promise<void> {
  await events.send(new PutEventsCommand({ Entries: [entry(overrides)] }));
  await aws.control('GET', 'idle');
}

interface Received {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** An endpoint that responds with the statuses in order, then repeats the last status. */
async function startEndpoint(...statuses: readonly number[]) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const { method, url, headers } = request;
    received.push({ method, url, headers, body: await text(request) });
    response.writeHead(statuses[Math.min(received.length, statuses.length) - 1] ?? 200).end();
  });
  const port = await listen(server, 0, '--port');
  cleanups.push(() => close(server));
  return { received, url: `http://127.0.0.1:${port}/events` };
}

const apiKey: CreateConnectionCommandInput = {
  Name: 'connection',
  AuthorizationType: 'API_KEY',
  AuthParameters: { ApiKeyAuthParameters: { ApiKeyName: 'x-key', ApiKeyValue: 'secret' } },
};

async function createDestination(
  endpoint: Partial<CreateApiDestinationCommandInput>,
  connection: CreateConnectionCommandInput = apiKey,
) {
  const { ConnectionArn } = await events.send(new CreateConnectionCommand(connection));
  const input = { Name: 'destination', ConnectionArn, InvocationEndpoint: undefined, HttpMethod: 'POST' as const };
  const { ApiDestinationArn } = await events.send(new CreateApiDestinationCommand({ ...input, ...endpoint }));
  return ApiDestinationArn;
}

test("delivers matching events to a subscriber's queue, besides the app's own targets", async () => {
  const { QueueUrl, Arn } = await createQueue('orders');
  const { RuleArn } = await putRule({ EventPattern: '{"detail":{"data":{"n":[{"numeric":[">",1]}]}}}' });
  await putTarget({ Arn });

  await publish({ Detail: '{"data":{"n":1}}' });
  await publish({ Detail: '{"data":{"n":2}}' });

  expect(RuleArn).toBe('arn:aws:events:us-east-1:000000000000:rule/omnichannel/mine');
  expect(await receiveBodies(QueueUrl)).toEqual([
    expect.objectContaining({ source: 'test', 'detail-type': 'message.received', detail: { data: { n: 2 } } }),
  ]);
  expect(aws.invoked.map(({ name }) => name).toSorted()).toEqual(['audit', 'audit', 'message', 'message']);
});

test('delivers to a FIFO queue in the message group of the target', async () => {
  const fifo = { FifoQueue: 'true', ContentBasedDeduplication: 'true' };
  const { QueueUrl, Arn } = await createQueue('orders.fifo', fifo);
  await putRule();
  await putTarget({ Arn, SqsParameters: { MessageGroupId: 'all' } });

  await publish();

  expect(await receiveBodies(QueueUrl)).toHaveLength(1);
});

test('describes, lists, changes and deletes a rule', async () => {
  await putRule({ Description: 'first' });
  await putRule({ EventPattern: '{"source":["other"]}', State: 'DISABLED' });
  await putTarget({ Arn: 'arn:aws:sqs:us-east-1:000000000000:orders', InputPath: '$.detail' });

  expect(await events.send(new DescribeRuleCommand({ EventBusName, Name: 'mine' }))).toMatchObject({
    Name: 'mine',
    EventPattern: '{"source":["other"]}',
    State: 'DISABLED',
  });
  const names = async (NamePrefix?: string) =>
    (await events.send(new ListRulesCommand({ EventBusName, NamePrefix }))).Rules?.map(({ Name }) => Name);
  expect(await names()).toEqual(['messages', 'everything', 'mine']);
  expect(await names('mi')).toEqual(['mine']);
  const targets = new ListTargetsByRuleCommand({ EventBusName, Rule: 'mine' });
  expect((await events.send(targets)).Targets).toEqual([
    { Id: 'a', Arn: 'arn:aws:sqs:us-east-1:000000000000:orders', InputPath: '$.detail' },
  ]);
  const deletion = new DeleteRuleCommand({ EventBusName, Name: 'mine' });
  await expect(events.send(deletion)).rejects.toMatchObject({ name: 'ValidationException' });
  await events.send(new RemoveTargetsCommand({ EventBusName, Rule: 'mine', Ids: ['a'] }));
  await events.send(deletion);
  await events.send(deletion);
  expect(await names('mi')).toEqual([]);
});

test('delivers nothing for a rule that is disabled or has no target', async () => {
  const { QueueUrl, Arn } = await createQueue('orders');
  await putRule();
  await putTarget({ Arn });

  await events.send(new DisableRuleCommand({ EventBusName, Name: 'mine' }));
  await publish();
  await events.send(new EnableRuleCommand({ EventBusName, Name: 'mine' }));
  await publish({ Detail: '{"data":"enabled"}' });
  await events.send(new RemoveTargetsCommand({ EventBusName, Rule: 'mine', Ids: ['a'] }));
  await publish();

  expect(await receiveBodies(QueueUrl)).toMatchObject([{ detail: { data: 'enabled' } }]);
});

test.each<[string, Partial<Target>, unknown]>([
  ['Input', { Input: '{"fixed":1}' }, { fixed: 1 }],
  ['InputPath', { InputPath: '$.detail.data.list[1].id' }, 'b'],
  ['InputPath of the whole event', { InputPath: '$' }, expect.objectContaining({ source: 'test' })],
  [
    'values of an InputTransformer',
    {
      InputTransformer: {
        InputPathsMap: { id: '$.detail.data.list[0].id', all: '$.detail.data', none: '$.detail.none' },
        InputTemplate: '{"id":<id>,"text":"id <id>, none <none>.","all":<all>,"none":<none>,"n":<none>}',
      },
    },
    { id: 'a"', text: 'id a", none .', all: { list: [{ id: 'a"' }, { id: 'b' }] }, none: '', n: '' },
  ],
  [
    'an object in a text of an InputTransformer',
    { InputTransformer: { InputPathsMap: { all: '$.detail.data.list' }, InputTemplate: '"list: <all>"' } },
    'list: [{"id":"a\\""},{"id":"b"}]',
  ],
  [
    'predefined variables of an InputTransformer',
    {
      InputTransformer: {
        InputTemplate: '{"r":<aws.events.rule-name>,"a":"<aws.events.rule-arn>","e":<aws.events.event>}',
      },
    },
    {
      r: 'mine',
      a: 'arn:aws:events:us-east-1:000000000000:rule/omnichannel/mine',
      e: expect.not.objectContaining({ detail: expect.anything() }),
    },
  ],
])('delivers the result of %s', async (_what, target, body) => {
  const { QueueUrl, Arn } = await createQueue('orders');
  await putRule();
  await putTarget({ Arn, ...target });

  await publish({ Detail: '{"data":{"list":[{"id":"a\\""},{"id":"b"}]}}' });

  expect(await receiveBodies(QueueUrl)).toEqual([body]);
});

describe('an API destination', () => {
  test('receives the event with the key of its connection', async () => {
    const { received, url } = await startEndpoint();
    await putRule();
    await putTarget({ Arn: await createDestination({ InvocationEndpoint: url }) });

    await publish({ Detail: '{"data":{"n":2}}' });

    expect(received).toMatchObject([
      {
        method: 'POST',
        url: '/events',
        headers: { 'x-key': 'secret', 'content-type': 'application/json; charset=utf-8' },
      },
    ]);
    expect(JSON.parse(received[0]?.body ?? '')).toMatchObject({ source: 'test', detail: { data: { n: 2 } } });
  });

  test('receives path, query and header parameters from the event, and Basic credentials', async () => {
    const { received, url } = await startEndpoint();
    const BasicAuthParameters = { Username: 'me', Password: 'secret' };
    const connection = { Name: 'basic', AuthorizationType: 'BASIC', AuthParameters: { BasicAuthParameters } } as const;
    await putRule();
    await putTarget({
      Arn: await createDestination({ InvocationEndpoint: `${url}/*/x/*`, HttpMethod: 'PUT' }, connection),
      HttpParameters: {
        PathParameterValues: ['$.detail.data.id', 'b'],
        QueryStringParameters: { type: '$.detail-type' },
        HeaderParameters: { 'x-source': '$.source' },
      },
    });

    await publish({ Detail: '{"data":{"id":"a/1"}}' });

    expect(received).toMatchObject([
      {
        method: 'PUT',
        url: '/events/a%2F1/x/b?type=message.received',
        headers: { 'x-source': 'test', authorization: `Basic ${btoa('me:secret')}` },
      },
    ]);
  });

  test.each([503, 429, 401, 409])('is called again after the status %i', async (status) => {
    const { received, url } = await startEndpoint(status, status, 200);
    await putRule();
    await putTarget({ Arn: await createDestination({ InvocationEndpoint: url }) });

    await publish();

    await vi.waitFor(() => expect(received).toHaveLength(3));
    expect(aws.reports).toEqual([
      `The target a of the rule mine failed (The endpoint responded with ${status}); retrying`,
    ]);
  });

  test.each([
    [400, {}, 1, { ERROR_CODE: 'ERROR_FROM_TARGET', RETRY_ATTEMPTS: '0' }],
    [302, {}, 1, { ERROR_CODE: 'ERROR_FROM_TARGET', ERROR_MESSAGE: 'The endpoint responded with 302' }],
    [
      500,
      { MaximumRetryAttempts: 2 },
      3,
      {
        RETRY_ATTEMPTS: '2',
        EXHAUSTED_RETRY_CONDITION: 'MaximumRetryAttempts',
        RULE_ARN: expect.stringMatching(/mine$/),
      },
    ],
  ])(
    'that keeps responding with %i: the event is sent to the dead-letter queue',
    async (status, RetryPolicy, calls, attributes) => {
      const { received, url } = await startEndpoint(status);
      const { QueueUrl, Arn } = await createQueue('failed');
      await putRule();
      const target = { Arn: await createDestination({ InvocationEndpoint: url }), DeadLetterConfig: { Arn } };
      await putTarget({ ...target, RetryPolicy });

      await publish();

      const [message] = await vi.waitFor(async () => {
        const messages = await receive(QueueUrl);
        expect(messages).toHaveLength(1);
        return messages;
      });
      expect(received).toHaveLength(calls);
      expect(JSON.parse(message?.Body ?? '')).toMatchObject({ source: 'test' });
      const found = Object.entries(message?.MessageAttributes ?? {}).map(([name, { StringValue }]) => [
        name,
        StringValue,
      ]);
      expect(Object.fromEntries(found)).toMatchObject(attributes);
    },
  );

  test("that refuses connections affects neither the app's rules nor other subscribers", async () => {
    const { QueueUrl, Arn } = await createQueue('orders');
    await putRule();
    await putRule({ Name: 'other' });
    await putTarget({ Arn: await createDestination({ InvocationEndpoint: 'http://127.0.0.1:9/events' }) });
    await putTarget({ Arn }, 'other');

    await publish();
    await publish();

    expect(await receiveBodies(QueueUrl)).toHaveLength(2);
    expect(aws.invoked).toHaveLength(4);
    expect(aws.reports).toEqual([expect.stringContaining('The target a of the rule mine failed')]);
  });

  test.each([
    ['a line break', 'first\nsecond', 'first'],
    ['a character beyond Latin-1', 'Привет', '1055'],
  ])('is not called with a header value that has %s, which the error does not contain', async (_what, text, part) => {
    const { received, url } = await startEndpoint();
    const { QueueUrl, Arn } = await createQueue('failed');
    await putRule();
    await putTarget({
      Arn: await createDestination({ InvocationEndpoint: url }),
      HttpParameters: { HeaderParameters: { 'x-text': '$.detail.data.text' } },
      DeadLetterConfig: { Arn },
    });

    await publish({ Detail: JSON.stringify({ data: { text } }) });

    const [message] = await receive(QueueUrl);
    const { ERROR_CODE, ERROR_MESSAGE } = message?.MessageAttributes ?? {};
    expect([ERROR_MESSAGE?.StringValue, ...aws.reports].join()).not.toContain(part);
    expect(ERROR_CODE?.StringValue).toBe('INVALID_PARAMETER');
    expect(ERROR_MESSAGE?.StringValue).toMatch('x-text');
    expect(received).toEqual([]);
  });

  test('that no address of localhost reaches is reported with the code of the error', async () => {
    const addresses = [
      { address: '127.0.0.1', family: 4 },
      { address: '127.0.0.2', family: 4 },
    ];
    vi.spyOn(dns, 'lookup').mockImplementation((...given: unknown[]) => {
      const done = given.at(-1);
      if (typeof done === 'function') done(null, addresses);
    });
    cleanups.push(async () => vi.restoreAllMocks());
    await putRule();
    await putTarget({ Arn: await createDestination({ InvocationEndpoint: 'http://localhost:2/events' }) });

    await publish();

    expect(aws.reports).toEqual(['The target a of the rule mine failed (ECONNREFUSED); retrying']);
  });

  test('receives at most 50 concurrent calls, and the other events afterwards', async () => {
    const waiting: ServerResponse[] = [];
    let received = 0;
    let isSlow = true;
    const server = createServer((_request, response) => {
      received += 1;
      if (isSlow) waiting.push(response);
      else response.end();
    });
    const port = await listen(server, 0, '--port');
    cleanups.push(() => close(server));
    await putRule();
    await putTarget({ Arn: await createDestination({ InvocationEndpoint: `http://127.0.0.1:${port}/` }) });

    const Entries = Array.from({ length: 10 }, () => entry());
    for (let batch = 0; batch < 12; batch += 1) await events.send(new PutEventsCommand({ Entries }));
    await vi.waitFor(() => expect(received).toBe(50));
    isSlow = false;
    for (const response of waiting) response.end();
    await aws.control('GET', 'idle');

    expect(waiting).toHaveLength(50);
    expect(received).toBe(120);
  });

  test('is described and listed without secrets, and deleted with its connection', async () => {
    await createDestination({ InvocationEndpoint: 'http://localhost:9/events' });

    const connection = await events.send(new DescribeConnectionCommand({ Name: 'connection' }));
    expect(connection.AuthParameters).toEqual({ ApiKeyAuthParameters: { ApiKeyName: 'x-key' } });
    expect(await events.send(new DescribeApiDestinationCommand({ Name: 'destination' }))).toMatchObject({
      InvocationEndpoint: 'http://localhost:9/events',
      ConnectionArn: connection.ConnectionArn,
    });
    expect((await events.send(new ListConnectionsCommand({}))).Connections).toHaveLength(1);
    expect((await events.send(new ListApiDestinationsCommand({ NamePrefix: 'd' }))).ApiDestinations).toHaveLength(1);
    await events.send(new DeleteApiDestinationCommand({ Name: 'destination' }));
    await events.send(new DeleteConnectionCommand({ Name: 'connection' }));
    await expect(events.send(new DescribeConnectionCommand({ Name: 'connection' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });

  test.each<[string, Partial<CreateApiDestinationCommandInput>, string]>([
    ['an address of another machine', { InvocationEndpoint: 'http://example.com' }, 'calls only this machine'],
    ['an address with https', { InvocationEndpoint: 'https://127.0.0.1:1' }, 'calls only this machine'],
    [
      'an unknown connection',
      { ConnectionArn: 'arn:x', InvocationEndpoint: 'http://127.0.0.1:9' },
      'Connection arn:x does not exist',
    ],
  ])('is rejected with %s', async (_what, input, message) => {
    await expect(createDestination(input)).rejects.toThrow(message);
  });
});

test('sends an event to the dead-letter queue immediately above the limit of pending deliveries', async () => {
  const failed: OutgoingMessage[] = [];
  const inFlight = createInFlight();
  const rules = createSubscriberRules({
    sendToQueue: async (name, message) => (name === 'slow' ? new Promise(() => {}) : failed.push(message)),
    retryDelayMs: 1,
    maxPending: 2,
    inFlight,
    state: openState(),
    report: () => {},
  });
  const arn = (name: string) => `arn:aws:sqs:us-east-1:000000000000:${name}`;
  rules.put(EventBusName, { Name: 'mine', EventPattern: '{"source":["test"]}' });
  const [rule] = rules.list(EventBusName);
  if (rule) rules.putTargets(rule, [{ Id: 'a', Arn: arn('slow'), DeadLetterConfig: { Arn: arn('failed') } }]);

  const about = {
    version: '0',
    account: '0',
    time: '2026-01-01T00:00:00Z',
    region: 'us-east-1',
    resources: [],
  } as const;
  for (const id of ['1', '2', '3']) {
    rules.deliver(EventBusName, { ...about, id, source: 'test', 'detail-type': 'any', detail: {} });
  }
  expect(inFlight.pending()).toBe(3);

  expect(failed).toEqual([
    { body: expect.stringContaining('"id":"3"'), attributes: expect.objectContaining({ ERROR_CODE: 'THROTTLING' }) },
  ]);
  expect(failed[0]?.attributes).not.toHaveProperty('EXHAUSTED_RETRY_CONDITION');
  rules.stop();
});

test('sends the event for a queue that does not exist to the dead-letter queue without retries', async () => {
  const { QueueUrl, Arn } = await createQueue('failed');
  await putRule();
  await putTarget({ Arn: 'arn:aws:sqs:us-east-1:000000000000:none', DeadLetterConfig: { Arn } });

  await publish();

  const [message] = await receive(QueueUrl);
  expect(message?.MessageAttributes?.ERROR_CODE?.StringValue).toBe('NO_RESOURCE');
});

test('reports an event that it drops', async () => {
  await putRule();
  await putTarget({ Arn: 'arn:aws:sqs:us-east-1:000000000000:none' });

  await publish();

  expect(aws.reports.at(-1)).toMatch('Dropped an event of the rule mine for the target a after 1 attempts');
});

test('tests a pattern against an event', async () => {
  const Event = JSON.stringify({
    ...{ id: '1', account: '0', source: 'x', time: '2026-01-01T00:00:00Z', region: 'r', resources: [] },
    ...{ 'detail-type': 't', detail: { ip: '10.0.0.1' } },
  });
  const run = (pattern: object, event = Event) =>
    events.send(new TestEventPatternCommand({ EventPattern: JSON.stringify(pattern), Event: event }));

  expect((await run({ detail: { ip: [{ cidr: '10.0.0.0/8' }] } })).Result).toBe(true);
  expect((await run({ source: ['y'] })).Result).toBe(false);
  await expect(run({})).rejects.toMatchObject({
    name: 'InvalidEventPatternException',
    message: expect.stringContaining('Empty objects are not allowed'),
  });
  await expect(run({ source: ['y'] }, '{"id":"1"}')).rejects.toThrow('account is missing or malformed');
});

const queue = 'arn:aws:sqs:us-east-1:000000000000:orders';

test.each<[string, string, string, () => Promise<unknown>]>([
  ["a change of the app's rule", 'ManagedRuleException', 'everything', () => putRule({ Name: 'everything' })],
  ["a target on the app's rule", 'ManagedRuleException', 'everything', () => putTarget({ Arn: queue }, 'everything')],
  [
    "deletion of the app's rule",
    'ManagedRuleException',
    'everything',
    () => events.send(new DeleteRuleCommand({ EventBusName, Name: 'everything' })),
  ],
  ['an unknown bus', 'ResourceNotFoundException', 'nowhere', () => putRule({ EventBusName: 'nowhere' })],
  ['a malformed pattern', 'InvalidEventPatternException', 'not an object', () => putRule({ EventPattern: '{' })],
  ['no pattern', 'ValidationException', 'EventPattern', () => putRule({ EventPattern: undefined })],
  [
    'a schedule',
    'UnknownOperationException',
    'ScheduleExpression',
    () => putRule({ ScheduleExpression: 'rate(1 minute)' }),
  ],
  ['a name with a space', 'ValidationException', 'Name', () => putRule({ Name: 'a b' })],
  ['a target of an unknown rule', 'ResourceNotFoundException', 'none', () => putTarget({ Arn: queue }, 'none')],
  [
    'a function',
    'UnknownOperationException',
    'function:mine',
    () => putTarget({ Arn: 'arn:aws:lambda:us-east-1:000000000000:function:mine' }),
  ],
  [
    'parameters of another target',
    'UnknownOperationException',
    'KinesisParameters',
    () => putTarget({ Arn: queue, KinesisParameters: { PartitionKeyPath: '$.id' } }),
  ],
  ['a FIFO queue without a group', 'ValidationException', 'MessageGroupId', () => putTarget({ Arn: `${queue}.fifo` })],
  ['two inputs', 'ValidationException', 'Only one of', () => putTarget({ Arn: queue, Input: '1', InputPath: '$' })],
  [
    'a long input',
    'ValidationException',
    '8192',
    () => putTarget({ Arn: queue, Input: JSON.stringify('x'.repeat(8_192)) }),
  ],
  [
    'a FIFO queue as dead-letter queue',
    'ValidationException',
    'standard queue',
    () => putTarget({ Arn: queue, DeadLetterConfig: { Arn: `${queue}.fifo` } }),
  ],
  ['an input that is not JSON', 'ValidationException', 'JSON syntax', () => putTarget({ Arn: queue, Input: '{' })],
  [
    'a filter in a path',
    'UnknownOperationException',
    '$.detail[?(@.a)]',
    () => putTarget({ Arn: queue, InputPath: '$.detail[?(@.a)]' }),
  ],
  [
    'a template that is not JSON',
    'ValidationException',
    'InputTemplate',
    () => putTarget({ Arn: queue, InputTransformer: { InputTemplate: '{' } }),
  ],
  [
    'a template with an unknown variable',
    'ValidationException',
    'no variable named x',
    () => putTarget({ Arn: queue, InputTransformer: { InputTemplate: '<x>' } }),
  ],
  [
    'more than 185 retries',
    'ValidationException',
    'MaximumRetryAttempts',
    () => putTarget({ Arn: queue, RetryPolicy: { MaximumRetryAttempts: 186 } }),
  ],
  [
    'OAuth',
    'UnknownOperationException',
    'OAuth',
    () => events.send(new CreateConnectionCommand({ ...apiKey, AuthorizationType: 'OAUTH_CLIENT_CREDENTIALS' })),
  ],
  [
    'a connection without its credentials',
    'ValidationException',
    'BasicAuthParameters',
    () => events.send(new CreateConnectionCommand({ ...apiKey, AuthorizationType: 'BASIC' })),
  ],
])('rejects %s', async (_what, name, message, call) => {
  await putRule();

  await expect(call()).rejects.toMatchObject({ name, message: expect.stringContaining(message) });
});

test('rejects a sixth target', async () => {
  await putRule();
  for (const Id of ['1', '2', '3', '4', '5', '5']) await putTarget({ Id, Arn: queue });

  await expect(putTarget({ Id: '6', Arn: queue })).rejects.toMatchObject({ name: 'LimitExceededException' });
});
