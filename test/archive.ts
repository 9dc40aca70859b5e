import * as z from 'zod/mini';
import archives from './fixtures/livechat/api/list_archives.response.json' with { type: 'json' };

const body = z.looseObject({ chats: z.tuple([z.looseObject({ thread: z.looseObject({}) })]) });

/**
 * The response to a list call of a LiveChat account without active chats. Its archive has one page with one thread, or none.
 * Undefined for another call.
 */
export function listResponse(url = '', isEmpty = false): object | undefined {
  const [chat] = body.parse(archives).chats;
  const { previous_thread_id: _, ...thread } = chat.thread;
  const responses = new Map<string | undefined, object>([
    ['list_chats', { chats_summary: [], found_chats: 0 }],
    ['list_archives', { chats: isEmpty ? [] : [{ ...chat, thread }], found_chats: isEmpty ? 0 : 1 }],
  ]);
  return responses.get(url.split('/').at(-1));
}

/** The chat in the archive. */
export const archivedChatId = 'T8RM2K0V9X';
