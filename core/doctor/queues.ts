import { GetQueueAttributesCommand, GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod/mini';
import type { Environment } from '../platform/configuration.ts';
import { type Examination, type Finding, found } from './finding.ts';

const about = 'queues';
const { ok, warning, fault } = found(about);
const deploy = 'Deploy the stage again (locally, start the engine again).';
/** More than the consumer takes at once, some times over: it cannot keep up, or does not run. */
const manyWaiting = 100;

const redrivePolicy = z.looseObject({ deadLetterTargetArn: z.string() });

const client = new SQSClient({ maxAttempts: 2 });

async function stateOf(QueueUrl: string) {
  const { Attributes } = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
  const waiting = Number(Attributes?.ApproximateNumberOfMessages ?? 0);
  return { waiting, policy: Attributes?.RedrivePolicy };
}

export function isMissingQueue(error: unknown): boolean {
  return error instanceof Error && /NonExistentQueue|QueueDoesNotExist/.test(error.name);
}

async function parkedOf(policy: string | undefined): Promise<Finding[]> {
  if (policy === undefined) return [fault('what functions/dead-letter cannot handle is parked nowhere', deploy)];
  const QueueName = redrivePolicy.parse(JSON.parse(policy)).deadLetterTargetArn.split(':').at(-1);
  const { QueueUrl = '' } = await client.send(new GetQueueUrlCommand({ QueueName }));
  const { waiting } = await stateOf(QueueUrl);
  if (waiting === 0) return [];
  const mend = `Read them (aws sqs receive-message --queue-url ${QueueUrl}), mend the cause, and move them back to the dead-letter queue.`;
  return [warning(`${waiting} letters are parked: functions/dead-letter could not handle them`, mend)];
}

/** That the dead-letter queue and what parks its failures are there, and that nothing piles up in them. */
export function queues({ DEAD_LETTER_QUEUE_URL: url }: Environment): Examination {
  return {
    about,
    async run() {
      if (!url) return [fault('DEAD_LETTER_QUEUE_URL names no queue', deploy)];
      try {
        const { waiting, policy } = await stateOf(url);
        const mend = 'See why functions/dead-letter does not take them: its log, its event source mapping.';
        const piled = waiting > manyWaiting ? [warning(`${waiting} messages wait in ${url}`, mend)] : [];
        const findings = [...piled, ...(await parkedOf(policy))];
        return findings.length > 0 ? findings : [ok(`${url}, ${waiting} waiting`)];
      } catch (error) {
        if (!isMissingQueue(error)) throw error;
        return [fault(`there is no queue ${url}, or nothing that parks its failures`, deploy)];
      }
    },
  };
}
