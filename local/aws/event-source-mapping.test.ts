import { GetQueueUrlCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { resources, startTestAws, type TestAws } from '../../test/test-aws.ts';
import { InvocationError } from '../lambda/invocation.ts';

let aws: TestAws;
afterEach(() => aws.stop());

const batchSchema = z.object({ Records: z.array(z.looseObject({ messageId: z.string(), body: z.string() })) });
type Batch = z.output<typeof batchSchema>;

const consumers = {
  'dead-letters': {
    queue: 'deadLetters',
    function: 'dead-letter',
    batchSize: 10,
    maxReceiveCount: 3,
    quarantine: 'quarantine',
  },
};

/** Starts a consumer. @param answer receives the batch and the number of earlier batches */
async function start(answer: (batch: Batch, before: number) => unknown): Promise<{ batches: Batch[]; sqs: SQSClient }> {
  const batches: Batch[] = [];
  aws = await startTestAws({
    resources: { ...resources, consumers },
    asyncRetryDelayMs: 5,
    invoke: async (_name, event) => {
      const received = batchSchema.parse(event);
      return answer(received, batches.push(received) - 1);
    },
  });
  return { batches, sqs: new SQSClient(aws.client) };
}

const send = (sqs: SQSClient, body: string, more: object = {}) =>
  sqs.send(new SendMessageCommand({ QueueUrl: aws.deadLetterQueueUrl, MessageBody: body, ...more }));
const idle = () => aws.control('GET', 'idle');
const bodies = (batches: readonly Batch[]) => batches.flatMap(({ Records }) => Records.map(({ body }) => body));

async function readQuarantine(sqs: SQSClient): Promise<readonly (string | undefined)[]> {
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: 'quarantine' }));
  const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
  return Messages.map(({ Body }) => Body);
}

test("passes a message to the function in Lambda's form and deletes it", async () => {
  const { batches, sqs } = await start(() => undefined);

  const { MessageId, MD5OfMessageBody } = await send(sqs, 'hello', {
    MessageAttributes: { ERROR_CODE: { DataType: 'String', StringValue: 'NO_RESOURCE' } },
  });
  await idle();

  expect(batches).toEqual([
    {
      Records: [
        {
          messageId: MessageId,
          receiptHandle: expect.any(String),
          body: 'hello',
          attributes: expect.objectContaining({
            ApproximateReceiveCount: '1',
            SentTimestamp: expect.stringMatching(/^\d{13}$/),
          }),
          messageAttributes: {
            ERROR_CODE: expect.objectContaining({ dataType: 'String', stringValue: 'NO_RESOURCE' }),
          },
          md5OfBody: MD5OfMessageBody,
          eventSource: 'aws:sqs',
          eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:dead-letters',
          awsRegion: 'us-east-1',
        },
      ],
    },
  ]);
  const { Messages } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: aws.deadLetterQueueUrl }));
  expect(Messages).toBeUndefined();
});

test('redelivers only the messages that the function reports as failed', async () => {
  const { batches, sqs } = await start(({ Records }, before) => ({
    batchItemFailures: Records.filter(({ body }) => before < 2 && body === 'bad').map(({ messageId }) => ({
      itemIdentifier: messageId,
    })),
  }));

  await send(sqs, 'good');
  await send(sqs, 'bad');
  await idle();

  expect(bodies(batches).sort()).toEqual(['bad', 'bad', 'good']);
  expect(await readQuarantine(sqs)).toEqual([]);
});

test.each<[string, () => unknown]>([
  [
    'throws',
    () => {
      throw new InvocationError({ errorType: 'Error', errorMessage: 'no', trace: [] });
    },
  ],
  ['reports an unknown message', () => ({ batchItemFailures: [{ itemIdentifier: 'other' }] })],
  ['returns an invalid result', () => ({ batchItemFailures: 'all' })],
])('redelivers the whole batch and moves it to the quarantine queue if the function %s', async (_what, answer) => {
  const { batches, sqs } = await start(answer);

  const { MessageId } = await send(sqs, 'hello');
  await idle();

  expect(batches.map(({ Records }) => Records[0]?.attributes)).toMatchObject(
    ['1', '2', '3'].map((ApproximateReceiveCount) => ({ ApproximateReceiveCount })),
  );
  expect(await readQuarantine(sqs)).toEqual(['hello']);
  expect(aws.reports).toEqual([
    `dead-letter failed 3 times for message ${MessageId}: it is moved to the quarantine queue`,
  ]);
});

test('processes every message of a burst once', async () => {
  const { batches, sqs } = await start(() => new Promise((resolve) => setImmediate(resolve)));
  const sent = Array.from({ length: 100 }, (_, n) => String(n));

  await Promise.all(sent.map((body) => send(sqs, body)));
  await idle();

  expect(bodies(batches).sort()).toEqual(sent.toSorted());
});

test("is idle during a message's delay and processes it afterwards", async () => {
  const { batches, sqs } = await start(() => undefined);

  await send(sqs, 'later', { DelaySeconds: 1 });

  expect((await idle()).body).toEqual({ idle: true });
  await expect.poll(() => bodies(batches), { timeout: 5_000 }).toEqual(['later']);
});
