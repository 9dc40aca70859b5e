import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyJson } from '../../test/arbitraries.ts';
import { facts } from '../../test/routing-arbitraries.ts';
import { evaluateRules, InvalidRulesError, parseRules } from './rules.ts';

/** What is wrong with rules, as `path: message`. */
function wrong(rules: unknown): string[] {
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

describe('rules', () => {
  it('are taken as they are', () => {
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

  it('are the default ones when nobody has given any: none', () => {
    const text = readFileSync(new URL('default-rules.json', import.meta.url), 'utf8');
    expect(parseRules(JSON.parse(text))).toMatchObject({ match: 'first', rules: [] });
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
      [
        'rules.0.when: Unrecognized key: "matches"',
        expect.stringContaining('rules.0.when.fact: expected country with'),
      ],
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
    [when({ all: 1 }), ['rules.0.when.all: expected a list of conditions']],
    [doing({}), ['rules.0.do: expected at least one of transfer, tag, priority, note, answer']],
    [doing({ tag: [] }), ['rules.0.do.tag: expected 1 to 20 tags']],
    [doing({ priority: 'top' }), ['rules.0.do.priority: expected one of low, normal, high, urgent']],
    [doing({ transfer: [{ agent: 'a', queue: true }] }), ['rules.0.do.transfer.0: Unrecognized key: "queue"']],
    [doing({ transfer: [{ group: '4' }] }), ['rules.0.do.transfer.0.group: expected the number of a group']],
    [doing({ transfer: [{ team: 4 }] }), ['rules.0.do.transfer.0: expected an agent or a group']],
    [doing({ answer: 'ą'.repeat(9_000) }), ['rules.0.do.answer: expected a text of at most 16 KB']],
    [
      open({ timeZone: 'Europe/Warschau' }),
      ['hours.office.timeZone: expected an IANA time zone such as Europe/Warsaw'],
    ],
    [open({ open: { mon: ['9-17'] } }), ['hours.office.open.mon.0: expected an interval such as 09:00-17:00']],
    [open({ open: { monday: [] } }), ['hours.office.open: Unrecognized key: "monday"']],
    [open({ closedOn: ['2026-02-30'] }), ['hours.office.closedOn.0: expected a day such as 2026-12-25']],
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
  ])('%j: %j', (rules, issues) => {
    expect(wrong(rules)).toEqual(issues);
  });

  it('may be nested, but not without end', () => {
    expect(wrong(when(deep(9)))).toEqual([]);
    expect(wrong(when(deep(10)))).toEqual([expect.stringContaining('expected conditions nested at most 10 deep')]);
    expect(wrong(when(deep(100_000)))).toHaveLength(1);
  });

  it('may be many, but not more than a table’s item holds', () => {
    const many = (count: number, note: string) => ({
      match: 'first',
      rules: Array.from({ length: count }, (_, index) => ({ name: `${index}`, do: { note } })),
    });
    expect(wrong(many(200, 'n'))).toEqual([]);
    expect(wrong(many(201, 'n'))).toEqual(['rules: expected at most 200 rules']);
    expect(wrong(many(200, 'n'.repeat(1_000)))).toEqual(['(root): expected at most 200000 bytes']);
  });

  it('tell nothing of values when they are wrong', () => {
    expect(wrong(when({ fact: 'customer.email', is: { value: 'dana@shop.example' } })).join()).not.toContain('dana');
  });

  it('that are no rules are refused with paths, whatever they are; what is taken can be evaluated', () => {
    const almost = fc.oneof(
      anyJson.map(when),
      anyJson.map(doing),
      fc.record({ match: fc.constant('all'), rules: anyJson, hours: anyJson }),
      anyJson,
    );
    fc.assert(
      fc.property(almost, facts, (given, known) => {
        if (wrong(given).length === 0) evaluateRules(parseRules(given), known);
      }),
    );
  });
});
