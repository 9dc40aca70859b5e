import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { condition, facts, openingHours, ruleSet, written } from '../../test/routing-arbitraries.ts';
import { evaluate, judge, type Truth } from './evaluate.ts';
import type { RoutingFacts } from './facts.ts';
import { dryRun } from './plan.ts';
import { type Condition, partAt, type RuleSet } from './rules.ts';

const complement: Record<`${Truth}`, Truth> = { true: false, false: true, unknown: 'unknown' };
const hours = openingHours.map((office) => ({ office }));

describe('evaluating rules', () => {
  it('comes to the same each time', () => {
    fc.assert(
      fc.property(ruleSet, facts, (rules, known) => {
        const [before, seen] = [JSON.stringify([rules, known]), evaluate(rules, known)];
        expect(evaluate(structuredClone(rules), structuredClone(known))).toEqual(seen);
        expect(JSON.stringify([rules, known])).toBe(before);
      }),
    );
  });

  it('never throws, whatever is known of a conversation', () => {
    fc.assert(
      fc.property(ruleSet, facts, (rules, known) => {
        const { evaluated, matched, waitsAt } = evaluate(rules, known);
        expect(matched.map(({ name }) => name)).toEqual(
          evaluated.flatMap((one) => (one.result === 'matched' ? one.rule : [])),
        );
        expect(waitsAt !== undefined).toBe(evaluated.some(({ result }) => result === 'waits'));
        // With the message known nothing waits.
        if (known.message !== undefined) expect(waitsAt).toBeUndefined();
        dryRun(rules, known);
      }),
      { numRuns: 500 },
    );
  });

  it('takes `not` for the complement', () => {
    fc.assert(
      fc.property(condition, facts, hours, (one, known, open) => {
        const { truth } = judge(one, known, open);
        expect(judge({ not: one }, known, open).truth).toBe(complement[`${truth}`]);
        expect(judge({ not: { not: one } }, known, open)).toMatchObject({ truth });
      }),
      { numRuns: 500 },
    );
  });

  it('has `all` and `any` mirror each other', () => {
    fc.assert(
      fc.property(fc.array(condition, { maxLength: 3 }), facts, hours, (parts, known, open) => {
        const negated: Condition[] = parts.map((part) => ({ not: part }));
        const { truth } = judge({ all: parts }, known, open);
        expect(judge({ not: { any: negated } }, known, open).truth).toBe(truth);
      }),
    );
  });

  it('gives as reasons tests that are there and came to what is said of them', () => {
    fc.assert(
      fc.property(condition, facts, hours, (one, known, open) => {
        const { truth, reasons } = judge(one, known, open);
        for (const { path, result } of reasons)
          expect(judge(partAt(one, path) ?? { any: [] }, known, open).truth).toBe(result);
        // Only empty lists decide without a test.
        if (truth === 'unknown') expect(reasons.map(({ result }) => result)).toContain('unknown');
      }),
    );
  });

  it('ends with the same rules, whether the customer writes at the start or later', () => {
    fc.assert(
      fc.property(ruleSet, facts, written, (rules, known, message) => {
        const names = (some: readonly { name: string }[]) => some.map(({ name }) => name);
        const silent: RoutingFacts = { ...known, message: undefined };
        const atOnce = evaluate(rules, { ...known, message });
        const first = evaluate(rules, silent);
        const rest = first.waitsAt === undefined ? [] : evaluate(rules, { ...known, message }, first.waitsAt).matched;
        expect(names([...first.matched, ...rest])).toEqual(names(atOnce.matched));
      }),
      { numRuns: 500 },
    );
  });
});

describe('what decided a rule', () => {
  const known: RoutingFacts = {
    at: '2026-03-11T09:00:00.000000Z',
    customer: {},
    session: { plan: 'pro' },
    groups: [4],
    answers: [],
  };
  const evaluateCondition = (when: Condition, more: Partial<RoutingFacts> = {}) =>
    evaluate({ match: 'first', rules: [{ name: 'r', when, do: { tag: ['t'] } }] }, { ...known, ...more }).evaluated[0];
  const pro = { fact: 'session.plan', is: 'pro' } as const;
  const us = { fact: 'country', is: 'US' } as const;
  const refund = { fact: 'message', words: 'refund' } as const;

  it.each<[Condition, string, [string, Truth][]]>([
    [pro, 'matched', [['when', true]]],
    [us, 'not matched', [['when', false]]],
    [
      { all: [pro, us, us] },
      'not matched',
      [
        ['when.all.1', false],
        ['when.all.2', false],
      ],
    ],
    [
      { all: [pro, pro] },
      'matched',
      [
        ['when.all.0', true],
        ['when.all.1', true],
      ],
    ],
    [{ any: [us, pro] }, 'matched', [['when.any.1', true]]],
    [
      { any: [us, us] },
      'not matched',
      [
        ['when.any.0', false],
        ['when.any.1', false],
      ],
    ],
    [{ not: pro }, 'not matched', [['when.not', true]]],
    [{ all: [pro, { not: { any: [us, pro] } }] }, 'not matched', [['when.all.1.not.any.1', true]]],
    [{ all: [pro, refund] }, 'waits', [['when.all.1', 'unknown']]],
    [{ all: [us, refund] }, 'not matched', [['when.all.0', false]]],
    [{ any: [pro, refund] }, 'matched', [['when.any.0', true]]],
    [{ all: [] }, 'matched', []],
    [{ any: [] }, 'not matched', []],
  ])('%j is told', (when, result, reasons) => {
    const evaluated = evaluateCondition(when);
    expect(evaluated?.result).toBe(result);
    expect(evaluated?.reasons.map(({ path, result }) => [path, result])).toEqual(reasons);
  });

  it('says nothing of values', () => {
    expect(evaluateCondition(refund, { message: 'My card is 4111' })).toEqual({
      rule: 'r',
      result: 'not matched',
      reasons: [{ path: 'when', fact: 'message', operator: 'words', result: false }],
    });
  });

  it('holds no more than a reader can use', () => {
    expect(evaluateCondition({ any: Array.from({ length: 50 }, () => us) })?.reasons).toHaveLength(5);
  });
});

describe('the order of rules', () => {
  const rules = (match: RuleSet['match']): RuleSet => ({
    match,
    rules: [
      { name: 'a', when: { fact: 'country', is: 'US' }, do: { tag: ['a'] } },
      { name: 'b', do: { tag: ['b'] } },
      { name: 'c', when: { fact: 'message', is: 'x' }, do: { tag: ['c'] } },
      { name: 'd', do: { tag: ['d'] } },
    ],
  });
  const known: RoutingFacts = { at: '', customer: {}, session: {}, groups: [], answers: [] };

  it('`first` looks no further than the first that matches', () => {
    const { evaluated, waitsAt } = evaluate(rules('first'), known);
    expect(evaluated.map(({ rule }) => rule)).toEqual(['a', 'b']);
    expect(waitsAt).toBeUndefined();
  });

  it('`all` waits at the first that cannot be decided yet, with all after it', () => {
    const { evaluated, matched, waitsAt } = evaluate(rules('all'), known);
    expect(evaluated.map(({ rule }) => rule)).toEqual(['a', 'b', 'c']);
    expect(matched.map(({ name }) => name)).toEqual(['b']);
    expect(waitsAt).toBe(2);
    const later = evaluate(rules('all'), { ...known, message: 'y' }, 2);
    expect(later.matched.map(({ name }) => name)).toEqual(['d']);
  });
});
