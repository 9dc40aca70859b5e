import { setTimeout as sleep } from 'node:timers/promises';
import { type BatchGetItemOutput, ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, DynamoDBDocumentClient, paginateQuery } from '@aws-sdk/lib-dynamodb';
import pLimit from 'p-limit';
import * as z from 'zod/mini';
import { type ResourceVariable, required, wholeNumber } from './configuration.ts';

export const dynamodb = new DynamoDBClient({
  requestHandler: { connectionTimeout: 1000, requestTimeout: 3000, throwOnRequestTimeout: true },
});

/** Equals the number of the client's sockets: the timeouts of a call include the time in which it waits for a socket. */
const maxConcurrentCalls = 50;
const calls = pLimit(maxConcurrentCalls);
// Runs after the retry middleware: each attempt waits for a free slot, and the backoff between attempts occupies none.
dynamodb.middlewareStack.add((next) => (args) => calls(() => next(args)), { step: 'finalizeRequest', priority: 'low' });

/** DynamoDB is above its capacity. */
class BatchUnprocessedError extends Error {
  override readonly name = 'BatchUnprocessed';
}

const firstDelayMs = 50;
const maxCallsWithoutItems = 5;

// BatchGetItem returns UnprocessedKeys if the items exceed 16 MB, or if the table exceeds its throughput. ElectroDB returns
// these keys with the data, but drops them in a query that hydrates the items of an index.
dynamodb.middlewareStack.add((next) => async (args) => {
  const first = await next(args);
  const { output } = first;
  if (!('UnprocessedKeys' in output)) return first;
  const read = async (RequestItems: BatchGetItemOutput['UnprocessedKeys']): Promise<BatchGetItemOutput> => {
    const more = (await next({ ...args, input: { ...args.input, RequestItems } })).output;
    return 'UnprocessedKeys' in more ? more : {};
  };
  return { ...first, output: { ...output, ...(await readRest(output, read)) } };
});

async function readRest(
  first: BatchGetItemOutput,
  read: (keys: BatchGetItemOutput['UnprocessedKeys']) => Promise<BatchGetItemOutput>,
): Promise<BatchGetItemOutput> {
  let all = first;
  for (let withoutItems = 0; countKeys(all) > 0; ) {
    if (withoutItems === maxCallsWithoutItems) throw new BatchUnprocessedError('DynamoDB processes no key of a batch');
    if (withoutItems > 0) await sleep(firstDelayMs * 2 ** withoutItems);
    const more = await read(all.UnprocessedKeys);
    withoutItems = countKeys(more) < countKeys(all) ? 0 : withoutItems + 1;
    all = { UnprocessedKeys: more.UnprocessedKeys, Responses: joinItems(all.Responses, more.Responses) };
  }
  return all;
}

/** The items of two responses, by table. */
function joinItems(
  one: BatchGetItemOutput['Responses'] = {},
  other: BatchGetItemOutput['Responses'] = {},
): BatchGetItemOutput['Responses'] {
  const all = { ...one };
  for (const [table, items] of Object.entries(other)) all[table] = [...(all[table] ?? []), ...items];
  return all;
}

function countKeys({ UnprocessedKeys = {} }: BatchGetItemOutput): number {
  return Object.values(UnprocessedKeys).reduce((sum, { Keys = [] }) => sum + Keys.length, 0);
}

/** The document client, shared by all entities. */
export const documents = DynamoDBDocumentClient.from(dynamodb, { marshallOptions: { removeUndefinedValues: true } });

/** Attributes of ElectroDB entities. */
export const text = { type: 'string', required: true } as const;
export const number = { type: 'number', required: true } as const;

/** The keys of an index; those of a global secondary index have a prefix. LiveChat's ids are case-sensitive. */
export const keys = <const P extends readonly string[], const S extends readonly string[]>(pk: P, sk: S, prefix = '') =>
  ({
    pk: { field: `${prefix}pk`, composite: pk, casing: 'none' },
    sk: { field: `${prefix}sk`, composite: sk, casing: 'none' },
  }) as const;

/** Removes duplicate keys: DynamoDB rejects a batch that contains a key twice. */
export function uniqueKeys<Key extends object>(all: readonly Key[]): Key[] {
  return [...new Map(all.map((one) => [JSON.stringify(one), one])).values()];
}

/** The table of an ElectroDB entity. */
export const tableIn = (variable: Extract<ResourceVariable, `${string}_TABLE`>) => ({
  client: documents,
  table: required(variable),
});

/**
 * The result of a conditional write, or undefined if its condition did not hold. `onRetried` is called if the condition did not hold
 * for a retry by the SDK. The first attempt may have succeeded, with its response lost.
 */
export async function ifConditionHolds<T>(write: Promise<T>, onRetried = () => {}): Promise<T | undefined> {
  try {
    return await write;
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (!(cause instanceof ConditionalCheckFailedException)) throw error;
    if ((cause.$metadata.attempts ?? 1) > 1) onRetried();
    return undefined;
  }
}

const secondsPerDay = 86_400;

/** The expiry of an item written at `now`, in seconds since 1970. The setting is in days, 365 by default. */
export function expiresAfter(
  setting: 'CONVERSATIONS_RETENTION_DAYS' | 'MESSAGES_RETENTION_DAYS',
  now = Date.now(),
): number {
  return Math.floor(now / 1000) + wholeNumber(setting, 365, 1) * secondsPerDay;
}

/** The key of an item, with the name of its entity. */
export interface StoredItem {
  readonly table: string;
  readonly key: Readonly<Record<string, string>>;
  readonly entity: string;
}

const key = z.object({ pk: z.string(), sk: z.optional(z.string()) });
const address = z.looseObject({ TableName: z.string(), Key: key });
const item = z.looseObject({ pk: z.string(), sk: z.string(), __edb_e__: z._default(z.string(), 'item') });

/** Parses the table and key from the parameters of an ElectroDB `get` (`.params()`). */
export function parseItemAddress(params: unknown, entity: string): StoredItem {
  const { TableName: table, Key } = address.parse(params);
  return { table, key: { pk: Key.pk, ...(Key.sk !== undefined && { sk: Key.sk }) }, entity };
}

/** All items in the partition of an ElectroDB `get`, of any entity. */
export async function queryPartition(params: unknown): Promise<StoredItem[]> {
  const { TableName: table, Key } = address.parse(params);
  const query = {
    TableName: table,
    KeyConditionExpression: 'pk = :pk',
    ExpressionAttributeValues: { ':pk': Key.pk },
    ProjectionExpression: 'pk, sk, #entity',
    ExpressionAttributeNames: { '#entity': '__edb_e__' },
    ConsistentRead: true,
  };
  const found: z.infer<typeof item>[] = [];
  for await (const { Items = [] } of paginateQuery({ client: documents }, query))
    found.push(...z.array(item).parse(Items));
  return found.map(({ pk, sk, __edb_e__: entity }) => ({ table, key: { pk, sk }, entity }));
}

const maxConcurrentDeletes = 10;

/** Deletes items. Idempotent: a missing item is no error. */
export async function deleteItems(items: readonly StoredItem[], onDeleted: () => void): Promise<void> {
  const limit = pLimit(maxConcurrentDeletes);
  await Promise.all(
    items.map(({ table, key: Key }) =>
      limit(async () => {
        await documents.send(new DeleteCommand({ TableName: table, Key }));
        onDeleted();
      }),
    ),
  );
}
