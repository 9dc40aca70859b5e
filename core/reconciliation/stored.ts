import pLimit from 'p-limit';
import type { ConversationKey } from '../channel/channel.ts';
import { activityBucket, Conversation, readTimeline, threadActivity } from '../conversations/conversations.ts';
import { Message } from '../messages/messages.ts';
import { parseMetadata } from '../messages/queries.ts';
import { parseJsonExactly } from '../platform/json.ts';
import type { StoredItem, StoredThread } from './compare.ts';

/** A thread, by the channel's ids. */
export interface ThreadId {
  readonly conversationId: string;
  readonly threadId: string;
}

const maxConcurrentReads = 10;

/** Reads what is stored of threads, in the same order. Reads a conversation once, even with several threads. */
export async function readStored(organizationId: string, threads: readonly ThreadId[]): Promise<StoredThread[]> {
  const limit = pLimit(maxConcurrentReads);
  const conversationIds = [...new Set(threads.map(({ conversationId }) => conversationId))];
  const timelines = new Map(
    conversationIds.map((conversationId) => [
      conversationId,
      limit(() => readTimeline({ organizationId, conversationId })),
    ]),
  );
  return Promise.all(
    threads.map(async ({ conversationId, threadId }) => {
      const [messages, timeline] = await Promise.all([
        limit(() => readMessages({ organizationId, conversationId }, threadId)),
        timelines.get(conversationId),
      ]);
      const { stored, events = [], readMarks = [] } = timeline ?? {};
      return {
        events,
        activity: threadActivity(stored),
        readMarks: new Map(readMarks.map(({ userId, seenUpTo }) => [userId, seenUpTo])),
        messages,
      };
    }),
  );
}

const attributes = [
  'messageId',
  'receivedAt',
  'timestamp',
  'deletedAt',
  'revision',
  'content',
  'contentJson',
  'metadata',
] as const;

async function readMessages(conversation: ConversationKey, threadId: string): Promise<Map<string, StoredItem>> {
  const { data } = await Message.query
    .primary({ ...conversation, threadId })
    .go({ pages: 'all', consistent: true, attributes: [...attributes] });
  return new Map(
    data.map(({ messageId, content, contentJson, metadata, ...item }) => [
      messageId,
      {
        ...item,
        content: content ?? parseJsonExactly(contentJson),
        isOversize: parseMetadata({ metadata }).oversize !== undefined,
      },
    ]),
  );
}

/** The latest threads of the conversations that are not closed, or whose last activity is not before `since`. */
export async function* iterateLatestThreads(
  organizationId: string,
  since: string,
): AsyncGenerator<ThreadId & { readonly isClosed: boolean }> {
  for (const status of ['queued', 'open', 'idle', 'closed'] as const) {
    const isClosed = status === 'closed';
    let cursor: string | null = null;
    do {
      const query = Conversation.query.byActivity({ organizationId, status });
      const page: Awaited<ReturnType<typeof readPage>> = await readPage(
        isClosed ? query.gte({ activityBucket: activityBucket(since) }) : query,
        cursor,
      );
      for (const { conversationId, currentThreadId } of page.data)
        if (currentThreadId !== undefined) yield { conversationId, threadId: currentThreadId, isClosed };
      cursor = page.cursor;
    } while (cursor !== null);
  }
}

function readPage(query: Pick<ReturnType<typeof Conversation.query.byActivity>, 'go'>, cursor: string | null) {
  return query.go({ cursor, limit: 100, order: 'asc', hydrate: true });
}
