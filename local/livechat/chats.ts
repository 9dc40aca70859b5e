import { ChatConflict } from './errors.ts';
import { toTimestamp } from './ids.ts';
import type {
  Access,
  Agent,
  ChatEvent,
  Customer,
  EventContent,
  Properties,
  Thread,
  User,
  Visibility,
} from './shapes.ts';
import { type Webhook, webhookOf } from './webhooks.ts';

/** A chat as LiveChat keeps it. Never changed in place, so that a webhook holds the state it was made from. */
export interface Chat {
  readonly id: string;
  readonly users: readonly User[];
  readonly properties: Properties;
  readonly access: Access;
  /** The newest thread, active or not. */
  readonly thread: Thread;
  /** Oldest first. */
  readonly earlierThreads: readonly Thread[];
  /** The last time given out in this chat; the next is later. */
  readonly lastMicroseconds: number;
}

/** What an action leads to: the chat afterwards, and the webhooks to send in this order. */
export interface Step {
  readonly chat: Chat;
  readonly webhooks: readonly Webhook[];
  /** The event that the action made or changed. */
  readonly eventId?: string;
}

/** Who writes, and the application through which: LiveChat shows it as `properties.source.client_id`. */
export interface Author {
  readonly id: string;
  readonly clientId: string;
}

export interface EventDraft {
  readonly content: EventContent;
  readonly author?: Author;
  readonly visibility?: Visibility;
  readonly customId?: string;
  readonly properties?: Properties;
}

export const allThreads = (chat: Chat): readonly Thread[] => [...chat.earlierThreads, chat.thread];

export const customerOf = (chat: Chat): Customer => {
  const customer = chat.users.find((user) => user.type === 'customer');
  if (customer === undefined) throw new Error(`Chat ${chat.id} has no customer; every chat is made with one.`);
  return customer;
};

export const presentAgents = (chat: Chat): readonly Agent[] =>
  chat.users.filter((user) => user.type === 'agent').filter((agent) => agent.present);

export const requireActive = (chat: Chat): void => {
  if (chat.thread.active) return;
  throw new ChatConflict(`Chat ${chat.id} is not active: its thread ${chat.thread.id} is closed. Reopen it first.`);
};

/** Runs a second action after a first one and joins what both lead to. */
export const andThen = (first: Step, next: (chat: Chat) => Step): Step => {
  const second = next(first.chat);
  return { ...first, ...second, webhooks: [...first.webhooks, ...second.webhooks] };
};

export const withThread = (chat: Chat, change: Partial<Thread>): Chat => ({
  ...chat,
  thread: { ...chat.thread, ...change },
});

/** Changes one of the chat's threads, whether it is the newest or not. */
export const changeThread = (chat: Chat, threadId: string, change: (thread: Thread) => Thread): Chat => {
  const changed = (thread: Thread): Thread => (thread.id === threadId ? change(thread) : thread);
  return { ...chat, thread: changed(chat.thread), earlierThreads: chat.earlierThreads.map(changed) };
};

/** Replaces the user of the same id, or adds one; a user who was in the thread stays listed in `user_ids`. */
export const withUser = (chat: Chat, user: User): Chat => {
  const known = chat.users.some(({ id }) => id === user.id);
  const users = known ? chat.users.map((other) => (other.id === user.id ? user : other)) : [...chat.users, user];
  const listed = chat.thread.user_ids.includes(user.id) || !user.present;
  const user_ids = listed ? chat.thread.user_ids : [...chat.thread.user_ids, user.id];
  return withThread({ ...chat, users }, { user_ids });
};

/** @param now milliseconds since 1970 */
export const tick = (chat: Chat, now: number): { readonly chat: Chat; readonly at: string } => {
  const lastMicroseconds = Math.max(chat.lastMicroseconds + 1, now * 1000);
  return { chat: { ...chat, lastMicroseconds }, at: toTimestamp(lastMicroseconds) };
};

const routed = (thread: Thread, idle: boolean): Properties => ({
  ...thread.properties,
  routing: { ...thread.properties.routing, idle },
});

export const withIdle = (chat: Chat, idle: boolean): Chat =>
  withThread(chat, { properties: routed(chat.thread, idle) });

/** Puts an event into the thread without telling anybody: the first events of a thread travel inside `incoming_chat`. */
export const addEvent = (before: Chat, draft: EventDraft, now: number): { chat: Chat; event: ChatEvent } => {
  const { chat, at } = tick(before, now);
  const { content, author, visibility = 'all', properties } = draft;
  const written = author && {
    author_id: author.id,
    properties: { source: { client_id: author.clientId }, ...properties },
  };
  const id = `${chat.thread.id}_${chat.thread.events.length + 1}`;
  // LiveChat's own applications give what a user writes an id of their own; without hyphens it is never taken for ours.
  const customId = draft.customId ?? (author && chat.lastMicroseconds.toString(36));
  const custom = customId !== undefined && { custom_id: customId };
  const event: ChatEvent = { id, ...content, created_at: at, visibility, ...written, ...custom };
  const added = withThread(chat, { events: [...chat.thread.events, event] });
  return { chat: author === undefined ? added : withIdle(added, false), event };
};

/** Puts an event into the active thread and tells of it: `incoming_event`. */
export const append = (before: Chat, draft: EventDraft, now: number): Step => {
  requireActive(before);
  const { chat, event } = addEvent(before, draft, now);
  const payload = { chat_id: chat.id, thread_id: chat.thread.id, event };
  return { chat, webhooks: [webhookOf(chat, 'incoming_event', payload)], eventId: event.id };
};

export const systemMessage = (
  chat: Chat,
  systemMessageType: string,
  text: string,
  textVars: Readonly<Record<string, string>>,
  now: number,
): Step =>
  append(
    chat,
    { content: { type: 'system_message', text, system_message_type: systemMessageType, text_vars: textVars } },
    now,
  );
