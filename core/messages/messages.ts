import {
  type ChatEvent,
  participantsOf,
  type RecordedEvent,
  recordEvent,
  recordMessage,
} from '../conversations/conversations.ts';
import type { DomainEvent } from '../events/event.ts';
import type { EventMetadata, NormalizedMessage, Participant } from '../events/schemas.ts';
import { messageDirection } from '../events/schemas.ts';
import { removeMedia } from '../media/media.ts';
import { expiresAfter, ifConditionHolds } from '../platform/dynamodb.ts';
import { ButtonClick } from './entities.ts';
import { authorsOf, bury, create, edit, setAuthor } from './store.ts';

export { listMessageIds } from './store.ts';

/**
 * Stores a message and moves its conversation forward: two writes for one that starts nothing new. Answers whether it
 * was new.
 */
export async function storeMessage(message: NormalizedMessage, metadata: EventMetadata): Promise<boolean> {
  const known = await recordMessage(message, metadata);
  const stored = await create(correctedBy(known, message), metadata);
  const { author } = message;
  const settled = author.type === 'system' || known.some(({ id }) => id === author.id);
  if (!settled) await correctLate(message);
  return stored;
}

/** Notes move nothing forward: the customer sees nothing of them. */
export async function storeNote(note: NormalizedMessage, metadata: EventMetadata): Promise<boolean> {
  const known = await participantsOf(note);
  return create(correctedBy(known, note), metadata);
}

function correctedBy(known: readonly Participant[], message: NormalizedMessage): NormalizedMessage {
  const type = known.find(({ id }) => id === message.author.id)?.type;
  if (type === undefined || type === 'unknown') return message;
  return { ...message, author: { ...message.author, type }, direction: messageDirection(type) };
}

/** The users may have become known while the message was being stored; whoever comes second sees the other. */
async function correctLate(message: NormalizedMessage): Promise<void> {
  const corrected = correctedBy(await participantsOf(message), message);
  if (corrected.author.type === message.author.type) return;
  await setAuthor({ ...message, messageId: message.id }, corrected.author.type);
}

/**
 * Records what changes a conversation, and corrects the authors of messages stored before their users were known.
 * Answers false for an event that had been recorded before.
 */
export async function recordChatEvent(event: ChatEvent): Promise<boolean> {
  const learned = await recordEvent(event);
  await correctAuthors(learned);
  return learned.news;
}

async function correctAuthors({ conversation, types }: RecordedEvent): Promise<void> {
  if (types.size === 0) return;
  for (const { authorId, authorType, ...key } of await authorsOf(conversation)) {
    const type = authorId === undefined ? undefined : types.get(authorId);
    if (type !== undefined && type !== authorType) await setAuthor(key, type);
  }
}

/** Replaces a message's content by the newest that was received. */
export async function editMessage({ metadata, data }: DomainEvent<'message.updated' | 'note.updated'>): Promise<void> {
  const known = await participantsOf(data);
  await edit(correctedBy(known, data), metadata);
}

/** Leaves a tombstone, which wins in any order, and removes the message's stored media. */
export async function deleteMessage({ metadata, data }: DomainEvent<'message.deleted'>): Promise<void> {
  const key = { organizationId: metadata.organizationId, ...data };
  if ((await bury(key, metadata.receivedAt)) === 'media') await removeMedia(key);
}

/** Keeps a click, once. Answers false for one that was there already. */
export async function storeButtonClick({ metadata, data }: DomainEvent<'postback.received'>): Promise<boolean> {
  const click = ButtonClick.create({
    organizationId: metadata.organizationId,
    conversationId: data.conversationId,
    threadId: data.threadId,
    messageId: data.messageId,
    eventId: metadata.id,
    userId: data.user.id,
    button: data.button,
    receivedAt: metadata.receivedAt,
    expires: expiresAfter('MESSAGES_RETENTION_DAYS'),
  });
  return (await ifConditionHolds(click.go())) !== undefined;
}
