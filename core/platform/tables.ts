/** The schema of a DynamoDB table, from which AWS and the local engine create it. All key attributes are strings. */
export interface TableLayout {
  readonly partitionKey: string;
  readonly sortKey?: string;
  readonly indexes: readonly TableIndex[];
  /** The TTL attribute, in seconds since 1970. DynamoDB removes expired items with a delay. */
  readonly expiry: string;
}

export interface TableIndex {
  readonly name: string;
  readonly partitionKey: string;
  readonly sortKey: string;
  readonly projection: 'ALL' | 'KEYS_ONLY';
}

/** One partition per conversation: its projection, events and read marks. */
export const conversationsTable = {
  partitionKey: 'pk',
  sortKey: 'sk',
  indexes: [{ name: 'byActivity', partitionKey: 'gsi1pk', sortKey: 'gsi1sk', projection: 'ALL' }],
  expiry: 'expires',
} as const satisfies TableLayout;

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

/** Rate limits, message groups and idempotency records. Every item expires. */
export const controlTable = {
  partitionKey: 'pk',
  sortKey: 'sk',
  indexes: [],
  expiry: 'expires',
} as const satisfies TableLayout;
