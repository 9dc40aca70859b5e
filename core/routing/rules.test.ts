import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyJson } from '../../test/arbitraries.ts';
import { propertyRuns } from '../../test/depth.ts';
import { facts, messageText, ruleSet } from '../../test/routing-arbitraries.ts';
import type { Condition, Truth } from './conditions.ts';
import type { RoutingFacts } from './facts.ts';
import {
  type Actions,
  evaluateRules,
  InvalidRulesError,
  parseRules,
  planActions,
  type RuleSet,
  testsMessage,
} from './rules.ts';

/** The issues of rules, as `path: message`. */
function issues(rules: unknown): string[] {
  try {
    parseRules(rules);
    return [];
  } catch (error) {
    if (!(error instanceof InvalidRulesError)) throw error;
    return error.issues.map(({ path, message }) => `${path}: ${message}`);
  }
}

const tag = { tag: ['t'] };
const when = (condition: unknown) => ({ match: 'first', rules: [{ name: 'r', when: condition, do: tag }] });
const doing = (actions: unknown) => ({ match: 'first', rules: [{ name: 'r', do: actions }] });
const open = (hours: object) => ({
  match: 'first',
  hours: { office: { timeZone: 'UTC', open: {}, ...hours } },
  rules: [],
});
const deep = (depth: number): unknown =>
  Array.from({ length: depth }).reduce((inner) => ({ not: inner }), { fact: 'country', is: 'PL' });

describe('parseRules', () => {
  it('accepts every field unchanged', () => {
    const rules = {
      comment: 'why',
      match: 'all',
      hours: { office: { timeZone: 'Europe/Warsaw', open: { mon: ['09:00-17:00'] }, closedOn: ['2026-12-25'] } },
      rules: [
        {
          name: 'everything',
          comment: 'why',
          when: {
            all: [
              { any: [{ fact: 'country', is: ['PL', 'DE'] }, { not: { fact: 'group', is: 4 } }] },
              { fact: 'hours.office', is: false },
              { fact: 'session.cart', atLeast: 100 },
              { fact: 'message', words: ['refund', 'money back'] },
            ],
          },
          do: {
            transfer: [{ agent: 'nina@acme.example' }, { group: 4, queue: true }],
            tag: ['a'],
            priority: 'urgent',
            note: 'n',
            answer: 'a',
          },
        },
      ],
    };
    expect(parseRules(rules)).toEqual(rules);
  });

  it.each<[unknown, string[]]>([
    [null, ['(root): Invalid input: expected object, received null']],
    [{ match: 'some', rules: 1 }, ['match: expected first or all', 'rules: expected a list of rules']],
    [{ match: 'first', rules: [], more: 1 }, ['(root): Unrecognized key: "more"']],
    [when({ fact: 'contry', is: 'PL' }), [expect.stringContaining('rules.0.when.fact: expected one of customer.id, ')]],
    [
      when({ fact: 'country' }),
      [expect.stringContaining('rules.0.when.fact: expected country with exactly one of is, ')],
    ],
    [when({ fact: 'country', is: 'PL', contains: 'P' }), [expect.stringContaining('with exactly one of')]],
    [
      when({ fact: 'country', matches: 'P.*' }),
      [expect.stringMatching(/^rules.0.when.fact: expected country with exactly one of is, startsWith, .*exists$/)],
    ],
    [when({ all: [{ fact: 'returning', is: 'yes' }] }), ['rules.0.when.all.0.is: expected true or false']],
    [when({ any: [{ not: { fact: 'group', is: [1, 'two'] } }] }), ['rules.0.when.any.0.not.is.1: expected a number']],
    [when({ fact: 'session.plan', is: [] }), ['rules.0.when.is: expected at least one value']],
    [when({ fact: 'session.plan', is: 7 }), ['rules.0.when.is: expected a text of 1 to 500 characters']],
    [when({ fact: 'session.cart', atLeast: '7' }), ['rules.0.when.atLeast: expected a number']],
    [when({ fact: 'message', words: '?!' }), ['rules.0.when.words: expected a word']],
    [when({ fact: 'message', exists: true }), [expect.stringMatching(/^rules.0.when.fact: expected message .*below$/)]],
    [when({ fact: 'hours.office', is: true }), ['rules.0.when: expected opening hours named office under hours']],
    [when({ all: [], any: [] }), ['rules.0.when: Unrecognized key: "any"']],
    [when({}), ['rules.0.when: expected one of all, any, not, or a fact with an operator']],
    [when('always'), ['rules.0.when: expected one of all, any, not, or a fact with an operator']],
    [
      when({ all: Array(101).fill({ fact: 'country', is: 'PL' }) }),
      ['rules.0.when.all: expected at most 100 conditions'],
    ],
    [when({ fact: 'country', is: Array(101).fill('PL') }), ['rules.0.when.is: expected at most 100 values']],
    [
      when({ fact: { toString: 7 }, is: 'PL' }),
      [expect.stringContaining('rules.0.when.fact: expected one of customer.id, ')],
    ],
    [when({ all: 1 }), ['rules.0.when.all: expected a list of conditions']],
    [doing({}), ['rules.0.do: expected at least one of transfer, tag, priority, note, answer']],
    [doing({ tag: [] }), ['rules.0.do.tag: expected 1 to 20 tags']],
    [doing({ priority: 'top' }), ['rules.0.do.priority: expected one of low, normal, high, urgent']],
    [doing({ transfer: [{ agent: 'a', queue: true }] }), ['rules.0.do.transfer.0: Unrecognized key: "queue"']],
    [doing({ transfer: [{ group: '4' }] }), ['rules.0.do.transfer.0.group: expected the number of a group']],
    [doing({ transfer: [{ group: 4, queue: 'yes' }] }), ['rules.0.do.transfer.0.queue: expected true or false']],
    [doing({ transfer: [{ team: 4 }] }), ['rules.0.do.transfer.0: expected an agent or a group']],
    [doing({ answer: 'ą'.repeat(9_000) }), ['rules.0.do.answer: expected a text of at most 16 KB']],
    [
      open({ timeZone: 'Europe/Warschau' }),
      ['hours.office.timeZone: expected an IANA time zone such as Europe/Warsaw'],
    ],
    [open({ open: { mon: ['9-17'] } }), ['hours.office.open.mon.0: expected an interval such as 09:00-17:00']],
    [open({ open: { monday: [] } }), ['hours.office.open: Unrecognized key: "monday"']],
    ...['2026-02-30', '2026-12-5', '+2026-12-25', '2026-12-25T', '2026', ''].map((day): [unknown, string[]] => [
      open({ closedOn: [day] }),
      ['hours.office.closedOn.0: expected a day such as 2026-12-25'],
    ]),
    [
      {
        match: 'all',
        rules: [
          { name: 'r', do: tag },
          { name: 'r', do: tag },
        ],
      },
      ['rules.1.name: expected a name that no other rule has'],
    ],
    [{ match: 'all', rules: [{ name: '', do: tag }] }, ['rules.0.name: expected a name of 1 to 100 characters']],
  ])('reports %j as %j', (rules, expected) => {
    expect(issues(rules)).toEqual(expected);
  });

  it('limits the nesting of conditions', () => {
    expect(issues(when(deep(9)))).toEqual([]);
    expect(issues(when(deep(10)))).toEqual([expect.stringContaining('expected conditions nested at most 10 deep')]);
    expect(issues(when(deep(100_000)))).toHaveLength(1);
    for (const list of ['all', 'any']) {
      const lists = (depth: number): object =>
        depth === 0 ? { fact: 'country', is: 'PL' } : { [list]: [lists(depth - 1)] };
      expect(issues(when(lists(9)))).toEqual([]);
      expect(issues(when(lists(10)))).toEqual([expect.stringContaining('expected conditions nested at most 10 deep')]);
    }
  });

  it('limits the number and size of rules', () => {
    const many = (count: number, note: string) => ({
      match: 'first',
      rules: Array.from({ length: count }, (_, index) => ({ name: `${index}`, do: { note } })),
    });
    expect(issues(many(200, 'n'))).toEqual([]);
    expect(issues(many(201, 'n'))).toEqual(['rules: expected at most 200 rules']);
    expect(issues(many(200, 'n'.repeat(1_000)))).toEqual(['(root): expected at most 100000 bytes']);
    const rest = 100_000 - JSON.stringify({ comment: '', ...many(1, 'n') }).length;
    expect(issues({ comment: 'c'.repeat(rest), ...many(1, 'n') })).toEqual([]);
    expect(issues({ comment: 'c'.repeat(rest + 1), ...many(1, 'n') })).toEqual([
      '(root): expected at most 100000 bytes',
    ]);
    const lists = Array.from({ length: 24 }, (_, index) => ({
      name: `${index}`,
      do: { transfer: Array.from({ length: 20 }, () => ({ group: 1 })), tag: ['t'] },
    }));
    expect(issues({ match: 'first', rules: lists })).toEqual(['rules: expected at most 500 tags and targets']);
    expect(issues({ match: 'first', rules: lists.slice(1) })).toEqual([]);
    expect(issues(doing({ answer: 'a'.repeat(16_384) }))).toEqual([]);
    expect(issues(doing({ answer: 'a'.repeat(16_385) }))).toEqual([
      'rules.0.do.answer: expected a text of at most 16 KB',
    ]);
  });

  it('names each issue in the message of InvalidRules', () => {
    const invalid = () => parseRules({ match: 'some', rules: 1 });
    expect(invalid).toThrow('match: expected first or all; rules: expected a list of rules');
    expect(invalid).toThrow(expect.objectContaining({ name: 'InvalidRules' }));
  });

  it('includes no values in issues', () => {
    expect(issues(when({ fact: 'customer.email', is: { value: 'dana@shop.example' } })).join()).not.toContain('dana');
  });

  it('rejects any invalid value with InvalidRules, and accepts only rules that can be evaluated', () => {
    const almost = fc.oneof(
      anyJson.map(when),
      anyJson.map(doing),
      fc.record({ match: fc.constant('all'), rules: anyJson, hours: anyJson }),
      anyJson,
    );
    fc.assert(
      fc.property(almost, facts, (given, knownFacts) => {
        if (issues(given).length === 0) evaluateRules(parseRules(given), knownFacts);
      }),
    );
  });
});

describe('testsMessage', () => {
  const country = { fact: 'country', is: 'PL' };
  const message = { fact: 'message', contains: 'x' };
  it.each<[(Condition | undefined)[], boolean]>([
    [[], false],
    [[undefined, country], false],
    [[{ any: [country, { not: message }] }, country], true],
  ])('of conditions %j is %s', (conditions, expected) => {
    const rules = conditions.map((when, index) => ({ name: `${index}`, when, do: tag }));
    expect(testsMessage({ match: 'first', rules })).toBe(expected);
  });
});

describe('evaluateRules', () => {
  it('is deterministic and changes no argument', () => {
    fc.assert(
      fc.property(ruleSet, facts, (rules, knownFacts) => {
        const [before, result] = [JSON.stringify([rules, knownFacts]), evaluateRules(rules, knownFacts)];
        expect(evaluateRules(structuredClone(rules), structuredClone(knownFacts))).toEqual(result);
        expect(JSON.stringify([rules, knownFacts])).toBe(before);
      }),
    );
  });

  it('never throws', () => {
    fc.assert(
      fc.property(ruleSet, facts, (rules, knownFacts) => {
        const { evaluated, matched, waitsFrom } = evaluateRules(rules, knownFacts);
        expect(matched).toEqual(evaluated.flatMap((one) => (one.result === 'matched' ? one.rule : [])));
        expect(waitsFrom !== undefined).toBe(evaluated.some(({ result }) => result === 'waits'));
        // No rule waits if the message is known.
        if (knownFacts.message !== undefined) expect(waitsFrom).toBeUndefined();
      }),
      propertyRuns(500),
    );
  });

  it('matches the same rules whether the customer writes at the start or later', () => {
    fc.assert(
      fc.property(ruleSet, facts, messageText, (rules, knownFacts, message) => {
        const withoutMessage: RoutingFacts = { ...knownFacts, message: undefined };
        const atOnce = evaluateRules(rules, { ...knownFacts, message });
        const first = evaluateRules(rules, withoutMessage);
        const rest =
          first.waitsFrom === undefined
            ? []
            : evaluateRules(rules, { ...knownFacts, message }, first.waitsFrom).matched;
        expect([...first.matched, ...rest]).toEqual(atOnce.matched);
      }),
      propertyRuns(500),
    );
  });
});

describe('reasons', () => {
  const knownFacts: RoutingFacts = {
    at: '2026-03-11T09:00:00.000000Z',
    customer: {},
    session: { plan: 'pro' },
    groups: [4],
    answers: [],
  };
  const evaluateCondition = (when: Condition, more: Partial<RoutingFacts> = {}) =>
    evaluateRules({ match: 'first', rules: [{ name: 'r', when, do: { tag: ['t'] } }] }, { ...knownFacts, ...more })
      .evaluated[0];
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
  ])('of %j', (when, result, reasons) => {
    const evaluated = evaluateCondition(when);
    expect(evaluated?.result).toBe(result);
    expect(evaluated?.reasons.map(({ path, result }) => [path, result])).toEqual(reasons);
  });

  it('include no values', () => {
    expect(evaluateCondition(refund, { message: 'My card is 4111' })).toEqual({
      rule: 'r',
      result: 'not matched',
      reasons: [{ path: 'when', fact: 'message', operator: 'words', result: false }],
    });
  });

  it('are limited to five', () => {
    expect(evaluateCondition({ any: Array.from({ length: 50 }, () => us) })?.reasons).toHaveLength(5);
  });
});

describe('match', () => {
  const rules = (match: RuleSet['match']): RuleSet => ({
    match,
    rules: [
      { name: 'a', when: { fact: 'country', is: 'US' }, do: { tag: ['a'] } },
      { name: 'b', do: { tag: ['b'] } },
      { name: 'c', when: { fact: 'message', is: 'x' }, do: { tag: ['c'] } },
      { name: 'd', do: { tag: ['d'] } },
    ],
  });
  const knownFacts: RoutingFacts = { at: '', customer: {}, session: {}, groups: [], answers: [] };

  it('`first` stops at the first rule that matches', () => {
    const { evaluated, waitsFrom } = evaluateRules(rules('first'), knownFacts);
    expect(evaluated.map(({ rule }) => rule)).toEqual(['a', 'b']);
    expect(waitsFrom).toBeUndefined();
  });

  it('`all` waits at the first undecidable rule, with all later ones', () => {
    const { evaluated, matched, waitsFrom } = evaluateRules(rules('all'), knownFacts);
    expect(evaluated.map(({ rule }) => rule)).toEqual(['a', 'b', 'c']);
    expect(matched).toEqual(['b']);
    expect(waitsFrom).toBe(2);
    const later = evaluateRules(rules('all'), { ...knownFacts, message: 'y' }, 2);
    expect(later.matched).toEqual(['d']);
  });
});

const plan = (...rules: Actions[]) => planActions(rules.map((actions, index) => ({ name: `${index}`, do: actions })));

it('plans nothing if no rule matches', () => {
  expect(plan()).toEqual([]);
});

it('plans tags, then texts, then transfers', () => {
  const all = {
    transfer: [{ agent: 'a' }],
    note: 'n',
    answer: 'hello',
    priority: 'low',
    tag: ['x', 'y'],
  } satisfies Actions;
  expect(plan(all).map(({ action }) => action)).toEqual(['tag', 'tag', 'priority', 'answer', 'note', 'transfer']);
});

it('plans each tag once, for the first rule with it', () => {
  expect(plan({ tag: ['x'] }, { tag: ['y', 'x', 'y'] })).toEqual([
    { rule: '0', action: 'tag', tag: 'x' },
    { rule: '1', action: 'tag', tag: 'y' },
  ]);
});

it.each([
  [
    ['low', 'urgent', 'high'],
    ['1', 'urgent'],
  ],
  [
    ['high', 'normal'],
    ['0', 'high'],
  ],
  [
    ['normal', 'normal'],
    ['0', 'normal'],
  ],
] as const)('selects the highest of the priorities %j', (given, [rule, priority]) => {
  expect(plan(...given.map((one) => ({ priority: one })))).toEqual([{ rule, action: 'priority', priority }]);
});

it('plans the texts and targets of every rule in order', () => {
  const steps = plan({ answer: 'a', transfer: [{ group: 1 }] }, { answer: 'b', note: 'c', transfer: [{ group: 2 }] });
  expect(steps).toMatchObject([
    { rule: '0', action: 'answer', text: 'a' },
    { rule: '1', action: 'answer', text: 'b' },
    { rule: '1', action: 'note', text: 'c' },
    { rule: '0', target: { group: 1 } },
    { rule: '1', target: { group: 2 } },
  ]);
});
