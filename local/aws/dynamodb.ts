import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  DynamoDBClient,
  type KeySchemaElement,
  ResourceInUseException,
  type TableDescription,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import database from 'dynalite/db/index.js';
import deleteItem from 'dynalite/validations/deleteItem.js';
import validations from 'dynalite/validations/index.js';
import putItem from 'dynalite/validations/putItem.js';
import updateItem from 'dynalite/validations/updateItem.js';
import * as z from 'zod/mini';
import { expiryAttribute, type TableSpec } from '../../stacks/topology.ts';
import { type State, StateError } from '../state.ts';
import { region } from './arn.ts';
import { prepareParsers } from './dynamodb-expressions.ts';
import { checkIndexKeys, findKeyProblem } from './dynamodb-keys.ts';
import { type Callback, createTableStore, type TableStore } from './dynamodb-store.ts';
import { AwsError, createService, isRecord, parseBody, parseInput } from './protocol.ts';

const operationNames = [
  'BatchGetItem',
  'BatchWriteItem',
  'CreateTable',
  'DeleteItem',
  'DeleteTable',
  'DescribeTable',
  'GetItem',
  'ListTables',
  'PutItem',
  'Query',
  'Scan',
  'UpdateItem',
  'UpdateTable',
];

/** dynalite's validation of an operation's input. */
export interface Validation {
  readonly types: Record<string, object>;
  readonly custom?: (input: object, store: object) => string | undefined;
}

/** An operation of dynalite: it validates the input and calls back. */
interface TableOperation {
  readonly validation: Validation;
  readonly run: (store: TableStore, input: object, done: Callback) => void;
}

const operations: ReadonlyMap<string, TableOperation> = new Map(await Promise.all(operationNames.map(loadOperation)));

async function loadOperation(name: string): Promise<[string, TableOperation]> {
  const file = `${name.charAt(0).toLowerCase()}${name.slice(1)}.js`;
  const { default: run }: { default: TableOperation['run'] } = await import(`dynalite/actions/${file}`);
  const { default: validation }: { default: Validation } = await import(`dynalite/validations/${file}`);
  return [name, { run, validation }];
}

prepareParsers();
returnItemsOfFailedConditions();
checkIndexKeys();

/**
 * DynamoDB, implemented by dynalite. Adds the time-to-live operations and the item of a failed condition, which dynalite lacks.
 */
export function createDatabase(state: State) {
  const store = createTableStore(state);
  const timeToLive = createTimeToLive(state);

  async function run({ run, validation }: TableOperation, input: object): Promise<unknown> {
    const checked = validations.checkTypes(input, validation.types);
    validations.checkValidations(checked, validation.types, validation.custom, store);
    const invalid = findKeyProblem(store, checked);
    if (invalid) throw invalid;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    // A write completes within the transaction, so it is stored before the response is sent.
    state.transaction(() => run(store, checked, (error, output) => (error ? reject(error) : resolve(output))));
    return promise;
  }

  /** @throws AwsError */
  async function call(name: string, body: string): Promise<unknown> {
    const operation = operations.get(name);
    if (!operation) return timeToLive.call(name, parseBody(body));
    const input = parseBody(body);
    requireStorable(body, input);
    if (!isRecord(input)) throw new AwsError('SerializationException', 'The body is not a JSON object');
    try {
      const output = await run(operation, input);
      if (name === 'DeleteTable') timeToLive.attributes.delete(String(input.TableName));
      return output;
    } catch (error) {
      throw isDatabaseError(error) ? toAwsError(error) : error;
    }
  }

  /** The keys of a table's items that have expired, in pages, so that other calls run in between. */
  async function* scanExpired(TableName: string, attribute: string, values: object) {
    const { Table } = described.parse(await call('DescribeTable', JSON.stringify({ TableName })));
    const keys = Object.fromEntries(Table.KeySchema.map(({ AttributeName }, index) => [`#key${index}`, AttributeName]));
    const scan = {
      TableName,
      FilterExpression: '#expiry < :now',
      ProjectionExpression: Object.keys(keys).join(),
      ExpressionAttributeNames: { '#expiry': attribute, ...keys },
      ExpressionAttributeValues: values,
    };
    let ExclusiveStartKey: unknown;
    do {
      const page = scanned.parse(await call('Scan', JSON.stringify({ ...scan, ExclusiveStartKey })));
      yield* page.Items;
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey);
  }

  return {
    call,

    /** Deletes the items that have expired. `now`: milliseconds since 1970. */
    async deleteExpired(now: number): Promise<void> {
      const ExpressionAttributeValues = { ':now': { N: String(Math.floor(now / 1_000)) } };
      for (const [TableName, attribute] of timeToLive.attributes.entries()) {
        const ExpressionAttributeNames = { '#expiry': attribute };
        const deletion = { TableName, ConditionExpression: '#expiry < :now', ExpressionAttributeNames };
        for await (const Key of scanExpired(TableName, attribute, ExpressionAttributeValues)) {
          // The item may have changed since it was read.
          await call('DeleteItem', JSON.stringify({ ...deletion, ExpressionAttributeValues, Key })).catch(
            ignoreFailedCondition,
          );
        }
      }
    },
  };
}

const described = z.object({ Table: z.object({ KeySchema: z.array(z.object({ AttributeName: z.string() })) }) });
const scanned = z.object({ Items: z.array(z.unknown()), LastEvaluatedKey: z.optional(z.unknown()) });

function ignoreFailedCondition(error: unknown): void {
  if (!(error instanceof AwsError) || !error.type.endsWith('ConditionalCheckFailedException')) throw error;
}

/** dynalite's error, with the body of the response. */
interface DatabaseError {
  readonly statusCode: number;
  readonly body: { readonly __type: string; readonly message?: string };
}

function isDatabaseError(error: unknown): error is DatabaseError {
  return error instanceof Error && 'statusCode' in error && 'body' in error;
}

function toAwsError({ statusCode, body }: DatabaseError): AwsError {
  const { __type, message = '', ...details } = body;
  return new AwsError(__type, message, statusCode, details);
}

export type Database = ReturnType<typeof createDatabase>;

const maxNesting = 32;

/** Checks what DynamoDB does and dynalite does not: attribute names, and the nesting of values. @throws AwsError ValidationException */
function requireStorable(text: string, input: unknown): void {
  // The full check is slow. It runs only for requests that contain an empty name, or many maps and lists.
  const containers = text.match(/"[ML]":/g)?.length ?? 0;
  if (containers > maxNesting || text.includes('"":')) checkValue(input, 0);
}

function checkValue(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth > maxNesting) throw new AwsError('ValidationException', 'Nesting Levels have exceeded supported limits');
  for (const [name, inner] of Object.entries(value)) {
    if (name === '')
      throw new AwsError(
        'ValidationException',
        'One or more parameter values were invalid: an attribute name is empty',
      );
    checkValue(inner, name === 'M' || name === 'L' ? depth + 1 : depth);
  }
}

/**
 * Creates missing tables through the API, as a deployment does.
 *
 * @throws StateError if a table that exists has other indexes
 */
export async function createTables(
  endpoint: string,
  tables: Readonly<Record<string, Pick<TableSpec, 'indexes'>>>,
): Promise<void> {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new DynamoDBClient({ endpoint, region, credentials });
  async function create(name: string, table: Pick<TableSpec, 'indexes'>): Promise<void> {
    const input = createTableInput(name, table);
    try {
      await client.send(new CreateTableCommand(input));
      const TimeToLiveSpecification = { Enabled: true, AttributeName: expiryAttribute };
      await client.send(new UpdateTimeToLiveCommand({ TableName: name, TimeToLiveSpecification }));
    } catch (error) {
      if (!(error instanceof ResourceInUseException)) throw error;
      const { Table: found = {} } = await client.send(new DescribeTableCommand({ TableName: name }));
      if (describeIndexes(found) === describeIndexes(input)) return;
      throw new StateError(
        `The stored table ${name} has other indexes than this version. Delete it with \`npx livechat reset\`.`,
      );
    }
  }

  try {
    await Promise.all(Object.entries(tables).map(([name, table]) => create(name, table)));
  } finally {
    client.destroy();
  }
}

function createTableInput(name: string, table: Pick<TableSpec, 'indexes'>): CreateTableCommandInput {
  const indexes = table.indexes.map((index) => ({
    IndexName: index.name,
    KeySchema: keySchema(index.partitionKey, index.sortKey),
    Projection: { ProjectionType: index.projection },
  }));
  const keys = ['pk', 'sk', ...table.indexes.flatMap(({ partitionKey, sortKey }) => [partitionKey, sortKey])];
  return {
    TableName: name,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: keySchema('pk', 'sk'),
    AttributeDefinitions: [...new Set(keys)].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
    ...(indexes.length > 0 && { GlobalSecondaryIndexes: indexes }),
  };
}

function describeIndexes({ GlobalSecondaryIndexes = [] }: Pick<TableDescription, 'GlobalSecondaryIndexes'>): string {
  const indexes = GlobalSecondaryIndexes.map(({ IndexName, KeySchema, Projection }) => [
    IndexName,
    KeySchema?.map(({ AttributeName }) => AttributeName),
    Projection?.ProjectionType,
  ]);
  return JSON.stringify(indexes.sort());
}

function keySchema(partitionKey: string, sortKey: string): KeySchemaElement[] {
  return [
    { AttributeName: partitionKey, KeyType: 'HASH' },
    { AttributeName: sortKey, KeyType: 'RANGE' },
  ];
}

const describeSchema = z.object({ TableName: z.string() });
const updateSchema = z.object({
  TableName: z.string(),
  TimeToLiveSpecification: z.object({ Enabled: z.boolean(), AttributeName: z.string() }),
});

/** DynamoDB's time-to-live settings: the attribute of each table. */
function createTimeToLive(state: State) {
  const attributes = state.collection<string>('time to live');

  const service = createService('DynamoDB', {
    DescribeTimeToLive(input) {
      const AttributeName = attributes.get(parseInput(describeSchema, input).TableName);
      const off = { TimeToLiveStatus: 'DISABLED' };
      return { TimeToLiveDescription: AttributeName ? { TimeToLiveStatus: 'ENABLED', AttributeName } : off };
    },
    UpdateTimeToLive(input) {
      const { TableName, TimeToLiveSpecification } = parseInput(updateSchema, input);
      if (TimeToLiveSpecification.Enabled) attributes.put(TableName, TimeToLiveSpecification.AttributeName);
      else attributes.delete(TableName);
      return { TimeToLiveSpecification };
    },
  });
  return { ...service, attributes };
}

/** What dynalite's check of a condition reads and returns. */
export interface ConditionCheck {
  readonly input: { readonly TableName: string; readonly ReturnValuesOnConditionCheckFailure?: string };
  readonly error: { readonly body: Record<string, unknown> };
}

/** dynalite ignores `ReturnValuesOnConditionCheckFailure`: this lets the parameter pass, and adds the item to the error. */
function returnItemsOfFailedConditions(): void {
  for (const { types } of [deleteItem, putItem, updateItem]) {
    types.ReturnValuesOnConditionCheckFailure = { type: 'String', enum: ['ALL_OLD', 'NONE'] };
  }
  const { checkConditional } = database;
  database.checkConditional = (input, item) => {
    const error = checkConditional(input, item);
    if (error && item && input.ReturnValuesOnConditionCheckFailure === 'ALL_OLD') error.body.Item = item;
    return error;
  };
}
