import { CustomAttributeType, Entity, type EntityItem } from 'electrodb';
import type { ConversationKey } from '../channel/channel.ts';
import { readProjection, recordMessage } from '../conversations/conversations.ts';
import { largeEventKey, removeEventData } from '../events/claim-check.ts';
import type { StoreOutcome } from '../events/event.ts';
import { maxEventBytes } from '../events/publish.ts';
import {
  type EventMetadata,
  messageDirection,
  type NormalizedMessage,
  type Participant,
  type UserType,
} from '../events/schemas.ts';
import type { StoredFile } from '../media/store.ts';
import { expiresAfter, ifConditionHolds, keys, number, tableIn, text } from '../platform/dynamodb.ts';
import { isNumbered, messagePosition } from './position.ts';

export interface MessageKey extends ConversationKey {
  readonly threadId: string;
  readonly messageId: string;
  /** See {@link messagePosition}. */
  readonly position: string;
}

export const keyAttributes = { organizationId: text, conversationId: text, threadId: text, messageId: text } as const;

/** The stored file of `url`, or why it is not stored. */
export type MediaState = { readonly url: string } & (
  | (StoredFile & { readonly storedAt: string; readonly error?: never })
  | { readonly error: { readonly name: string; readonly message: string }; readonly failedAt: string }
);

/**
 * A message or a note. A thread's messages are in the order of their numbers. A tombstone that arrived before its message has
 * only its ids and `deletedAt`.
 */
export const Message = new Entity(
  {
    model: { entity: 'message', version: '1', service: 'livechat' },
    attributes: {
      ...keyAttributes,
      position: text,
      direction: { type: ['inbound', 'outbound'] as const },
      type: { type: ['text', 'media', 'interactive', 'form', 'system', 'custom', 'unknown'] as const },
      /** Text; for content that is not, `contentJson`. */
      content: { type: 'string' },
      contentJson: { type: 'string' },
      /** LiveChat's timestamp, in microseconds. */
      timestamp: { type: 'string' },
      authorId: { type: 'string' },
      authorType: { type: ['customer', 'agent', 'bot', 'system', 'unknown'] as const },
      visibility: { type: ['all', 'agents'] as const },
      /** JSON, as `contentJson` and `rawPayload`: a DynamoDB map limits nesting, names and numbers. */
      metadata: { type: 'string' },
      /** Not of texts, whose `content` and `metadata` have everything. */
      rawPayload: { type: 'string' },
      /** If edited, the webhook that the content comes from: time of receipt and event id. */
      revision: { type: 'string' },
      /** The key of the event that the content comes from, if the event may have been stored in the bucket. */
      largeEvent: { type: 'string' },
      /** The state of a media message's file. */
      media: { type: CustomAttributeType<MediaState>('any') },
      /** The earliest receipt of the message's webhook, and when it was stored. ISO 8601. */
      receivedAt: { type: 'string' },
      storedAt: { type: 'string' },
      /** Set if its webhook was lost, and reconciliation restored it. */
      recovered: { type: 'boolean' },
      /** The earliest receipt of the webhook that deleted it. */
      deletedAt: { type: 'string' },
      expires: number,
    },
    indexes: {
      primary: keys(['organizationId', 'conversationId'], ['threadId', 'position']),
      // Other ids contain their thread, so a plain message has no copy in an index. ElectroDB evaluates the condition on the
      // attributes of a write, and only if it sets the message id.
      byId: {
        index: 'byId',
        condition: ({ position }) => typeof position === 'string' && !isNumbered(position),
        ...keys(['messageId'], ['organizationId', 'conversationId', 'threadId'], 'gsi2'),
      },
    },
  },
  tableIn('MESSAGES_TABLE'),
);

export const expiry = () => expiresAfter('MESSAGES_RETENTION_DAYS');
/** DynamoDB limits an item to 400 KB, including attribute names and index keys. */
const maxContentBytes = 300_000;
/** Maximum size of each field that is kept if content and metadata exceed the item limit. */
const maxFieldBytes = 4_000;
/** Upper bound on the rest of an event, without content, metadata and raw payload. The event size limit includes it. */
const maxEnvelopeBytes = 4_000;

/**
 * Stores a message or a note, then updates the conversation's last activity. A note leaves the conversation unchanged,
 * because the customer does not see it.
 *
 * The message is stored first: an event that describes its author later corrects the stored message, and an author described
 * earlier is among the returned participants.
 */
export async function storeMessage(message: NormalizedMessage, metadata: EventMetadata): Promise<StoreOutcome> {
  const { outcome, unreferencedEventKey } = await createMessage(message, metadata);
  const isNote = message.visibility === 'agents';
  const participants = isNote ? (await readProjection(message)).participants : await recordMessage(message, metadata);
  await correctAuthor(message, participants);
  // Last, because a retry reads the event again.
  if (unreferencedEventKey !== undefined) await removeEventData(unreferencedEventKey);
  return outcome;
}

/** The author's type is derived from the id alone; LiveChat's description of the user overrides it. */
export async function correctAuthor(message: NormalizedMessage, participants: readonly Participant[]): Promise<void> {
  const { id, type } = message.author;
  const described = participants.find((one) => one.id === id)?.type ?? 'unknown';
  if (described !== 'unknown' && described !== type) await setAuthorType(messageKey(message), described);
}

export async function setAuthorType(key: Omit<MessageKey, 'messageId'>, authorType: UserType): Promise<void> {
  await Message.patch(key)
    .set({ authorType, direction: messageDirection(authorType) })
    .go();
}

/** The key of a message, from its ids. */
export function messageKey({
  id: messageId,
  organizationId,
  conversationId,
  threadId,
}: ConversationKey & { readonly threadId: string; readonly id: string }): MessageKey {
  return { organizationId, conversationId, threadId, messageId, position: messagePosition(threadId, messageId) };
}

export type HeaderField = 'direction' | 'type' | 'timestamp' | 'author' | 'visibility';

/** Every field except the content, its metadata and the raw payload. A tombstone keeps these fields. */
export function headerFields({ direction, type, timestamp, author, visibility }: Pick<NormalizedMessage, HeaderField>) {
  return { direction, type, timestamp, authorId: author.id, authorType: author.type, visibility };
}

type ContentFields = Pick<
  EntityItem<typeof Message>,
  'content' | 'contentJson' | 'metadata' | 'rawPayload' | 'largeEvent'
>;

/**
 * Content too large for an item stays in the bucket, where the event was stored for the bus; `oversize` refers to it. The raw
 * payload of a text is stored only if its numbers would lose digits in `metadata`.
 */
export function contentFields(message: NormalizedMessage, event: EventMetadata): ContentFields {
  const { content, exact } = message;
  const rawPayload = exact?.rawPayload ?? JSON.stringify(message.rawPayload);
  const contentJson = exact?.content ?? JSON.stringify(content) ?? '';
  const metadata = JSON.stringify(message.metadata);
  const bytes = [rawPayload, contentJson, metadata].reduce((sum, json) => sum + Buffer.byteLength(json), 0);
  const key = largeEventKey(event);
  const reference = bytes + maxEnvelopeBytes > maxEventBytes() && { largeEvent: key };
  if (bytes <= maxContentBytes) {
    return {
      ...(typeof content === 'string' ? { content } : { contentJson }),
      metadata,
      ...((message.type !== 'text' || exact) && { rawPayload }),
      ...reference,
    };
  }
  const small = Object.entries(message.metadata).filter(([, value]) => isSmall(JSON.stringify(value) ?? ''));
  return {
    // The URL of a file stays: it is needed for the download.
    content: message.type === 'media' && typeof content === 'string' && isSmall(content) ? content : '',
    metadata: JSON.stringify({ ...Object.fromEntries(small), oversize: { bytes, key } }),
    rawPayload: '{}',
    ...reference,
  };
}

const isSmall = (field: string) => Buffer.byteLength(field) <= maxFieldBytes;

/** Whether a stored message has the content of this event. A tombstone keeps the reference. */
export function refersTo(
  stored: Partial<Pick<EntityItem<typeof Message>, 'largeEvent' | 'deletedAt'>> | null,
  largeEvent: string | undefined,
): boolean {
  return stored?.deletedAt === undefined && stored?.largeEvent === largeEvent;
}

interface Creation {
  readonly outcome: StoreOutcome;
  /** The S3 key of the event if it may be in the bucket, and the stored message does not refer to it. */
  readonly unreferencedEventKey?: string | undefined;
}

/**
 * Stores a message once. If an edit or deletion is already stored, keeps its content, type and visibility, and adds only the
 * header. Otherwise, an edit to a note could become visible to the customer.
 */
async function createMessage(message: NormalizedMessage, event: EventMetadata): Promise<Creation> {
  const { receivedAt } = event;
  const storedAt = new Date().toISOString();
  const recovered = event.recovered && { recovered: true };
  const { type, visibility, ...header } = { ...headerFields(message), ...recovered, receivedAt, expires: expiry() };
  const item = { ...messageKey(message), ...header, type, visibility, ...contentFields(message, event), storedAt };
  const { rejected, data: existing } = await Message.create(item).go({ returnOnConditionCheckFailure: 'all_old' });
  if (!rejected) return { outcome: 'stored' };
  const unreferencedEventKey = refersTo(existing, item.largeEvent) ? undefined : item.largeEvent;
  // A duplicate that was received earlier changes the header, so that the result does not depend on the order of deliveries.
  const changed = await ifConditionHolds(
    Message.patch(messageKey(message))
      .set(header)
      .data((stored, op) => {
        op.ifNotExists(stored.storedAt, storedAt);
        op.ifNotExists(stored.type, type);
        op.ifNotExists(stored.visibility, visibility);
      })
      .where((stored, op) => `${op.notExists(stored.receivedAt)} OR ${op.gt(stored.receivedAt, receivedAt)}`)
      .go({ response: 'all_old' }),
  );
  return { outcome: changed && !changed.data?.receivedAt ? 'superseded' : 'duplicate', unreferencedEventKey };
}
