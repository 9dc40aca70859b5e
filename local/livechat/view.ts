import { allThreads, type Chat, customerOf } from './chats.ts';

const summary = (chat: Chat) => {
  const { id, name, email } = customerOf(chat);
  return {
    chat_id: chat.id,
    active: chat.thread.active,
    customer: { id, name, ...(email !== undefined && { email }) },
  };
};

export const viewChats = (chats: readonly Chat[]) => ({ chats: chats.map(summary) });

/** What the customer sees: no notes, and a tombstone for what was deleted. */
export const viewChat = (chat: Chat) => ({
  ...summary(chat),
  thread_ids: allThreads(chat).map(({ id }) => id),
  users: chat.users,
  events: allThreads(chat).flatMap(({ id, events }) =>
    events.filter(({ visibility }) => visibility === 'all').map((event) => ({ thread_id: id, ...event })),
  ),
});
