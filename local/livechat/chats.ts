import { chatConflict } from './errors.ts';
import {
  type Access,
  type Agent,
  type ChatEvent,
  type Customer,
  createAgent,
  customerVisit,
  type EventContent,
  type Properties,
  queueEntry,
  type Thread,
  toTimestamp,
  type User,
  type Visibility,
  widgetSource,
} from './objects.ts';
import { createWebhook, type Webhook, type WebhookAction } from './webhooks.ts';

/** A chat as LiveChat stores it. Immutable, so that a webhook keeps the state at the time of its event. */
export interface Chat {
  readonly id: string;
  readonly users: readonly User[];
  readonly properties: Properties;
  readonly access: Access;
  /** The newest thread, active or not. */
  readonly thread: Thread;
  /** Oldest first. */
  readonly earlierThreads: readonly Thread[];
  /** When each closed thread was closed, in milliseconds since 1970, by thread id. */
  readonly closedAt: Readonly<Record<string, number>>;
  /** The last timestamp used in this chat; the next one is greater. */
  readonly lastMicroseconds: number;
}

/** The result of an action: the new state of the chat, and the webhooks to send in this order. */
export interface ChatUpdate {
  readonly chat: Chat;
  readonly webhooks: readonly Webhook[];
  /** The event that was created or changed. */
  readonly eventId?: string | undefined;
}

/** The author of an event, with the application used, which LiveChat reports as `properties.source.client_id`. */
export interface Author {
  readonly id: string;
  readonly clientId: string;
}

export interface EventDraft {
  readonly content: EventContent;
  readonly author?: Author | undefined;
  readonly visibility?: Visibility | undefined;
  readonly customId?: string | undefined;
  readonly properties?: Properties | undefined;
}

export const allThreads = (chat: Chat): readonly Thread[] => [...chat.earlierThreads, chat.thread];

export const getCustomer = (chat: Chat): Customer => {
  const customer = chat.users.find((user) => user.type === 'customer');
  if (customer === undefined) throw new Error(`Chat ${chat.id} has no customer; every chat is created with one.`);
  return customer;
};

export const presentAgents = (chat: Chat): readonly Agent[] =>
  chat.users.filter((user) => user.type === 'agent').filter((agent) => agent.present);

/** Agents whom the customer sees. */
export const publicAgents = (chat: Chat): readonly Agent[] =>
  presentAgents(chat).filter(({ visibility }) => visibility === 'all');

/** The ids with which most webhooks name their thread. */
export const threadRef = (chat: Chat) => ({ chat_id: chat.id, thread_id: chat.thread.id });

/** An update with one webhook. */
export const notify = (chat: Chat, action: WebhookAction, payload: object, eventId?: string): ChatUpdate => ({
  chat,
  webhooks: [createWebhook(chat, action, payload)],
  eventId,
});

/** Applies a second update to the result of the first one and concatenates their webhooks. */
export const chain = (first: ChatUpdate, next: (chat: Chat) => ChatUpdate): ChatUpdate => {
  const second = next(first.chat);
  return { ...first, ...second, webhooks: [...first.webhooks, ...second.webhooks] };
};

export const withThread = (chat: Chat, change: Partial<Thread>): Chat => ({
  ...chat,
  thread: { ...chat.thread, ...change },
});

export const mapThreads = (chat: Chat, change: (thread: Thread) => Thread): Chat => ({
  ...chat,
  thread: change(chat.thread),
  earlierThreads: chat.earlierThreads.map(change),
});

/** Adds or replaces a user. `user_ids` keeps every user who was in the thread. */
export const withUser = (chat: Chat, user: User): Chat => {
  const exists = chat.users.some(({ id }) => id === user.id);
  const users = exists ? chat.users.map((other) => (other.id === user.id ? user : other)) : [...chat.users, user];
  const listed = chat.thread.user_ids.includes(user.id) || !user.present;
  const user_ids = listed ? chat.thread.user_ids : [...chat.thread.user_ids, user.id];
  return withThread({ ...chat, users }, { user_ids });
};

/** Reserves the next timestamp of the chat. @param now milliseconds since 1970 */
export const nextTimestamp = (chat: Chat, now: number): { readonly chat: Chat; readonly at: string } => {
  const lastMicroseconds = Math.max(chat.lastMicroseconds + 1, now * 1000);
  return { chat: { ...chat, lastMicroseconds }, at: toTimestamp(lastMicroseconds) };
};

const withIdle = (chat: Chat, idle: boolean): Chat => {
  const { properties } = chat.thread;
  return withThread(chat, { properties: { ...properties, routing: { ...properties.routing, idle } } });
};

/** Events are numbered from 1 in their thread. */
export const nextEventId = ({ id, events }: Thread): string => `${id}_${events.length + 1}`;

/** Adds an event without a webhook. */
const addEvent = (before: Chat, draft: EventDraft, now: number): { chat: Chat; event: ChatEvent } => {
  const { chat, at } = nextTimestamp(before, now);
  const { content, author, visibility = 'all', properties } = draft;
  const id = nextEventId(chat.thread);
  // LiveChat's own applications set a custom_id on user events. Without hyphens it differs from those of this bridge.
  const custom_id = draft.customId ?? (author && chat.lastMicroseconds.toString(36));
  const event: ChatEvent = {
    id,
    ...content,
    created_at: at,
    visibility,
    author_id: author?.id,
    custom_id,
    properties: author && { source: { client_id: author.clientId }, ...properties },
  };
  const added = withThread(chat, { events: [...chat.thread.events, event] });
  return { chat: author === undefined ? added : withIdle(added, false), event };
};

/** Adds an event to the thread: `incoming_event`. */
export const appendEvent = (before: Chat, draft: EventDraft, now: number): ChatUpdate => {
  const { chat, event } = addEvent(before, draft, now);
  return notify(chat, 'incoming_event', { ...threadRef(chat), event }, event.id);
};

export const appendSystemMessage = (
  chat: Chat,
  system_message_type: string,
  text: string,
  text_vars: Readonly<Record<string, string>>,
  now: number,
): ChatUpdate => appendEvent(chat, { content: { type: 'system_message', text, system_message_type, text_vars } }, now);

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

const createThread = (id: string, at: string, users: readonly User[], access: Access): Thread => ({
  id,
  active: true,
  created_at: at,
  user_ids: users.filter((user) => user.present).map((user) => user.id),
  events: [],
  properties: threadProperties,
  access,
  customer_visit: customerVisit,
});

/** Adds the first events of a new thread. They are part of `incoming_chat`, not webhooks of their own. */
const openThread = (empty: Chat, events: readonly EventDraft[], now: number, requesterId?: string): ChatUpdate => {
  const chat = events.reduce((before, draft) => addEvent(before, draft, now).chat, empty);
  const eventId = chat.thread.events.at(-1)?.id;
  const { id, users, properties, access, thread } = chat;
  const payload = { requester_id: requesterId, chat: { id, users, properties, access, thread } };
  return notify(chat, 'incoming_chat', payload, eventId);
};

export interface NewChat {
  readonly chatId: string;
  readonly threadId: string;
  readonly customer: Customer;
  readonly group: number;
  /** The agent who gets the chat; null adds it to the queue. */
  readonly agentId: string | null;
  readonly queuePosition: number;
  readonly events: readonly EventDraft[];
}

export const createChat = (options: NewChat, now: number): ChatUpdate => {
  const { agentId, chatId, customer, group, threadId } = options;
  const at = customer.created_at;
  const users = agentId === null ? [customer] : [customer, createAgent(agentId)];
  const queue = agentId === null && { queue: queueEntry(options.queuePosition, at) };
  const access = { group_ids: [group] };
  const thread = { ...createThread(threadId, at, users, access), ...queue };
  const empty: Chat = {
    id: chatId,
    users,
    properties: chatProperties,
    access,
    thread,
    earlierThreads: [],
    closedAt: {},
    lastMicroseconds: now * 1000,
  };
  return openThread(empty, options.events, now);
};

export interface NewThread {
  readonly threadId: string;
  /** The users in the thread from its start. An unknown id becomes a new agent. */
  readonly userIds: readonly string[];
  readonly events: readonly EventDraft[];
  /** Set if an application, not the customer, reopens the chat. */
  readonly by?: Author;
  /** If false, the thread is created closed and only holds its events. */
  readonly active?: boolean;
}

/** Adds a thread to a chat whose last thread is closed. */
export const reopenChat = (before: Chat, options: NewThread, now: number): ChatUpdate => {
  if (before.thread.active) {
    throw chatConflict(`Chat ${before.id} is still active. Close it before you reopen it.`);
  }
  const { threadId, userIds, by, active = true } = options;
  const { chat: reserved, at } = nextTimestamp(before, now);
  const threadsCount = reserved.earlierThreads.length + 2;
  const absent = { ...reserved, users: reserved.users.map((user) => toAbsent(user, threadsCount)) };
  const entered = userIds.reduce(enter, absent);
  const closed: Thread = { ...before.thread, next_thread_id: threadId };
  const properties = by ? { ...threadProperties, source: { client_id: by.clientId } } : threadProperties;
  const created = { ...createThread(threadId, at, entered.users, entered.access), active, properties };
  const thread = { ...created, previous_thread_id: before.thread.id };
  const reopened = { ...entered, thread, earlierThreads: [...before.earlierThreads, closed] };
  const chat = active ? reopened : withClosedAt(reopened, now);
  return openThread(chat, options.events, now, by?.id);
};

const toAbsent = (user: User, threadsCount: number): User =>
  user.type === 'agent'
    ? { ...user, present: false }
    : { ...user, present: false, statistics: { ...user.statistics, threads_count: threadsCount } };

const enter = (chat: Chat, userId: string): Chat => {
  const user = chat.users.find(({ id }) => id === userId) ?? createAgent(userId);
  return withUser(chat, { ...user, present: true });
};

const withClosedAt = (chat: Chat, now: number): Chat => ({
  ...chat,
  closedAt: { ...chat.closedAt, [chat.thread.id]: now },
});

const deactivate = (before: Chat, now: number, userId?: string): ChatUpdate => {
  const chat = withClosedAt(withThread(before, { active: false }), now);
  return notify(chat, 'chat_deactivated', { ...threadRef(chat), ...(userId !== undefined && { user_id: userId }) });
};

/** The customer or an agent closes the thread. */
export const closeThread = (chat: Chat, user: User, now: number): ChatUpdate => {
  const text = `${user.name} archived the chat`;
  const announced = appendSystemMessage(chat, `manual_archived_${user.type}`, text, { [user.type]: user.name }, now);
  return chain(announced, (after) => deactivate(after, now, user.id));
};

/** The router closes the thread. LiveChat then sends no user id. */
export const archiveThread = (chat: Chat, now: number): ChatUpdate => {
  const text = 'Chat archived due to 30 minutes of inactivity';
  const announced = appendSystemMessage(chat, 'routing.archived_inactive', text, { duration: '30' }, now);
  return chain(announced, (after) => deactivate(after, now));
};

export const markIdle = (chat: Chat, now: number): ChatUpdate => {
  const text = 'Chat is idle due to 15 minutes of inactivity';
  return appendSystemMessage(withIdle(chat, true), 'routing.idle', text, { duration: '15' }, now);
};

/** Adds or removes a tag of a thread, which may be closed. */
export const changeTags = (
  before: Chat,
  threadId: string,
  tag: string,
  action: 'thread_tagged' | 'thread_untagged',
): ChatUpdate => {
  const tags = allThreads(before).find(({ id }) => id === threadId)?.tags ?? [];
  const hasTag = tags.includes(tag);
  if (hasTag === (action === 'thread_tagged')) {
    throw chatConflict(`Thread ${threadId} ${hasTag ? 'already has' : 'does not have'} the tag ${tag}.`);
  }
  const changed = hasTag ? tags.filter((other) => other !== tag) : [...tags, tag];
  const chat = mapThreads(before, (thread) => (thread.id === threadId ? { ...thread, tags: changed } : thread));
  return notify(chat, action, { chat_id: chat.id, thread_id: threadId, tag });
};
