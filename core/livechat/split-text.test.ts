import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyRuns } from '../../test/depth.ts';
import { splitText } from './split-text.ts';

const bytes = (text: string) => Buffer.byteLength(text);

describe('splitText', () => {
  const table: [string, number, string[]][] = [
    ['short', 16, ['short']],
    ['exactly sixteen!', 16, ['exactly sixteen!']],
    ['exactly sixteen!!', 16, ['exactly ', 'sixteen!!']],
    ['one two three', 7, ['one two', ' three']],
    ['one two three', 9, ['one two ', 'three']],
    ['abcdefgh', 4, ['abcd', 'efgh']],
    ['a bcdefghij', 5, ['a ', 'bcdef', 'ghij']],
    ['line\r\nline', 5, ['line', '\r\n', 'line']],
    ['🎉🎉🎉', 8, ['🎉🎉', '🎉']],
    ['🎉🎉🎉', 5, ['🎉', '🎉', '🎉']],
    ['żółć', 5, ['żó', 'łć']],
    ['abce\u0301', 5, ['abc', 'e\u0301']],
    ['ab👍🏽', 8, ['ab', '👍🏽']],
    ['🇵🇱🇪🇺', 12, ['🇵🇱', '🇪🇺']],
    ['👩‍👩‍👧‍👦', 8, ['👩\u200d', '👩\u200d', '👧\u200d', '👦']],
    ['    ', 4, ['    ']],
    ['\ud83c\ud83c\ud83c', 4, ['\ud83c', '\ud83c', '\ud83c']],
  ];
  it.each(table)('splits %j at %i bytes into %j', (text, most, parts) => {
    expect(splitText(text, most)).toEqual(parts);
  });

  it('returns one part for 16 KB and two for one byte more', () => {
    expect(splitText('a'.repeat(16_384))).toHaveLength(1);
    expect(splitText('a'.repeat(16_385)).map(bytes)).toEqual([16_384, 1]);
    expect(splitText('€'.repeat(5_461)).map(bytes)).toEqual([16_383]);
    expect(splitText('€'.repeat(5_462)).map(bytes)).toEqual([16_383, 3]);
  });

  it('splits the largest request within a second', () => {
    const start = performance.now();
    expect(splitText('word '.repeat(40_000))).toHaveLength(13);
    expect(splitText('x'.repeat(200_000))).toHaveLength(13);
    expect(splitText(' '.repeat(200_000))).toHaveLength(13);
    expect(performance.now() - start).toBeLessThan(1_000);
  });

  it('rejects a limit below 4 bytes', () => {
    expect(() => splitText('abc', 3)).toThrow(RangeError);
  });
});

describe('any text', () => {
  const character = fc.oneof(
    fc.constantFrom(
      ' ',
      '\n',
      '\r\n',
      '\t',
      '\u00a0',
      'a',
      'e\u0301',
      'ż',
      '€',
      '漢',
      '🎉',
      '👩‍👩‍👧‍👦',
      '🇵🇱',
      '\u200d',
      '\u0301',
    ),
    fc.string({ unit: 'binary', maxLength: 4 }),
    fc.string({ unit: 'grapheme', maxLength: 4 }),
  );
  const text = fc.array(character, { maxLength: 80 }).map((list) => list.join(''));
  const most = fc.integer({ min: 4, max: 40 });

  it('is split into non-empty parts within the limit that join to the text, without cutting a code point', () => {
    fc.assert(
      fc.property(
        text.filter((given) => given !== ''),
        most,
        (given, limit) => {
          const parts = splitText(given, limit);
          expect(parts.join('')).toBe(given);
          expect(parts.flatMap((part) => [...part])).toEqual([...given]);
          for (const part of parts) {
            expect(part).not.toBe('');
            expect(bytes(part)).toBeLessThanOrEqual(limit);
          }
        },
      ),
      propertyRuns(3_000),
    );
  });

  it('is not split within a word that fits', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'ż', '€', '🎉'), minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 40 }), (words) => {
        const parts = splitText(words.join(' '), 17);
        expect(parts.flatMap((part) => part.split(' ').filter(Boolean))).toEqual(words);
      }),
    );
  });
});
