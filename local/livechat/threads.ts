import {
  type Author,
  addEvent,
  allThreads,
  andThen,
  type Chat,
  changeThread,
  type EventDraft,
  requireActive,
  type Step,
  systemMessage,
  tick,
  withIdle,
  withThread,
  withUser,
} from './chats.ts';
import { ChatConflict } from './errors.ts';
import { queueFrom } from './participants.ts';
import type { Access, Agent, Customer, Properties, Queue, Thread, User } from './shapes.ts';
import { customerVisit, newAgent, widgetSource } from './users.ts';
import { type WebhookPayloads, webhookOf } from './webhooks.ts';

const chatProperties: Properties = {
  routing: { continuous: false, email_follow_up: false, pinned: false, was_pinned: false },
  source: widgetSource,
};

const threadProperties: Properties = {
  routing: {
    continuous: false,
    idle: false,
    unassigned: false,
    unreplied: false,
    referrer: 'https://shop.example/',
    start_url: 'https://shop.example/cart',
  },
  source: widgetSource,
};

const newThread = (id: string, at: string, users: readonly User[], access: Access): Thread => ({
  id,
  active: true,
  created_at: at,
  user_ids: users.filter((user) => user.present).map((user) => user.id),
  events: [],
  properties: threadProperties,
  access,
  customer_visit: customerVisit,
});

const incomingChat = (chat: Chat, requesterId: string | undefined): WebhookPayloads['incoming_chat'] => {
  const { id, users, properties, access, thread } = chat;
  const told = { chat: { id, users, properties, access, thread } };
  return requesterId === undefined ? told : { requester_id: requesterId, ...told };
};

/** The first events of a thread are told inside `incoming_chat`, not one by one. */
const begin = (empty: Chat, events: readonly EventDraft[], now: number, requesterId?: string): Step => {
  const chat = events.reduce((before, draft) => addEvent(before, draft, now).chat, empty);
  const eventId = chat.thread.events.at(-1)?.id;
  return {
    chat,
    webhooks: [webhookOf(chat, 'incoming_chat', incomingChat(chat, requesterId))],
    ...(eventId !== undefined && { eventId }),
  };
};

export interface Start {
  readonly chatId: string;
  readonly threadId: string;
  readonly customer: Customer;
  readonly group: number;
  /** The agent who gets the chat, or its place in the queue. */
  readonly assignment: { readonly agentId: string } | { readonly queuePosition: number };
  readonly events: readonly EventDraft[];
  /** RFC 3339 with microseconds, and the same as a number. */
  readonly at: string;
  readonly microseconds: number;
}

export const startChat = (start: Start, now: number): Step => {
  const { assignment, at, chatId } = start;
  const agents: Agent[] = 'agentId' in assignment ? [newAgent(assignment.agentId)] : [];
  const queue: Queue | undefined = 'agentId' in assignment ? undefined : queueFrom(assignment.queuePosition, at);
  const users = [start.customer, ...agents];
  const access = { group_ids: [start.group] };
  const thread = { ...newThread(start.threadId, at, users, access), ...(queue && { queue }) };
  const empty: Chat = {
    id: chatId,
    users,
    properties: chatProperties,
    access,
    thread,
    earlierThreads: [],
    lastMicroseconds: start.microseconds,
  };
  return begin(empty, start.events, now);
};

export interface Reopening {
  readonly threadId: string;
  /** Who is there from its first moment; an id that the chat does not know is a new agent. */
  readonly userIds: readonly string[];
  readonly events: readonly EventDraft[];
  /** An application reopens it, not the customer. */
  readonly by?: Author;
  /** Given as false, the thread is closed from the start: it only holds its events. */
  readonly active?: boolean;
}

/** A new thread of the same chat. */
export const reopen = (before: Chat, reopening: Reopening, now: number): Step => {
  if (before.thread.active) {
    throw new ChatConflict(`Chat ${before.id} is still active: write into it, or close it before it is reopened.`);
  }
  const { threadId, userIds, by, active = true } = reopening;
  const { chat: ticked, at } = tick(before, now);
  const empty = { ...ticked, users: ticked.users.map((user) => away(user, ticked.earlierThreads.length + 2)) };
  const { id, users, access, ...rest } = userIds.reduce(enter, empty);
  const closed: Thread = { ...before.thread, next_thread_id: threadId };
  const properties = by ? { ...threadProperties, source: { client_id: by.clientId } } : threadProperties;
  const begun = { ...newThread(threadId, at, users, access), active, properties };
  const thread = { ...begun, previous_thread_id: before.thread.id };
  const chat = { ...rest, id, users, access, thread, earlierThreads: [...before.earlierThreads, closed] };
  return begin(chat, reopening.events, now, by?.id);
};

const away = (user: User, threadsCount: number): User =>
  user.type === 'agent'
    ? { ...user, present: false }
    : { ...user, present: false, statistics: { ...user.statistics, threads_count: threadsCount } };

const enter = (chat: Chat, userId: string): Chat => {
  const known = chat.users.find(({ id }) => id === userId) ?? newAgent(userId);
  return withUser(chat, { ...known, present: true });
};

const deactivate = (before: Chat, userId?: string): Step => {
  const chat = withThread(before, { active: false });
  const payload = { chat_id: chat.id, thread_id: chat.thread.id, ...(userId !== undefined && { user_id: userId }) };
  return { chat, webhooks: [webhookOf(chat, 'chat_deactivated', payload)] };
};

/** The customer or an agent ends the thread. */
export const close = (chat: Chat, user: User, now: number): Step => {
  const text = `${user.name} archived the chat`;
  const told = systemMessage(chat, `manual_archived_${user.type}`, text, { [user.type]: user.name }, now);
  return andThen(told, (after) => deactivate(after, user.id));
};

/** The router ends the thread: LiveChat then names no user. */
export const archive = (chat: Chat, now: number): Step => {
  const text = 'Chat archived due to 30 minutes of inactivity';
  return andThen(systemMessage(chat, 'routing.archived_inactive', text, { duration: '30' }, now), deactivate);
};

export const idle = (chat: Chat, now: number): Step => {
  requireActive(chat);
  const text = 'Chat is idle due to 15 minutes of inactivity';
  return systemMessage(withIdle(chat, true), 'routing.idle', text, { duration: '15' }, now);
};

const tagsOf = (chat: Chat, threadId: string): readonly string[] =>
  allThreads(chat).find(({ id }) => id === threadId)?.tags ?? [];

export const tag = (before: Chat, threadId: string, name: string): Step => {
  const tags = tagsOf(before, threadId);
  if (tags.includes(name)) throw new ChatConflict(`Thread ${threadId} has the tag ${name} already.`);
  const chat = changeThread(before, threadId, (thread) => ({ ...thread, tags: [...tags, name] }));
  const payload = { chat_id: chat.id, thread_id: threadId, tag: name };
  return { chat, webhooks: [webhookOf(chat, 'thread_tagged', payload)] };
};

export const untag = (before: Chat, threadId: string, name: string): Step => {
  const tags = tagsOf(before, threadId);
  if (!tags.includes(name)) throw new ChatConflict(`Thread ${threadId} has no tag ${name}.`);
  const rest = tags.filter((other) => other !== name);
  const chat = changeThread(before, threadId, (thread) => ({ ...thread, tags: rest }));
  const payload = { chat_id: chat.id, thread_id: threadId, tag: name };
  return { chat, webhooks: [webhookOf(chat, 'thread_untagged', payload)] };
};
