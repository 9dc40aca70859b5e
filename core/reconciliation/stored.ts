import pLimit from 'p-limit';
import type { ConversationKey } from '../channel/channel.ts';
import { activityBucket, Conversation, readTimeline, threadActivity } from '../conversations/conversations.ts';
import { Message } from '../messages/messages.ts';
import { parseMetadata } from '../messages/queries.ts';
import { parseJsonExactly } from '../platform/json.ts';
import type { StoredItem, StoredThread } from './compare.ts';
import type { ThreadId } from './source.ts';

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

/** A page of stored threads. */
export interface StoredPage {
  readonly threads: readonly ThreadId[];
  readonly areClosed: boolean;
  /** The id of the next page; undefined on the last. */
  readonly next: string | undefined;
}

const statuses = ['queued', 'open', 'idle', 'closed'] as const;
const separator = ' ';

/**
 * Lists the latest thread of each conversation that is not closed, then of each that is closed and whose last activity is not
 * before `since`. One query, and one BatchGetItem for the items.
 */
export async function listLatestThreads(
  organizationId: string,
  since: string,
  page: string = statuses[0],
): Promise<StoredPage> {
  const [name = '', cursor = null] = page.split(separator);
  const index = statuses.map(String).indexOf(name);
  const status = statuses[index] ?? 'closed';
  const areClosed = status === 'closed';
  const query = Conversation.query.byActivity({ organizationId, status });
  const { data, cursor: next } = await (areClosed ? query.gte({ activityBucket: activityBucket(since) }) : query).go({
    cursor,
    limit: 100,
    order: 'asc',
    hydrate: true,
  });
  return {
    threads: data.flatMap(({ conversationId, currentThreadId: threadId }) =>
      threadId ? [{ conversationId, threadId }] : [],
    ),
    areClosed,
    next: next === null ? statuses[index + 1] : `${status}${separator}${next}`,
  };
}
