import type { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import * as z from 'zod/mini';

const units = z.object({ CapacityUnits: z.number() });
/** A batch has one entry for each table. */
const consumed = z.object({
  ConsumedCapacity: z.union([
    z.array(units),
    z.pipe(
      units,
      z.transform((one) => [one]),
    ),
  ]),
});

export interface Consumed {
  /** Read capacity units: half a unit for each 4 KB, one for a consistent read. */
  readonly readUnits: number;
  readonly queries: number;
}

/** Counts the reads of a client from now on. */
export function meter(documents: DynamoDBDocumentClient) {
  let readUnits = 0;
  let queries = 0;
  documents.middlewareStack.add(
    (next) => async (args) => {
      const answer = await next({ ...args, input: { ...args.input, ReturnConsumedCapacity: 'TOTAL' } });
      queries += 1;
      const used = consumed.safeParse(answer.output).data?.ConsumedCapacity ?? [];
      readUnits += used.reduce((sum, { CapacityUnits }) => sum + CapacityUnits, 0);
      return answer;
    },
    { step: 'initialize', name: 'meter' },
  );
  return {
    /** The reads of `action`; nothing else may read concurrently. */
    async of<T>(action: () => Promise<T>): Promise<Consumed & { readonly value: T }> {
      const before = { readUnits, queries };
      const value = await action();
      return { value, readUnits: readUnits - before.readUnits, queries: queries - before.queries };
    },
  };
}
