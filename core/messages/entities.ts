import { CustomAttributeType, Entity } from 'electrodb';
import type { StoredFile } from '../media/store.ts';
import { required } from '../platform/configuration.ts';
import { documents } from '../platform/dynamodb.ts';

// LiveChat's ids are case-sensitive; ElectroDB lowercases keys by default.
const casing = 'none';
const service = 'livechat';
const table = { client: documents, table: required('MESSAGES_TABLE', 'the name of the messages table') };
const text = { type: 'string', required: true } as const;
const key = { organizationId: text, conversationId: text, threadId: text, messageId: text } as const;
const partition = { field: 'pk', composite: ['organizationId', 'conversationId'], casing } as const;

/** The stored file of `url`, or why it is not stored. */
export type MediaState = { readonly url: string } & (
  | (StoredFile & { readonly storedAt: string; readonly error?: never })
  | { readonly error: { readonly name: string; readonly message: string }; readonly failedAt: string }
);

/**
 * A message or a note. A tombstone that arrived before its message has only a key and `deletedAt`, and is not in `byTime`
 * until the message arrives. Notes have their own partition in `byTime`, so a query for messages never returns one.
 */
export const Message = new Entity(
  {
    model: { entity: 'message', version: '1', service },
    attributes: {
      ...key,
      direction: { type: ['inbound', 'outbound'] as const },
      type: { type: ['text', 'media', 'interactive', 'form', 'system', 'custom', 'unknown'] as const },
      content: { type: CustomAttributeType<unknown>('any') },
      /** The carrier's time, in microseconds. */
      timestamp: { type: 'string' },
      authorId: { type: 'string' },
      authorType: { type: ['customer', 'agent', 'bot', 'system', 'unknown'] as const },
      visibility: { type: ['all', 'agents'] as const },
      metadata: { type: CustomAttributeType<Readonly<Record<string, unknown>>>('any') },
      /** JSON: DynamoDB maps limit nesting and attribute names. */
      rawPayload: { type: 'string' },
      /** If edited, the webhook that the content comes from: time of receipt and event id. */
      revision: { type: 'string' },
      /** The state of a media message's file. */
      media: { type: CustomAttributeType<MediaState>('any') },
      /** The earliest receipt of the message's webhook, and when it was stored. ISO 8601. */
      receivedAt: { type: 'string' },
      storedAt: { type: 'string' },
      /** The earliest receipt of the webhook that deleted it. */
      deletedAt: { type: 'string' },
      expires: { type: 'number', required: true },
    },
    indexes: {
      primary: { pk: partition, sk: { field: 'sk', composite: ['threadId', 'messageId'], casing } },
      byTime: {
        index: 'byTime',
        condition: (item) => item.timestamp !== undefined,
        pk: { field: 'gsi1pk', composite: ['organizationId', 'conversationId', 'visibility'], casing },
        sk: { field: 'gsi1sk', composite: ['timestamp', 'messageId'], casing },
      },
      // No condition: ElectroDB evaluates it on the updated attributes only and would remove the item from the index.
      byId: {
        index: 'byId',
        pk: { field: 'gsi2pk', composite: ['messageId'], casing },
        sk: { field: 'gsi2sk', composite: ['organizationId', 'conversationId', 'threadId'], casing },
      },
    },
  },
  table,
);

/** A customer's click on a button of a message. */
export const ButtonClick = new Entity(
  {
    model: { entity: 'buttonClick', version: '1', service },
    attributes: {
      ...key,
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
      expires: { type: 'number', required: true },
    },
    indexes: {
      primary: { pk: partition, sk: { field: 'sk', composite: ['threadId', 'messageId', 'eventId'], casing } },
    },
  },
  table,
);
