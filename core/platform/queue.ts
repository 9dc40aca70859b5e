import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { required } from './configuration.ts';

const client = new SQSClient({
  requestHandler: { connectionTimeout: 1000, requestTimeout: 3000, throwOnRequestTimeout: true },
});

/** SQS's maximum. */
const maxDelaySeconds = 900;

/** Sends a message to the dead-letter queue, visible after `delaySeconds`, at most 900. */
export async function sendToDeadLetterQueue(body: unknown, delaySeconds: number): Promise<void> {
  await client.send(
    new SendMessageCommand({
      QueueUrl: required('DEAD_LETTER_QUEUE_URL'),
      MessageBody: JSON.stringify(body),
      DelaySeconds: Math.min(delaySeconds, maxDelaySeconds),
    }),
  );
}

/** The approximate number of messages in the dead-letter queue, without delayed ones. */
export async function countQueuedDeadLetters(): Promise<number> {
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({
      QueueUrl: required('DEAD_LETTER_QUEUE_URL'),
      AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
    }),
  );
  const { ApproximateNumberOfMessages: visible = 0, ApproximateNumberOfMessagesNotVisible: inFlight = 0 } =
    Attributes ?? {};
  return Number(visible) + Number(inFlight);
}
