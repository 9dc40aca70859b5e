import { CustomAttributeType, Entity } from 'electrodb';
import type { StoredFile } from '../media/store.ts';
import { required } from '../platform/configuration.ts';
import { documents } from '../platform/dynamodb.ts';

// LiveChat's ids tell upper case from lower; ElectroDB would make all keys lower case.
const casing = 'none';
const service = 'livechat';
const table = { client: documents, table: required('MESSAGES_TABLE', 'the name of the messages table') };
const text = { type: 'string', required: true } as const;
const key = { organizationId: text, conversationId: text, threadId: text, messageId: text } as const;
const partition = { field: 'pk', composite: ['organizationId', 'conversationId'], casing } as const;

/** The file at `url` and where it is, or why it is not here. */
export type MediaState = { readonly url: string } & (
  | (StoredFile & { readonly storedAt: string; readonly error?: never })
  | { readonly error: { readonly name: string; readonly message: string }; readonly failedAt: string }
);

/**
 * A message or a note. A tombstone that came before its message has a key and `deletedAt` alone, and is not in `byTime`
 * until the message has come. Notes have a partition of their own in `byTime`: who lists messages cannot meet one.
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
      /** JSON; a table's own maps know neither every depth nor every name. */
      rawPayload: { type: 'string' },
      /** Which webhook the content is of, when it was edited: time of receipt and event id. */
      edition: { type: 'string' },
      /** What has become of a media message's file. */
      media: { type: CustomAttributeType<MediaState>('any') },
      /** The earliest receipt of the webhook that brought the message, and when it was stored. ISO 8601. */
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
      // Without a condition: ElectroDB would judge it by what an update sets alone, and take the item out of the index.
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
