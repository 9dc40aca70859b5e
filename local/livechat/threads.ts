import {
  addEvent,
  andThen,
  type Chat,
  customerOf,
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

const incomingChat = (chat: Chat): WebhookPayloads['incoming_chat'] => {
  const { id, users, properties, access, thread } = chat;
  return { chat: { id, users, properties, access, thread } };
};

/** The first events of a thread are told inside `incoming_chat`, not one by one. */
const begin = (empty: Chat, events: readonly EventDraft[], now: number): Step => {
  const chat = events.reduce((before, draft) => addEvent(before, draft, now).chat, empty);
  const eventId = chat.thread.events.at(-1)?.id;
  return {
    chat,
    webhooks: [webhookOf(chat, 'incoming_chat', incomingChat(chat))],
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

/** A new thread of the same chat, with the customer and one agent. */
export const reopen = (
  before: Chat,
  threadId: string,
  agentId: string,
  events: readonly EventDraft[],
  now: number,
): Step => {
  if (before.thread.active) {
    throw new ChatConflict(`Chat ${before.id} is still active: write into it, or close it before it is reopened.`);
  }
  const { chat: ticked, at } = tick(before, now);
  const customer = customerOf(ticked);
  const away = { ...ticked, users: ticked.users.map((user) => ({ ...user, present: false })) };
  const agent = away.users.filter((user) => user.type === 'agent').find(({ id }) => id === agentId);
  const back = [
    {
      ...customer,
      present: true,
      statistics: { ...customer.statistics, threads_count: away.earlierThreads.length + 2 },
    },
    { ...(agent ?? newAgent(agentId)), present: true },
  ].reduce(withUser, away);
  const closed: Thread = { ...before.thread, next_thread_id: threadId };
  const thread = { ...newThread(threadId, at, back.users, back.access), previous_thread_id: before.thread.id };
  return begin({ ...back, thread, earlierThreads: [...before.earlierThreads, closed] }, events, now);
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

export const tag = (before: Chat, name: string): Step => {
  requireActive(before);
  const tags = before.thread.tags ?? [];
  if (tags.includes(name)) throw new ChatConflict(`Thread ${before.thread.id} has the tag ${name} already.`);
  const chat = withThread(before, { tags: [...tags, name] });
  const payload = { chat_id: chat.id, thread_id: chat.thread.id, tag: name };
  return { chat, webhooks: [webhookOf(chat, 'thread_tagged', payload)] };
};

export const untag = (before: Chat, name: string): Step => {
  requireActive(before);
  const tags = before.thread.tags ?? [];
  if (!tags.includes(name)) throw new ChatConflict(`Thread ${before.thread.id} has no tag ${name}.`);
  const chat = withThread(before, { tags: tags.filter((other) => other !== name) });
  const payload = { chat_id: chat.id, thread_id: chat.thread.id, tag: name };
  return { chat, webhooks: [webhookOf(chat, 'thread_untagged', payload)] };
};
