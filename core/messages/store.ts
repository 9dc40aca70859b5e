import { largeEventKey } from '../events/event.ts';
import type { EventMetadata, NormalizedMessage, UserType } from '../events/schemas.ts';
import { messageDirection } from '../events/schemas.ts';
import { expiresAfter, ifConditionHolds } from '../platform/dynamodb.ts';
import { Message } from './entities.ts';

export interface MessageKey {
  readonly organizationId: string;
  readonly conversationId: string;
  readonly threadId: string;
  readonly messageId: string;
}

const expires = () => expiresAfter('MESSAGES_RETENTION_DAYS');
/** DynamoDB takes items of 400 KB, names and indexes' keys included. */
const mostBytes = 300_000;

const keyOf = (message: NormalizedMessage): MessageKey => ({
  organizationId: message.organizationId,
  conversationId: message.conversationId,
  threadId: message.threadId,
  messageId: message.id,
});

/** All but what was said. */
const frameOf = (message: NormalizedMessage) => ({
  direction: message.direction,
  type: message.type,
  timestamp: message.timestamp,
  authorId: message.author.id,
  authorType: message.author.type,
  visibility: message.visibility,
});

/** What was said. Content too large for an item stays in the bucket, where the bus has left the event: `oversize` says where. */
const contentOf = (message: NormalizedMessage, event: EventMetadata) => {
  const rawPayload = JSON.stringify(message.rawPayload);
  const bytes = Buffer.byteLength(rawPayload) + Buffer.byteLength(JSON.stringify(message.content) ?? '');
  if (bytes <= mostBytes) return { content: message.content, metadata: message.metadata, rawPayload };
  return {
    // A file's address stays: it is what the file is fetched by.
    content: message.type === 'media' ? message.content : '',
    metadata: { ...message.metadata, oversize: { bytes, key: largeEventKey(event) } },
    rawPayload: '{}',
  };
};

/**
 * Stores a message once. Where it was deleted before it came, only its frame is kept. Answers false for one that was
 * there already.
 */
export async function create(message: NormalizedMessage, event: EventMetadata): Promise<boolean> {
  const { receivedAt } = event;
  const times = { receivedAt, storedAt: new Date().toISOString() };
  const created = await ifConditionHolds(
    Message.create({
      ...keyOf(message),
      ...frameOf(message),
      ...contentOf(message, event),
      ...times,
      expires: expires(),
    }).go(),
  );
  return created !== undefined || (await frame(message, times));
}

/**
 * Tells of a message what its tombstone or its edition, which came first, could not. Where the message itself is there,
 * only an earlier receipt changes anything: so the end is the same, however often and in whatever order it is told.
 * Answers whether this was news of a deleted message.
 */
async function frame(message: NormalizedMessage, times: { receivedAt: string; storedAt: string }): Promise<boolean> {
  const framed = await ifConditionHolds(
    Message.patch(keyOf(message))
      .set({ ...frameOf(message), receivedAt: times.receivedAt, expires: expires() })
      .data(({ storedAt }, op) => op.ifNotExists(storedAt, times.storedAt))
      .where(({ timestamp, deletedAt, edition, receivedAt }, op) =>
        [
          `(${op.exists(deletedAt)} AND ${op.notExists(timestamp)})`,
          `((${op.exists(deletedAt)} OR ${op.exists(edition)}) AND ${op.notExists(receivedAt)})`,
          op.gt(receivedAt, times.receivedAt),
        ].join(' OR '),
      )
      .go({ response: 'all_old' }),
  );
  return framed !== undefined && framed.data?.timestamp === undefined;
}

/** Replaces the content unless a later edition or a tombstone is there; an edition may come before the message itself. */
export async function edit(message: NormalizedMessage, event: EventMetadata): Promise<void> {
  const edition = `${event.receivedAt}#${event.id}`;
  const content = contentOf(message, event);
  if (await replaceContent(message, content, edition)) return;
  const created = await ifConditionHolds(
    Message.create({ ...keyOf(message), ...frameOf(message), ...content, edition, expires: expires() }).go(),
  );
  if (created) return;
  // The message may have come between the two: then there is something to replace now.
  if (!(await replaceContent(message, content, edition))) await frameTombstone(message);
}

/** An edition knows a tombstone's frame too, and nothing of when the message itself was received. */
async function frameTombstone(message: NormalizedMessage): Promise<void> {
  await ifConditionHolds(
    Message.patch(keyOf(message))
      .set({ ...frameOf(message), expires: expires() })
      .where(({ timestamp, deletedAt }, op) => `${op.exists(deletedAt)} AND ${op.notExists(timestamp)}`)
      .go(),
  );
}

async function replaceContent(message: NormalizedMessage, content: ReturnType<typeof contentOf>, edition: string) {
  const replaced = await ifConditionHolds(
    Message.patch(keyOf(message))
      .set({ ...content, edition, expires: expires() })
      .where((kept, op) =>
        [
          op.exists(kept.timestamp),
          op.notExists(kept.deletedAt),
          `(${op.notExists(kept.edition)} OR ${op.lt(kept.edition, edition)})`,
        ].join(' AND '),
      )
      .go(),
  );
  return replaced !== undefined;
}

/**
 * Leaves a tombstone, for good; told again, only an earlier time of receipt changes it. Answers the message's type when
 * it had come before.
 */
export async function bury(key: MessageKey, deletedAt: string): Promise<NormalizedMessage['type'] | undefined> {
  const buried = await ifConditionHolds(
    Message.update(key)
      .set({ deletedAt, expires: expires() })
      .remove(['content', 'metadata', 'rawPayload', 'media', 'edition'])
      // Of the same time, too: what broke off after this is done again to its end.
      .where((kept, op) => `${op.notExists(kept.deletedAt)} OR ${op.gte(kept.deletedAt, deletedAt)}`)
      .go({ response: 'all_old' }),
  );
  return buried?.data?.type;
}

/** Names a message's author anew. */
export async function setAuthor(key: MessageKey, authorType: UserType): Promise<void> {
  await Message.patch(key)
    .set({ authorType, direction: messageDirection(authorType) })
    .go();
}

/** All that is stored of a thread, notes and tombstones included: ids and the carrier's times, as far as they have come. */
export async function listMessageIds(
  thread: Omit<MessageKey, 'messageId'>,
): Promise<{ id: string; at: string | undefined }[]> {
  const { data } = await Message.query.primary(thread).go({ pages: 'all', attributes: ['messageId', 'timestamp'] });
  return data.map(({ messageId, timestamp }) => ({ id: messageId, at: timestamp }));
}

const authorAttributes = [
  'organizationId',
  'conversationId',
  'threadId',
  'messageId',
  'authorId',
  'authorType',
] as const;

/** A conversation's messages and notes, by key and author alone; consistent. */
export async function authorsOf(key: { organizationId: string; conversationId: string }) {
  const attributes = [...authorAttributes];
  const { data } = await Message.query.primary(key).go({ consistent: true, pages: 'all', attributes });
  return data;
}
