import type { EntityItem } from 'electrodb';
import type { ConversationKey } from '../channel/channel.ts';
import { latest } from '../conversations/projection.ts';
import type { NormalizedMessage } from '../events/schemas.ts';
import { createMediaLink, type MediaLink } from '../media/media.ts';
import { queryPartition, type StoredItem } from '../platform/dynamodb.ts';
import { parseJsonExactly } from '../platform/json.ts';
import { ButtonClick } from './changes.ts';
import { type MediaState, Message, type MessageKey } from './messages.ts';

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
  /** Oldest first. */
  readonly messages: readonly StoredMessage[];
  /** The cursor of the next page; undefined on the last. */
  readonly next?: string;
}

/** Lists a conversation's messages (`all`) or notes (`agents`), oldest first. */
export async function listMessages(
  { organizationId, conversationId }: ConversationKey,
  visibility: 'all' | 'agents',
  { limit, from = null }: { limit: number; from?: string | null },
): Promise<MessagePage> {
  const query = Message.query.byTime({ organizationId, conversationId, visibility });
  const { data, cursor } = await query.go({ count: limit, limit, cursor: from, order: 'asc' });
  return { messages: data.flatMap((item) => toStoredMessage(item)), ...(cursor !== null && { next: cursor }) };
}

/** Lists a conversation's messages after one of LiveChat's times, oldest first, without notes. */
export async function listMessagesSince(
  { organizationId, conversationId }: ConversationKey,
  timestamp: string,
  limit: number,
): Promise<StoredMessage[]> {
  const query = Message.query.byTime({ organizationId, conversationId, visibility: 'all' });
  // The keys contain more than the time, so messages of exactly this time are included.
  const { data } = await query.gte({ timestamp }).go({ count: limit, limit, order: 'asc' });
  return data.flatMap((item) => toStoredMessage(item)).filter((message) => message.timestamp > timestamp);
}

/** Lists one thread's messages, oldest first, without notes. */
export async function listThreadMessages(key: ConversationKey & { threadId: string }): Promise<StoredMessage[]> {
  const { organizationId, conversationId, threadId } = key;
  const { data } = await Message.query
    .primary({ organizationId, conversationId, threadId })
    .go({ pages: 'all', consistent: true });
  return data
    .flatMap((item) => toStoredMessage(item))
    .filter(({ visibility }) => visibility === 'all')
    .toSorted((a, b) => (a.timestamp < b.timestamp ? -1 : 1));
}

/** The ids and LiveChat's times of everything stored of a thread, including notes and tombstones. */
export async function listMessageIds(
  thread: Omit<MessageKey, 'messageId'>,
): Promise<{ id: string; at: string | undefined }[]> {
  const { data } = await Message.query.primary(thread).go({ pages: 'all', attributes: ['messageId', 'timestamp'] });
  return data.map(({ messageId, timestamp }) => ({ id: messageId, at: timestamp }));
}

/** Finds the messages with this id: one, unless several organizations use the same id. */
export async function findMessages(messageId: string): Promise<StoredMessage[]> {
  const { data } = await Message.query.byId({ messageId }).go({ hydrate: true });
  return data.flatMap((item) => toStoredMessage(item));
}

/** Lists the button clicks on a message in order of receipt. */
export async function listButtonClicks({ organizationId, conversationId, threadId, messageId }: MessageKey) {
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
      carrier: 'livechat',
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
  return queryPartition(Message.get({ ...conversation, threadId: 'any', messageId: 'any' }).params());
}
