import { conversationsTable } from '../core/conversations/table.ts';
import { eventSource } from '../core/events/source.ts';
import { messagesTable } from '../core/messages/table.ts';
import { sendMachine } from '../core/outbound/machine.ts';
import { controlTable } from '../core/platform/control-table.ts';
import type { TableLayout } from '../core/platform/table.ts';

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
}

const stateWriter = (name: string): FunctionSpec => ({
  handler: `functions/${name}.handler`,
  memoryMb: 512,
  timeoutSeconds: 30,
});

export const functions = {
  // LiveChat waits about 10 s; an answer after that counts for nothing, so the function gives up before.
  webhook: { handler: 'functions/webhook.handler', memoryMb: 1024, timeoutSeconds: 8 },
  'chat-started': stateWriter('chat-started'),
  'chat-updated': stateWriter('chat-updated'),
  'chat-deactivated': stateWriter('chat-deactivated'),
  'chat-transferred': stateWriter('chat-transferred'),
  'agent-changed': stateWriter('agent-changed'),
  'participant-changed': stateWriter('participant-changed'),
  'message-received': stateWriter('message-received'),
  'note-received': stateWriter('note-received'),
  'message-updated': stateWriter('message-updated'),
  'note-updated': stateWriter('note-updated'),
  'message-deleted': stateWriter('message-deleted'),
  'message-delivered': stateWriter('message-delivered'),
  'message-seen': stateWriter('message-seen'),
  'postback-received': stateWriter('postback-received'),
  // A download takes 30 s at most.
  'store-media': { handler: 'functions/store-media.handler', memoryMb: 512, timeoutSeconds: 60 },
  // A burst of sends must not take the webhook's place. It ends before its task in the state machine does (70 s).
  send: { handler: 'functions/send.handler', memoryMb: 512, timeoutSeconds: 60, concurrency: 60 },
  'dead-letter': { handler: 'functions/dead-letter.handler', memoryMb: 512, timeoutSeconds: 60 },
} as const satisfies Record<string, FunctionSpec>;

export type FunctionName = keyof typeof functions;

/** The HTTP route that LiveChat calls. */
export const webhookRoute = { method: 'POST', path: '/livechat/webhook', function: 'webhook' } as const;

/** Queues by what they hold: what failed (asynchronous invocations, undeliverable events, sends), and failures that could not be handled. */
export const queues = { deadLetters: 'dead-letters', parked: 'parked' } as const;

export type QueueName = keyof typeof queues;

/** Queues whose messages start a function. A message that it fails `maxReceiveCount` times is parked. */
export const consumers = {
  'dead-letters': {
    queue: 'deadLetters',
    function: 'dead-letter',
    batchSize: 10,
    maxReceiveCount: 5,
    parked: 'parked',
  },
} as const satisfies Record<
  string,
  { queue: QueueName; function: FunctionName; parked: QueueName; [other: string]: unknown }
>;

/** `variable`: the environment variable in which functions find the state machine's ARN. */
export const stateMachines = {
  send: { definition: sendMachine, function: 'send', queue: 'deadLetters', variable: 'SEND_MACHINE_ARN' },
} as const satisfies Record<string, { function: FunctionName; queue: QueueName; [other: string]: unknown }>;

export type StateMachineName = keyof typeof stateMachines;

export type RuleTarget =
  | { readonly function: FunctionName }
  | { readonly stateMachine: StateMachineName }
  | { readonly queue: QueueName };

/** An EventBridge event pattern. */
export interface Pattern {
  readonly source?: readonly unknown[];
  readonly 'detail-type'?: readonly unknown[];
  readonly 'replay-name'?: readonly unknown[];
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
  readonly variable: string;
}

export const tables = {
  conversations: { layout: conversationsTable, variable: 'CONVERSATIONS_TABLE' },
  messages: { layout: messagesTable, variable: 'MESSAGES_TABLE' },
  control: { layout: controlTable, variable: 'CONTROL_TABLE' },
} as const satisfies Record<string, TableSpec>;

/** Stored media, and events too large for the bus (under `events/`). */
export const bucket = { name: 'media', variable: 'MEDIA_BUCKET' } as const;

/** The other environment variables that every function gets from where it is deployed. */
export const variables = { bus: 'BUS_NAME', secretPrefix: 'SECRET_PREFIX' } as const;
