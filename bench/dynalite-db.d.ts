declare module 'dynalite/db/index.js' {
  type Item = import('./capacity.ts').Item;
  type Table = import('./capacity.ts').Table;
  type Index = import('./capacity.ts').Index;

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
    checkConditional(request: { readonly TableName: string }, before: Item | undefined): unknown;
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
