import type { TableLayout } from '../platform/dynamodb.ts';

/** One partition per conversation: messages, notes and button clicks. The indexes find them by time and by message id. */
export const messagesTable = {
  partitionKey: 'pk',
  sortKey: 'sk',
  indexes: [
    { name: 'byTime', partitionKey: 'gsi1pk', sortKey: 'gsi1sk', projection: 'ALL' },
    { name: 'byId', partitionKey: 'gsi2pk', sortKey: 'gsi2sk', projection: 'KEYS_ONLY' },
  ],
  expiry: 'expires',
} as const satisfies TableLayout;
