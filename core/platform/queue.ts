import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { required } from './configuration.ts';

const client = new SQSClient({
  requestHandler: { connectionTimeout: 1000, requestTimeout: 3000, throwOnRequestTimeout: true },
});

/** Puts a message into the dead-letter queue, to be read after `delaySeconds` (SQS takes up to 900). */
export async function toDeadLetters(body: unknown, delaySeconds: number): Promise<void> {
  const QueueUrl = required('DEAD_LETTER_QUEUE_URL', 'the address of the dead-letter queue');
  await client.send(
    new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(body), DelaySeconds: delaySeconds }),
  );
}
