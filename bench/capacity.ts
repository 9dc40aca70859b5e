import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import * as z from 'zod/mini';

/**
 * Reads and writes of the local engine's DynamoDB, with their capacity units. The engine's process imports this file (`--import`) and appends a line for
 * each read and write; the benchmark reads them.
 */

/** An item in DynamoDB's JSON. */
export type Item = Readonly<Record<string, Readonly<Record<string, unknown>>>>;
export interface Index {
  readonly IndexName: string;
}
export interface Table {
  readonly TableName: string;
  readonly GlobalSecondaryIndexes?: readonly Index[];
}

const operation = z.object({
  kind: z.enum(['read', 'create', 'update', 'delete', 'refused']),
  table: z.string(),
  /** ElectroDB's name of the entity. */
  entity: z.string(),
  sortKey: z.string(),
  bytes: z.number(),
  units: z.number(),
  /** Write units of the copies in indexes. */
  indexUnits: z.number(),
});
export type Operation = z.infer<typeof operation>;

const variable = 'BENCH_CAPACITY_FILE';

/** The environment of an engine that records its operations, and the functions to read them. */
export function recordCapacity() {
  const file = join(tmpdir(), `livechat-bench-capacity-${process.pid}.jsonl`);
  const clear = () => writeFileSync(file, '');
  clear();
  return {
    environment: { [variable]: file, NODE_OPTIONS: `--import=${import.meta.url}` },
    clear,
    read: (): Operation[] =>
      readFileSync(file, 'utf8')
        .split('\n')
        .flatMap((line) => (line ? [operation.parse(JSON.parse(line))] : [])),
  };
}

export type CapacityRecord = ReturnType<typeof recordCapacity>;

const target = process.env[variable];
if (target !== undefined && isMainThread) await observeDynalite(target);

async function observeDynalite(file: string): Promise<void> {
  const { default: db } = await import('dynalite/db/index.js');
  const size = (item: Item | undefined) => (item ? db.itemSize(item) : 0);
  const writeUnits = (bytes: number) => Math.max(1, Math.ceil(bytes / 1024));
  const readUnits = (bytes: number, isConsistent = false) =>
    Math.max(1, Math.ceil(bytes / 4096)) * (isConsistent ? 1 : 0.5);
  const record = (line: Operation) => appendFileSync(file, `${JSON.stringify(line)}\n`);
  const name = (item: Item | undefined) => ({
    entity: String(item?.__edb_e__?.S ?? ''),
    sortKey: String(item?.sk?.S ?? ''),
  });
  const { updateIndexes, checkConditional, addConsumedCapacity, queryTable } = db;

  db.updateIndexes = (store, table, before, after, done) => {
    const bytes = Math.max(size(before), size(after));
    record({
      kind: after ? (before ? 'update' : 'create') : 'delete',
      table: table.TableName,
      ...name(after ?? before),
      bytes,
      units: writeUnits(bytes),
      indexUnits: indexUnits(table, before, after),
    });
    updateIndexes(store, table, before, after, done);
  };
  db.checkConditional = (request, before) => {
    const refused = checkConditional(request, before);
    const common = { table: request.TableName, ...name(before), bytes: size(before), indexUnits: 0 };
    // DynamoDB bills a write whose condition does not hold.
    if (refused) record({ kind: 'refused', ...common, units: writeUnits(common.bytes) });
    return refused;
  };
  db.addConsumedCapacity = (request, isRead, item, other) => {
    const common = { table: request.TableName, ...name(item), bytes: size(item), indexUnits: 0 };
    if (isRead) record({ kind: 'read', ...common, units: readUnits(common.bytes, request.ConsistentRead) });
    return addConsumedCapacity(request, isRead, item, other);
  };
  db.queryTable = (store, table, request, ...rest) => {
    const done = rest.pop();
    const observed = (error: unknown, result: unknown) => {
      const { data } = queryResult.safeParse(result);
      const units = Math.max(data?.ConsumedCapacity.CapacityUnits ?? 0, 0.5);
      record({ kind: 'read', table: table.TableName, entity: 'query', sortKey: '', bytes: 0, units, indexUnits: 0 });
      if (typeof done === 'function') done(error, result);
    };
    queryTable(store, table, { ...request, ReturnConsumedCapacity: 'TOTAL' }, ...rest, observed);
  };

  /** An index is written if a projected attribute changes, and twice if its key changes. */
  function indexUnits(table: Table, before: Item | undefined, after: Item | undefined): number {
    const indexes = table.GlobalSecondaryIndexes ?? [];
    const { puts, deletes } = db.getIndexActions(indexes, before, after, table);
    const old = before ? db.getIndexActions(indexes, undefined, before, table).puts : [];
    const isUnchanged = ({ index, item }: { index: string; item: Item }) =>
      old.some((one) => one.index === index && JSON.stringify(one.item) === JSON.stringify(item));
    const changed = puts.filter((put) => !isUnchanged(put));
    return changed.reduce((sum, { item }) => sum + writeUnits(size(item)), 0) + deletes.length;
  }
}

const queryResult = z.object({ ConsumedCapacity: z.object({ CapacityUnits: z.number() }) });
