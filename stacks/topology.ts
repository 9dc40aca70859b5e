import { type Capability, carriersWith } from '../core/channel/spec.ts';
import { channels } from '../core/channels.ts';
import type { EventType } from '../core/events/catalogue.ts';
import { eventSource } from '../core/events/version.ts';
import { sendStateMachine } from '../core/outbound/state-machine.ts';
import { notRecovered, notReplayed, type Pattern, type RuleSources } from './patterns.ts';
import type { PermissionName } from './permissions.ts';

export { minimums, settings } from './function-settings.ts';
export { type Pattern, resolvePattern } from './patterns.ts';
export { type RouteSpec, webhookRoute, webhookRoutes, webhookThrottle } from './routes.ts';
export { archive, bucket, expiryAttribute, type TableSpec, tables } from './storage.ts';

/**
 * The functions, rules, tables and queues of the bridge as plain data. The stacks and the local engine both build from this
 * file. permissions.ts has the permissions of the functions.
 */

export const busName = 'omnichannel';

export interface FunctionSpec {
  /** `<file without extension>.<export>`, as Lambda expects it. */
  readonly handler: string;
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  /** Reserved concurrency; see {@link reserveConcurrency}. */
  readonly concurrency?: number;
  /** The permissions of its role. They also determine the resource names in its environment. */
  readonly permissions: readonly PermissionName[];
  /** The events that the rule with the name of the function passes to it. */
  readonly events?: Pattern;
}

/** Lambda's maximum, for functions that stop at breakpoints: under `sst dev`, and on the local engine with `--inspect`. */
export const debugTimeoutSeconds = 900;

/**
 * Defaults: Lambda allocates CPU in proportion to memory (one vCPU per 1,769 MB). 512 MB is cheap for a function that mostly
 * waits for AWS or LiveChat; less would lengthen the cold start.
 */
const functionSpec = <Spec extends Partial<FunctionSpec> & Pick<FunctionSpec, 'permissions'>>(
  name: string,
  spec: Spec,
) => ({
  handler: `functions/${name}.handler`,
  memoryMb: 512,
  timeoutSeconds: 60,
  ...spec,
});

const publishing = ['publish-events', 'store-large-events'] as const;
/** An edit or a deletion of a message deletes the S3 object of its large event. */
const storing = ['store-messages', 'delete-large-events'] as const;
const executing = ['start-executions', 'describe-executions', 'complete-tasks'] as const;

/**
 * A function that stores state and calls only AWS, for the events of its name: `chat-started` handles `chat.started`. 30 s
 * allow for the retries of concurrent writes to one conversation.
 */
const stateWriter = (name: string, permissions: readonly PermissionName[]) =>
  functionSpec(name, {
    timeoutSeconds: 30,
    permissions: ['read-large-events', ...permissions],
    events: { source: [eventSource], 'detail-type': [name.replace('-', '.')] },
  });

const recorder = (name: string) => stateWriter(name, ['record-conversations', 'correct-authors']);

/** Limits a rule to events of the channels that have a capability. */
const ofChannelsWith = (capability: Capability) => ({ carrier: carriersWith(capability) });

/**
 * The function that receives the webhooks of a channel. LiveChat times out after about 10 s, so the function has a shorter
 * timeout. It is latency-sensitive and parses up to 1 MiB, so it has twice the CPU of the others.
 */
const webhook = ({ handler }: { readonly handler: string }) =>
  functionSpec('webhook', {
    handler,
    memoryMb: 1024,
    timeoutSeconds: 8,
    permissions: [...publishing, 'read-credentials'],
  });

/** The webhook functions of all channels. The type has no keys, so that {@link functions} keeps its literal keys. */
const webhooks: Readonly<Record<never, FunctionSpec>> = Object.fromEntries(
  Object.values(channels).map((channel) => [channel.webhook.function, webhook(channel.webhook)]),
);

/** Makes several LiveChat calls; none starts that could outlast the 60 s. The reserved concurrency leaves capacity for other functions. */
const router = (name: string, detailType: EventType) =>
  functionSpec(name, {
    concurrency: 20,
    events: {
      source: [eventSource],
      'detail-type': [detailType],
      detail: { metadata: { ...notRecovered.metadata, ...ofChannelsWith('routing') } },
      ...notReplayed,
    },
    permissions: [
      'read-large-events',
      'read-credentials',
      'route-threads',
      'query-messages',
      'idempotency-records',
      'update-rate-limits',
      ...publishing,
    ],
  });

export const functions = {
  // LiveChat's webhook. The type of `functions` contains this key.
  webhook: webhook(channels.livechat.webhook),
  ...webhooks,
  'chat-started': recorder('chat-started'),
  'chat-updated': recorder('chat-updated'),
  'chat-observed': recorder('chat-observed'),
  'chat-deactivated': recorder('chat-deactivated'),
  'chat-transferred': recorder('chat-transferred'),
  'agent-changed': recorder('agent-changed'),
  'participant-changed': recorder('participant-changed'),
  'message-received': stateWriter('message-received', [
    'record-conversations',
    ...storing,
    'read-active-rules',
    // What it publishes is small, so it stores none in the bucket.
    'publish-events',
  ]),
  'note-received': stateWriter('note-received', ['read-participants', ...storing]),
  'message-updated': stateWriter('message-updated', ['read-participants', ...storing]),
  'note-updated': stateWriter('note-updated', ['read-participants', ...storing]),
  'message-deleted': stateWriter('message-deleted', [
    'conversations-table-name',
    'tombstone-messages',
    'list-media',
    'delete-media',
    'delete-large-events',
  ]),
  'message-delivered': stateWriter('message-delivered', ['record-conversations', ...storing]),
  'message-seen': stateWriter('message-seen', ['record-seen']),
  'postback-received': stateWriter('postback-received', ['conversations-table-name', 'store-postbacks']),
  'route-thread': router('route-thread', 'chat.started'),
  'route-first-message': router('route-first-message', 'routing.requested'),
  // 30 s for the download plus 15 s for the upload to S3. Files are streamed.
  'store-media': functionSpec('store-media', {
    permissions: [
      'read-large-events',
      'idempotency-records',
      'record-media',
      'put-media',
      'delete-media',
      // Without s3:ListBucket, S3 responds to a missing key with 403 instead of 404.
      'list-media',
      'record-conversations',
      'read-participants',
      ...storing,
      ...publishing,
    ],
    // Messages with a file, and claim checks, which may contain one.
    events: {
      source: [eventSource],
      'detail-type': ['message.received', 'message.delivered', 'note.received', 'message.updated', 'note.updated'],
      detail: {
        metadata: ofChannelsWith('files'),
        $or: [
          { data: { type: ['media'] } },
          { data: { message: { type: ['media'] } } },
          { dataRef: { key: [{ exists: true }] } },
        ],
      },
      ...notReplayed,
    },
  }),
  // The reserved concurrency leaves capacity for other functions when the runs of all organizations start at once.
  reconcile: functionSpec('reconcile', {
    timeoutSeconds: 300,
    concurrency: 10,
    permissions: [
      'read-large-events',
      'read-credentials',
      'update-rate-limits',
      'record-reconciliations',
      'query-conversations',
      'list-conversations',
      'get-listed-conversations',
      'query-messages',
      ...publishing,
    ],
    events: {
      source: [eventSource],
      'detail-type': ['reconciliation.requested'],
      detail: { metadata: ofChannelsWith('reconciliation') },
      ...notReplayed,
    },
  }),
  'schedule-reconciliation': functionSpec('schedule-reconciliation', {
    // Its events are small, so it stores none in the bucket.
    permissions: [
      'list-secrets',
      'read-credentials',
      'query-conversations',
      'read-reconciliations',
      'publish-events',
      'bucket-name',
    ],
  }),
  // These two have reserved concurrency, so that a flood of requests takes none of the webhook's.
  'send-requested': functionSpec('send-requested', {
    concurrency: 50,
    permissions: ['idempotency-records', 'create-deliveries', 'join-message-groups', ...executing, 'put-dead-letters'],
    events: { 'detail-type': ['message.send.requested'], ...notReplayed },
  }),
  'wait-for-turn': functionSpec('wait-for-turn', {
    concurrency: 50,
    permissions: ['join-message-groups', 'messages-table-name', ...executing],
  }),
  // The timeout is below that of the state machine's task (70 s). The function mostly waits for LiveChat: about ten concurrent
  // invocations for an organization with a backlog.
  send: functionSpec('send', {
    concurrency: 200,
    permissions: [
      'read-credentials',
      'update-rate-limits',
      'send-in-message-groups',
      'track-deliveries',
      'read-media',
      // Without s3:ListBucket, S3 responds to a missing key with 403 instead of 404.
      'list-media',
      ...executing,
      ...publishing,
    ],
  }),
  // Up to ten messages per batch with a few calls each. SQS redelivers a batch that times out.
  'dead-letter': functionSpec('dead-letter', {
    permissions: [
      'receive-dead-letters',
      'archive-dead-letters',
      'join-message-groups',
      ...executing,
      ...publishing,
      'put-dead-letters',
    ],
  }),
} satisfies Record<string, FunctionSpec>;

export type FunctionName = keyof typeof functions;

/** The functions of the send path, from the send request to LiveChat or a dead letter. */
export const outboundPath: ReadonlySet<string> = new Set<FunctionName>([
  'send-requested',
  'wait-for-turn',
  'send',
  'dead-letter',
]);

/** Sets the reserved concurrency of `send` to the setting SEND_CONCURRENCY. With 0, no function has reserved concurrency. */
export function reserveConcurrency<Spec extends { readonly concurrency?: number }>(
  all: Readonly<Record<string, Spec>>,
  sendConcurrency: number,
): Readonly<Record<string, Spec>> {
  const reserved = ([name, spec]: [string, Spec]): [string, Spec] => {
    if (!spec.concurrency) return [name, spec];
    if (sendConcurrency === 0) return [name, { ...spec, concurrency: 0 }];
    return [name, name === 'send' ? { ...spec, concurrency: sendConcurrency } : spec];
  };
  return Object.fromEntries(Object.entries(all).map(reserved));
}

/** The concurrent executions that functions reserve. */
export function sumReserved(all: Readonly<Record<string, { readonly concurrency?: number }>>): number {
  return Object.values(all).reduce((sum, { concurrency = 0 }) => sum + concurrency, 0);
}

/**
 * `deadLetters`: failed asynchronous invocations, undeliverable events and failed sends. `quarantine`: messages that the
 * dead-letter function failed to process.
 */
export const queues = { deadLetters: 'dead-letters', quarantine: 'quarantine' } as const;

export type QueueName = keyof typeof queues;

/** Event source mappings. After `maxReceiveCount` failed receives SQS moves a message to the quarantine queue. */
export const consumers = {
  'dead-letters': {
    queue: 'deadLetters',
    function: 'dead-letter',
    batchSize: 10,
    maxReceiveCount: 5,
    quarantine: 'quarantine',
  },
} as const satisfies Record<
  string,
  { queue: QueueName; function: FunctionName; quarantine: QueueName; [other: string]: unknown }
>;

export const stateMachines = {
  send: {
    definition: sendStateMachine,
    functions: { sendFunctionArn: 'send', waitForTurnFunctionArn: 'wait-for-turn' },
    queue: 'deadLetters',
  },
} as const satisfies Record<
  string,
  {
    functions: Readonly<Record<string, FunctionName>>;
    queue: QueueName;
    [other: string]: unknown;
  }
>;

export type StateMachineName = keyof typeof stateMachines;

export interface RuleSpec extends RuleSources {
  readonly pattern: Pattern;
  readonly target: { readonly function: string } | { readonly queue: QueueName };
  /** Default: the bus of the bridge. AWS services publish on the default bus. */
  readonly bus?: typeof busName | 'default';
}

const functionRules = Object.entries<FunctionSpec>(functions).flatMap(([name, { events }]) =>
  events ? [[name, { pattern: events, target: { function: name } }] as const] : [],
);

/** No rule matches `webhook.rejected`: an alarm reports it. */
export const rules: Readonly<Record<string, RuleSpec>> = {
  ...Object.fromEntries(functionRules),
  'send-ended': {
    pattern: {
      source: ['aws.states'],
      'detail-type': ['Step Functions Execution Status Change'],
      detail: { status: ['FAILED', 'TIMED_OUT', 'ABORTED'] },
    },
    target: { queue: 'deadLetters' },
    bus: 'default',
    sourceStateMachine: 'send',
  },
  // These alarms say that webhooks are lost. When they return to OK, the missing events are restored at once.
  'webhooks-recovered': {
    pattern: {
      source: ['aws.cloudwatch'],
      'detail-type': ['CloudWatch Alarm State Change'],
      detail: { state: { value: ['OK'] }, previousState: { value: ['ALARM'] } },
    },
    target: { function: 'schedule-reconciliation' },
    bus: 'default',
    sourceAlarms: ['webhook-errors', 'webhook-throttled', 'webhook-quiet'],
  },
};

/** The functions that rules invoke asynchronously. Their failed events go to the dead-letter queue. */
export const subscribers: readonly string[] = Object.values(rules).flatMap(({ target }) =>
  'function' in target ? target.function : [],
);

/** A function that EventBridge Scheduler invokes asynchronously at an interval. */
export interface ScheduleSpec {
  readonly function: string;
  /** The setting of the deployment with the interval in minutes. 0 turns the schedule off. */
  readonly setting: string;
  readonly defaultMinutes: number;
}

export const schedules = {
  reconciliation: {
    function: 'schedule-reconciliation',
    setting: 'RECONCILIATION_MINUTES',
    defaultMinutes: 15,
  },
} as const satisfies Record<string, ScheduleSpec & { readonly function: FunctionName }>;

export type ScheduleName = keyof typeof schedules;

/** The event that a schedule passes to its function. EventBridge Scheduler replaces the context attributes in angle brackets. */
export function scheduledEvent(id = '<aws.scheduler.execution-id>', time = '<aws.scheduler.scheduled-time>') {
  return { id, source: 'aws.scheduler', 'detail-type': 'Scheduled Event', time, detail: {} };
}

/** Alerts go to the topic of the alarms. The local engine shows them in the console. */
export const alertRule = {
  name: 'alert-raised',
  pattern: { source: [eventSource], 'detail-type': ['alert.raised'], ...notReplayed },
} as const satisfies { name: string; pattern: Pattern };
