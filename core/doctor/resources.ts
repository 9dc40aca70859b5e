import {
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  type TableDescription,
  type TimeToLiveDescription,
} from '@aws-sdk/client-dynamodb';
import { HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { DescribeStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import { GetQueueAttributesCommand, GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod/mini';
import { parseVersion } from '../livechat/api.ts';
import { ConfigurationError, type Environment, wholeNumber } from '../platform/configuration.ts';
import type { TableLayout } from '../platform/tables.ts';
import { type Check, defineCheck, deployAgain, type Finding, ifFound } from './finding.ts';

const minimums: readonly (readonly [setting: string, min: number])[] = [
  ['WEBHOOK_MAX_BYTES', 1],
  ['EVENT_MAX_BYTES', 1_000],
  ['SECRET_CACHE_SECONDS', 0],
  ['CONVERSATIONS_RETENTION_DAYS', 1],
  ['MESSAGES_RETENTION_DAYS', 1],
  ['LIVECHAT_CALLS_PER_SECOND', 1],
];

function checkAddress({ LIVECHAT_API_BASE_URL: url }: Environment): void {
  if (!url || ['https:', 'http:'].includes(URL.parse(url)?.protocol ?? '')) return;
  throw new ConfigurationError('LIVECHAT_API_BASE_URL', 'an address such as https://api.livechatinc.com');
}

/** The functions' settings, parsed as the functions parse them. */
export const settings = (environment: Environment): Check =>
  defineCheck('settings', async ({ ok, fault }) => {
    const parsers: readonly (() => unknown)[] = [
      ...minimums.map(
        ([setting, min]) =>
          () =>
            wholeNumber(setting, min, min, environment),
      ),
      () => parseVersion(environment.LIVECHAT_API_VERSION || 'v3.6'),
      () => checkAddress(environment),
    ];
    const fix = 'Correct it in the environment of the deployment (or of `npm start`), and deploy again.';
    const faults = parsers.flatMap((parse) => {
      try {
        parse();
        return [];
      } catch (error) {
        if (!(error instanceof ConfigurationError)) throw error;
        return [fault(error.message, fix)];
      }
    });
    return faults.length > 0 ? faults : [ok('Every setting is valid.')];
  });

export interface ExpectedTable {
  /** Its deployed name. */
  readonly name: string | undefined;
  /** The environment variable with its name. */
  readonly variable: string;
  readonly layout: TableLayout;
}

const keyNames = (schema: TableDescription['KeySchema']): string =>
  (schema ?? []).map(({ AttributeName }) => AttributeName).join(' and ');

function layoutFlaws(table: TableDescription, { partitionKey, sortKey, indexes }: TableLayout): string[] {
  const flaws: string[] = [];
  if (table.TableStatus !== 'ACTIVE') flaws.push(`is ${table.TableStatus}.`);
  const keys = [partitionKey, sortKey].filter(Boolean).join(' and ');
  if (keyNames(table.KeySchema) !== keys) flaws.push(`has the keys ${keyNames(table.KeySchema)}, not ${keys}.`);
  for (const { name, partitionKey: pk, sortKey: sk } of indexes) {
    const index = table.GlobalSecondaryIndexes?.find(({ IndexName }) => IndexName === name);
    if (!index) flaws.push(`lacks the index ${name}.`);
    else if (keyNames(index.KeySchema) !== `${pk} and ${sk}`) flaws.push(`has an index ${name} with other keys.`);
    else if (index.IndexStatus !== 'ACTIVE') flaws.push(`has an index ${name} that is ${index.IndexStatus}.`);
  }
  return flaws;
}

function expiryFlaws({ TimeToLiveStatus, AttributeName }: TimeToLiveDescription, { expiry }: TableLayout): string[] {
  if (TimeToLiveStatus !== 'ENABLED' && TimeToLiveStatus !== 'ENABLING') {
    return ['does not delete expired items: its time to live is disabled.'];
  }
  if (AttributeName === expiry) return [];
  return [`does not delete expired items: its time to live uses ${AttributeName}, not ${expiry}.`];
}

/** Each table exists with its keys, indexes and time to live. */
export const tables = (expected: readonly ExpectedTable[]): Check =>
  defineCheck('tables', async ({ ok, fault }) => {
    const client = new DynamoDBClient({ maxAttempts: 2 });
    const findFlaws = async (TableName: string, layout: TableLayout) => {
      const { Table = {} } = await client.send(new DescribeTableCommand({ TableName }));
      const { TimeToLiveDescription = {} } = await client.send(new DescribeTimeToLiveCommand({ TableName }));
      return [...layoutFlaws(Table, layout), ...expiryFlaws(TimeToLiveDescription, layout)];
    };
    const checkTable = async ({ name, variable, layout }: ExpectedTable): Promise<Finding[]> => {
      if (!name) return [fault(`${variable} does not name a table.`, deployAgain)];
      const flaws = (await ifFound(findFlaws(name, layout), 'ResourceNotFoundException')) ?? ['does not exist.'];
      return flaws.map((flaw) => fault(`The table ${name} ${flaw}`, deployAgain));
    };
    const faults = (await Promise.all(expected.map(checkTable))).flat();
    return faults.length > 0 ? faults : [ok(`Correct: ${expected.map((one) => one.name).join(', ')}.`)];
  });

/** Several batches of the consumer: a longer backlog means that it is too slow or does not run. */
const backlogLimit = 100;
const redrivePolicy = z.looseObject({ deadLetterTargetArn: z.string() });
const sqs = new SQSClient({ maxAttempts: 2 });

async function readQueue(QueueUrl: string) {
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
  return { waiting: Number(Attributes?.ApproximateNumberOfMessages ?? 0), policy: Attributes?.RedrivePolicy };
}

/** Names of the errors of a queue that does not exist. */
export const missingQueue = ['NonExistentQueue', 'QueueDoesNotExist'] as const;

/** The dead-letter queue and its quarantine queue exist and have no backlog. */
export const queues = ({ DEAD_LETTER_QUEUE_URL: url }: Environment): Check =>
  defineCheck('queues', async ({ ok, warning, fault }) => {
    if (!url) return [fault('DEAD_LETTER_QUEUE_URL does not name a queue.', deployAgain)];
    const checkQuarantine = async (policy: string | undefined): Promise<Finding[]> => {
      if (policy === undefined) {
        return [fault('The dead-letter queue has no quarantine queue: unprocessable messages are lost.', deployAgain)];
      }
      const QueueName = redrivePolicy.parse(JSON.parse(policy)).deadLetterTargetArn.split(':').at(-1);
      const { QueueUrl = '' } = await sqs.send(new GetQueueUrlCommand({ QueueName }));
      const { waiting } = await readQueue(QueueUrl);
      if (waiting === 0) return [];
      const fix = `Read them (aws sqs receive-message --queue-url ${QueueUrl}), fix the cause, and move them back to the dead-letter queue.`;
      return [
        warning(`Messages in the quarantine queue that functions/dead-letter failed to process: ${waiting}.`, fix),
      ];
    };
    const checkQueues = async () => {
      const { waiting, policy } = await readQueue(url);
      const message = `Messages waiting in ${url}: ${waiting}.`;
      const fix = 'See the log and the event source mapping of functions/dead-letter.';
      const found = [...(waiting > backlogLimit ? [warning(message, fix)] : []), ...(await checkQuarantine(policy))];
      return found.length > 0 ? found : [ok(message)];
    };
    const missing = fault(`The queue ${url} or its quarantine queue does not exist.`, deployAgain);
    return (await ifFound(checkQueues(), ...missingQueue)) ?? [missing];
  });

/** The state machine that sends exists. */
export const stateMachine = ({ SEND_MACHINE_ARN: stateMachineArn }: Environment): Check =>
  defineCheck('state machine', async ({ ok, fault }) => {
    if (!stateMachineArn) return [fault('SEND_MACHINE_ARN does not name a state machine.', deployAgain)];
    const described = new SFNClient({ maxAttempts: 2 }).send(new DescribeStateMachineCommand({ stateMachineArn }));
    const found = await ifFound(described, 'StateMachineDoesNotExist');
    if (!found) return [fault(`The state machine ${stateMachineArn} does not exist: nothing is sent.`, deployAgain)];
    const message = `${stateMachineArn} is ${found.status}.`;
    return found.status === 'ACTIVE' ? [ok(message)] : [fault(message, deployAgain)];
  });

/** The media bucket exists. */
export const bucket = ({ MEDIA_BUCKET: Bucket }: Environment): Check =>
  defineCheck('bucket', async ({ ok, fault }) => {
    if (!Bucket) return [fault('MEDIA_BUCKET does not name a bucket.', deployAgain)];
    const head = new S3Client({ maxAttempts: 2 }).send(new HeadBucketCommand({ Bucket }));
    if (await ifFound(head, 'NotFound', 'NoSuchBucket')) return [ok(`${Bucket} exists.`)];
    return [fault(`The bucket ${Bucket} does not exist: large events and files are not stored.`, deployAgain)];
  });
