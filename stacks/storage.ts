import type { ResourceVariable } from '../core/platform/configuration.ts';
import type { Pattern } from './patterns.ts';

// The tables, the bucket and the archive as plain data: part of topology.ts.

/** A DynamoDB table, as AWS and the local engine create it. Its keys are `pk` and `sk`, and all key attributes are strings. */
export interface TableSpec {
  /** The environment variable that holds the name of the table. */
  readonly variable: ResourceVariable;
  readonly indexes: readonly {
    readonly name: string;
    readonly partitionKey: string;
    readonly sortKey: string;
    readonly projection: 'ALL' | 'KEYS_ONLY';
  }[];
}

/** The TTL attribute of every table, in seconds since 1970. DynamoDB removes expired items with a delay. */
export const expiryAttribute = 'expires';

export const tables = {
  /** One partition per conversation: its projection, events and read marks. `byThread` has the starts of threads only. */
  conversations: {
    variable: 'CONVERSATIONS_TABLE',
    indexes: [
      { name: 'byActivity', partitionKey: 'gsi1pk', sortKey: 'gsi1sk', projection: 'KEYS_ONLY' },
      { name: 'byThread', partitionKey: 'gsi2pk', sortKey: 'gsi2sk', projection: 'KEYS_ONLY' },
    ],
  },
  /**
   * One partition per conversation: messages, notes, button clicks and deliveries. `byStatus` has the dead letters only, `byId`
   * the messages whose id does not contain their thread.
   */
  messages: {
    variable: 'MESSAGES_TABLE',
    indexes: [
      { name: 'byStatus', partitionKey: 'gsi1pk', sortKey: 'gsi1sk', projection: 'ALL' },
      { name: 'byId', partitionKey: 'gsi2pk', sortKey: 'gsi2sk', projection: 'KEYS_ONLY' },
    ],
  },
  /** Rate limits, message groups, idempotency records and reconciliations. Rate limits and the reconciliation state do not expire. */
  control: { variable: 'CONTROL_TABLE', indexes: [] },
} as const satisfies Record<string, TableSpec>;

/** Holds media by organization, and the data of events that exceed the size limit of the bus. */
export const bucket = { name: 'media', eventsPrefix: 'events/' } as const;

/** Events are archived for replays. Send requests are excluded, so that a replay never sends a message to a customer. */
export const archive = {
  name: 'bus',
  pattern: { 'detail-type': [{ 'anything-but': 'message.send.requested' }] },
  retentionDays: 14,
} as const satisfies { name: string; pattern: Pattern; retentionDays: number };
