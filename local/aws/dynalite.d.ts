declare module 'dynalite/db/*Parser.js' {
  const parser: { parse: import('./dynamodb-expressions.ts').Parse };
  export = parser;
}

declare module 'dynalite/db/index.js' {
  type ConditionCheck = import('./dynamodb.ts').ConditionCheck;
  type Item = import('../../bench/capacity.ts').Item;
  type Table = import('../../bench/capacity.ts').Table;
  type Index = {
    readonly IndexName: string;
    readonly KeySchema: readonly { readonly AttributeName: string }[];
  };
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
    /** Returns an error, or nothing if the item fits the table's keys. */
    validateItem(item: Item, table: Table): Error | undefined;
    /** Visits the key attributes of all indexes until one visit returns an error, and returns it. */
    traverseIndexes(
      table: Table,
      visit: (attribute: string, type: 'B' | 'N' | 'S', index: Index) => Error | undefined,
    ): Error | undefined;
    /** The error of a response. */
    validationError(message: string): Error;
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

declare module 'dynalite/validations/index.js' {
  type Validation = import('./dynamodb.ts').Validation;

  /** Both throw an error with the body of the response. */
  const validations: {
    checkTypes(input: object, types: Validation['types']): object;
    checkValidations(input: object, types: Validation['types'], custom: Validation['custom'], store: object): void;
  };
  export = validations;
}

declare module 'dynalite/validations/*.js' {
  const validation: import('./dynamodb.ts').Validation;
  export = validation;
}
