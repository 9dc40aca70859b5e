import { CustomAttributeType, Entity } from 'electrodb';
import type { ConversationKey } from '../channel/channel.ts';
import { type LatestMessages, putEvent, readProjection, updateProjection } from '../conversations/conversations.ts';
import type { ChatEvent } from '../conversations/projection.ts';
import { removeEventData } from '../events/claim-check.ts';
import type { DomainEvent, StoreOutcome } from '../events/event.ts';
import type { EventMetadata, NormalizedMessage, UserType } from '../events/schemas.ts';
import { removeMedia } from '../media/media.ts';
import { ifConditionHolds, keys, number, tableIn, text } from '../platform/dynamodb.ts';
import {
  contentFields,
  correctAuthor,
  expiry,
  type HeaderField,
  headerFields,
  keyAttributes,
  Message,
  type MessageKey,
  messageKey,
  refersTo,
  setAuthorType,
} from './messages.ts';

/** A customer's click on a button of a message. */
export const ButtonClick = new Entity(
  {
    model: { entity: 'buttonClick', version: '1', service: 'livechat' },
    attributes: {
      ...keyAttributes,
      eventId: text,
      userId: text,
      button: {
        type: CustomAttributeType<{
          id: string;
          toggled: boolean;
          type?: string | undefined;
          value?: string | undefined;
        }>('any'),
        required: true,
      },
      receivedAt: text,
      expires: number,
    },
    indexes: { primary: keys(['organizationId', 'conversationId'], ['threadId', 'messageId', 'eventId']) },
  },
  tableIn('MESSAGES_TABLE'),
);

/**
 * Replaces a message's content, with its type and visibility, unless a later revision is stored. A revision may arrive before its
 * message.
 */
export async function editMessage({ metadata, data }: DomainEvent<'message.updated' | 'note.updated'>): Promise<void> {
  const unreferencedEventKey = await reviseMessage(data, metadata);
  await correctAuthor(data, (await readProjection(data)).participants);
  // Last, because a retry reads the event again.
  if (unreferencedEventKey !== undefined) await removeEventData(unreferencedEventKey);
}

/**
 * Replaces the message by a tombstone for good, in any order of arrival, and deletes its files and events in the bucket. A
 * duplicate changes the tombstone only if it was received earlier.
 */
export async function deleteMessage({ metadata, data }: DomainEvent<'message.deleted'>): Promise<void> {
  const { organizationId, receivedAt: deletedAt } = metadata;
  const { conversationId, threadId, messageId, header } = data;
  const key = messageKey({ organizationId, conversationId, threadId, id: messageId });
  const deleted = await ifConditionHolds(
    Message.update(key)
      .set({ messageId, deletedAt, expires: expiry() })
      .remove(['content', 'contentJson', 'metadata', 'rawPayload', 'media', 'revision'])
      // Also matches an equal time, so that a retry after a crash still deletes the media and the large event. Their fields are kept.
      .where((stored, op) => `${op.notExists(stored.deletedAt)} OR ${op.gte(stored.deletedAt, deletedAt)}`)
      .go({ response: 'all_old' }),
  );
  if (deleted?.data?.type === 'media') await removeMedia(key);
  if (deleted?.data?.largeEvent !== undefined) await removeEventData(deleted.data.largeEvent);
  if (header) await completeTombstone(key, header);
}

/** Adds what is known of a deleted message whose webhook was lost or is still to come. */
async function completeTombstone(key: MessageKey, header: Pick<NormalizedMessage, HeaderField>): Promise<void> {
  await ifConditionHolds(
    Message.patch(key)
      .set({ ...headerFields(header), expires: expiry() })
      .where(({ timestamp, deletedAt }, op) => `${op.exists(deletedAt)} AND ${op.notExists(timestamp)}`)
      .go(),
  );
}

/** Stores a button click. */
export async function storeButtonClick({ metadata, data }: DomainEvent<'postback.received'>): Promise<StoreOutcome> {
  const { conversationId, threadId, messageId, user, button } = data;
  const { id: eventId, organizationId, receivedAt } = metadata;
  const key = { organizationId, conversationId, threadId, messageId, eventId };
  const click = ButtonClick.create({ ...key, userId: user.id, button, receivedAt, expires: expiry() });
  return (await ifConditionHolds(click.go())) ? 'stored' : 'duplicate';
}

/** Stores a change of a conversation, and applies it. */
export async function recordChatEvent(event: ChatEvent): Promise<StoreOutcome> {
  const outcome = await storeChatEvent(event);
  await applyChatEvent(event);
  return outcome;
}

/** The opening messages are not part of it: they are stored as messages, where deleting a message removes them. */
export function storeChatEvent(event: ChatEvent): Promise<StoreOutcome> {
  const stored = event.type === 'chat.started' ? { ...event, data: { ...event.data, opening: undefined } } : event;
  return putEvent(conversationKey(event), stored);
}

/**
 * Updates the conversation after a change was stored, then corrects the authors of messages that were stored before their
 * users were known. Only authors whose id looks like another user type can be misclassified. This is rare.
 */
export async function applyChatEvent(event: ChatEvent): Promise<void> {
  const conversation = conversationKey(event);
  const { participants } = await updateProjection(conversation, observedMessages(event));
  const misleading = participants.filter(({ misleadingId }) => misleadingId);
  if (misleading.length > 0) await correctAuthors(conversation, new Map(misleading.map(({ id, type }) => [id, type])));
}

/** The activity that only an observation knows: a message that LiveChat lists as deleted. */
function observedMessages(event: ChatEvent): LatestMessages {
  if (event.type !== 'chat.observed' || event.data.lastMessageAt === undefined) return {};
  return { [event.data.threadId]: event.data.lastMessageAt };
}

function conversationKey({ metadata, data }: ChatEvent): ConversationKey {
  return { organizationId: metadata.organizationId, conversationId: data.conversationId };
}

/** @param types the users' types, by id */
async function correctAuthors(conversation: ConversationKey, types: ReadonlyMap<string, UserType>): Promise<void> {
  const attributes = ['organizationId', 'conversationId', 'threadId', 'position', 'authorId', 'authorType'] as const;
  const { data } = await Message.query
    .primary(conversation)
    .go({ consistent: true, pages: 'all', attributes: [...attributes] });
  for (const { authorId = '', authorType, ...key } of data) {
    const type = types.get(authorId);
    if (type !== undefined && type !== authorType) await setAuthorType(key, type);
  }
}

/** Returns the S3 key of an event that the stored message does not refer to, if the event may be in the bucket. */
async function reviseMessage(message: NormalizedMessage, event: EventMetadata): Promise<string | undefined> {
  const revision = `${event.receivedAt}#${event.id}`;
  const { type, visibility } = message;
  const content = { ...contentFields(message, event), type, visibility };
  const { largeEvent } = content;
  const key = messageKey(message);
  const replaceContent = () =>
    Message.patch(key)
      .set({ ...content, revision, expires: expiry() })
      // An edit can replace a text by an object, or an object by a text.
      .remove([
        typeof content.content === 'string' ? 'contentJson' : 'content',
        ...(content.rawPayload === undefined ? (['rawPayload'] as const) : []),
        ...(largeEvent === undefined ? (['largeEvent'] as const) : []),
      ])
      .where((stored, op) =>
        [
          op.exists(stored.timestamp),
          op.notExists(stored.deletedAt),
          `(${op.notExists(stored.revision)} OR ${op.lt(stored.revision, revision)})`,
        ].join(' AND '),
      )
      .go({ response: 'all_old', returnOnConditionCheckFailure: 'all_old' });
  let replaced = await replaceContent();
  if (replaced.rejected) {
    const item = { ...key, ...headerFields(message), ...content, revision, expires: expiry() };
    if (await ifConditionHolds(Message.create(item).go())) return undefined;
    // The message may have been created between the two writes.
    replaced = await replaceContent();
  }
  const { rejected, data: before } = replaced;
  // A tombstone that arrived before its message gets the header, but no time of receipt.
  if (rejected) await completeTombstone(key, message);
  if (refersTo(before, largeEvent)) return undefined;
  return rejected ? largeEvent : before?.largeEvent;
}
