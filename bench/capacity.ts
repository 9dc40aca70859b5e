import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import * as z from 'zod/mini';

/**
 * Reads and writes of the local engine's DynamoDB, with their capacity units. The engine's process imports this file
 * (`--import`) and appends a line for each; the benchmark reads them.
 */

/** An item in DynamoDB's JSON. */
export type Item = Readonly<Record<string, Readonly<Record<string, unknown>>>>;
export interface Table {
  readonly TableName: string;
  readonly GlobalSecondaryIndexes?: readonly object[];
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

/** The operations since the last call of `clear`. */
export interface CapacityRecord {
  clear(): void;
  read(): Operation[];
}

/** The environment of an engine that records its operations in a file, and the record. */
export function recordCapacity(file: string): { environment: Record<string, string>; capacity: CapacityRecord } {
  const clear = () => writeFileSync(file, '');
  const parseLine = (line: string) => (line ? [operation.parse(JSON.parse(line))] : []);
  const read = () => readFileSync(file, 'utf8').split('\n').flatMap(parseLine);
  clear();
  const environment = { [variable]: file, NODE_OPTIONS: `--import=${import.meta.url}` };
  return { environment, capacity: { clear, read } };
}

/** In the key of the list of organizations. Only the engine's console reads it while a benchmark runs. */
const organizations = '$organization_';

const target = process.env[variable];
if (target !== undefined && isMainThread) await observeDynalite(target);

async function observeDynalite(file: string): Promise<void> {
  const { default: db } = await import('dynalite/db/index.js');
  const size = (item: Item | undefined) => (item ? db.itemSize(item) : 0);
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
    const values = JSON.stringify(request.ExpressionAttributeValues ?? {});
    const entity = values.includes(organizations) ? 'organizations' : 'query';
    const observed = (error: unknown, result: unknown) => {
      const { data } = queryResult.safeParse(result);
      const units = Math.max(data?.ConsumedCapacity.CapacityUnits ?? 0, request.ConsistentRead ? 1 : 0.5);
      record({ kind: 'read', table: table.TableName, entity, sortKey: '', bytes: 0, units, indexUnits: 0 });
      if (typeof done === 'function') done(error, result);
    };
    queryTable(store, table, { ...request, ReturnConsumedCapacity: 'TOTAL' }, ...rest, observed);
  };

  function indexUnits(table: Table, before: Item | undefined, after: Item | undefined): number {
    const indexes = table.GlobalSecondaryIndexes ?? [];
    const entries = (item: Item | undefined) =>
      new Map(item && db.getIndexActions(indexes, undefined, item, table).puts.map((put) => [put.index, put]));
    const [old, current] = [entries(before), entries(after)];
    const toEntry = (put: { key: string; item: Item } | undefined) =>
      put && { key: put.key, content: JSON.stringify(put.item), bytes: size(put.item) };
    return [...new Set([...old.keys(), ...current.keys()])]
      .map((index) => indexWriteUnits(toEntry(old.get(index)), toEntry(current.get(index))))
      .reduce((sum, units) => sum + units, 0);
  }
}

/** A write is a unit for each KB, rounded up. */
function writeUnits(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / 1024));
}

/** An item's copy in an index: the keys and the projected attributes. */
export interface IndexEntry {
  readonly key: string;
  readonly content: string;
  readonly bytes: number;
}

/**
 * The write units of an index when an item is written, as DynamoDB documents them: a new or removed entry is one write, a
 * changed key two, a changed projected attribute one. An unchanged entry is not written.
 */
export function indexWriteUnits(before: IndexEntry | undefined, after: IndexEntry | undefined): number {
  if (!before || !after || before.key !== after.key) {
    return [before, after].reduce((sum, entry) => sum + (entry ? writeUnits(entry.bytes) : 0), 0);
  }
  return before.content === after.content ? 0 : writeUnits(Math.max(before.bytes, after.bytes));
}

const queryResult = z.object({ ConsumedCapacity: z.object({ CapacityUnits: z.number() }) });
