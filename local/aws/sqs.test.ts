import { GetQueueUrlCommand, ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startTestAws, type TestAws } from './testing.ts';

let aws: TestAws;
beforeEach(async () => {
  aws = await startTestAws();
});
afterEach(() => aws.stop());

test('returns a queue URL with the address of the endpoint', async () => {
  const { QueueUrl } = await new SQSClient(aws.client).send(new GetQueueUrlCommand({ QueueName: 'dead-letters' }));
  expect(QueueUrl).toBe(aws.deadLetterQueueUrl);
  expect(new URL(aws.deadLetterQueueUrl).host).toBe(`127.0.0.1:${aws.port}`);

  // A client without an endpoint of its own goes where the queue's URL points.
  const { endpoint: _, ...settings } = aws.client;
  const elsewhere = new SQSClient(settings);
  await elsewhere.send(new SendMessageCommand({ QueueUrl, MessageBody: 'hello' }));
  const { Messages } = await elsewhere.send(new ReceiveMessageCommand({ QueueUrl }));
  expect(Messages).toMatchObject([{ Body: 'hello' }]);
});
