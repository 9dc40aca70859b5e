import { expect, it } from 'vitest';
import { type IndexEntry, indexWriteUnits } from './capacity.ts';

const entry = (key: string, content: string, bytes: number): IndexEntry => ({ key, content, bytes });
const small = entry('a', 'one', 200);

it.each<[string, IndexEntry | undefined, IndexEntry | undefined, number]>([
  ['a new entry of 200 bytes', undefined, small, 1],
  ['a new entry of 1.5 KB', undefined, entry('a', 'one', 1_536), 2],
  ['a removed entry of 1.5 KB', entry('a', 'one', 1_536), undefined, 2],
  ['an unchanged entry', small, small, 0],
  ['a changed projected attribute', small, entry('a', 'two', 200), 1],
  ['an entry that shrinks below 1 KB', entry('a', 'one', 1_536), entry('a', 'two', 200), 2],
  ['a changed key', small, entry('b', 'one', 200), 2],
  ['a changed key of an entry that grows above 1 KB', small, entry('b', 'two', 1_536), 3],
  ['an item that is not in the index', undefined, undefined, 0],
])('counts the write units of %s', (_what, before, after, units) => {
  expect(indexWriteUnits(before, after)).toBe(units);
});
