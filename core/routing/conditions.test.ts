import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyRuns } from '../../test/depth.ts';
import { condition, facts, openingHours } from '../../test/routing-arbitraries.ts';
import {
  type Condition,
  evaluateCondition,
  listTests,
  type Operand,
  type OperatorName,
  operators,
  type Truth,
} from './conditions.ts';

const complement: Record<`${Truth}`, Truth> = { true: false, false: true, unknown: 'unknown' };
const hours = openingHours.map((office) => ({ office }));

describe('evaluateCondition', () => {
  it('negates with `not`', () => {
    fc.assert(
      fc.property(condition, facts, hours, (one, known, open) => {
        const { truth } = evaluateCondition(one, known, open);
        expect(evaluateCondition({ not: one }, known, open).truth).toBe(complement[`${truth}`]);
        expect(evaluateCondition({ not: { not: one } }, known, open)).toMatchObject({ truth });
      }),
      propertyRuns(500),
    );
  });

  it('satisfies De Morgan for `all` and `any`', () => {
    fc.assert(
      fc.property(fc.array(condition, { maxLength: 3 }), facts, hours, (parts, known, open) => {
        const negated: Condition[] = parts.map((part) => ({ not: part }));
        const { truth } = evaluateCondition({ all: parts }, known, open);
        expect(evaluateCondition({ not: { any: negated } }, known, open).truth).toBe(truth);
      }),
    );
  });

  it('returns reasons whose paths and results are correct', () => {
    fc.assert(
      fc.property(condition, facts, hours, (one, known, open) => {
        const { truth, reasons } = evaluateCondition(one, known, open);
        const tests = listTests(one);
        for (const { path, result } of reasons)
          expect(
            tests.filter((one) => one.path === path).map(({ test }) => evaluateCondition(test, known, open).truth),
          ).toEqual([result]);
        // Only empty lists decide without a test.
        if (truth === 'unknown') expect(reasons.map(({ result }) => result)).toContain('unknown');
      }),
    );
  });
});

describe('operators', () => {
  it.each<[OperatorName, readonly (string | number | boolean)[], Operand, boolean]>([
    ['is', ['Pro'], 'pro', true],
    ['is', ['Pro'], ['free', 'PRO'], true],
    ['is', ['Pro'], 'professional', false],
    ['is', ['ＰＲＯ'], 'pro', true],
    ['is', ['Straße'], 'STRASSE', false],
    ['is', [4, 7], 7, true],
    ['is', [4, 7], [1, 2], false],
    ['is', [true], true, true],
    ['is', [true], false, false],
    ['is', [], 'pro', false],
    ['is', ['4'], 4, false],
    ['is', ['true'], true, false],
    ['startsWith', [4], '4', false],
    ['contains', ['x4'], 4, false],
    ['startsWith', ['a https://shop'], 'https://shop', false],
    ['startsWith', ['https://shop.example/pl/cart'], 'https://shop.example/PL/', true],
    ['startsWith', ['https://shop.example/cart'], ['https://a', 'https://shop'], true],
    ['endsWith', ['dana@shop.example'], '@shop.example', true],
    ['endsWith', ['dana@shop.example.org'], '@shop.example', false],
    ['contains', ['Where is my REFUND?'], 'refund', true],
    ['contains', ['Refunded'], 'refund', true],
    ['words', ['Refunded'], 'refund', false],
    ['words', ['I want a refund!'], ['cancel', 'Refund'], true],
    ['words', ['I want my money\n back'], 'money back', true],
    ['words', ['moneyback'], 'money back', false],
    ['words', ['refund'], 'refund', true],
    ['words', ['…refund, please'], 'refund please', true],
    ['words', ['prerefund'], 'refund', false],
    ['words', ['one,two;three'], 'two three', true],
    ['words', ['n1 2'], '1', false],
    ['words', ['Zwrot pieniędzy'], 'PIENIĘDZY', true],
    ['words', ['Привет, мир'], 'мир', true],
    ['words', ['naïve'], 'nai\u0308ve', true],
    ['atLeast', ['129.00'], 129, true],
    ['atLeast', ['128.99'], 129, false],
    ['atLeast', [' 130 '], 129, true],
    ['atLeast', ['1e9'], 129, false],
    ['atLeast', [''], 0, false],
    ['atLeast', ['129'], 129, true],
    ['atLeast', ['123456789012345'], 0, true],
    ['atLeast', ['1234567890123456'], 0, false],
    ['atLeast', ['1.123456789012345'], 1, true],
    ['atLeast', ['1.1234567890123456'], 1, false],
    ['atLeast', ['1.'], 0, false],
    ['atLeast', ['x1'], 0, false],
    ['atLeast', ['1x'], 0, false],
    ['atLeast', [200], 129, false],
    ['below', ['129'], 129, false],
    ['below', ['-5'], 0, true],
    ['below', ['abc'], 0, false],
    ['exists', ['x'], true, true],
    ['exists', [], true, false],
    ['exists', [], false, true],
    ['exists', [false], true, true],
  ])('%s of %j and %j is %s', (name, values, operand, fits) => {
    expect(operators[name].matches(values, operand)).toBe(fits);
  });

  it('takes bounded time on a hostile text', () => {
    const text = `${'a!'.repeat(8_000)}${' '.repeat(100)}`;
    const began = performance.now();
    for (const name of ['is', 'startsWith', 'endsWith', 'contains', 'words'] as const)
      operators[name].matches([text], 'aaaaaaaaaaaaaaaa!b');
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});
