import type { AnyEvent } from '../../events/event.ts';
import type { Participant } from '../../events/schemas.ts';
import { inMicroseconds } from '../../events/time.ts';
import { answersOf } from '../forms.ts';
import { event as eventSchema, type LiveChatEvent, type LiveChatUser, type Payload } from '../schemas.ts';
import { author, participantOf } from '../users.ts';
import type { Self, Translate } from './context.ts';
import { appeared } from './messages.ts';
import { rejected } from './rejected.ts';

type Started = Payload<'incoming_chat'>;
type Thread = Started['chat']['thread'];

export const incomingChat: Translate<Started> = (payload, translation) => {
  const { chat, transferred_from: from } = payload;
  const { thread } = chat;
  const place = { conversationId: chat.id, threadId: thread.id };
  const reason = from ? 'transferred' : thread.previous_thread_id ? 'reopened' : 'new';
  const createdAt = inMicroseconds(thread.created_at);
  const participants = (chat.users ?? []).map((user) => participantOf(user));
  const started = translation.event(
    'chat.started',
    {
      ...place,
      reason,
      createdAt,
      active: thread.active ?? true,
      previousThreadId: thread.previous_thread_id ?? undefined,
      participants,
      groups: (thread.access ?? chat.access)?.group_ids ?? [],
      sourcePage: sourcePage(thread),
      queue: thread.queue ? queueOf(thread.queue) : undefined,
      tags: thread.tags ?? [],
      transferredFrom: from ? { agents: from.agent_ids ?? [], groups: from.group_ids ?? [] } : undefined,
      causedByUs: causedBy(translation.self, payload),
      by: payload.requester_id ? author(payload.requester_id) : undefined,
      returning: isReturning(payload),
      opening: openingOf(thread, participants),
    },
    [chat.id, thread.id, reason],
    createdAt,
  );
  const events = (thread.events ?? []).flatMap((raw, index): AnyEvent[] => {
    const event = eventSchema.safeParse(raw);
    if (event.success) return appeared(event.data, place, translation);
    return [rejected(event.error, `payload.chat.thread.events.${index}`, raw, translation)];
  });
  return [started, ...events];
};

function causedBy(self: Self, payload: Started): boolean {
  const source = property(payload.chat.thread, 'source', 'client_id');
  return (
    (self.clientId !== undefined && source === self.clientId) ||
    (self.agentId !== undefined && payload.requester_id === self.agentId)
  );
}

/** What the customer had said already: forms and the first text. */
function openingOf(thread: Thread, participants: readonly Participant[]) {
  const types = new Map(participants.map(({ id, type }) => [id, type]));
  const said = (thread.events ?? []).flatMap((raw): LiveChatEvent[] => {
    const { data: event } = eventSchema.safeParse(raw);
    const by = event && author(event.author_id);
    return event && !event.deleted && by && (types.get(by.id) ?? by.type) === 'customer' ? [event] : [];
  });
  const answers = said.flatMap(({ type, fields }) => (type === 'filled_form' ? answersOf(fields) : []));
  const text = said.find(({ type, text }) => type === 'message' && typeof text === 'string')?.text;
  if (answers.length === 0 && typeof text !== 'string') return undefined;
  return { answers, text: typeof text === 'string' ? text : undefined };
}

/** Undefined where LiveChat tells neither an earlier thread nor how many there were. */
function isReturning({ chat }: Started): boolean | undefined {
  if (chat.thread.previous_thread_id) return true;
  const counts = (chat.users ?? []).flatMap(countsOf);
  return counts.length > 0 ? counts.some((count) => count > 1) : undefined;
}

/** How many threads and chats a customer has had, this one among them. */
function countsOf({ statistics }: LiveChatUser): number[] {
  const counted = new Map(Object.entries(typeof statistics === 'object' && statistics !== null ? statistics : {}));
  return ['threads_count', 'chats_count'].flatMap((name) => {
    const count: unknown = counted.get(name);
    return typeof count === 'number' ? [count] : [];
  });
}

function sourcePage(thread: Thread): string | undefined {
  const page = property(thread, 'routing', 'start_url');
  return typeof page === 'string' ? page : undefined;
}

/** LiveChat's properties are `{ namespace: { name: value } }`. */
function property(thread: Thread, namespace: string, name: string): unknown {
  const properties = thread.properties?.[namespace];
  return typeof properties === 'object' && properties !== null
    ? new Map(Object.entries(properties)).get(name)
    : undefined;
}

function queueOf(queue: NonNullable<Thread['queue']>) {
  return { position: queue.position, waitTime: queue.wait_time, queuedAt: queue.queued_at ?? queue.queued_at_us };
}

export const chatDeactivated: Translate<Payload<'chat_deactivated'>> = (payload, translation) => [
  translation.happening('chat.deactivated', {
    conversationId: payload.chat_id,
    threadId: payload.thread_id,
    by: payload.user_id ? author(payload.user_id) : undefined,
  }),
];

export const chatTransferred: Translate<Payload<'chat_transferred'>> = (payload, translation) => [
  translation.happening('chat.transferred', {
    conversationId: payload.chat_id,
    threadId: payload.thread_id || undefined,
    to: { agents: payload.transferred_to?.agent_ids, groups: payload.transferred_to?.group_ids },
    reason: payload.reason ?? 'other',
    by: payload.requester_id ? author(payload.requester_id) : undefined,
    queue: payload.queue ? queueOf(payload.queue) : undefined,
  }),
];

export const accessUpdated: Translate<Payload<'chat_access_updated'>> = (payload, translation) => [
  translation.happening('chat.updated', {
    conversationId: payload.id,
    threadId: payload.thread_id || undefined,
    groups: payload.access.group_ids ?? [],
  }),
];

export const tagged: Translate<Payload<'thread_tagged'>> = (payload, translation) => [
  translation.happening('chat.updated', {
    conversationId: payload.chat_id,
    threadId: payload.thread_id,
    tag: payload.tag,
  }),
];

export const untagged: Translate<Payload<'thread_untagged'>> = (payload, translation) => [
  translation.happening('chat.updated', {
    conversationId: payload.chat_id,
    threadId: payload.thread_id,
    untag: payload.tag,
  }),
];
