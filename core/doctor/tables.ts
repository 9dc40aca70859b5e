import {
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  type TableDescription,
  type TimeToLiveDescription,
} from '@aws-sdk/client-dynamodb';
import type { TableLayout } from '../platform/tables.ts';
import { type Examination, type Finding, found } from './finding.ts';

export interface ExpectedTable {
  /** As it is deployed. */
  readonly name: string | undefined;
  /** The variable in which functions find its name. */
  readonly variable: string;
  readonly layout: TableLayout;
}

const about = 'tables';
const { ok, fault } = found(about);
const deploy = 'Deploy the stage again (locally, start the engine again).';

const keysOf = (schema: TableDescription['KeySchema']): string =>
  (schema ?? []).map(({ AttributeName }) => AttributeName).join(' and ');

function wrongWith(table: TableDescription, { partitionKey, sortKey, indexes }: TableLayout): string[] {
  const wrong: string[] = [];
  if (table.TableStatus !== 'ACTIVE') wrong.push(`is ${table.TableStatus}`);
  const keys = [partitionKey, sortKey].filter(Boolean).join(' and ');
  if (keysOf(table.KeySchema) !== keys) wrong.push(`has the keys ${keysOf(table.KeySchema)}, not ${keys}`);
  for (const { name, partitionKey: pk, sortKey: sk } of indexes) {
    const index = table.GlobalSecondaryIndexes?.find(({ IndexName }) => IndexName === name);
    if (!index) wrong.push(`lacks the index ${name}`);
    else if (keysOf(index.KeySchema) !== `${pk} and ${sk}`) wrong.push(`has an index ${name} of other keys`);
    else if (index.IndexStatus !== 'ACTIVE') wrong.push(`has an index ${name} that is ${index.IndexStatus}`);
  }
  return wrong;
}

function wrongWithExpiry(
  { TimeToLiveStatus, AttributeName }: TimeToLiveDescription,
  { expiry }: TableLayout,
): string[] {
  if (TimeToLiveStatus !== 'ENABLED' && TimeToLiveStatus !== 'ENABLING') {
    return ['keeps what has expired: its time to live is switched off'];
  }
  return AttributeName === expiry
    ? []
    : [`keeps what has expired: its time to live goes by ${AttributeName}, not ${expiry}`];
}

/** That each table is there, with its keys and indexes, and lets go of what has expired. */
export function tables(expected: readonly ExpectedTable[]): Examination {
  const client = new DynamoDBClient({ maxAttempts: 2 });
  const examine = async ({ name, variable, layout }: ExpectedTable): Promise<Finding[]> => {
    if (!name) return [fault(`${variable} names no table`, deploy)];
    try {
      const { Table = {} } = await client.send(new DescribeTableCommand({ TableName: name }));
      const { TimeToLiveDescription = {} } = await client.send(new DescribeTimeToLiveCommand({ TableName: name }));
      const wrong = [...wrongWith(Table, layout), ...wrongWithExpiry(TimeToLiveDescription, layout)];
      return wrong.map((what) => fault(`${name} ${what}`, deploy));
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'ResourceNotFoundException') throw error;
      return [fault(`there is no table ${name}`, deploy)];
    }
  };
  return {
    about,
    async run() {
      const faults = (await Promise.all(expected.map(examine))).flat();
      return faults.length > 0 ? faults : [ok(expected.map(({ name }) => name).join(', '))];
    },
  };
}
