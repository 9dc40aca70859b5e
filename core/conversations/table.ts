import type { TableLayout } from '../platform/dynamodb.ts';

/** One partition per conversation: its projection, events and read marks. */
export const conversationsTable = {
  partitionKey: 'pk',
  sortKey: 'sk',
  indexes: [{ name: 'byActivity', partitionKey: 'gsi1pk', sortKey: 'gsi1sk', projection: 'ALL' }],
  expiry: 'expires',
} as const satisfies TableLayout;
