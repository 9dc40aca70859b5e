import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyJson, reversed } from '../../test/arbitraries.ts';
import { propertyRuns } from '../../test/depth.ts';
import { contentHash, deriveId } from './ids.ts';

describe('deriveId', () => {
  const part = fc.oneof(fc.string(), fc.integer());
  const parts = fc.array(part, { maxLength: 4 });

  it('returns 32 hex digits', () => {
    fc.assert(fc.property(parts, (list) => /^[0-9a-f]{32}$/.test(deriveId(...list))));
  });

  it('returns equal ids for equal parts only, even if the joined parts are equal', () => {
    const some = fc.array(fc.constantFrom('', 'a', 'b', 'ab', ',', '"', '","', '[', 1, '1'), { maxLength: 4 });
    fc.assert(
      fc.property(some, some, (a, b) => {
        expect(deriveId(...a) === deriveId(...b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
      propertyRuns(1_000),
    );
  });

  it.each([
    [
      ['ab', 'c'],
      ['a', 'bc'],
    ],
    [['a', ''], ['a']],
    [['a,b'], ['a', 'b']],
    [
      ['a', 'b'],
      ['b', 'a'],
    ],
    [[1], ['1']],
    [
      ['T', 'x'],
      ['t', 'x'],
    ],
  ])('distinguishes %j from %j', (a, b) => {
    expect(deriveId(...a)).not.toBe(deriveId(...b));
  });

  it('is stable across versions of the bridge', () => {
    expect(deriveId('message.received', 'O', 'C', 'T', 'T_1')).toBe('1b0e57c4109fa42c70e660862719862f');
  });
});

describe('contentHash', () => {
  it('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(anyJson, (given) => {
        const value: unknown = JSON.parse(JSON.stringify(given));
        expect(contentHash(reversed(value))).toBe(contentHash(value));
      }),
    );
  });

  it.each([
    ['the order of a list', [1, 2], [2, 1]],
    ['nesting', { a: { b: 1 } }, { a: 1, b: 1 }],
    ['type', { a: '1' }, { a: 1 }],
    ['null', { a: null }, {}],
    ['emptiness', {}, []],
    ['absence', undefined, null],
    ['absence', undefined, 'undefined'],
    ['a key __proto__', JSON.parse('{"__proto__":{"a":1}}'), {}],
  ])('depends on %s', (_what, a, b) => {
    expect(contentHash(a)).not.toBe(contentHash(b));
  });
});
