import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';

const consumed = z.object({ ConsumedCapacity: z.object({ CapacityUnits: z.number() }) });

export interface Consumed {
  /** What AWS would bill: half a unit for each 4 KB, a whole one where the read is consistent. */
  readonly readUnits: number;
  readonly queries: number;
}

/** Counts what is read through a client from now on. */
export function meter(documents: DynamoDBDocumentClient) {
  let readUnits = 0;
  let queries = 0;
  documents.middlewareStack.add(
    (next) => async (args) => {
      const answer = await next({ ...args, input: { ...args.input, ReturnConsumedCapacity: 'TOTAL' } });
      queries += 1;
      readUnits += consumed.safeParse(answer.output).data?.ConsumedCapacity.CapacityUnits ?? 0;
      return answer;
    },
    { step: 'initialize', name: 'meter' },
  );
  return {
    /** What `action` reads, while nothing else does. */
    async of<T>(action: () => Promise<T>): Promise<Consumed & { readonly value: T }> {
      const before = { readUnits, queries };
      const value = await action();
      return { value, readUnits: readUnits - before.readUnits, queries: queries - before.queries };
    },
  };
}
