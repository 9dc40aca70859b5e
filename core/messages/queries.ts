import type { EntityItem } from 'electrodb';
import { carrierOf } from '../channel/carrier.ts';
import type { ConversationKey } from '../channel/channel.ts';
import { compare, latest } from '../conversations/projection.ts';
import { type ConversationDetail, findByThread } from '../conversations/queries.ts';
import type { NormalizedMessage } from '../events/schemas.ts';
import { createMediaLink, type MediaLink } from '../media/media.ts';
import { queryPartition, type StoredItem, uniqueKeys } from '../platform/dynamodb.ts';
import { parseJsonExactly } from '../platform/json.ts';
import { ButtonClick } from './changes.ts';
import { type MediaState, Message, type MessageKey, messageKey } from './messages.ts';
import { isNumbered, parseMessageId } from './position.ts';

/** A stored message: a tombstone has `deleted` and no content. */
export type StoredMessage = Omit<NormalizedMessage, 'content' | 'rawPayload' | 'metadata'> & {
  /** `media`: the state of a media message's file. */
  readonly metadata: NormalizedMessage['metadata'] & { readonly media?: MediaView };
  readonly content?: unknown;
  readonly rawPayload?: unknown;
  /** The first receipt of the message's webhook, and when it was stored. ISO 8601. */
  readonly receivedAt?: string | undefined;
  readonly storedAt?: string | undefined;
  /** Its webhook was lost: reconciliation restored it. */
  readonly recovered?: true;
  readonly edited?: true;
  /** The receipt of the current revision. */
  readonly editedAt?: string | undefined;
  readonly deleted?: true;
  /** The first receipt of the deletion. */
  readonly deletedAt?: string;
};

/** The stored file that `content` refers to, or why it is not stored. */
export type MediaView = WithoutUrl<MediaState>;
type WithoutUrl<T> = T extends unknown ? Omit<T, 'url'> : never;

export interface MessagePage {
  /** Messages and notes, oldest first. */
  readonly messages: readonly StoredMessage[];
  /** The cursor of the next page; undefined on the last. */
  readonly next?: string;
}

/** The conversation of messages, with its threads in the order of their start. */
export type Conversation = Pick<ConversationDetail, 'id' | 'organizationId' | 'threads'>;

/**
 * Lists a conversation's messages and notes, oldest first: thread by thread, each in the order of its message numbers. Within a
 * page they are sorted by time, which places those without a number.
 */
export async function listMessages(
  { id: conversationId, organizationId, threads }: Conversation,
  { limit, from = null }: { limit: number; from?: string | null },
): Promise<MessagePage> {
  const start = from === null ? undefined : parseCursor(from);
  const ranges = threadRanges(threads);
  const first = start ? ranges.findIndex(({ from: low, to }) => low <= start.threadId && start.threadId < to) : 0;
  const items: Item[] = [];
  let cursor = start?.cursor ?? null;
  for (const range of ranges.slice(first)) {
    const rest = limit - items.length;
    if (rest === 0) return { messages: toPage(items), next: encodeCursor(range.from) };
    const page = await queryRange({ organizationId, conversationId }, range).go({ count: rest, limit: rest, cursor });
    items.push(...page.data);
    const last = page.data.at(-1);
    if (page.cursor !== null && last)
      return { messages: toPage(items), next: encodeCursor(last.threadId, page.cursor) };
    cursor = null;
  }
  return { messages: toPage(items) };
}

const minPageSize = 20;

/**
 * Lists a conversation's messages and notes after one of LiveChat's times, oldest first. Reads little more than those, and may
 * leave out those of an unknown thread whose id does not follow that of the latest one.
 */
export async function listMessagesSince(
  { id: conversationId, organizationId, threads }: Conversation,
  timestamp: string,
  limit: number,
): Promise<StoredMessage[]> {
  // Threads do not overlap: those before the last one that had started by then have no later message.
  const first = threads.findLastIndex(({ createdAt }) => createdAt !== undefined && createdAt <= timestamp);
  const found: Item[] = [];
  for (const range of threadRanges(threads, Math.max(first, 0)).toReversed()) {
    let cursor: string | null = null;
    let pageSize = minPageSize;
    do {
      const query = queryRange({ organizationId, conversationId }, range);
      const page: Awaited<ReturnType<typeof query.go>> = await query.go({ limit: pageSize, cursor, order: 'desc' });
      found.push(...page.data.filter((item) => (item.timestamp ?? '') > timestamp));
      if (page.data.some((item) => isNumbered(item.position) && (item.timestamp ?? '~') <= timestamp)) {
        return toPage(found).slice(0, limit);
      }
      cursor = page.cursor;
      pageSize *= 2;
    } while (cursor !== null);
  }
  return toPage(found).slice(0, limit);
}

/** The thread ids from `from` to before `to`. */
interface ThreadRange {
  readonly from: string;
  readonly to: string;
}

/** Sorts after every id. */
const lastId = '\uffff';

/**
 * Ranges of thread ids in the order in which the threads started, from the thread with the index `first`. From the first thread
 * on they contain every id: messages of an unknown thread are listed after the known thread whose id precedes. Ids usually ascend
 * with the start, and one range contains all.
 */
function threadRanges(threads: readonly { readonly id: string }[], first = 0): ThreadRange[] {
  const sorted = threads.map(({ id }) => id).sort(compare);
  const ranges: ThreadRange[] = [];
  for (const { id } of threads.slice(first)) {
    const index = sorted.indexOf(id);
    const range = { from: index === 0 ? '' : id, to: sorted[index + 1] ?? lastId };
    const before = ranges.at(-1);
    if (before?.to === range.from) ranges.splice(-1, 1, { from: before.from, to: range.to });
    else ranges.push(range);
  }
  return threads.length > 0 ? ranges : [{ from: '', to: lastId }];
}

function queryRange(conversation: ConversationKey, { from, to }: ThreadRange) {
  return Message.query.primary(conversation).between({ threadId: from, position: '' }, { threadId: to, position: '' });
}

/** @param cursor ElectroDB's; without one, the page starts with the first message of the thread */
function encodeCursor(threadId: string, cursor = ''): string {
  return Buffer.from(`${threadId}\n${cursor}`).toString('base64url');
}

function parseCursor(encoded: string): { readonly threadId: string; readonly cursor: string | null } {
  const [threadId = '', cursor = ''] = Buffer.from(encoded, 'base64url').toString().split('\n');
  return { threadId, cursor: cursor || null };
}

function toPage(items: readonly Item[]): StoredMessage[] {
  return items.flatMap(toStoredMessage).toSorted((a, b) => compare(a.timestamp, b.timestamp));
}

/** Lists one thread's messages, oldest first, without notes. */
export async function listThreadMessages(key: ConversationKey & { threadId: string }): Promise<StoredMessage[]> {
  const { organizationId, conversationId, threadId } = key;
  const { data } = await Message.query
    .primary({ organizationId, conversationId, threadId })
    .where(({ visibility }, { eq }) => eq(visibility, 'all'))
    .go({ pages: 'all', consistent: true });
  return toPage(data);
}

/** The ids and LiveChat's times of everything stored of a thread, including notes and tombstones. */
export async function listMessageIds(
  thread: ConversationKey & { readonly threadId: string },
): Promise<{ id: string; at: string | undefined }[]> {
  const { data } = await Message.query.primary(thread).go({ pages: 'all', attributes: ['messageId', 'timestamp'] });
  return data.map(({ messageId, timestamp }) => ({ id: messageId, at: timestamp }));
}

/** Each batch reads up to 100 items. */
const maxConcurrentBatches = 8;

/** The messages with these ids that are stored. */
export async function getMessages(
  ids: readonly (ConversationKey & { readonly threadId: string; readonly id: string })[],
): Promise<StoredMessage[]> {
  const { data } = await Message.get(uniqueKeys(ids.map(messageKey))).go({ concurrent: maxConcurrentBatches });
  return data.flatMap(toStoredMessage);
}

/**
 * Finds the messages with this id: one, unless several organizations use the same id. A thread that the id contains must be found
 * by {@link findByThread}.
 */
export async function findMessages(messageId: string): Promise<StoredMessage[]> {
  const [{ data: found }, numbered] = await Promise.all([
    Message.query.byId({ messageId }).go({ hydrate: true }),
    getNumberedMessages(messageId),
  ]);
  return [...found, ...numbered].flatMap(toStoredMessage);
}

async function getNumberedMessages(id: string): Promise<Item[]> {
  const threadId = parseMessageId(id)?.threadId;
  if (threadId === undefined) return [];
  const conversations = await findByThread(threadId);
  const { data } = await Message.get(conversations.map((key) => messageKey({ ...key, threadId, id }))).go();
  return data;
}

/** Lists the button clicks on a message in order of receipt. */
export async function listButtonClicks({
  organizationId,
  conversationId,
  threadId,
  messageId,
}: Omit<MessageKey, 'position'>) {
  const { data } = await ButtonClick.query
    .primary({ organizationId, conversationId, threadId, messageId })
    .go({ pages: 'all' });
  return data
    .map(({ eventId, userId, button, receivedAt }) => ({ eventId, userId, button, receivedAt }))
    .toSorted((a, b) => (a.receivedAt < b.receivedAt ? -1 : 1));
}

/** The latest times at which a conversation's messages were received, edited, deleted and clicked; ISO 8601. */
export async function readLatestChanges(conversation: ConversationKey) {
  const [messages, clicks] = await Promise.all([
    Message.query.primary(conversation).go({ pages: 'all', attributes: ['receivedAt', 'revision', 'deletedAt'] }),
    ButtonClick.query.primary(conversation).go({ pages: 'all', attributes: ['receivedAt'] }),
  ]);
  return {
    received: latest(messages.data.map(({ receivedAt }) => receivedAt)),
    edited: latest(messages.data.map(({ revision }) => editedAt(revision))),
    deleted: latest(messages.data.map(({ deletedAt }) => deletedAt)),
    clicked: latest(clicks.data.map(({ receivedAt }) => receivedAt)),
  };
}

type Item = EntityItem<typeof Message>;

/** Empty for a tombstone whose message has not arrived: it has no time, author or type. */
function toStoredMessage(item: Item): StoredMessage[] {
  const { timestamp, type, direction, authorType, visibility } = item;
  if (!timestamp || !type || !direction || !authorType || !visibility) return [];
  return [
    {
      id: item.messageId,
      organizationId: item.organizationId,
      conversationId: item.conversationId,
      threadId: item.threadId,
      carrier: carrierOf(item.organizationId),
      direction,
      type,
      timestamp,
      author: { id: item.authorId ?? '', type: authorType },
      visibility,
      metadata: { ...parseMetadata(item), ...mediaFields(item) },
      content: item.content ?? parseJsonExactly(item.contentJson),
      rawPayload: parseJsonExactly(item.rawPayload),
      receivedAt: item.receivedAt,
      storedAt: item.storedAt,
      ...(item.recovered && { recovered: true }),
      ...(item.revision !== undefined && { edited: true, editedAt: editedAt(item.revision) }),
      ...(item.deletedAt !== undefined && { deleted: true, deletedAt: item.deletedAt }),
    },
  ];
}

export function parseMetadata({ metadata = '{}' }: { metadata?: string | undefined }): Record<string, unknown> {
  return JSON.parse(metadata);
}

/** A revision is the time of receipt, `#` and the event id. */
function editedAt(revision: string | undefined): string | undefined {
  return revision?.split('#')[0];
}

/** After a revision, the stored file may be the previous one. */
function mediaFields({ media, content }: Item): { media?: MediaView } {
  if (media === undefined || media.url !== content) return {};
  const { url: _, ...view } = media;
  return { media: view };
}

/** Adds a link to the message's stored file, for display. */
export async function addMediaLink<T extends StoredMessage>(
  message: T,
  now: number,
): Promise<T & { readonly link?: MediaLink }> {
  const { media } = message.metadata;
  if (!media || media.error) return message;
  return { ...message, link: await createMediaLink(media.key, now) };
}

/** All stored items of a conversation's messages, notes, tombstones and button clicks. */
export function messageItems(conversation: ConversationKey): Promise<StoredItem[]> {
  return queryPartition(Message.get(messageKey({ ...conversation, threadId: 'any', id: 'any' })).params());
}
