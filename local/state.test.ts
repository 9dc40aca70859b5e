import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openState, type State, StateError, toStateError } from './state.ts';

let folder: string;
const opened: State[] = [];

beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'livechat-state-')), 'data');
});
afterEach(() => {
  for (const state of opened.splice(0)) state.close();
  rmSync(folder, { recursive: true, force: true });
});

function open(where?: string): State {
  const state = openState(where);
  opened.push(state);
  return state;
}

/** Closes all states and opens the folder again. */
function reopen(): State {
  for (const state of opened.splice(0)) state.close();
  return open(folder);
}

describe.each([
  ['in memory', () => open()],
  ['in a folder', () => open(folder)],
])('a state %s', (_where, start) => {
  test('returns the records that were put, in the order of their first put', () => {
    const colors = start().collection<string>('colors');
    colors.put('red', 'old');
    colors.put('blue', '#00f');
    colors.put('red', '#f00');
    colors.put('green', '#0f0');
    colors.delete('green');
    expect(colors.get('red')).toBe('#f00');
    expect(colors.get('green')).toBeUndefined();
    expect(colors.entries()).toEqual([
      ['red', '#f00'],
      ['blue', '#00f'],
    ]);
    colors.clear();
    expect(colors.entries()).toEqual([]);
  });

  test('returns ranges in the order of the keys, forwards and backwards', () => {
    const numbers = start().collection<number>('numbers "1"');
    const keys = Array.from({ length: 250 }, (_, number) => String(number).padStart(3, '0'));
    for (const key of keys.toReversed()) numbers.put(key, Number(key));
    const read = (range: object) => [...numbers.range(range)].map(([, value]) => value);
    expect(read({})).toEqual(keys.map(Number));
    expect(read({ reverse: true })).toEqual(keys.map(Number).toReversed());
    expect(read({ gte: '005', lt: '008' })).toEqual([5, 6, 7]);
    expect(read({ gt: '005', lte: '008', reverse: true })).toEqual([8, 7, 6]);
    expect(read({ gt: '010', lt: '240' })).toHaveLength(229);
  });

  test('deletes a range of keys, and the oldest records', () => {
    const numbers = start().collection<number>('numbers');
    for (const key of ['3', '1', '2', '5', '4']) numbers.put(key, Number(key));
    numbers.keepLatest(4);
    expect(numbers.keys()).toEqual(['1', '2', '5', '4']);
    numbers.deleteRange({ gt: '1', lt: '5' });
    expect(numbers.keys()).toEqual(['1', '5']);
  });

  test('rolls back a transaction that throws', () => {
    const state = start();
    const colors = state.collection<string>('colors');
    const fail = () => {
      colors.put('red', '#f00');
      state.transaction(() => colors.put('blue', '#00f'));
      throw new Error('no');
    };
    expect(() => state.transaction(fail)).toThrow('no');
    expect(colors.entries()).toEqual([]);
    expect(state.transaction(() => 7)).toBe(7);
  });
});

test('keeps the records in a folder that only its owner can read', () => {
  open(folder).collection<string>('colors').put('red', '#f00');
  const modes = readdirSync(folder).map((file) => statSync(join(folder, file)).mode & 0o777);
  expect([...new Set(modes)]).toEqual([0o600]);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(reopen().collection('colors').entries()).toEqual([['red', '#f00']]);
});

test('locks the folder', () => {
  open(folder);
  expect(() => open(folder)).toThrow(StateError);
  expect(() => open(folder)).toThrow(/Another engine is using the folder .*--data DIR/);
});

test('rejects a folder of another version', () => {
  open(folder).close();
  const database = new DatabaseSync(join(folder, 'engine.db'));
  database.exec('PRAGMA user_version = 999');
  database.close();
  expect(() => open(folder)).toThrow(/another version .*livechat reset/);
});

test.each<[string, object, RegExp]>([
  ['SQLITE_BUSY', { errcode: 5 }, /^Another engine is using the folder \/data\. Stop that engine/],
  ['SQLITE_BUSY_RECOVERY', { errcode: 261 }, /^Another engine is using the folder \/data\. Stop that engine/],
  ['SQLITE_READONLY_DIRECTORY', { errcode: 1544 }, /^The engine cannot write to the folder \/data\. Correct its perm/],
  ['EACCES', { code: 'EACCES', path: '/data/engine.db' }, /^The engine cannot write to the folder \/data\./],
  ['SQLITE_FULL', { errcode: 13 }, /^Cannot write to the folder \/data: its disk is full/],
])('maps %s to an error with the folder and the fix', (_what, fields, expected) => {
  const error = toStateError(Object.assign(new Error('no'), fields), '/data');
  expect(error).toBeInstanceOf(StateError);
  expect(String(error)).toMatch(new RegExp(`StateError: ${expected.source.slice(1)}`));
});

test('does not describe an error of another path', () => {
  const error = Object.assign(new Error('no'), { code: 'EACCES', path: '/elsewhere' });
  expect(toStateError(error, '/data')).toBe(error);
});

test('keeps every write that returned before the process was killed', async () => {
  const program = `
    const { openState } = await import(${JSON.stringify(new URL('./state.ts', import.meta.url).href)});
    const numbers = openState(${JSON.stringify(folder)}).collection('numbers');
    for (let number = 0; ; number += 1) {
      numbers.put(String(number), number);
      if (number === 500) process.kill(process.pid, 'SIGKILL');
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program]);
  await once(child, 'exit');
  expect(open(folder).collection('numbers').entries()).toHaveLength(501);
});
