import { type ChatEvent, readAssignment, recordEvent, recordMessage } from '../conversations/conversations.ts';
import { type DomainEvent, largeEventKey } from '../events/event.ts';
import {
  type EventMetadata,
  messageDirection,
  type NormalizedMessage,
  type Participant,
  type UserType,
} from '../events/schemas.ts';
import { removeMedia } from '../media/media.ts';
import { expiresAfter, ifConditionHolds } from '../platform/dynamodb.ts';
import { ButtonClick, Message } from './entities.ts';

export interface MessageKey {
  readonly organizationId: string;
  readonly conversationId: string;
  readonly threadId: string;
  readonly messageId: string;
}

const expires = () => expiresAfter('MESSAGES_RETENTION_DAYS');
/** DynamoDB limits an item to 400 KB, including attribute names and index keys. */
const maxContentBytes = 300_000;

/**
 * Stores a message or a note, then moves its conversation forward. A note leaves the conversation unchanged, because the
 * customer does not see it. Returns false for a duplicate.
 *
 * The message is stored first: a user who becomes known later finds it and corrects its author, and a user who became known
 * before is among the participants that the conversation returns.
 */
export async function storeMessage(message: NormalizedMessage, metadata: EventMetadata): Promise<boolean> {
  const isNew = await createMessage(message, metadata);
  const isNote = message.visibility === 'agents';
  const participants = isNote ? (await readAssignment(message)).participants : await recordMessage(message, metadata);
  await correctAuthor(message, participants);
  return isNew;
}

/** Replaces a message's content, unless a later revision is stored. A revision may arrive before its message. */
export async function editMessage({ metadata, data }: DomainEvent<'message.updated' | 'note.updated'>): Promise<void> {
  await reviseMessage(data, metadata);
  await correctAuthor(data, (await readAssignment(data)).participants);
}

/** Replaces the message by a tombstone, in any order of arrival, and removes its stored media. */
export async function deleteMessage({ metadata, data }: DomainEvent<'message.deleted'>): Promise<void> {
  const key = { organizationId: metadata.organizationId, ...data };
  if ((await markDeleted(key, metadata.receivedAt)) === 'media') await removeMedia(key);
}

/** Stores a button click. Returns false for a duplicate. */
export async function storeButtonClick({ metadata, data }: DomainEvent<'postback.received'>): Promise<boolean> {
  const { conversationId, threadId, messageId, user, button } = data;
  const { id: eventId, organizationId, receivedAt } = metadata;
  const key = { organizationId, conversationId, threadId, messageId, eventId };
  const click = ButtonClick.create({ ...key, userId: user.id, button, receivedAt, expires: expires() });
  return (await ifConditionHolds(click.go())) !== undefined;
}

/**
 * Records a change of a conversation, then corrects the authors of messages that were stored before their users were
 * known. Returns false for a duplicate.
 */
export async function recordChatEvent(event: ChatEvent): Promise<boolean> {
  const { conversation, isNew, identifiedUsers } = await recordEvent(event);
  if (identifiedUsers.size === 0) return isNew;
  const attributes = ['organizationId', 'conversationId', 'threadId', 'messageId', 'authorId', 'authorType'] as const;
  const { data } = await Message.query
    .primary(conversation)
    .go({ consistent: true, pages: 'all', attributes: [...attributes] });
  for (const { authorId, authorType, ...key } of data) {
    const type = authorId === undefined ? undefined : identifiedUsers.get(authorId);
    if (type !== undefined && type !== authorType) await setAuthorType(key, type);
  }
  return isNew;
}

/** The ids and LiveChat's times of everything stored of a thread, including notes and tombstones. */
export async function listMessageIds(
  thread: Omit<MessageKey, 'messageId'>,
): Promise<{ id: string; at: string | undefined }[]> {
  const { data } = await Message.query.primary(thread).go({ pages: 'all', attributes: ['messageId', 'timestamp'] });
  return data.map(({ messageId, timestamp }) => ({ id: messageId, at: timestamp }));
}

/** The author's type is derived from the id alone; LiveChat's description of the user overrides it. */
async function correctAuthor(message: NormalizedMessage, participants: readonly Participant[]): Promise<void> {
  const { id, type } = message.author;
  const described = participants.find((one) => one.id === id)?.type ?? 'unknown';
  if (described !== 'unknown' && described !== type) await setAuthorType(messageKey(message), described);
}

async function setAuthorType(key: MessageKey, authorType: UserType): Promise<void> {
  await Message.patch(key)
    .set({ authorType, direction: messageDirection(authorType) })
    .go();
}

const messageKey = ({ organizationId, conversationId, threadId, id: messageId }: NormalizedMessage): MessageKey => ({
  organizationId,
  conversationId,
  threadId,
  messageId,
});

/** Every field except the content, its metadata and the raw payload. A tombstone keeps these fields. */
const headerFields = (message: NormalizedMessage) => ({
  direction: message.direction,
  type: message.type,
  timestamp: message.timestamp,
  authorId: message.author.id,
  authorType: message.author.type,
  visibility: message.visibility,
});

/** Content too large for an item stays in the bucket, where the event was stored for the bus; `oversize` refers to it. */
const contentFields = (message: NormalizedMessage, event: EventMetadata) => {
  const rawPayload = JSON.stringify(message.rawPayload);
  const bytes = Buffer.byteLength(rawPayload) + Buffer.byteLength(JSON.stringify(message.content) ?? '');
  if (bytes <= maxContentBytes) return { content: message.content, metadata: message.metadata, rawPayload };
  return {
    // The URL of a file stays: it is needed for the download.
    content: message.type === 'media' ? message.content : '',
    metadata: { ...message.metadata, oversize: { bytes, key: largeEventKey(event) } },
    rawPayload: '{}',
  };
};

/** Stores a message once. If it was deleted before it arrived, only its header is stored. Returns false for a duplicate. */
async function createMessage(message: NormalizedMessage, event: EventMetadata): Promise<boolean> {
  const { receivedAt } = event;
  const storedAt = new Date().toISOString();
  const fields = { ...messageKey(message), ...headerFields(message), ...contentFields(message, event) };
  const created = await ifConditionHolds(Message.create({ ...fields, receivedAt, storedAt, expires: expires() }).go());
  return created !== undefined || (await completeHeader(message, receivedAt, storedAt));
}

/**
 * Adds the header to a tombstone or revision that arrived before its message. If the message itself is stored, only an
 * earlier receipt changes it, so that the result does not depend on order or duplicates. Returns true if this completed a
 * tombstone.
 */
async function completeHeader(message: NormalizedMessage, receivedAt: string, storedAt: string): Promise<boolean> {
  const completed = await ifConditionHolds(
    Message.patch(messageKey(message))
      .set({ ...headerFields(message), receivedAt, expires: expires() })
      .data((stored, op) => op.ifNotExists(stored.storedAt, storedAt))
      .where((stored, op) =>
        [
          `(${op.exists(stored.deletedAt)} AND ${op.notExists(stored.timestamp)})`,
          `((${op.exists(stored.deletedAt)} OR ${op.exists(stored.revision)}) AND ${op.notExists(stored.receivedAt)})`,
          op.gt(stored.receivedAt, receivedAt),
        ].join(' OR '),
      )
      .go({ response: 'all_old' }),
  );
  return completed !== undefined && completed.data?.timestamp === undefined;
}

async function reviseMessage(message: NormalizedMessage, event: EventMetadata): Promise<void> {
  const revision = `${event.receivedAt}#${event.id}`;
  const content = contentFields(message, event);
  const key = messageKey(message);
  const replaceContent = () =>
    ifConditionHolds(
      Message.patch(key)
        .set({ ...content, revision, expires: expires() })
        .where((stored, op) =>
          [
            op.exists(stored.timestamp),
            op.notExists(stored.deletedAt),
            `(${op.notExists(stored.revision)} OR ${op.lt(stored.revision, revision)})`,
          ].join(' AND '),
        )
        .go(),
    );
  if (await replaceContent()) return;
  const header = headerFields(message);
  if (await ifConditionHolds(Message.create({ ...key, ...header, ...content, revision, expires: expires() }).go()))
    return;
  // The message may have been created between the two writes.
  if (await replaceContent()) return;
  // A tombstone that arrived before its message gets the header, but no time of receipt.
  await ifConditionHolds(
    Message.patch(key)
      .set({ ...header, expires: expires() })
      .where(({ timestamp, deletedAt }, op) => `${op.exists(deletedAt)} AND ${op.notExists(timestamp)}`)
      .go(),
  );
}

/**
 * Writes a tombstone, for good. A duplicate changes it only if it was received earlier. Returns the message's type if it is
 * stored.
 */
async function markDeleted(key: MessageKey, deletedAt: string): Promise<NormalizedMessage['type'] | undefined> {
  const deleted = await ifConditionHolds(
    Message.update(key)
      .set({ deletedAt, expires: expires() })
      .remove(['content', 'metadata', 'rawPayload', 'media', 'revision'])
      // An equal time as well: a retry after a crash must still remove the media.
      .where((stored, op) => `${op.notExists(stored.deletedAt)} OR ${op.gte(stored.deletedAt, deletedAt)}`)
      .go({ response: 'all_old' }),
  );
  return deleted?.data?.type;
}
