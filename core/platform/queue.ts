import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { required } from './configuration.ts';

const client = new SQSClient({
  requestHandler: { connectionTimeout: 1000, requestTimeout: 3000, throwOnRequestTimeout: true },
});

const deadLetterQueue = () => required('DEAD_LETTER_QUEUE_URL', 'the address of the dead-letter queue');

/** Puts a message into the dead-letter queue, to be read after `delaySeconds` (SQS takes up to 900). */
export async function sendToDeadLetterQueue(body: unknown, delaySeconds: number): Promise<void> {
  await client.send(
    new SendMessageCommand({
      QueueUrl: deadLetterQueue(),
      MessageBody: JSON.stringify(body),
      DelaySeconds: delaySeconds,
    }),
  );
}

/** About how many dead letters wait to be read or are being read; not those that are to be read later. */
export async function countQueuedDeadLetters(): Promise<number> {
  const { Attributes } = await client.send(
    new GetQueueAttributesCommand({
      QueueUrl: deadLetterQueue(),
      AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
    }),
  );
  const { ApproximateNumberOfMessages: waiting = 0, ApproximateNumberOfMessagesNotVisible: read = 0 } =
    Attributes ?? {};
  return Number(waiting) + Number(read);
}
