import { mergeFields } from '../conversations/projection.ts';
import { type Participant, toUtcMicroseconds } from '../events/schemas.ts';
import { authorFromId, userType, userTypeFromId } from './conventions.ts';
import { event as eventSchema, type LiveChatEvent, type LiveChatUser, type Payload } from './schemas.ts';
import {
  type BridgeIdentity,
  type EventDraft,
  formAnswers,
  isVisible,
  rejectedDraft,
  type Translators,
  threadKey,
  translateEvent,
} from './translate-message.ts';

/** Translates the webhook actions about chats and users. */
export const chatTranslators = {
  incoming_chat: (payload, { organizationId, identity }) => {
    const { id, thread } = payload.chat;
    const events = (thread.events ?? []).flatMap((raw, index): EventDraft[] => {
      const event = eventSchema.safeParse(raw);
      if (!event.success) {
        return [rejectedDraft('incoming_chat', `payload.chat.thread.events.${index}`, raw, event.error)];
      }
      return translateEvent(event.data, { conversationId: id, threadId: thread.id }, organizationId);
    });
    return [chatStarted(payload, identity), ...events];
  },

  chat_deactivated: (payload) => [
    { type: 'chat.deactivated', data: { ...threadKey(payload), by: optionalAuthor(payload.user_id) } },
  ],

  chat_transferred: (payload) => {
    const { transferred_to: to, reason, requester_id, queue } = payload;
    const data = {
      ...optionalThreadKey(payload),
      to: { agents: to?.agent_ids ?? undefined, groups: to?.group_ids ?? undefined },
      reason: reason ?? 'other',
      by: optionalAuthor(requester_id),
      queue: toQueue(queue),
    };
    return [{ type: 'chat.transferred', data }];
  },

  chat_access_updated: ({ id, thread_id, access }) => [
    {
      type: 'chat.updated',
      data: { ...optionalThreadKey({ chat_id: id, thread_id }), groups: access.group_ids ?? [] },
    },
  ],

  thread_tagged: (payload) => [{ type: 'chat.updated', data: { ...threadKey(payload), tag: payload.tag } }],

  thread_untagged: (payload) => [{ type: 'chat.updated', data: { ...threadKey(payload), untag: payload.tag } }],

  incoming_rich_message_postback: (payload) => {
    const { id, toggled, button_type, button_value } = payload.postback;
    const data = {
      ...threadKey(payload),
      messageId: payload.event_id,
      button: { id, toggled: toggled ?? true, type: button_type ?? undefined, value: button_value ?? undefined },
      user: authorFromId(payload.user_id),
    };
    return [{ type: 'postback.received', data }];
  },

  events_marked_as_seen: (payload) => {
    const seenUpTo = toUtcMicroseconds(payload.seen_up_to);
    const data = { ...optionalThreadKey(payload), by: authorFromId(payload.user_id), seenUpTo };
    return [{ type: 'message.seen', data, occurredAt: seenUpTo }];
  },

  user_added_to_chat: (payload) => {
    const user = toParticipant(payload.user, payload.user_type);
    return [membershipChanged('joined', payload, { ...user, present: user.present ?? true })];
  },

  user_removed_from_chat: (payload) => {
    const { user_id: id, user_type } = payload;
    return [membershipChanged('left', payload, { id, type: userType(id, user_type), present: false })];
  },

  // Named in the original specification only. Its payload has the agent who joins in place of the previous one.
  agent_changed: (payload) => {
    const agent = { id: payload.agent_id, type: userType(payload.agent_id, 'agent') };
    const replaces = payload.previous_agent_id ?? undefined;
    return [{ type: 'agent.changed', data: { ...optionalThreadKey(payload), change: 'joined', agent, replaces } }];
  },

  customer_session_fields_updated: ({ id, active_chat, session_fields }) => {
    // Without an active chat there is no conversation to store the fields in.
    if (!active_chat) return [];
    const type = userTypeFromId(id) === 'unknown' ? 'customer' : userTypeFromId(id);
    const participant = { id, type, fields: toFields(session_fields) };
    return [
      { type: 'participant.changed', data: { ...optionalThreadKey(active_chat), change: 'fields', participant } },
    ];
  },
} satisfies Partial<Translators>;

/** For actions that may omit the thread. An empty `thread_id` counts as missing. */
function optionalThreadKey(payload: { chat_id: string; thread_id?: string | null | undefined }) {
  return { conversationId: payload.chat_id, threadId: payload.thread_id || undefined };
}

function optionalAuthor(id: string | null | undefined) {
  return id ? authorFromId(id) : undefined;
}

type IncomingChat = Payload<'incoming_chat'>;
type Thread = IncomingChat['chat']['thread'];

function chatStarted(payload: IncomingChat, identity: BridgeIdentity): EventDraft {
  const { chat, transferred_from: from, requester_id } = payload;
  const { thread } = chat;
  const reason = from ? 'transferred' : thread.previous_thread_id ? 'reopened' : 'new';
  const createdAt = toUtcMicroseconds(thread.created_at);
  const participants = (chat.users ?? []).map((user) => toParticipant(user));
  const sourcePage = threadProperty(thread, 'routing', 'start_url');
  return {
    type: 'chat.started',
    ids: [chat.id, thread.id, reason],
    occurredAt: createdAt,
    data: {
      conversationId: chat.id,
      threadId: thread.id,
      reason,
      createdAt,
      active: thread.active ?? true,
      previousThreadId: thread.previous_thread_id ?? undefined,
      participants,
      groups: (thread.access ?? chat.access)?.group_ids ?? [],
      sourcePage: typeof sourcePage === 'string' ? shorten(sourcePage) : undefined,
      queue: toQueue(thread.queue),
      tags: thread.tags ?? [],
      transferredFrom: from ? { agents: from.agent_ids ?? [], groups: from.group_ids ?? [] } : undefined,
      causedByUs: isCausedByBridge(payload, identity),
      by: optionalAuthor(requester_id),
      returning: isReturning(payload),
      opening: openingMessages(thread, participants),
    },
  };
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
    if (!event || event.deleted || !isVisible(event)) return [];
    const author = authorFromId(event.author_id);
    return (types.get(author.id) ?? author.type) === 'customer' ? [event] : [];
  });
  const answers = fromCustomer.flatMap(({ type, fields }) => (type === 'filled_form' ? formAnswers(fields) : []));
  const texts = fromCustomer.flatMap(({ type, text }) =>
    type === 'message' && typeof text === 'string' ? [text] : [],
  );
  return answers.length > 0 || texts.length > 0 ? { answers, text: texts[0] } : undefined;
}

/** Undefined if LiveChat gives neither a previous thread nor the number of threads and chats. */
function isReturning({ chat }: IncomingChat): boolean | undefined {
  if (chat.thread.previous_thread_id) return true;
  const counts = (chat.users ?? []).flatMap(visitCounts);
  return counts.length > 0 ? counts.some((count) => count > 1) : undefined;
}

/** The number of threads and of chats a customer has had, including this one. */
function visitCounts({ statistics }: LiveChatUser): number[] {
  return ['threads_count', 'chats_count'].flatMap((name) => {
    const count = property(statistics, name);
    return typeof count === 'number' ? [count] : [];
  });
}

/** LiveChat's properties are `{ namespace: { name: value } }`. */
function threadProperty({ properties }: Thread, namespace: string, name: string): unknown {
  return property(property(properties, namespace), name);
}

/** An own property of a JSON object; undefined for any other value. */
function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? new Map(Object.entries(value)).get(name) : undefined;
}

function toQueue(queue: Thread['queue']) {
  if (!queue) return undefined;
  const { position, wait_time, queued_at, queued_at_us } = queue;
  return {
    position: position ?? undefined,
    waitTime: wait_time ?? undefined,
    queuedAt: queued_at ?? queued_at_us ?? undefined,
  };
}

/** `agent.changed` for agents and bots, `participant.changed` for other users. */
function membershipChanged(
  change: 'joined' | 'left',
  payload: Payload<'user_added_to_chat' | 'user_removed_from_chat'>,
  user: Participant,
): EventDraft {
  const data = { ...optionalThreadKey(payload), change, by: optionalAuthor(payload.requester_id) };
  return user.type === 'agent' || user.type === 'bot'
    ? { type: 'agent.changed', data: { ...data, agent: user, reason: payload.reason ?? undefined } }
    : { type: 'participant.changed', data: { ...data, participant: user } };
}

function toParticipant(user: LiveChatUser, declaredType?: string | null): Participant {
  const type = userType(user.id, user.type ?? declaredType);
  return {
    id: user.id,
    type,
    misleadingId: type === userTypeFromId(user.id) ? undefined : true,
    name: shorten(user.name),
    email: shorten(user.email),
    present: user.present ?? undefined,
    hidden: user.visibility ? user.visibility !== 'all' : undefined,
    fields: user.session_fields ? toFields(user.session_fields) : undefined,
    country: (user.visit ?? user.last_visit)?.geolocation?.country_code ?? undefined,
  };
}

/** A customer can choose these texts. They must fit into a DynamoDB item. */
const maxTextLength = 8_192;

function shorten(text: string | null | undefined): string | undefined {
  return text?.slice(0, maxTextLength).toWellFormed();
}

/** Converts LiveChat's list of one-key objects. The last value of a name is used. */
function toFields(sessionFields: readonly Readonly<Record<string, unknown>>[]): Record<string, string> {
  const fields = sessionFields
    .flatMap(Object.entries)
    .map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]);
  return mergeFields({}, Object.fromEntries(fields));
}
