import { chmodSync, closeSync, existsSync, mkdirSync, openSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** The state of the local engine: JSON records in named collections. SQLite stores them in a folder or in memory. */
export interface State {
  /** Opens a collection, and creates it if it does not exist. */
  collection<T>(name: string): Collection<T>;
  /** Applies all writes of `run`, or none if it throws. `run` is synchronous. A transaction within another joins it. */
  transaction<T>(run: () => T): T;
  /** The folder, for services that store their own files. Undefined if the state is in memory. */
  readonly folder: string | undefined;
  close(): void;
}

/** Records by key. A write that has returned survives a kill of the process. */
export interface Collection<T> {
  get(key: string): T | undefined;
  put(key: string, value: T): void;
  delete(key: string): void;
  /** Deletes the records of a range of keys. Does not read them. */
  deleteRange(range: KeyRange): void;
  /** Deletes the records whose keys were put first, so that at most `count` remain. */
  keepLatest(count: number): void;
  clear(): void;
  /** All keys, in the order in which they were first put. */
  keys(): string[];
  /** All records, in the order of {@link keys}. */
  entries(): (readonly [string, T])[];
  /** The records of a range of keys, in the order of their keys. */
  range(range: KeyRange): Iterable<readonly [string, T]>;
}

export interface KeyRange {
  readonly gt?: string | undefined;
  readonly gte?: string | undefined;
  readonly lt?: string | undefined;
  readonly lte?: string | undefined;
  readonly reverse?: boolean | undefined;
}

/** The folder cannot be used. The message tells the user what to do. */
export class StateError extends Error {
  override readonly name = 'StateError';
  readonly problem: Problem | undefined;

  constructor(message: string, { problem, ...options }: ErrorOptions & { readonly problem?: Problem } = {}) {
    super(message, options);
    this.problem = problem;
  }
}

type Problem = 'busy' | 'damaged' | 'forbidden' | 'diskError' | 'noFolder' | 'otherVersion';

/** By SQLite's primary result code, or by the code of the file system. */
const problems: ReadonlyMap<unknown, Problem> = new Map<unknown, Problem>([
  [5, 'busy'],
  [8, 'forbidden'],
  [10, 'diskError'],
  [11, 'damaged'],
  [13, 'diskError'],
  [14, 'forbidden'],
  [26, 'damaged'],
  ['EACCES', 'forbidden'],
  ['EDQUOT', 'diskError'],
  ['EEXIST', 'noFolder'],
  ['EFBIG', 'diskError'],
  ['EIO', 'diskError'],
  ['EISDIR', 'damaged'],
  ['ENOENT', 'forbidden'],
  ['ENOSPC', 'diskError'],
  ['ENOTDIR', 'noFolder'],
  ['EPERM', 'forbidden'],
  ['EROFS', 'forbidden'],
]);

const descriptions: Readonly<Record<Problem, (folder: string) => string>> = {
  busy: (folder) => `Another engine is using the folder ${folder}. Stop that engine`,
  damaged: (folder) =>
    `A file in the folder ${folder} is damaged, or is not a database. Delete the state with ${resetCommand(folder)}`,
  forbidden: (folder) => `The engine cannot write to the folder ${folder}. Correct its permissions`,
  diskError: (folder) => `Cannot write to the folder ${folder}: its disk is full or has failed. Free some space`,
  noFolder: (folder) => `${folder} is not a folder. Remove it`,
  otherVersion: (folder) =>
    `The folder ${folder} was written by another version of the engine. Delete the state with ${resetCommand(folder)}`,
};

const resetCommand = (folder: string): string => `\`npx livechat reset --data ${folder}\``;

function createError(problem: Problem, folder: string, cause?: unknown): StateError {
  const instead = 'choose another folder with --data DIR, or store nothing with --memory';
  return new StateError(`${descriptions[problem](folder)}, ${instead}.`, { problem, cause });
}

/** Converts an error of SQLite, or of the file system in the folder. Returns other errors unchanged. */
export function toStateError(error: unknown, folder: string): unknown {
  const problem = findProblem(error, folder);
  return problem ? createError(problem, folder, error) : error;
}

function findProblem(error: unknown, folder: string): Problem | undefined {
  if (!(error instanceof Error)) return undefined;
  // Extended codes such as SQLITE_BUSY_RECOVERY have the primary code in their lowest byte.
  if ('errcode' in error) {
    // A full disk rolls back the transaction, and with it the creation of a collection.
    if (error.message.startsWith('no such table')) return 'diskError';
    return problems.get(Number(error.errcode) & 0xff);
  }
  return 'path' in error && 'code' in error && String(error.path).startsWith(folder)
    ? problems.get(error.code)
    : undefined;
}

/** The schema version of the records. Raise it when the records of any collection change. */
const version = 1;

/** The files of the main thread, of the simulator's thread, and of fauxqs. */
const databaseFiles = ['engine.db', 'simulator.db', 'fauxqs.db'] as const;

export type DatabaseFile = (typeof databaseFiles)[number];

/** The folder that `npm start` uses without --data. */
export const defaultDataFolder = resolve(import.meta.dirname, '..', '.livechat');

export interface StateOptions {
  /** Default: engine.db. */
  readonly file?: DatabaseFile;
  /** Skips the version check, so that a state of any version can be deleted. */
  readonly anyVersion?: boolean;
}

/**
 * Opens the state in a folder, or in memory without one. The folder is created if it does not exist.
 *
 * Writes go to SQLite's write-ahead log before a call returns, so that they survive the end of the process. They are
 * flushed to the disk only at checkpoints: a power failure can lose the latest writes, but does not damage the file.
 *
 * @throws StateError if the folder cannot be used
 */
export function openState(folder?: string, options: StateOptions = {}): State {
  const database = folder === undefined ? new DatabaseSync(':memory:') : openFile(folder, options);
  const begin = database.prepare('BEGIN');
  const commit = database.prepare('COMMIT');
  const rollback = database.prepare('ROLLBACK');

  return {
    folder,

    collection: (name) => openCollection(database, name),

    transaction(run) {
      if (database.isTransaction) return run();
      begin.run();
      try {
        const result = run();
        commit.run();
        return result;
      } catch (error) {
        // SQLite has rolled back already if the disk is full.
        if (database.isTransaction) rollback.run();
        throw error;
      }
    },

    close(): void {
      if (database.isOpen) database.close();
    },
  };
}

/** Creates a file that only its owner can read. SQLite gives its other files the same mode. */
export function createPrivateFile(folder: string, file: DatabaseFile): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, file);
  closeSync(openSync(path, 'a', 0o600));
  chmodSync(path, 0o600);
  return path;
}

/**
 * Deletes the stored state of an engine from a folder, but no other files. Returns whether the folder contained a state.
 *
 * @throws StateError if an engine uses the folder
 */
export function deleteData(folder: string): boolean {
  if (!existsSync(join(folder, 'engine.db'))) return false;
  const state = tryOpenState(folder);
  try {
    for (const file of readdirSync(folder)) {
      const isDatabaseFile = databaseFiles.some((name) => file === name || file.startsWith(`${name}-`));
      if (isDatabaseFile) rmSync(join(folder, file), { recursive: true });
    }
  } finally {
    state?.close();
  }
  if (readdirSync(folder).length === 0) rmdirSync(folder);
  return true;
}

/** Locks the folder. Returns undefined if it is damaged: SQLite reports a lock before it reports damage. */
function tryOpenState(folder: string): State | undefined {
  try {
    return openState(folder, { anyVersion: true });
  } catch (error) {
    if (error instanceof StateError && error.problem === 'damaged') return undefined;
    throw error;
  }
}

function openFile(folder: string, { file = 'engine.db', anyVersion = false }: StateOptions): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(createPrivateFile(folder, file));
    // The lock ends with the process, however it ends.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
    database.exec('BEGIN EXCLUSIVE; COMMIT');
  } catch (error) {
    database?.close();
    throw toStateError(error, folder);
  }
  const found = Number(database.prepare('PRAGMA user_version').get()?.user_version);
  if (found === 0) database.exec(`PRAGMA user_version = ${version}`);
  else if (found !== version && !anyVersion) {
    database.close();
    throw createError('otherVersion', folder);
  }
  return database;
}

/** Number of rows that one statement reads. A reader that stops early does not read the whole collection. */
const pageSize = 100;

function openCollection<T>(database: DatabaseSync, name: string): Collection<T> {
  const table = `"${name.replaceAll('"', '""')}"`;
  database.exec(`CREATE TABLE IF NOT EXISTS ${table} (key TEXT NOT NULL UNIQUE, value TEXT NOT NULL)`);
  const select = database.prepare(`SELECT value FROM ${table} WHERE key = ?`);
  const upsert = database.prepare(
    `INSERT INTO ${table} VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
  );
  const remove = database.prepare(`DELETE FROM ${table} WHERE key = ?`);
  const trim = database.prepare(`DELETE FROM ${table} WHERE rowid <= (SELECT max(rowid) FROM ${table}) - ?`);
  const all = database.prepare(`SELECT key, value FROM ${table} ORDER BY rowid`);
  const allKeys = database.prepare(`SELECT key FROM ${table} ORDER BY rowid`);
  const pages = new Map<string, ReturnType<DatabaseSync['prepare']>>();

  function readPage({ lower, upper, order }: Page): readonly (readonly [string, T])[] {
    const where = `key ${lower.test} ? AND key ${upper.test} ?`;
    const text = `SELECT key, value FROM ${table} WHERE ${where} ORDER BY key ${order} LIMIT ${pageSize}`;
    const statement = pages.get(text) ?? database.prepare(text);
    pages.set(text, statement);
    return statement.all(lower.key, upper.key).map(toEntry<T>);
  }

  function* range(keys: KeyRange): Generator<readonly [string, T]> {
    for (let page: Page | undefined = firstPage(keys); page; ) {
      const rows = readPage(page);
      yield* rows;
      page = nextPage(page, rows);
    }
  }

  return {
    get(key) {
      const row = select.get(key);
      return row && JSON.parse(String(row.value));
    },
    put(key, value): void {
      upsert.run(key, JSON.stringify(value));
    },
    delete(key): void {
      remove.run(key);
    },
    deleteRange(keys): void {
      const { lower, upper } = firstPage(keys);
      database
        .prepare(`DELETE FROM ${table} WHERE key ${lower.test} ? AND key ${upper.test} ?`)
        .run(lower.key, upper.key);
    },
    keepLatest(count): void {
      trim.run(count);
    },
    clear(): void {
      database.exec(`DELETE FROM ${table}`);
    },
    keys: () => allKeys.all().map(({ key }) => String(key)),
    entries: () => all.all().map(toEntry<T>),
    range,
  };
}

interface Page {
  readonly lower: { readonly test: '>' | '>='; readonly key: string };
  readonly upper: { readonly test: '<' | '<='; readonly key: string };
  readonly order: 'ASC' | 'DESC';
}

/** Sorts after every key. */
const lastKey = '\u{10FFFF}';

function firstPage({ gt, gte = '', lt, lte = lastKey, reverse }: KeyRange): Page {
  return {
    lower: gt === undefined ? { test: '>=', key: gte } : { test: '>', key: gt },
    upper: lt === undefined ? { test: '<=', key: lte } : { test: '<', key: lt },
    order: reverse ? 'DESC' : 'ASC',
  };
}

function nextPage(page: Page, rows: readonly (readonly [string, unknown])[]): Page | undefined {
  const [key] = rows.at(-1) ?? [];
  if (key === undefined || rows.length < pageSize) return undefined;
  return page.order === 'ASC' ? { ...page, lower: { test: '>', key } } : { ...page, upper: { test: '<', key } };
}

function toEntry<T>({ key, value }: Readonly<Record<string, unknown>>): readonly [string, T] {
  return [String(key), JSON.parse(String(value))];
}
