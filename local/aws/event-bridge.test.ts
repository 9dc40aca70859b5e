import {
  DescribeEventBusCommand,
  DisableRuleCommand,
  EnableRuleCommand,
  EventBridgeClient,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  PutEventsCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { entry, startTestAws, type TestAws } from '../../test/test-aws.ts';
import { InvocationError } from '../lambda/invocation.ts';

let aws: TestAws;
let events: EventBridgeClient;
beforeEach(async () => {
  aws = await startTestAws();
  events = new EventBridgeClient(aws.client);
});
afterEach(() => aws.stop());

test('delivers an event to the functions of all matching rules and no others', async () => {
  const Time = new Date('2030-01-02T03:04:05.678Z');

  const answer = await events.send(
    new PutEventsCommand({
      Entries: [
        entry({ Time, Detail: '{"data":{"n":1}}' }),
        entry({ DetailType: 'chat.started' }),
        entry({ Source: 'other', DetailType: 'chat.started' }),
      ],
    }),
  );
  await aws.control('GET', 'idle');

  expect(answer).toMatchObject({ FailedEntryCount: 0, Entries: [{ EventId: expect.any(String) }, {}, {}] });
  expect(aws.invoked.map(({ name }) => name)).toEqual(['message', 'audit', 'audit']);
  expect(aws.invoked[0]?.event).toEqual({
    version: '0',
    id: answer.Entries?.[0]?.EventId,
    'detail-type': 'message.received',
    source: 'test',
    account: '000000000000',
    time: '2030-01-02T03:04:05Z',
    region: 'us-east-1',
    resources: [],
    detail: { data: { n: 1 } },
  });
});

test.each<[string, object, string]>([
  ['no source', { Source: undefined }, 'InvalidArgument'],
  ['an empty detail-type', { DetailType: '' }, 'InvalidArgument'],
  ['a long detail-type', { DetailType: 'x'.repeat(129) }, 'InvalidArgument'],
  ['no detail', { Detail: undefined }, 'InvalidArgument'],
  ['a detail that is not JSON', { Detail: '{' }, 'MalformedDetail'],
  ['a detail that is not an object', { Detail: '[1]' }, 'MalformedDetail'],
  ['an unknown bus', { EventBusName: 'other' }, 'ResourceNotFoundException'],
  ['no bus', { EventBusName: undefined }, 'ResourceNotFoundException'],
  ["AWS's own source", { Source: 'aws.ec2' }, 'NotAuthorizedForSourceException'],
])('rejects only the entry with %s', async (_what, overrides, code) => {
  const answer = await events.send(new PutEventsCommand({ Entries: [entry(), entry(overrides)] }));

  expect(answer.FailedEntryCount).toBe(1);
  expect(answer.Entries).toEqual([
    { EventId: expect.any(String) },
    { ErrorCode: code, ErrorMessage: expect.any(String) },
  ]);
});

test.each([0, 11])('rejects a call with %i entries', async (length) => {
  const Entries = Array.from({ length }, () => entry());

  await expect(events.send(new PutEventsCommand({ Entries }))).rejects.toMatchObject({ name: 'ValidationException' });
  expect(aws.invoked).toEqual([]);
});

test('rejects a call above 1 MB', async () => {
  const Detail = JSON.stringify({ text: 'x'.repeat(1_048_576) });

  await expect(events.send(new PutEventsCommand({ Entries: [entry({ Detail })] }))).rejects.toMatchObject({
    name: 'ValidationException',
  });
});

test('sends the event of a function that keeps failing to the dead-letter queue', async () => {
  aws.failures.set('message', new InvocationError({ errorType: 'Server', errorMessage: 'busy', trace: [] }));
  const sqs = new SQSClient(aws.client);

  await events.send(new PutEventsCommand({ Entries: [entry()] }));
  await aws.control('GET', 'idle');

  expect(aws.invoked.filter(({ name }) => name === 'message')).toHaveLength(3);
  const received = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl: aws.deadLetterQueueUrl, MaxNumberOfMessages: 10 }),
  );
  expect(received.Messages?.map(({ Body = '' }) => JSON.parse(Body))).toEqual([
    expect.objectContaining({
      requestPayload: expect.objectContaining({ 'detail-type': 'message.received' }),
      responsePayload: { errorType: 'Server', errorMessage: 'busy', trace: [] },
    }),
  ]);
  expect(aws.reports).toEqual([expect.stringContaining('message failed 3 times')]);
});

const EventBusName = 'omnichannel';

const invokedFunctions = async () => {
  await events.send(new PutEventsCommand({ Entries: [entry()] }));
  await aws.control('GET', 'idle');
  return aws.invoked.splice(0).map(({ name }) => name);
};

test('describes the bus and lists its rules and targets', async () => {
  expect(await events.send(new DescribeEventBusCommand({ Name: EventBusName }))).toMatchObject({
    Arn: expect.stringContaining('event-bus/omnichannel'),
  });
  const { Rules } = await events.send(new ListRulesCommand({ EventBusName }));
  expect(Rules).toMatchObject([
    { Name: 'messages', State: 'ENABLED', EventPattern: '{"detail-type":[{"prefix":"message."}]}' },
    { Name: 'everything', State: 'ENABLED' },
  ]);
  const first = await events.send(new ListRulesCommand({ EventBusName, Limit: 1 }));
  expect(first.Rules).toHaveLength(1);
  const { NextToken } = first;
  expect((await events.send(new ListRulesCommand({ EventBusName, NextToken }))).Rules).toMatchObject([
    { Name: 'everything' },
  ]);
  expect(await events.send(new ListTargetsByRuleCommand({ EventBusName, Rule: 'messages' }))).toMatchObject({
    Targets: [
      {
        Arn: expect.stringContaining(':function:message'),
        DeadLetterConfig: { Arn: expect.stringMatching(/:dead-letters$/) },
      },
    ],
  });
  expect((await events.send(new ListRulesCommand({}))).Rules).toEqual([]);
});

test('delivers nothing for a rule that is disabled or has no target', async () => {
  await events.send(new DisableRuleCommand({ EventBusName, Name: 'messages' }));
  expect(await invokedFunctions()).toEqual(['audit']);
  await events.send(new EnableRuleCommand({ EventBusName, Name: 'messages' }));
  expect((await invokedFunctions()).toSorted()).toEqual(['audit', 'message']);
  await events.send(new RemoveTargetsCommand({ EventBusName, Rule: 'everything', Ids: ['target'] }));
  expect(await invokedFunctions()).toEqual(['message']);
});

test('restores a removed target and changes only its dead-letter queue', async () => {
  const where = { EventBusName, Rule: 'everything' };
  const { Targets: [target] = [] } = await events.send(new ListTargetsByRuleCommand(where));
  const { Id, Arn } = target ?? {};
  await events.send(new RemoveTargetsCommand({ ...where, Ids: [`${Id}`] }));
  await events.send(new PutTargetsCommand({ ...where, Targets: [{ Id, Arn }] }));
  expect((await events.send(new ListTargetsByRuleCommand(where))).Targets).toEqual([{ Id, Arn }]);
  expect((await invokedFunctions()).toSorted()).toEqual(['audit', 'message']);
  const other = { ...where, Targets: [{ Id, Arn: `${Arn}-2` }] };
  await expect(events.send(new PutTargetsCommand(other))).rejects.toMatchObject({ name: 'ManagedRuleException' });
});

test.each([
  ['a bus', () => events.send(new DescribeEventBusCommand({ Name: 'other' }))],
  ['a rule', () => events.send(new ListTargetsByRuleCommand({ EventBusName, Rule: 'other' }))],
  ['a rule on another bus', () => events.send(new DisableRuleCommand({ Name: 'messages' }))],
])('responds with ResourceNotFoundException for %s that does not exist', async (_what, call) => {
  await expect(call()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});
