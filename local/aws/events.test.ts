import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { InvocationError } from '../lambda/errors.ts';
import { entry, startTestCloud, type TestCloud } from './test-cloud.ts';

let cloud: TestCloud;
beforeEach(async () => {
  cloud = await startTestCloud();
});
afterEach(() => cloud.stop());

test('an event reaches the functions of every rule that matches, and no other', async () => {
  const events = new EventBridgeClient(cloud.client);
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
  await cloud.control('GET', 'idle');

  expect(answer).toMatchObject({ FailedEntryCount: 0, Entries: [{ EventId: expect.any(String) }, {}, {}] });
  expect(cloud.invoked.map(({ name }) => name)).toEqual(['message', 'audit', 'audit']);
  expect(cloud.invoked[0]?.event).toEqual({
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
  ['no detail', { Detail: undefined }, 'InvalidArgument'],
  ['a detail that is not JSON', { Detail: '{' }, 'MalformedDetail'],
  ['a detail that is no object', { Detail: '[1]' }, 'MalformedDetail'],
  ['an unknown bus', { EventBusName: 'other' }, 'ResourceNotFoundException'],
  ['no bus', { EventBusName: undefined }, 'ResourceNotFoundException'],
  ["AWS's own source", { Source: 'aws.ec2' }, 'NotAuthorizedForSourceException'],
])('an entry with %s fails alone', async (_what, overrides, code) => {
  const events = new EventBridgeClient(cloud.client);

  const answer = await events.send(new PutEventsCommand({ Entries: [entry(), entry(overrides)] }));

  expect(answer.FailedEntryCount).toBe(1);
  expect(answer.Entries).toEqual([
    { EventId: expect.any(String) },
    { ErrorCode: code, ErrorMessage: expect.any(String) },
  ]);
});

test.each([0, 11])('a call with %i entries is refused', async (length) => {
  const events = new EventBridgeClient(cloud.client);
  const Entries = Array.from({ length }, () => entry());

  await expect(events.send(new PutEventsCommand({ Entries }))).rejects.toThrow(/ValidationException|'entries'/);
  expect(cloud.invoked).toEqual([]);
});

test('a call above 1 MB is refused', async () => {
  const events = new EventBridgeClient(cloud.client);
  const Detail = JSON.stringify({ text: 'x'.repeat(1_048_576) });

  await expect(events.send(new PutEventsCommand({ Entries: [entry({ Detail })] }))).rejects.toMatchObject({
    name: 'ValidationException',
  });
});

test('an event whose function keeps failing ends in the dead-letter queue', async () => {
  cloud.failures.set('message', new InvocationError({ errorType: 'Server', errorMessage: 'busy', trace: [] }));
  const events = new EventBridgeClient(cloud.client);
  const sqs = new SQSClient(cloud.client);

  await events.send(new PutEventsCommand({ Entries: [entry()] }));
  await cloud.control('GET', 'idle');

  expect(cloud.invoked.filter(({ name }) => name === 'message')).toHaveLength(3);
  const received = await sqs.send(
    new ReceiveMessageCommand({ QueueUrl: cloud.deadLetterQueueUrl, MaxNumberOfMessages: 10 }),
  );
  expect(received.Messages?.map(({ Body = '' }) => JSON.parse(Body))).toEqual([
    expect.objectContaining({
      requestPayload: expect.objectContaining({ 'detail-type': 'message.received' }),
      responsePayload: { errorType: 'Server', errorMessage: 'busy', trace: [] },
    }),
  ]);
  expect(cloud.reports).toEqual([expect.stringContaining('message failed 3 times')]);
});
