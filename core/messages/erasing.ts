import { queryPartition, type StoredItem } from '../platform/dynamodb.ts';
import { Message } from './entities.ts';

/** A conversation's messages, notes, tombstones and clicks. */
export function messageItems(conversation: { organizationId: string; conversationId: string }): Promise<StoredItem[]> {
  return queryPartition(Message.get({ ...conversation, threadId: 'any', messageId: 'any' }).params());
}
