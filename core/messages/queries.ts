import type { NormalizedMessage } from '../events/schemas.ts';
import { ButtonClick, type MediaState, Message } from './entities.ts';
import type { MessageKey } from './store.ts';

/** A stored message: a tombstone has `deleted` and no content. */
export type StoredMessage = Omit<NormalizedMessage, 'content' | 'rawPayload' | 'metadata'> & {
  /** With what has become of a media message's file. */
  readonly metadata: NormalizedMessage['metadata'] & { readonly media?: MediaView };
  readonly content?: unknown;
  readonly rawPayload?: unknown;
  /** When the message's webhook was first received, and when it was stored. ISO 8601, like all times here. */
  readonly receivedAt?: string;
  readonly storedAt?: string;
  readonly edited?: true;
  /** When the edition that stands here was received. */
  readonly editedAt?: string;
  readonly deleted?: true;
  /** When its deletion was first received. */
  readonly deletedAt?: string;
};

/** The file that `content` names: where it lies and what it is, or why it is not here. */
export type MediaView = WithoutUrl<MediaState>;
type WithoutUrl<T> = T extends unknown ? Omit<T, 'url'> : never;

export interface MessagePage {
  /** Oldest first. */
  readonly messages: readonly StoredMessage[];
  /** Hand it back to read on; left out on the last page. */
  readonly next?: string;
}

interface ConversationKey {
  readonly organizationId: string;
  readonly conversationId: string;
}

/** A conversation's messages (`all`) or notes (`agents`) in the order of the carrier's time. */
export async function listMessages(
  { organizationId, conversationId }: ConversationKey,
  visibility: 'all' | 'agents',
  { limit, from = null }: { limit: number; from?: string | null },
): Promise<MessagePage> {
  const query = Message.query.byTime({ organizationId, conversationId, visibility });
  const { data, cursor } = await query.go({ count: limit, limit, cursor: from, order: 'asc' });
  return { messages: data.flatMap((item) => stored(item)), ...(cursor !== null && { next: cursor }) };
}

/** A conversation's messages after a time of the carrier's, oldest first; notes apart. */
export async function listMessagesSince(
  { organizationId, conversationId }: ConversationKey,
  timestamp: string,
  limit: number,
): Promise<StoredMessage[]> {
  const query = Message.query.byTime({ organizationId, conversationId, visibility: 'all' });
  // Keys go on after the time, so that those of that very moment come with it.
  const { data } = await query.gte({ timestamp }).go({ count: limit, limit, order: 'asc' });
  return data.flatMap((item) => stored(item)).filter((message) => message.timestamp > timestamp);
}

/** One thread's messages, notes apart, oldest first. */
export async function listThreadMessages(key: ConversationKey & { threadId: string }): Promise<StoredMessage[]> {
  const { organizationId, conversationId, threadId } = key;
  const { data } = await Message.query.primary({ organizationId, conversationId, threadId }).go({ pages: 'all' });
  return data
    .flatMap((item) => stored(item))
    .filter(({ visibility }) => visibility === 'all')
    .toSorted((a, b) => (a.timestamp < b.timestamp ? -1 : 1));
}

/** All messages of this id: one, unless two organizations happen to have the same. */
export async function findMessages(messageId: string): Promise<StoredMessage[]> {
  const { data } = await Message.query.byId({ messageId }).go({ hydrate: true });
  return data.flatMap((item) => stored(item));
}

/** Who clicked which button of a message, in order of receipt. */
export async function listButtonClicks({ organizationId, conversationId, threadId, messageId }: MessageKey) {
  const { data } = await ButtonClick.query
    .primary({ organizationId, conversationId, threadId, messageId })
    .go({ pages: 'all' });
  return data
    .map(({ eventId, userId, button, receivedAt }) => ({ eventId, userId, button, receivedAt }))
    .toSorted((a, b) => (a.receivedAt < b.receivedAt ? -1 : 1));
}

/** When a conversation's messages last came, were edited, deleted or clicked on; ISO 8601. */
export interface MessageTimes {
  readonly received?: string | undefined;
  readonly edited?: string | undefined;
  readonly deleted?: string | undefined;
  readonly clicked?: string | undefined;
}

const latest = (times: readonly (string | undefined)[]): string | undefined =>
  times
    .flatMap((time) => time ?? [])
    .toSorted()
    .at(-1);

export async function readLatestChanges(conversation: ConversationKey): Promise<MessageTimes> {
  const [messages, clicks] = await Promise.all([
    Message.query.primary(conversation).go({ pages: 'all', attributes: ['timestamp', 'edition', 'deletedAt'] }),
    ButtonClick.query.primary(conversation).go({ pages: 'all', attributes: ['receivedAt'] }),
  ]);
  return {
    received: latest(messages.data.map(({ timestamp }) => timestamp)),
    edited: latest(messages.data.map(({ edition }) => editedAt(edition))),
    deleted: latest(messages.data.map(({ deletedAt }) => deletedAt)),
    clicked: latest(clicks.data.map(({ receivedAt }) => receivedAt)),
  };
}

type Item = NonNullable<Awaited<ReturnType<ReturnType<typeof Message.get>['go']>>['data']>;

/** Nothing for a tombstone whose message never received: it has no time, no author and no type. */
function stored(item: Item): StoredMessage[] {
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
      metadata: { ...item.metadata, ...mediaOf(item) },
      ...(item.content !== undefined && { content: item.content }),
      ...(item.rawPayload !== undefined && { rawPayload: parsed(item.rawPayload) }),
      ...(item.receivedAt !== undefined && { receivedAt: item.receivedAt }),
      ...(item.storedAt !== undefined && { storedAt: item.storedAt }),
      ...editionOf(item),
      ...(item.deletedAt !== undefined && { deleted: true, deletedAt: item.deletedAt }),
    },
  ];
}

function editionOf({ edition }: Item): Pick<StoredMessage, 'edited' | 'editedAt'> {
  const at = editedAt(edition);
  return at === undefined ? {} : { edited: true, editedAt: at };
}

/** The time of receipt stands before the event's id. */
function editedAt(edition: string | undefined): string | undefined {
  return edition?.split('#')[0];
}

/** An edition may have brought another file, which is not here yet. */
function mediaOf({ media, content }: Item): { media?: MediaView } {
  if (media === undefined || media.url !== content) return {};
  const { url: _, ...view } = media;
  return { media: view };
}

function parsed(json: string): unknown {
  return JSON.parse(json);
}
