import { conversationsTable } from '../core/conversations/table.ts';
import { eventSource } from '../core/events/source.ts';
import { messagesTable } from '../core/messages/table.ts';
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
} as const satisfies Record<string, FunctionSpec>;

export type FunctionName = keyof typeof functions;

/** The HTTP route that LiveChat calls. */
export const webhookRoute = { method: 'POST', path: '/livechat/webhook', function: 'webhook' } as const;

export interface RuleSpec {
  /** An EventBridge event pattern. */
  readonly pattern: Readonly<Record<string, unknown>>;
  readonly function: FunctionName;
}

const fromLiveChat = (detailType: string, target: FunctionName): RuleSpec => ({
  pattern: { source: [eventSource], 'detail-type': [detailType] },
  function: target,
});

/** Which event starts which function. `webhook.rejected` has no rule: it is there to be alarmed on and replayed by hand. */
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
};

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

/** Where failed asynchronous invocations and undeliverable events end. */
export const queues = { deadLetters: 'dead-letters' } as const;

/** Stored media, and events too large for the bus (under `events/`). */
export const bucket = { name: 'media', variable: 'MEDIA_BUCKET' } as const;

/** The other environment variables that every function gets from where it is deployed. */
export const variables = { bus: 'BUS_NAME', secretPrefix: 'SECRET_PREFIX' } as const;
