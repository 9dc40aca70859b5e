declare module 'dynalite' {
  import type { Server } from 'node:http';

  interface DynaliteOptions {
    readonly createTableMs?: number;
    readonly deleteTableMs?: number;
    readonly updateTableMs?: number;
  }

  /** A server that serves DynamoDB's API; it need not listen. */
  function dynalite(options?: DynaliteOptions): Server;
  export = dynalite;
}

declare module 'dynalite/db/*Parser.js' {
  const parser: { parse: import('./dynamodb.ts').Parse };
  export = parser;
}

declare module 'dynalite/db/index.js' {
  type ConditionCheck = import('./dynamodb.ts').ConditionCheck;
  type Item = import('../../bench/capacity.ts').Item;
  type Table = import('../../bench/capacity.ts').Table;
  type QueryRequest = {
    readonly ReturnConsumedCapacity?: string;
    readonly ConsistentRead?: boolean;
    readonly ExpressionAttributeValues?: object;
  };

  /** `item` is undefined if there is none. Returns the error if the condition does not hold. */
  const database: {
    checkConditional(
      input: ConditionCheck['input'],
      item: Item | undefined,
    ): ConditionCheck['error'] | null | undefined;
    itemSize(item: object): number;
    getIndexActions(
      indexes: readonly object[],
      before: Item | undefined,
      after: Item | undefined,
      table: Table,
    ): { puts: { index: string; key: string; item: Item }[] };
    updateIndexes(
      store: unknown,
      table: Table,
      before: Item | undefined,
      after: Item | undefined,
      done: (error?: unknown) => void,
    ): void;
    addConsumedCapacity(
      request: { readonly TableName: string; readonly ConsistentRead?: boolean },
      isRead: boolean,
      item?: Item,
      other?: Item,
    ): unknown;
    queryTable(store: unknown, table: Table, request: QueryRequest, ...rest: unknown[]): void;
  };
  export = database;
}

declare module 'dynalite/validations/*.js' {
  const validation: { readonly types: Record<string, object> };
  export = validation;
}
