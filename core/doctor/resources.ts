import {
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  type TableDescription,
  type TimeToLiveDescription,
} from '@aws-sdk/client-dynamodb';
import { GetAccountSettingsCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { DescribeStateMachineCommand, SFNClient } from '@aws-sdk/client-sfn';
import { GetQueueAttributesCommand, GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import * as z from 'zod/mini';
import { parseVersion } from '../livechat/api.ts';
import { ConfigurationError, type Environment, wholeNumber } from '../platform/configuration.ts';
import { expiryAttribute, type TableSpec, tables } from '../platform/tables.ts';
import { checkResource, type Finding, fault, ok, problemsOr, warning } from './finding.ts';

const minimums: readonly (readonly [setting: string, min: number])[] = [
  ['WEBHOOK_MAX_BYTES', 1],
  ['EVENT_MAX_BYTES', 1_000],
  ['SECRET_CACHE_SECONDS', 0],
  ['CONVERSATIONS_RETENTION_DAYS', 1],
  ['MESSAGES_RETENTION_DAYS', 1],
  ['LIVECHAT_CALLS_PER_SECOND', 1],
  ['ROUTING_SHARE_PERCENT', 1],
  ['RECONCILIATION_SHARE_PERCENT', 1],
  ['SEND_CONCURRENCY', 0],
];

function checkAddress({ LIVECHAT_API_BASE_URL: url }: Environment): void {
  if (!url || ['https:', 'http:'].includes(URL.parse(url)?.protocol ?? '')) return;
  throw new ConfigurationError('LIVECHAT_API_BASE_URL', 'an address such as https://api.livechatinc.com');
}

/** The functions' settings, parsed as the functions parse them. */
export function checkSettings(environment: Environment): readonly Finding[] {
  const fix = 'Correct it in the environment of the deployment (or of `npm start`), and deploy again.';
  const check = (parse: () => unknown): Finding[] => {
    try {
      parse();
      return [];
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      return [fault(error.message, fix)];
    }
  };
  const faults = [
    ...minimums.flatMap(([setting, min]) => check(() => wholeNumber(setting, min, min, environment))),
    ...check(() => parseVersion(environment.LIVECHAT_API_VERSION || 'v3.6')),
    ...check(() => checkAddress(environment)),
  ];
  return problemsOr(faults, 'Every setting is valid.');
}

const keyNames = (schema: TableDescription['KeySchema']): string =>
  (schema ?? []).map(({ AttributeName }) => AttributeName).join(' and ');

function tableFlaws(
  table: TableDescription,
  { TimeToLiveStatus, AttributeName }: TimeToLiveDescription,
  { indexes }: TableSpec,
): string[] {
  const flaws: string[] = [];
  if (table.TableStatus !== 'ACTIVE') flaws.push(`is ${table.TableStatus}.`);
  const keys = keyNames(table.KeySchema);
  if (keys !== 'pk and sk') flaws.push(`has the keys ${keys}, not pk and sk.`);
  for (const { name, partitionKey: pk, sortKey: sk } of indexes) {
    const index = table.GlobalSecondaryIndexes?.find(({ IndexName }) => IndexName === name);
    if (!index) flaws.push(`lacks the index ${name}.`);
    else if (keyNames(index.KeySchema) !== `${pk} and ${sk}`) flaws.push(`has an index ${name} with other keys.`);
    else if (index.IndexStatus !== 'ACTIVE') flaws.push(`has an index ${name} that is ${index.IndexStatus}.`);
  }
  const isDeleting = TimeToLiveStatus === 'ENABLED' || TimeToLiveStatus === 'ENABLING';
  const flaw = isDeleting ? `uses ${AttributeName}, not ${expiryAttribute}` : 'is disabled';
  const isCorrect = isDeleting && AttributeName === expiryAttribute;
  return isCorrect ? flaws : [...flaws, `does not delete expired items: its time to live ${flaw}.`];
}

/** Each table exists with its keys, indexes and time to live. */
export async function checkTables(environment: Environment): Promise<readonly Finding[]> {
  const client = new DynamoDBClient({ maxAttempts: 2 });
  const errorNames = ['ResourceNotFoundException'];
  const expected = Object.values<TableSpec>(tables);
  const checkTable = (spec: TableSpec) =>
    checkResource({ kind: 'table', variable: spec.variable, errorNames }, environment, async (TableName) => {
      const { Table = {} } = await client.send(new DescribeTableCommand({ TableName }));
      const { TimeToLiveDescription = {} } = await client.send(new DescribeTimeToLiveCommand({ TableName }));
      const flaws = tableFlaws(Table, TimeToLiveDescription, spec);
      return flaws.map((flaw) => fault(`The table ${TableName} ${flaw}`));
    });
  const faults = (await Promise.all(expected.map(checkTable))).flat();
  return problemsOr(faults, `Correct: ${expected.map(({ variable }) => environment[variable]).join(', ')}.`);
}

/** Several batches of the consumer: a longer backlog means that it is too slow or does not run. */
const backlogLimit = 100;
const redrivePolicy = z.looseObject({ deadLetterTargetArn: z.string() });
const sqs = new SQSClient({ maxAttempts: 2 });

/** Names of the errors of a queue that does not exist. */
export const missingQueue = ['NonExistentQueue', 'QueueDoesNotExist'];

export async function readQueue(QueueUrl: string): Promise<Partial<Record<string, string>>> {
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
  return Attributes ?? {};
}

const waitingMessages = (queue: Partial<Record<string, string>>) => Number(queue.ApproximateNumberOfMessages ?? 0);

/** The dead-letter queue and its quarantine queue exist and have no backlog. */
export function checkQueues(environment: Environment): Promise<readonly Finding[]> {
  const consequence = ', or its quarantine queue does not';
  const expected = { kind: 'queue', variable: 'DEAD_LETTER_QUEUE_URL', errorNames: missingQueue, consequence };
  return checkResource(expected, environment, async (url) => {
    const queue = await readQueue(url);
    const waiting = waitingMessages(queue);
    const message = `Messages waiting in ${url}: ${waiting}.`;
    const fix = 'See the log and the event source mapping of functions/dead-letter.';
    const backlog = waiting > backlogLimit ? [warning(message, fix)] : [];
    return problemsOr([...backlog, ...(await checkQuarantine(queue.RedrivePolicy))], message);
  });
}

async function checkQuarantine(policy: string | undefined): Promise<Finding[]> {
  if (policy === undefined) {
    return [fault('The dead-letter queue has no quarantine queue: unprocessable messages are lost.')];
  }
  const QueueName = redrivePolicy.parse(JSON.parse(policy)).deadLetterTargetArn.split(':').at(-1);
  const { QueueUrl = '' } = await sqs.send(new GetQueueUrlCommand({ QueueName }));
  const waiting = waitingMessages(await readQueue(QueueUrl));
  if (waiting === 0) return [];
  const fix = `Read them (aws sqs receive-message --queue-url ${QueueUrl}), fix the cause, and move them back to the dead-letter queue.`;
  return [warning(`Messages in the quarantine queue that functions/dead-letter failed to process: ${waiting}.`, fix)];
}

/** The state machine that sends exists. */
export function checkStateMachine(environment: Environment): Promise<readonly Finding[]> {
  const errorNames = ['StateMachineDoesNotExist'];
  const machine = { kind: 'state machine', variable: 'SEND_MACHINE_ARN', errorNames, consequence: ': nothing is sent' };
  return checkResource(machine, environment, async (stateMachineArn) => {
    const { status } = await new SFNClient({ maxAttempts: 2 }).send(
      new DescribeStateMachineCommand({ stateMachineArn }),
    );
    const message = `${stateMachineArn} is ${status}.`;
    return [status === 'ACTIVE' ? ok(message) : fault(message)];
  });
}

/** Lambda keeps this many concurrent executions unreserved in every account. */
const minUnreserved = 100;
/** The default limit of an account. New accounts start with 10. */
const defaultLimit = 1_000;

/** The account's limit of concurrent executions allows what the functions reserve. */
export async function checkConcurrency(reserved: number): Promise<readonly Finding[]> {
  const { AccountLimit } = await new LambdaClient({ maxAttempts: 2 }).send(new GetAccountSettingsCommand({}));
  const { ConcurrentExecutions: limit = 0, UnreservedConcurrentExecutions: unreserved = 0 } = AccountLimit ?? {};
  return [concurrencyFinding(reserved, limit, unreserved)];
}

/** @param unreserved of the account, whose other functions can have reserved executions too */
export function concurrencyFinding(reserved: number, limit: number, unreserved: number): Finding {
  const raise = 'Request a limit of at least 1000 (Service Quotas, AWS Lambda, Concurrent executions)';
  if (reserved > Math.max(0, limit - minUnreserved)) {
    const message = `The functions reserve ${reserved} concurrent executions. They do not fit the account's limit of ${limit}, of which ${minUnreserved} stay unreserved: the deployment fails.`;
    return fault(message, `${raise}, or deploy with a lower SEND_CONCURRENCY; 0 reserves none.`);
  }
  const inEffect = limit - unreserved;
  if (inEffect < reserved) {
    return fault(`The functions reserve ${reserved} concurrent executions, but only ${inEffect} are in effect.`);
  }
  if (reserved === 0 && limit < defaultLimit) {
    const message = `The account's limit is ${limit} concurrent executions, and none are reserved: a flood of send requests throttles the webhook.`;
    return warning(message, `${raise}.`);
  }
  return ok(`${reserved} of the account's ${limit} concurrent executions are reserved for the functions.`);
}

/** The media bucket exists. */
export function checkBucket(environment: Environment): Promise<readonly Finding[]> {
  const consequence = ': large events and files are not stored';
  const bucket = { kind: 'bucket', variable: 'MEDIA_BUCKET', errorNames: ['NotFound', 'NoSuchBucket'], consequence };
  return checkResource(bucket, environment, async (Bucket) => {
    await new S3Client({ maxAttempts: 2 }).send(new HeadBucketCommand({ Bucket }));
    return [ok(`${Bucket} exists.`)];
  });
}
