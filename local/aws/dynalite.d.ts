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

  /** `item` is undefined if there is none. Returns the error if the condition does not hold. */
  const database: {
    checkConditional(
      input: ConditionCheck['input'],
      item: object | undefined,
    ): ConditionCheck['error'] | null | undefined;
  };
  export = database;
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
