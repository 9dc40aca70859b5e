import database from 'dynalite/db/index.js';
import * as z from 'zod/mini';
import type { TableStore } from './dynamodb-store.ts';
import { isRecord } from './protocol.ts';

const maxPartitionKeyBytes = 2_048;
const maxSortKeyBytes = 1_024;

/** Validates the values of index keys. dynalite validates only the values of the table's own keys. */
export function checkIndexKeys(): void {
  const { validateItem, updateIndexes } = database;
  database.validateItem = (item, table) => validateItem(item, table) ?? validateIndexKeys(item, table);
  // UpdateItem has no complete item before this step.
  database.updateIndexes = (store, table, before, after, done) => {
    const invalid = after && validateIndexKeys(after, table);
    if (invalid) done(invalid);
    else updateIndexes(store, table, before, after, done);
  };
}

function validateIndexKeys(...[item, table]: Parameters<typeof database.validateItem>): Error | undefined {
  return database.traverseIndexes(table, (attribute, type, { IndexName, KeySchema }) => {
    const value = item[attribute]?.[type];
    if (typeof value !== 'string' || type === 'N') return undefined;
    if (value === '') {
      return database.validationError(
        `One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty ${type === 'B' ? 'binary' : 'string'} value. IndexName: ${IndexName}, IndexKey: ${attribute}`,
      );
    }
    const size = Buffer.byteLength(value, type === 'B' ? 'base64' : 'utf8');
    return findSizeProblem(size, KeySchema[0]?.AttributeName === attribute);
  });
}

function findSizeProblem(size: number, isPartitionKey: boolean): Error | undefined {
  if (size <= (isPartitionKey ? maxPartitionKeyBytes : maxSortKeyBytes)) return undefined;
  // DynamoDB's message has no space after `limit of`.
  const problem = isPartitionKey
    ? `Size of hashkey has exceeded the maximum size limit of${maxPartitionKeyBytes} bytes`
    : `Aggregated size of all range keys has exceeded the size limit of ${maxSortKeyBytes} bytes`;
  return database.validationError(`One or more parameter values were invalid: ${problem}`);
}

/** Items or keys in a request to a table, or to an index of it. */
interface RequestKeys {
  readonly table: string;
  readonly index?: string | undefined;
  readonly keys: readonly unknown[];
}

function readKeys(input: object): readonly RequestKeys[] {
  const { TableName, IndexName, Item, Key, KeyConditions, RequestItems }: Readonly<Record<string, unknown>> = {
    ...input,
  };
  if (isRecord(RequestItems)) {
    return Object.entries(RequestItems).map(([table, requests]) => ({ table, keys: readBatch(requests) }));
  }
  const table = String(TableName);
  const index = IndexName === undefined ? undefined : String(IndexName);
  return [
    { table, keys: [Item ?? Key] },
    { table, index, keys: readConditions(KeyConditions) },
  ];
}

/** The keys of BatchGetItem, or the items and keys of BatchWriteItem. */
function readBatch(requests: unknown): readonly unknown[] {
  if (isRecord(requests) && Array.isArray(requests.Keys)) return requests.Keys;
  return (Array.isArray(requests) ? requests : []).map(
    ({ PutRequest, DeleteRequest }) => PutRequest?.Item ?? DeleteRequest?.Key,
  );
}

function readConditions(conditions: unknown): readonly unknown[] {
  if (!isRecord(conditions)) return [];
  return Object.entries(conditions).flatMap(([attribute, condition]) =>
    isRecord(condition) && Array.isArray(condition.AttributeValueList)
      ? condition.AttributeValueList.map((value: unknown) => ({ [attribute]: value }))
      : [],
  );
}

/** Validates the sizes of the keys in a request. dynalite counts characters instead of bytes, and accepts any key in a query. */
export function findKeyProblem(store: TableStore, input: object): Error | undefined {
  for (const { table, index, keys } of readKeys(input)) {
    for (const [position, { AttributeName }] of readSchema(store, table, index).entries()) {
      for (const key of keys) {
        const problem = findValueProblem(isRecord(key) ? key[AttributeName] : undefined, AttributeName, position === 0);
        if (problem) return problem;
      }
    }
  }
  return undefined;
}

const keySchema = z.array(z.object({ AttributeName: z.string() }));
const schemas = z.object({
  KeySchema: keySchema,
  GlobalSecondaryIndexes: z.optional(z.array(z.object({ IndexName: z.string(), KeySchema: keySchema }))),
});

/** Empty if the table or the index does not exist. */
function readSchema({ getTable }: TableStore, name: string, index: string | undefined): z.output<typeof keySchema> {
  let table: unknown;
  getTable(name, (_error, found) => {
    table = found;
  });
  const found = schemas.safeParse(table).data;
  const indexes = found?.GlobalSecondaryIndexes ?? [];
  return (index === undefined ? found : indexes.find(({ IndexName }) => IndexName === index))?.KeySchema ?? [];
}

function findValueProblem(value: unknown, attribute: string, isPartitionKey: boolean): Error | undefined {
  if (!isRecord(value)) return undefined;
  const { S, B } = value;
  if (S === '' || B === '') {
    return database.validationError(
      `One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty ${S === '' ? 'string' : 'binary'} value. Key: ${attribute}`,
    );
  }
  if (typeof S === 'string') return findSizeProblem(Buffer.byteLength(S), isPartitionKey);
  return typeof B === 'string' ? findSizeProblem(Buffer.byteLength(B, 'base64'), isPartitionKey) : undefined;
}
