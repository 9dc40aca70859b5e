import type { TableLayout } from '../platform/tables.ts';

/** One partition a conversation: the conversation itself, what happened to it, and how far each user has read. */
export const conversationsTable = {
  partitionKey: 'pk',
  sortKey: 'sk',
  indexes: [{ name: 'byActivity', partitionKey: 'gsi1pk', sortKey: 'gsi1sk', projection: 'ALL' }],
  expiry: 'expires',
} as const satisfies TableLayout;
