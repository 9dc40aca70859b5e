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
import { type Finding, fault, ok, problemsOr, warning } from '../../core/channel/finding.ts';
import { loadPorts } from '../../core/channel/ports.ts';
import { channelDoctors } from '../../core/channels.ts';
import { ConfigurationError, wholeNumber } from '../../core/platform/configuration.ts';
import {
  expiryAttribute,
  type FunctionSpec,
  functions,
  minimums,
  reserveConcurrency,
  sumReserved,
  type TableSpec,
  tables,
} from '../../stacks/topology.ts';
import { checkResource } from './finding.ts';

/** The functions' settings, parsed as the functions parse them. */
export async function checkSettings(): Promise<readonly Finding[]> {
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
  const doctors = await loadPorts(channelDoctors);
  const faults = [
    ...[...minimums, ['SEND_CONCURRENCY', 0] as const].flatMap(([setting, min]) =>
      check(() => wholeNumber(setting, min, min)),
    ),
    ...[...doctors.values()].flatMap((create) => create().settings.flatMap(check)),
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
export async function checkTables(): Promise<readonly Finding[]> {
  const client = new DynamoDBClient({ maxAttempts: 2 });
  const checkTable = (spec: TableSpec) =>
    checkResource('table', spec.variable, async (TableName) => {
      const { Table = {} } = await client.send(new DescribeTableCommand({ TableName }));
      const { TimeToLiveDescription = {} } = await client.send(new DescribeTimeToLiveCommand({ TableName }));
      const flaws = tableFlaws(Table, TimeToLiveDescription, spec);
      return flaws.map((flaw) => fault(`The table ${TableName} ${flaw}`));
    });
  const expected = Object.values<TableSpec>(tables);
  const faults = (await Promise.all(expected.map(checkTable))).flat();
  return problemsOr(faults, `Correct: ${expected.map(({ variable }) => process.env[variable]).join(', ')}.`);
}

/** Several batches of the consumer: a longer backlog means that it is too slow or does not run. */
const backlogLimit = 100;
const redrivePolicy = z.looseObject({ deadLetterTargetArn: z.string() });
const sqs = new SQSClient({ maxAttempts: 2 });

export async function readQueue(QueueUrl: string): Promise<Partial<Record<string, string>>> {
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
  return Attributes ?? {};
}

const waitingMessages = (queue: Partial<Record<string, string>>) => Number(queue.ApproximateNumberOfMessages ?? 0);

/** The dead-letter queue and its quarantine queue exist and have no backlog. */
export function checkQueues(): Promise<readonly Finding[]> {
  const check = async (url: string) => {
    const queue = await readQueue(url);
    const waiting = waitingMessages(queue);
    const message = `Messages waiting in ${url}: ${waiting}.`;
    const fix = 'See the log and the event source mapping of functions/dead-letter.';
    const backlog = waiting > backlogLimit ? [warning(message, fix)] : [];
    return problemsOr([...backlog, ...(await checkQuarantine(queue.RedrivePolicy))], message);
  };
  return checkResource('queue', 'DEAD_LETTER_QUEUE_URL', check, ', or its quarantine queue does not');
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
export function checkStateMachine(): Promise<readonly Finding[]> {
  const check = async (stateMachineArn: string) => {
    const { status } = await new SFNClient({ maxAttempts: 2 }).send(
      new DescribeStateMachineCommand({ stateMachineArn }),
    );
    const message = `${stateMachineArn} is ${status}.`;
    return [status === 'ACTIVE' ? ok(message) : fault(message)];
  };
  return checkResource('state machine', 'SEND_MACHINE_ARN', check, ': nothing is sent');
}

/** Lambda keeps this many concurrent executions unreserved in every account. */
const minUnreserved = 100;
/** The default limit of an account. New accounts start with 10. */
const defaultLimit = 1_000;

/** The account's limit of concurrent executions allows what the functions reserve. */
export async function checkConcurrency(): Promise<readonly Finding[]> {
  const sendConcurrency = wholeNumber('SEND_CONCURRENCY', functions.send.concurrency);
  const reserved = sumReserved(reserveConcurrency<FunctionSpec>(functions, sendConcurrency));
  const { AccountLimit } = await new LambdaClient({ maxAttempts: 2 }).send(new GetAccountSettingsCommand({}));
  const { ConcurrentExecutions: limit = 0, UnreservedConcurrentExecutions: unreserved = 0 } = AccountLimit ?? {};
  return [concurrencyFinding(reserved, limit, unreserved)];
}

/** @param unreserved of the account, whose other functions can have reserved executions too */
export function concurrencyFinding(reserved: number, limit: number, unreserved: number): Finding {
  const raise = 'Request a limit of at least 1000 (Service Quotas, AWS Lambda, Concurrent executions)';
  if (reserved > Math.max(0, limit - minUnreserved)) {
    const message = `The functions reserve ${reserved} concurrent executions. This exceeds the account's limit of ${limit}, since ${minUnreserved} must stay unreserved. The deployment will fail.`;
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
export function checkBucket(): Promise<readonly Finding[]> {
  const check = async (Bucket: string) => {
    await new S3Client({ maxAttempts: 2 }).send(new HeadBucketCommand({ Bucket }));
    return [ok(`${Bucket} exists.`)];
  };
  return checkResource('bucket', 'MEDIA_BUCKET', check, ': large events and files are not stored');
}
