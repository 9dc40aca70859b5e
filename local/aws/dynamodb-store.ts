import { Stream } from 'node:stream';
import type { KeyRange, State } from '../state.ts';
import { accountId, region } from './arn.ts';

/** A callback of dynalite. */
export type Callback<T = unknown> = (error: unknown, result?: T) => void;

/** The records of one table or index, by dynalite's sort keys, or the list of tables. */
interface SubStore {
  get(key: string, done: Callback): void;
  put(key: string, value: unknown, done: Callback): void;
  del(key: string, done: Callback): void;
  createKeyStream(range?: KeyRange): Stream;
  createValueStream(range?: KeyRange): Stream;
  lock(key: string, run: (release: (done: Callback) => Callback) => void): void;
}

interface TableRecord {
  readonly TableStatus: string;
}

/** DynamoDB's limit on an item, in bytes. */
const maxItemSize = 409_600;

export type TableStore = ReturnType<typeof createTableStore>;

/**
 * Implements dynalite's store on the engine's state. Reads and writes are synchronous, so a write operation of dynalite
 * completes in one turn of the event loop. It needs no lock, and `state.transaction` makes it atomic.
 */
export function createTableStore(state: State) {
  const subStores = new Map<string, SubStore>();
  const storedTables = state.collection<TableRecord>('tables');
  const tables = new Map<string, TableRecord>();
  // The engine ended between the two writes that create a table, so the table is empty.
  for (const [name, { TableStatus }] of storedTables.entries()) {
    if (TableStatus === 'CREATING') storedTables.delete(name);
  }

  function openSubStore(name: string): SubStore {
    const found = subStores.get(name) ?? createSubStore(state, name);
    subStores.set(name, found);
    return found;
  }

  const tableList = openSubStore('tables');
  const tableDb = {
    ...tableList,
    awsAccountId: accountId,
    awsRegion: region,
    put(name: string, table: unknown, done: Callback): void {
      tables.delete(name);
      tableList.put(name, table, done);
    },
    del(name: string, done: Callback): void {
      tables.delete(name);
      tableList.del(name, done);
    },
  };

  /** dynalite passes `false` to include tables that are being created or deleted. */
  function getTable(name: string, ...rest: [Callback] | [boolean, Callback]): void {
    const [anyStatus, done] = rest.length === 1 ? [false, rest[0]] : [!rest[0], rest[1]];
    const table = tables.get(name) ?? storedTables.get(name);
    if (table) tables.set(name, table);
    const isReady = table && (anyStatus || !['CREATING', 'DELETING'].includes(table.TableStatus));
    if (isReady) done(null, table);
    else done(tableNotFound(name, anyStatus));
  }

  function remove(name: string, done: Callback): void {
    state.collection(name).clear();
    done(null);
  }

  const itemName = (table: string) => `items ${table}`;
  const indexName = (type: string, table: string, index: string) => `index ${type.toLowerCase()} ${table} ${index}`;
  const tagName = (table: string) => `tags ${table}`;

  return {
    options: { createTableMs: 0, deleteTableMs: 0, updateTableMs: 0, maxItemSize },
    tableDb,
    getTable,
    getItemDb: (table: string) => openSubStore(itemName(table)),
    getIndexDb: (type: string, table: string, index: string) => openSubStore(indexName(type, table, index)),
    getTagDb: (table: string) => openSubStore(tagName(table)),
    deleteItemDb: (table: string, done: Callback) => remove(itemName(table), done),
    deleteIndexDb: (type: string, table: string, index: string, done: Callback) =>
      remove(indexName(type, table, index), done),
    deleteTagDb: (table: string, done: Callback) => remove(tagName(table), done),
  };
}

function tableNotFound(name: string, withName: boolean) {
  const message = `Requested resource not found${withName ? `: Table: ${name} not found` : ''}`;
  const body = { __type: 'com.amazonaws.dynamodb.v20120810#ResourceNotFoundException', message };
  return Object.assign(new Error(message), { name: 'NotFoundError', statusCode: 400, body });
}

function createSubStore(state: State, name: string): SubStore {
  const records = state.collection<unknown>(name);
  return {
    get: (key, done) => done(null, records.get(key)),
    put(key, value, done) {
      records.put(key, value);
      done(null);
    },
    del(key, done) {
      records.delete(key);
      done(null);
    },
    createKeyStream: (range = {}) => new RecordStream(records.range(range), ([key]) => key),
    createValueStream: (range = {}) => new RecordStream(records.range(range), ([, value]) => value),
    lock: (_key, run) => run((done) => done),
  };
}

type Entry = readonly [string, unknown];

/** Emits the records once dynalite has added its listeners, until it destroys the stream. */
class RecordStream extends Stream {
  #destroyed = false;

  constructor(entries: Iterable<Entry>, select: (entry: Entry) => unknown) {
    super();
    process.nextTick(() => {
      for (const entry of entries) {
        if (this.#destroyed) break;
        this.emit('data', select(entry));
      }
      this.emit('end');
    });
  }

  destroy(): void {
    this.#destroyed = true;
  }
}
