import { randomUUID } from 'node:crypto';
import {
  DeleteRuleCommand,
  EventBridgeClient,
  ListRulesCommand,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from '@aws-sdk/client-eventbridge';
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteQueueCommand,
  GetQueueUrlCommand,
  type Message,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import * as z from 'zod/mini';
import { required, resourcePrefix } from '../core/platform/configuration.ts';
import { parseJson } from '../core/platform/json.ts';
import { ifFound } from './doctor/finding.ts';

/** A rule and a queue that exist while `livechat events tail` runs. Both have the same name. */
export interface Tail {
  readonly name: string;
  /** ms since 1970: until when the command has extended its use. */
  readonly inUseUntil: number;
}

export interface TailFilter {
  /** Detail-types, or starts of them with `*` at the end. */
  readonly type?: readonly string[] | undefined;
  readonly chat?: string | undefined;
  readonly organization?: string | undefined;
}

/** An event as EventBridge puts it into a queue. */
const busEvent = z.object({
  id: z.string(),
  'detail-type': z.string(),
  source: z.string(),
  time: z.string(),
  'replay-name': z.optional(z.string()),
  detail: z.record(z.string(), z.unknown()),
});
export type BusEvent = z.infer<typeof busEvent>;

const waitSeconds = 20;
const clientConfig = (requestTimeout: number) => ({
  maxAttempts: 3,
  requestHandler: { connectionTimeout: 3000, requestTimeout, throwOnRequestTimeout: true },
});
const eventBridge = new EventBridgeClient(clientConfig(5000));
const sqs = new SQSClient(clientConfig((waitSeconds + 5) * 1000));

const targetId = 'queue';
/** The queue holds contents of messages, so SQS deletes them soon. */
const retentionSeconds = 300;
const useMs = 900_000;
const extendMs = 300_000;

const namePrefix = (): string => `${resourcePrefix()}tail-`;

const description = (until: number) =>
  `Temporary rule of livechat events tail, in use until ${new Date(until).toISOString()}`;

/**
 * Yields the events on the bus that match, from now on, until `signal` is aborted. Then, and after an error, it removes its rule
 * and queue. `onReady` is called when the rule and queue exist; AWS applies a new rule after some seconds.
 */
export async function* tailBus(filter: TailFilter, signal: AbortSignal, onReady: () => void): AsyncGenerator<BusEvent> {
  const name = `${namePrefix()}${randomUUID().slice(0, 8)}`;
  const rule = { Name: name, EventBusName: required('BUS_NAME'), EventPattern: JSON.stringify(toPattern(filter)) };
  const putRule = () => eventBridge.send(new PutRuleCommand({ ...rule, Description: description(Date.now() + useMs) }));
  let extension: NodeJS.Timeout | undefined;
  try {
    const { RuleArn = '' } = await putRule();
    // The use of a failed extension ends early, and doctor may then remove the rule.
    extension = setInterval(() => void putRule().catch(() => {}), extendMs);
    const queueUrl = await createQueue(name, RuleArn);
    onReady();
    yield* receive(queueUrl, signal);
  } finally {
    clearInterval(extension);
    await removeTail(name);
  }
}

const createQueue = async (name: string, ruleArn: string): Promise<string> => {
  const [, partition, , region, account] = ruleArn.split(':');
  const queueArn = ['arn', partition, 'sqs', region, account, name].join(':');
  const statement = {
    Effect: 'Allow',
    Principal: { Service: 'events.amazonaws.com' },
    Action: 'sqs:SendMessage',
    Resource: queueArn,
    Condition: { ArnEquals: { 'aws:SourceArn': ruleArn } },
  };
  const Attributes = {
    MessageRetentionPeriod: String(retentionSeconds),
    Policy: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
  };
  const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes }));
  const Targets = [{ Id: targetId, Arn: queueArn }];
  await eventBridge.send(new PutTargetsCommand({ Rule: name, EventBusName: required('BUS_NAME'), Targets }));
  return QueueUrl;
};

/** Both fields can hold the organization: send requests of other services may have no metadata. */
const toPattern = ({ type, chat, organization }: TailFilter) => {
  const data = chat === undefined ? {} : { conversationId: [chat] };
  const details =
    organization === undefined
      ? [{ data }]
      : [{ metadata: { organizationId: [organization] }, data }, { data: { ...data, organizationId: [organization] } }];
  const alternatives = details.map((detail) => ({ detail: withoutEmpty(detail) }));
  return {
    source: [{ prefix: '' }],
    ...(type && { 'detail-type': type.map((one) => (one.endsWith('*') ? { prefix: one.slice(0, -1) } : one)) }),
    ...(organization === undefined ? withoutEmpty(alternatives[0] ?? {}) : { $or: alternatives }),
  };
};

/** EventBridge rejects an empty object in a pattern. */
const withoutEmpty = (pattern: Readonly<Record<string, object>>) =>
  Object.fromEntries(Object.entries(pattern).filter(([, value]) => Object.keys(value).length > 0));

const batchSize = 10;
/** While events come faster than one call receives them. */
const parallelCalls = 5;

async function* receive(QueueUrl: string, signal: AbortSignal): AsyncGenerator<BusEvent> {
  const call = async (WaitTimeSeconds: number): Promise<readonly Message[]> => {
    const command = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: batchSize, WaitTimeSeconds });
    try {
      return (await sqs.send(command, { abortSignal: signal })).Messages ?? [];
    } catch (error) {
      if (signal.aborted) return [];
      throw error;
    }
  };
  let calls = 1;
  while (!signal.aborted) {
    // Parallel calls do not wait: a call that receives nothing would delay the events of the others.
    const wait = calls === 1 ? waitSeconds : 0;
    const messages = (await Promise.all(Array.from({ length: calls }, () => call(wait)))).flat();
    calls = messages.length >= batchSize ? parallelCalls : 1;
    const events = messages.flatMap(({ Body = '' }) => busEvent.safeParse(parseJson(Body)).data ?? []);
    yield* events.toSorted((a, b) => (a.time < b.time ? -1 : 1));
    await deleteMessages(QueueUrl, messages);
  }
}

const deleteMessages = async (QueueUrl: string, messages: readonly Message[]): Promise<void> => {
  for (let start = 0; start < messages.length; start += batchSize) {
    const Entries = messages
      .slice(start, start + batchSize)
      .map(({ ReceiptHandle }, index) => ({ Id: `${index}`, ReceiptHandle }));
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  }
};

/** Idempotent. The rule is removed last: {@link listTails} finds what remains by it. */
export async function removeTail(name: string): Promise<void> {
  const EventBusName = required('BUS_NAME');
  const removeQueue = async () => {
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: name }));
    await sqs.send(new DeleteQueueCommand({ QueueUrl }));
  };
  await ifFound(removeQueue());
  await ifFound(eventBridge.send(new RemoveTargetsCommand({ Rule: name, EventBusName, Ids: [targetId] })));
  await ifFound(eventBridge.send(new DeleteRuleCommand({ Name: name, EventBusName })));
}

/** The rules of all running `livechat events tail` commands, and of those that ended without removing them. */
export async function listTails(): Promise<readonly Tail[]> {
  const query = { EventBusName: required('BUS_NAME'), NamePrefix: namePrefix() };
  const { Rules = [] } = await eventBridge.send(new ListRulesCommand(query));
  return Rules.flatMap(({ Name, Description = '' }) => {
    const until = Date.parse(/ in use until (\S+)$/.exec(Description)?.[1] ?? '');
    return Name === undefined || Number.isNaN(until) ? [] : [{ name: Name, inUseUntil: until }];
  });
}
