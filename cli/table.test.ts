import fc from 'fast-check';
import stringWidth from 'fast-string-width';
import { describe, expect, test } from 'vitest';
import { formatTable, toColumn } from './table.ts';

const rows = [
  { id: '0f3b5c7d9e1a2b4c6d8e0f1a3b5c7d9e', error: 'ChannelServerError', about: 'chat T8RM2K0V9X, request order-4711' },
  { id: 'c', error: '', about: 'short' },
];
const format = (maxWidth: number) =>
  formatTable(
    ['id', 'error', 'about'].map((name) => toColumn(name, rows)),
    maxWidth,
  );

describe('a table', () => {
  test('has one line a row if it fits', () => {
    expect(format(200)).toEqual([
      'id                                error               about',
      '0f3b5c7d9e1a2b4c6d8e0f1a3b5c7d9e  ChannelServerError  chat T8RM2K0V9X, request order-4711',
      'c                                                     short',
    ]);
  });

  test('aligns cells with wide characters and colours', () => {
    const coloured = [
      { a: '\u001b[31mred\u001b[39m', b: 'x' },
      { a: '語語', b: 'y' },
    ];
    const columns = ['a', 'b'].map((name) => toColumn(name, coloured));
    expect(formatTable(columns, 80)).toEqual(['a     b', '\u001b[31mred\u001b[39m   x', '語語  y']);
  });

  test('wraps texts to the width, and never ids', () => {
    expect(format(75)).toEqual([
      'id                                error               about',
      '0f3b5c7d9e1a2b4c6d8e0f1a3b5c7d9e  ChannelServerError  chat T8RM2K0V9X,',
      '                                                      request order-4711',
      'c                                                     short',
    ]);
  });

  test('is a block of lines for each row if its columns do not fit', () => {
    expect(format(60)).toEqual([
      'id     0f3b5c7d9e1a2b4c6d8e0f1a3b5c7d9e',
      'error  ChannelServerError',
      'about  chat T8RM2K0V9X, request order-4711',
      '',
      'id     c',
      'error',
      'about  short',
    ]);
  });

  test('has more rows than a call can have arguments', () => {
    const column = toColumn('id', Array(200_000).fill({ id: 'T8RM2K0V9X' }));
    expect(formatTable([column], Number.POSITIVE_INFINITY)).toHaveLength(200_001);
  });

  test('fits every width from 40 columns, and loses no letter', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '語', '😀', 'é'), maxLength: 90 });
    const table = fc.array(fc.record({ id: text, no: text, why: text }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(table, fc.integer({ min: 40, max: 200 }), (found, width) => {
        const lines = formatTable(
          ['id', 'no', 'why'].map((name) => toColumn(name, found)),
          width,
        );
        for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(width);
        const letters = (value: string) => [...value.replaceAll(/[^ab語😀é]/gu, '')].sort().join('');
        expect(letters(lines.join(''))).toBe(letters(found.flatMap(Object.values).join('')));
      }),
    );
  });
});
