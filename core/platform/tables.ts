/** How a DynamoDB table is laid out: what the cloud and the local engine create it from. All key attributes are strings. */
export interface TableLayout {
  readonly partitionKey: string;
  readonly sortKey?: string;
  readonly indexes: readonly TableIndex[];
  /** The attribute that holds the expiry, in seconds since 1970; DynamoDB removes the item some time after it. */
  readonly expiry: string;
}

export interface TableIndex {
  readonly name: string;
  readonly partitionKey: string;
  readonly sortKey: string;
  readonly projection: 'ALL' | 'KEYS_ONLY';
}

/** Short-lived records that coordinate work; each is one item, and every one expires. */
export const controlTable = { partitionKey: 'pk', indexes: [], expiry: 'expires' } as const satisfies TableLayout;
