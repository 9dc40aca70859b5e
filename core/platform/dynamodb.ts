import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, DynamoDBDocumentClient, QueryCommand } from '@aws-sdk/lib-dynamodb';
import pLimit from 'p-limit';
import * as z from 'zod/mini';
import { wholeNumber } from './configuration.ts';

/** The document client that every entity shares. */
export const documents = DynamoDBDocumentClient.from(
  new DynamoDBClient({
    requestHandler: { connectionTimeout: 1000, requestTimeout: 3000, throwOnRequestTimeout: true },
  }),
  { marshallOptions: { removeUndefinedValues: true } },
);

/** Whether a write was refused by its own condition, which is an answer rather than a failure. */
export function isConditionFailure(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && cause.name === 'ConditionalCheckFailedException';
}

/** The write's result, or undefined where its condition did not hold. */
export async function ifConditionHolds<T>(write: Promise<T>): Promise<T | undefined> {
  try {
    return await write;
  } catch (error) {
    if (isConditionFailure(error)) return undefined;
    throw error;
  }
}

const secondsPerDay = 86_400;

/** When an item written now expires, in seconds since 1970. The setting counts days; a year unless set. */
export function expiresAfter(
  setting: 'CONVERSATIONS_RETENTION_DAYS' | 'MESSAGES_RETENTION_DAYS',
  now = Date.now(),
): number {
  return Math.floor(now / 1000) + wholeNumber(setting, 365, 1) * secondsPerDay;
}

/** An item by its key, with the kind of thing it is. */
export interface StoredItem {
  readonly table: string;
  readonly key: Readonly<Record<string, string>>;
  readonly entity: string;
}

const key = z.object({ pk: z.string(), sk: z.optional(z.string()) });
const address = z.looseObject({ TableName: z.string(), Key: key });
const item = z.looseObject({ pk: z.string(), sk: z.string(), __edb_e__: z._default(z.string(), 'item') });

/** The item at an address: what ElectroDB would ask DynamoDB to read it (`params`). */
export function parseItemAddress(params: unknown, entity: string): StoredItem {
  const { TableName: table, Key } = address.parse(params);
  return { table, key: { pk: Key.pk, ...(Key.sk !== undefined && { sk: Key.sk }) }, entity };
}

/** Everything that lies in the partition of an address, whatever it is. */
export async function queryPartition(params: unknown): Promise<StoredItem[]> {
  const { TableName: table, Key } = address.parse(params);
  const found: StoredItem[] = [];
  let start: Record<string, unknown> | undefined;
  do {
    const page = await documents.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': Key.pk },
        ProjectionExpression: 'pk, sk, #entity',
        ExpressionAttributeNames: { '#entity': '__edb_e__' },
        ConsistentRead: true,
        ...(start && { ExclusiveStartKey: start }),
      }),
    );
    const items = z.array(item).parse(page.Items ?? []);
    found.push(...items.map(({ pk, sk, __edb_e__: entity }) => ({ table, key: { pk, sk }, entity })));
    start = page.LastEvaluatedKey;
  } while (start);
  return found;
}

const atOnce = 10;

/** Deletes items; one that is gone is as good. */
export async function deleteItems(items: readonly StoredItem[], onDeleted: () => void): Promise<void> {
  const limit = pLimit(atOnce);
  await Promise.all(
    items.map(({ table, key: Key }) =>
      limit(async () => {
        await documents.send(new DeleteCommand({ TableName: table, Key }));
        onDeleted();
      }),
    ),
  );
}
