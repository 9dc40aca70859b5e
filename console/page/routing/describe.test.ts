import { expect, it } from 'vitest';
import { type Actions, evaluateRules, type RuleSet } from '../../../core/routing/rules.ts';
import { describeEvaluation, describeRule } from './describe.ts';

const facts = { at: '2026-03-11T09:00:00Z', customer: {}, session: {}, groups: [], answers: [] };
const everything: Actions = {
  transfer: [{ agent: 'nina@acme.example' }, { group: 4, queue: true }],
  tag: ['us', 'vip'],
  priority: 'high',
  note: 'internal',
  answer: 'hello',
};
const evaluation = (rules: RuleSet['rules']) => describeEvaluation(evaluateRules({ match: 'first', rules }, facts));

it('describes each planned action of a dry run', () => {
  expect(evaluation([{ name: 'r', do: everything }]).split('; ')).toEqual([
    'tag us (r)',
    'tag vip (r)',
    'priority high (r)',
    'answer “hello” (r)',
    'note “internal” (r)',
    'transfer to nina@acme.example (r)',
    'transfer to group 4, or its queue (r)',
  ]);
});

it.each<[RuleSet['rules'][number], string]>([
  [{ name: 'r', do: { tag: ['a'] } }, 'When any chat starts: tag a'],
  [{ name: 'r', when: { any: [] }, do: { tag: ['a'] } }, 'Never matches: tag a'],
  [
    { name: 'r', when: { fact: 'country', is: ['US', 'CA'] }, do: { transfer: [{ agent: 'nina' }, { group: 4 }] } },
    'When country is US or CA: transfer to nina, else group 4',
  ],
])('describes the rule %j', (rule, expected) => {
  expect(describeRule(rule)).toBe(expected);
});
