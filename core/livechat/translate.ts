import type * as z from 'zod/mini';
import type { EventData, EventType } from '../events/catalogue.ts';
import type { AnyEvent, DomainEvent } from '../events/event.ts';
import { describeIssues } from '../events/event.ts';
import { contentHash, deriveId } from '../events/ids.ts';
import type { NormalizedMessage, Participant } from '../events/schemas.ts';
import { toUtcMicroseconds } from '../events/schemas.ts';
import { authorFromId, userType, userTypeFromId } from './conventions.ts';
import { formAnswers, normalize, sessionFields, toParticipant } from './normalize.ts';
import {
  type Action,
  event as eventSchema,
  isAction,
  type LiveChatEvent,
  type LiveChatUser,
  type Payload,
  payloads,
} from './schemas.ts';

/** A verified webhook, secret removed. */
export interface Webhook {
  readonly organizationId: string;
  readonly action: string;
  readonly payload: unknown;
  /** ISO 8601, milliseconds. */
  readonly receivedAt: string;
}

/** The bridge's own LiveChat ids, to recognize chats that it started. */
export interface BridgeIdentity {
  readonly clientId?: string | undefined;
  readonly agentId?: string | undefined;
}

/**
 * Identical payloads received in the same five-minute interval get the same event id, since LiveChat retries for about a minute. Later
 * ones count as two: the same transfer or click can happen twice.
 */
const deduplicationIntervalMs = 300_000;

/** Creates the domain events of one webhook, with ids derived from their content. */
export class EventFactory {
  readonly webhook: Webhook;
  readonly identity: BridgeIdentity;
  readonly #hash: string;

  constructor(webhook: Webhook, identity: BridgeIdentity) {
    this.webhook = webhook;
    this.identity = identity;
    this.#hash = contentHash(webhook.payload);
  }

  /** An event identified by LiveChat's own ids. */
  fromIds<T extends EventType>(
    type: T,
    data: EventData<T>,
    ids: readonly string[],
    occurredAt?: string,
  ): DomainEvent<T> {
    const { organizationId, receivedAt, action } = this.webhook;
    return {
      type,
      metadata: {
        id: deriveId(type, organizationId, ...ids),
        version: '1',
        correlationId: deriveId(organizationId, action, this.#hash),
        organizationId,
        carrier: 'livechat',
        occurredAt: occurredAt ?? receivedAt,
        receivedAt,
      },
      data,
    };
  }

  /**
   * An event without an id of its own, such as a transfer or a click: identified by the payload and the interval in
   * which it was received. `part` distinguishes events of one webhook.
   */
  fromContent<T extends EventType>(
    type: T,
    data: EventData<T>,
    { occurredAt, part = '' }: { readonly occurredAt?: string; readonly part?: string } = {},
  ): DomainEvent<T> {
    const interval = Math.floor(Date.parse(this.webhook.receivedAt) / deduplicationIntervalMs);
    return this.fromIds(type, data, [this.webhook.action, this.#hash, String(interval), part], occurredAt);
  }

  /** An authentic body, or a part of one, that does not match its schema: kept whole, with the issues by path. */
  rejected(error: z.core.$ZodError, path: string, body: unknown): AnyEvent {
    const issues = describeIssues(error).map((issue) => ({
      path: issue.path === '(root)' ? path : `${path}.${issue.path}`,
      message: issue.message,
    }));
    return this.fromContent('webhook.rejected', { action: this.webhook.action, issues, body }, { part: path });
  }
}

/**
 * Translates one webhook to domain events: none for an action without a domain event, `webhook.rejected` for a body
 * that does not match its schema. Pure; does not throw for any JSON.
 */
export function translate(webhook: Webhook, identity: BridgeIdentity): AnyEvent[] {
  return isAction(webhook.action) ? translateAction(webhook.action, new EventFactory(webhook, identity)) : [];
}

function translateAction<A extends Action>(action: A, create: EventFactory): AnyEvent[] {
  const schema: z.ZodMiniType<Payload<A>> = schemas[action];
  const payload = schema.safeParse(create.webhook.payload);
  if (!payload.success) return [create.rejected(payload.error, 'payload', create.webhook.payload)];
  return translators[action](payload.data, create);
}

type Translator<A extends Action> = (payload: Payload<A>, create: EventFactory) => AnyEvent[];

const schemas: { readonly [A in Action]: z.ZodMiniType<Payload<A>> } = payloads;

const translators: { readonly [A in Action]: Translator<A> } = {
  incoming_chat: translateIncomingChat,

  chat_deactivated: ({ chat_id, thread_id, user_id }, create) => [
    create.fromContent('chat.deactivated', {
      conversationId: chat_id,
      threadId: thread_id,
      by: optionalAuthor(user_id),
    }),
  ],

  chat_transferred: (payload, create) => [
    create.fromContent('chat.transferred', {
      ...optionalThread(payload),
      to: { agents: payload.transferred_to?.agent_ids, groups: payload.transferred_to?.group_ids },
      reason: payload.reason ?? 'other',
      by: optionalAuthor(payload.requester_id),
      queue: payload.queue ? toQueue(payload.queue) : undefined,
    }),
  ],

  chat_access_updated: ({ id, thread_id, access }, create) => [
    create.fromContent('chat.updated', {
      ...optionalThread({ chat_id: id, thread_id }),
      groups: access.group_ids ?? [],
    }),
  ],

  thread_tagged: (payload, create) => [
    create.fromContent('chat.updated', { ...threadPlace(payload), tag: payload.tag }),
  ],

  thread_untagged: (payload, create) => [
    create.fromContent('chat.updated', { ...threadPlace(payload), untag: payload.tag }),
  ],

  incoming_event: (payload, create) => translateEvent(payload.event, threadPlace(payload), create),

  event_updated: (payload, create) => {
    const place = threadPlace(payload);
    if (payload.event.deleted) return [messageDeleted(payload.event.id, place, create)];
    const message = normalize(payload.event, { organizationId: create.webhook.organizationId, ...place });
    return [create.fromContent(message.visibility === 'agents' ? 'note.updated' : 'message.updated', message)];
  },

  event_deleted: (payload, create) => [messageDeleted(payload.event_id, threadPlace(payload), create)],

  incoming_rich_message_postback: (payload, create) => [
    create.fromContent('postback.received', {
      ...threadPlace(payload),
      messageId: payload.event_id,
      button: {
        id: payload.postback.id,
        toggled: payload.postback.toggled ?? true,
        type: payload.postback.button_type ?? undefined,
        value: payload.postback.button_value ?? undefined,
      },
      user: authorFromId(payload.user_id),
    }),
  ],

  events_marked_as_seen: (payload, create) => {
    const seenUpTo = toUtcMicroseconds(payload.seen_up_to);
    const data = { ...optionalThread(payload), by: authorFromId(payload.user_id), seenUpTo };
    return [create.fromContent('message.seen', data, { occurredAt: seenUpTo })];
  },

  user_added_to_chat: (payload, create) => {
    const participant = toParticipant(payload.user, payload.user_type);
    return [membershipChanged('joined', payload, { ...participant, present: payload.user.present ?? true }, create)];
  },

  user_removed_from_chat: (payload, create) => {
    const type = userType(payload.user_id, payload.user_type);
    return [membershipChanged('left', payload, { id: payload.user_id, type, present: false }, create)];
  },

  agent_changed: (payload, create) => [
    create.fromContent('agent.changed', {
      ...optionalThread(payload),
      change: 'joined',
      agent: { id: payload.agent_id, type: userType(payload.agent_id, 'agent') },
      replaces: payload.previous_agent_id ?? undefined,
    }),
  ],

  // Without an active chat there is no conversation to store the fields in.
  customer_session_fields_updated: ({ id, active_chat, session_fields }, create) => {
    if (!active_chat) return [];
    const type = userTypeFromId(id) === 'unknown' ? 'customer' : userTypeFromId(id);
    return [
      create.fromContent('participant.changed', {
        ...optionalThread(active_chat),
        change: 'fields',
        participant: { id, type, fields: sessionFields(session_fields) },
      }),
    ];
  },
};

interface ThreadPlace {
  readonly conversationId: string;
  readonly threadId: string;
}

function threadPlace(payload: { chat_id: string; thread_id: string }): ThreadPlace {
  return { conversationId: payload.chat_id, threadId: payload.thread_id };
}

/** For actions that may leave the thread out. An empty `thread_id` counts as missing. */
function optionalThread(payload: { chat_id: string; thread_id?: string | null | undefined }) {
  return { conversationId: payload.chat_id, threadId: payload.thread_id || undefined };
}

function optionalAuthor(id: string | null | undefined) {
  return id ? authorFromId(id) : undefined;
}

type IncomingChat = Payload<'incoming_chat'>;
type Thread = IncomingChat['chat']['thread'];

function translateIncomingChat(payload: IncomingChat, create: EventFactory): AnyEvent[] {
  const { chat, transferred_from: from } = payload;
  const { thread } = chat;
  const place = { conversationId: chat.id, threadId: thread.id };
  const reason = from ? 'transferred' : thread.previous_thread_id ? 'reopened' : 'new';
  const createdAt = toUtcMicroseconds(thread.created_at);
  const participants = (chat.users ?? []).map((user) => toParticipant(user));
  const sourcePage = threadProperty(thread, 'routing', 'start_url');
  const started = create.fromIds(
    'chat.started',
    {
      ...place,
      reason,
      createdAt,
      active: thread.active ?? true,
      previousThreadId: thread.previous_thread_id ?? undefined,
      participants,
      groups: (thread.access ?? chat.access)?.group_ids ?? [],
      sourcePage: typeof sourcePage === 'string' ? sourcePage : undefined,
      queue: thread.queue ? toQueue(thread.queue) : undefined,
      tags: thread.tags ?? [],
      transferredFrom: from ? { agents: from.agent_ids ?? [], groups: from.group_ids ?? [] } : undefined,
      causedByUs: isCausedByBridge(payload, create.identity),
      by: optionalAuthor(payload.requester_id),
      returning: isReturning(payload),
      opening: openingMessages(thread, participants),
    },
    [chat.id, thread.id, reason],
    createdAt,
  );
  const events = (thread.events ?? []).flatMap((raw, index): AnyEvent[] => {
    const event = eventSchema.safeParse(raw);
    if (event.success) return translateEvent(event.data, place, create);
    return [create.rejected(event.error, `payload.chat.thread.events.${index}`, raw)];
  });
  return [started, ...events];
}

function isCausedByBridge({ chat, requester_id }: IncomingChat, { clientId, agentId }: BridgeIdentity): boolean {
  const source = threadProperty(chat.thread, 'source', 'client_id');
  return (clientId !== undefined && source === clientId) || (agentId !== undefined && requester_id === agentId);
}

/** What the customer sent before the chat started: form answers and the first text. */
function openingMessages(thread: Thread, participants: readonly Participant[]) {
  const types = new Map(participants.map(({ id, type }) => [id, type]));
  const fromCustomer = (thread.events ?? []).flatMap((raw): LiveChatEvent[] => {
    const { data: event } = eventSchema.safeParse(raw);
    if (!event || event.deleted) return [];
    const author = authorFromId(event.author_id);
    return (types.get(author.id) ?? author.type) === 'customer' ? [event] : [];
  });
  const answers = fromCustomer.flatMap(({ type, fields }) => (type === 'filled_form' ? formAnswers(fields) : []));
  const text = fromCustomer.find(({ type, text }) => type === 'message' && typeof text === 'string')?.text;
  if (answers.length === 0 && typeof text !== 'string') return undefined;
  return { answers, text: typeof text === 'string' ? text : undefined };
}

/** Undefined if LiveChat gives neither a previous thread nor the number of threads and chats. */
function isReturning({ chat }: IncomingChat): boolean | undefined {
  if (chat.thread.previous_thread_id) return true;
  const counts = (chat.users ?? []).flatMap(visitCounts);
  return counts.length > 0 ? counts.some((count) => count > 1) : undefined;
}

/** The number of threads and of chats a customer has had, including this one. */
function visitCounts({ statistics }: LiveChatUser): number[] {
  const values = new Map(Object.entries(typeof statistics === 'object' && statistics !== null ? statistics : {}));
  return ['threads_count', 'chats_count'].flatMap((name) => {
    const count: unknown = values.get(name);
    return typeof count === 'number' ? [count] : [];
  });
}

/** LiveChat's properties are `{ namespace: { name: value } }`. */
function threadProperty(thread: Thread, namespace: string, name: string): unknown {
  const properties = thread.properties?.[namespace];
  if (typeof properties !== 'object' || properties === null) return undefined;
  return new Map(Object.entries(properties)).get(name);
}

function toQueue(queue: NonNullable<Thread['queue']>) {
  return { position: queue.position, waitTime: queue.wait_time, queuedAt: queue.queued_at ?? queue.queued_at_us };
}

/** Translates an event from `incoming_event` or from the thread in `incoming_chat`, with the same event id for both. */
function translateEvent(event: LiveChatEvent, place: ThreadPlace, create: EventFactory): AnyEvent[] {
  if (event.deleted) return [messageDeleted(event.id, place, create)];
  const message = normalize(event, { organizationId: create.webhook.organizationId, ...place });
  const ids = [place.conversationId, place.threadId, event.id];
  const isNote = message.visibility === 'agents';
  const note = isNote ? [create.fromIds('note.received', message, ids, message.timestamp)] : [];
  const deliveryId = ownDeliveryId(event, message);
  if (deliveryId) {
    const data = { ...place, messageId: event.id, deliveryId, message: isNote ? undefined : message };
    return [...note, create.fromIds('message.delivered', data, ids, message.timestamp)];
  }
  return isNote ? note : [create.fromIds('message.received', message, ids, message.timestamp)];
}

/** The `custom_id` if the bridge sent the message. A customer cannot forge a receipt by choosing such an id. */
function ownDeliveryId({ custom_id }: LiveChatEvent, { author }: NormalizedMessage): string | undefined {
  return custom_id?.startsWith('out-') && author.type !== 'customer' ? custom_id : undefined;
}

function messageDeleted(messageId: string, place: ThreadPlace, create: EventFactory): AnyEvent {
  const ids = [place.conversationId, place.threadId, messageId];
  return create.fromIds('message.deleted', { ...place, messageId }, ids);
}

interface Membership {
  readonly chat_id: string;
  readonly thread_id?: string | null | undefined;
  readonly reason?: string | null | undefined;
  readonly requester_id?: string | null | undefined;
}

/** `agent.changed` for agents and bots, `participant.changed` for other users. */
function membershipChanged(
  change: 'joined' | 'left',
  membership: Membership,
  user: Participant,
  create: EventFactory,
): AnyEvent {
  const data = { ...optionalThread(membership), change, by: optionalAuthor(membership.requester_id) };
  if (user.type !== 'agent' && user.type !== 'bot') {
    return create.fromContent('participant.changed', { ...data, participant: user });
  }
  return create.fromContent('agent.changed', { ...data, agent: user, reason: membership.reason ?? undefined });
}
