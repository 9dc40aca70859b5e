import { allThreads, type Chat } from '../chats.ts';
import type { ChatEvent, Thread, User } from '../shapes.ts';
import type { Version } from './version.ts';

/** Chats as each version of the API shows them. */

const showUser = (user: User, version: Version) => {
  if (version === 'v3.6' || user.type === 'agent') return user;
  const { visit: last_visit, ...rest } = user;
  return { ...rest, last_visit };
};

export const showThread = (thread: Thread, version: Version) => {
  if (version === 'v3.6') return thread;
  const { customer_visit: _, ...rest } = thread;
  return rest;
};

export const showChat = ({ id, users, properties, access }: Chat, thread: Thread, version: Version) => ({
  id,
  users: users.map((user) => showUser(user, version)),
  properties,
  access,
  thread: showThread(thread, version),
  is_followed: false,
});

const lastEvents = (chat: Chat) => {
  const last: Record<string, { thread_id: string; thread_created_at: string; event: ChatEvent }> = {};
  for (const { id, created_at, events } of allThreads(chat)) {
    for (const event of events) last[event.type] = { thread_id: id, thread_created_at: created_at, event };
  }
  return last;
};

export const showSummary = (chat: Chat, version: Version) => {
  const { events: _, ...last_thread_summary } = showThread(chat.thread, version);
  const { thread: __, ...shown } = showChat(chat, chat.thread, version);
  return { ...shown, last_thread_summary, last_event_per_type: lastEvents(chat) };
};
