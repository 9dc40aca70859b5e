import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DynamoDBClient,
  type KeySchemaElement,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import type { TableLayout } from '../../core/platform/table.ts';
import { region } from '../lambda/names.ts';
import { parseJson, readBody, sendJson } from './answers.ts';
import { rememberExpressions } from './expressions.ts';
import { createTimeToLive } from './time-to-live.ts';

/** DynamoDB takes 16 MB at once, in BatchWriteItem. */
const maximumBytes = 16 * 1_024 * 1_024;

const operations: ReadonlySet<string> = new Set([
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
]);

rememberExpressions();

/** DynamoDB in memory, by dynalite, which knows no time to live. */
export function createDatabase() {
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  const timeToLive = createTimeToLive();

  return {
    supports: (operation: string): boolean => operations.has(operation) || operation in timeToLive,

    /** @throws AwsError RequestEntityTooLargeException */
    async handle(operation: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
      const own = timeToLive[operation];
      if (own) {
        const input = parseJson(await readBody(request, maximumBytes));
        return sendJson(response, 200, own(input), 'application/x-amz-json-1.0');
      }
      // dynalite throws out of an event listener when a client goes away in the middle of a body, which would end
      // the process: so it gets the body when it is complete.
      const body = await readBody(request, maximumBytes);
      const { method, url, headers } = request;
      server.emit('request', Object.assign(Readable.from([body]), { method, url, headers }), response);
    },
  };
}

export type Database = ReturnType<typeof createDatabase>;

/** Creates the tables through the API, as a deployment does. */
export async function createTables(endpoint: string, layouts: Readonly<Record<string, TableLayout>>): Promise<void> {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new DynamoDBClient({ endpoint, region, credentials });
  try {
    await Promise.all(
      Object.entries(layouts).map(async ([TableName, layout]) => {
        await client.send(new CreateTableCommand(createTableInput(TableName, layout)));
        const TimeToLiveSpecification = { Enabled: true, AttributeName: layout.expiry };
        await client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }));
      }),
    );
  } finally {
    client.destroy();
  }
}

export function createTableInput(name: string, layout: TableLayout): CreateTableCommandInput {
  const indexes = layout.indexes.map((index) => ({
    IndexName: index.name,
    KeySchema: keySchema(index.partitionKey, index.sortKey),
    Projection: { ProjectionType: index.projection },
  }));
  const keys = [layout, ...layout.indexes].flatMap(({ partitionKey, sortKey }) => [partitionKey, sortKey ?? []].flat());
  return {
    TableName: name,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: keySchema(layout.partitionKey, layout.sortKey),
    AttributeDefinitions: [...new Set(keys)].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
    ...(indexes.length > 0 && { GlobalSecondaryIndexes: indexes }),
  };
}

function keySchema(partitionKey: string, sortKey: string | undefined): KeySchemaElement[] {
  const partition: KeySchemaElement = { AttributeName: partitionKey, KeyType: 'HASH' };
  return sortKey ? [partition, { AttributeName: sortKey, KeyType: 'RANGE' }] : [partition];
}
