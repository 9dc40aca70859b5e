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

declare module 'dynalite/db/conditionParser.js' {
  const parser: { parse: import('./dynamodb.ts').Parse };
  export = parser;
}

declare module 'dynalite/db/updateParser.js' {
  const parser: { parse: import('./dynamodb.ts').Parse };
  export = parser;
}

declare module 'dynalite/db/index.js' {
  type ConditionCheck = import('./dynamodb.ts').ConditionCheck;
  type Item = import('../../bench/capacity.ts').Item;
  type Table = import('../../bench/capacity.ts').Table;
  type Index = import('../../bench/capacity.ts').Index;

  const db: {
    itemSize(item: Item): number;
    getIndexActions(
      indexes: readonly Index[],
      before: Item | undefined,
      after: Item | undefined,
      table: Table,
    ): { puts: { index: string; item: Item }[]; deletes: { index: string }[] };
    updateIndexes(
      store: unknown,
      table: Table,
      before: Item | undefined,
      after: Item | undefined,
      done: (error?: unknown) => void,
    ): void;
    /** `before` is undefined if there is no item. Returns the error if the condition does not hold. */
    checkConditional(
      request: ConditionCheck['input'],
      before: Item | undefined,
    ): ConditionCheck['error'] | null | undefined;
    addConsumedCapacity(
      request: { readonly TableName: string; readonly ConsistentRead?: boolean },
      isRead: boolean,
      item?: Item,
      other?: Item,
    ): unknown;
    queryTable(store: unknown, table: Table, request: { ReturnConsumedCapacity?: string }, ...rest: unknown[]): void;
  };
  export = db;
}

declare module 'dynalite/validations/deleteItem.js' {
  const validation: { readonly types: Record<string, object> };
  export = validation;
}

declare module 'dynalite/validations/putItem.js' {
  const validation: { readonly types: Record<string, object> };
  export = validation;
}

declare module 'dynalite/validations/updateItem.js' {
  const validation: { readonly types: Record<string, object> };
  export = validation;
}
