import { conversationsTable } from '../core/conversations/table.ts';
import { eventSource } from '../core/events/catalogue.ts';
import { messagesTable } from '../core/messages/table.ts';
import { sendMachine } from '../core/outbound/machine.ts';
import type { ResourceVariable } from '../core/platform/configuration.ts';
import type { TableLayout } from '../core/platform/dynamodb.ts';
import type { PermissionName } from './permissions.ts';

/**
 * What the bridge is made of, as plain data. The cloud and the local engine both build from this file,
 * so that a function, rule, table or queue is named in one place.
 */

export const busName = 'omnichannel';

export interface FunctionSpec {
  /** File and export, without the extension, as SST and Lambda name it. */
  readonly handler: string;
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  /** How many run at once at most, apart from all other functions. */
  readonly concurrency?: number;
  /** The permissions of its role, and the resources whose names are in its environment. */
  readonly permissions: readonly PermissionName[];
}

/**
 * Keeps state, and calls nothing but AWS. Memory sets the share of a CPU too (1,769 MB are one): 512 MB costs little for a
 * function that mostly waits for DynamoDB, and less would make its cold start longer. Half a minute is room for a
 * conversation that many write at the same time.
 */
const stateWriter = (name: string, permissions: readonly PermissionName[]) =>
  ({
    handler: `functions/${name}.handler`,
    memoryMb: 512,
    timeoutSeconds: 30,
    permissions: ['read-large-events', ...permissions],
  }) as const satisfies FunctionSpec;

const recorder = (name: string) => stateWriter(name, ['record-conversations', 'correct-authors']);

/** Waits for the gate and for LiveChat, up to half a minute. A burst of chats must leave room for the other functions. */
const router = (name: string) =>
  ({
    handler: `functions/${name}.handler`,
    memoryMb: 512,
    timeoutSeconds: 60,
    concurrency: 20,
    permissions: [
      'read-large-events',
      'read-credentials',
      'route-threads',
      'idempotency-records',
      'update-rate-limits-and-queues',
      'publish-events',
      'store-large-events',
    ],
  }) as const satisfies FunctionSpec;

export const functions = {
  // LiveChat waits about 10 s; an answer after that counts for nothing, so the function gives up before. Somebody waits
  // for it, and it checks and translates up to 1 MiB: hence twice the CPU of the others.
  webhook: {
    handler: 'functions/webhook.handler',
    memoryMb: 1024,
    timeoutSeconds: 8,
    permissions: ['publish-events', 'store-large-events', 'read-credentials'],
  },
  'chat-started': recorder('chat-started'),
  'chat-updated': recorder('chat-updated'),
  'chat-deactivated': recorder('chat-deactivated'),
  'chat-transferred': recorder('chat-transferred'),
  'agent-changed': recorder('agent-changed'),
  'participant-changed': recorder('participant-changed'),
  'message-received': stateWriter('message-received', ['record-conversations', 'read-participants', 'store-messages']),
  'note-received': stateWriter('note-received', ['read-participants', 'store-messages']),
  'message-updated': stateWriter('message-updated', ['read-participants', 'store-messages']),
  'note-updated': stateWriter('note-updated', ['read-participants', 'store-messages']),
  'message-deleted': stateWriter('message-deleted', [
    'conversations-table-name',
    'tombstone-messages',
    'list-media',
    'delete-media',
  ]),
  'message-delivered': stateWriter('message-delivered', [
    'record-conversations',
    'read-participants',
    'store-messages',
  ]),
  'message-seen': stateWriter('message-seen', ['record-seen']),
  'postback-received': stateWriter('postback-received', ['conversations-table-name', 'store-postbacks']),
  'route-thread': router('route-thread'),
  'route-first-message': router('route-first-message'),
  // A download takes 30 s at most, and S3 has 15 s for it. A file is never in memory whole.
  'store-media': {
    handler: 'functions/store-media.handler',
    memoryMb: 512,
    timeoutSeconds: 60,
    permissions: [
      'read-large-events',
      'idempotency-records',
      'record-media',
      'put-media',
      'delete-media',
      'record-conversations',
      'read-participants',
      'store-messages',
      'publish-events',
      'store-large-events',
    ],
  },
  // A burst of sends must not take the webhook's place. It ends before its task in the state machine does (70 s). Most of
  // its time it waits, for its turn or for LiveChat: more memory would be wasted.
  send: {
    handler: 'functions/send.handler',
    memoryMb: 512,
    timeoutSeconds: 60,
    concurrency: 60,
    permissions: [
      'read-credentials',
      'update-rate-limits-and-queues',
      'track-deliveries',
      'read-media',
      // S3 says that a file is not there only to whoever may list.
      'list-media',
      'describe-executions',
      'publish-events',
      'store-large-events',
    ],
  },
  // Ten letters at a time, each a few calls; a batch that takes longer is read again.
  'dead-letter': {
    handler: 'functions/dead-letter.handler',
    memoryMb: 512,
    timeoutSeconds: 60,
    permissions: [
      'receive-dead-letters',
      'secret-prefix',
      'archive-dead-letters',
      'leave-queues',
      'publish-events',
      'store-large-events',
      'describe-executions',
      'start-executions',
      'delay-dead-letters',
    ],
  },
} as const satisfies Record<string, FunctionSpec>;

export type FunctionName = keyof typeof functions;

/**
 * The HTTP route that LiveChat calls. A call that is throttled it tries three times again within a minute, then never: the
 * limit is far above what organizations send, and keeps a flood from the account's other functions.
 */
export const webhookRoute = {
  method: 'POST',
  path: '/livechat/webhook',
  function: 'webhook',
  throttle: { perSecond: 500, burst: 1000 },
} as const;

/** Queues by what they hold: what failed (asynchronous invocations, undeliverable events, sends), and failures that could not be handled. */
export const queues = { deadLetters: 'dead-letters', quarantine: 'quarantine' } as const;

export type QueueName = keyof typeof queues;

/** Queues whose messages start a function. A message that it fails `maxReceiveCount` times is moved to the quarantine queue. */
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

/** `variable`: the environment variable in which functions find the state machine's ARN. */
export const stateMachines = {
  send: { definition: sendMachine, function: 'send', queue: 'deadLetters', variable: 'SEND_MACHINE_ARN' },
} as const satisfies Record<
  string,
  { function: FunctionName; queue: QueueName; variable: ResourceVariable; [other: string]: unknown }
>;

export type StateMachineName = keyof typeof stateMachines;

export type RuleTarget =
  | { readonly function: FunctionName }
  | { readonly stateMachine: StateMachineName }
  | { readonly queue: QueueName };

/** An EventBridge event pattern. */
export interface Pattern {
  /** What EventBridge adds to an event that is replayed from the archive. */
  readonly 'replay-name'?: readonly unknown[];
  readonly source?: readonly unknown[];
  readonly 'detail-type'?: readonly unknown[];
  readonly detail?: Readonly<Record<string, unknown>>;
}

export interface RuleSpec {
  readonly pattern: Pattern;
  readonly target: RuleTarget;
  /** AWS's own events come on the default bus; all others, and those without this, on ours. */
  readonly bus?: typeof busName | 'default';
  /** Only events of this state machine: `detail.stateMachineArn` of the pattern is filled in where its ARN is known. */
  readonly ofStateMachine?: StateMachineName;
}

const fromLiveChat = (detailType: string, name: FunctionName): RuleSpec => ({
  pattern: { source: [eventSource], 'detail-type': [detailType] },
  target: { function: name },
});

/**
 * What acts outside must not act once more when events are replayed from the archive. Those that only write state may:
 * told again, they change nothing.
 */
const unlessReplayed = { 'replay-name': [{ exists: false }] } as const;

/** Which event starts what. `webhook.rejected` has no rule: it is there to be alarmed on and replayed by hand. */
export const rules: Readonly<Record<string, RuleSpec>> = {
  'chat-started': fromLiveChat('chat.started', 'chat-started'),
  'chat-updated': fromLiveChat('chat.updated', 'chat-updated'),
  'chat-deactivated': fromLiveChat('chat.deactivated', 'chat-deactivated'),
  'chat-transferred': fromLiveChat('chat.transferred', 'chat-transferred'),
  'agent-changed': fromLiveChat('agent.changed', 'agent-changed'),
  'participant-changed': fromLiveChat('participant.changed', 'participant-changed'),
  'message-received': fromLiveChat('message.received', 'message-received'),
  'note-received': fromLiveChat('note.received', 'note-received'),
  'message-updated': fromLiveChat('message.updated', 'message-updated'),
  'note-updated': fromLiveChat('note.updated', 'note-updated'),
  'message-deleted': fromLiveChat('message.deleted', 'message-deleted'),
  'message-delivered': fromLiveChat('message.delivered', 'message-delivered'),
  'message-seen': fromLiveChat('message.seen', 'message-seen'),
  'postback-received': fromLiveChat('postback.received', 'postback-received'),
  'route-thread': {
    pattern: { source: [eventSource], 'detail-type': ['chat.started'], ...unlessReplayed },
    target: { function: 'route-thread' },
  },
  // An event too large for the bus has no data here, but no text is that large.
  'route-first-message': {
    pattern: {
      source: [eventSource],
      'detail-type': ['message.received'],
      detail: { data: { type: ['text'], author: { type: ['customer'] } } },
      ...unlessReplayed,
    },
    target: { function: 'route-first-message' },
  },
  // Messages with a file, and those too large for the bus, which may have one.
  'store-media': {
    pattern: {
      source: [eventSource],
      'detail-type': ['message.received', 'message.delivered', 'note.received', 'message.updated', 'note.updated'],
      detail: {
        $or: [
          { data: { type: ['media'] } },
          { data: { message: { type: ['media'] } } },
          { dataRef: { key: [{ exists: true }] } },
        ],
      },
      ...unlessReplayed,
    },
    target: { function: 'store-media' },
  },
  'send-requested': {
    pattern: { 'detail-type': ['message.send.requested'], ...unlessReplayed },
    target: { stateMachine: 'send' },
  },
  'send-ended': {
    pattern: {
      source: ['aws.states'],
      'detail-type': ['Step Functions Execution Status Change'],
      detail: { status: ['FAILED', 'TIMED_OUT', 'ABORTED'] },
    },
    target: { queue: 'deadLetters' },
    bus: 'default',
    ofStateMachine: 'send',
  },
};

/** The event that calls a human, by the same way as the alarms. On this machine the console shows it. */
export const alertRule = {
  name: 'alert-raised',
  pattern: { source: [eventSource], 'detail-type': ['alert.raised'], ...unlessReplayed },
} as const satisfies { name: string; pattern: Pattern };

/** What the bus has carried is kept for replays, save for send requests: what a customer is sent is sent on purpose. */
export const archive = {
  pattern: { 'detail-type': [{ 'anything-but': 'message.send.requested' }] },
  retentionDays: 14,
} as const satisfies { pattern: Pattern; retentionDays: number };

/** A rule's whole pattern, where the ARNs of state machines are known. */
export function patternOf<Arn>(
  { pattern, ofStateMachine }: { readonly pattern: Pattern; readonly ofStateMachine?: string },
  arnOf: (stateMachine: string) => Arn,
) {
  if (!ofStateMachine) return pattern;
  return { ...pattern, detail: { ...pattern.detail, stateMachineArn: [arnOf(ofStateMachine)] } };
}

export interface TableSpec {
  readonly layout: TableLayout;
  /** The environment variable in which functions find the table's name. */
  readonly variable: ResourceVariable;
}

/** Rate limits, queues of conversations and idempotency records. Every item expires. */
export const controlTable = { partitionKey: 'pk', indexes: [], expiry: 'expires' } as const satisfies TableLayout;

export const tables = {
  conversations: { layout: conversationsTable, variable: 'CONVERSATIONS_TABLE' },
  messages: { layout: messagesTable, variable: 'MESSAGES_TABLE' },
  control: { layout: controlTable, variable: 'CONTROL_TABLE' },
} as const satisfies Record<string, TableSpec>;

/** Stored media by organization, and events too large for the bus. */
export const bucket = { name: 'media', variable: 'MEDIA_BUCKET', eventsPrefix: 'events/' } as const satisfies {
  variable: ResourceVariable;
  [other: string]: string;
};

/** The other environment variables that name a resource. */
export const variables = {
  bus: 'BUS_NAME',
  secretPrefix: 'SECRET_PREFIX',
  deadLetterQueue: 'DEAD_LETTER_QUEUE_URL',
} as const satisfies Record<string, ResourceVariable>;

/** Settings of the functions: those that are set where the deployment is made go into every function's environment. */
export const settings = [
  'LOG_LEVEL',
  'WEBHOOK_MAX_BYTES',
  'EVENT_MAX_BYTES',
  'SECRET_CACHE_SECONDS',
  'CONVERSATIONS_RETENTION_DAYS',
  'MESSAGES_RETENTION_DAYS',
  'MEDIA_HOSTS',
  'MEDIA_OUTBOUND_HOSTS',
  'MEDIA_MAX_BYTES',
  'LIVECHAT_API_BASE_URL',
  'LIVECHAT_API_VERSION',
  'LIVECHAT_CALLS_PER_SECOND',
  'ROUTING_CACHE_SECONDS',
] as const;
