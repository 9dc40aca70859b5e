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
