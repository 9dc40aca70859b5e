import { expect, it } from 'vitest';
import { planActions } from './plan.ts';
import type { Actions } from './rules.ts';

const plan = (...rules: Actions[]) => planActions(rules.map((actions, index) => ({ name: `${index}`, do: actions })));

it('asks for nothing where no rule matches', () => {
  expect(plan()).toEqual([]);
});

it('tags, then speaks, then transfers', () => {
  const all = { transfer: [{ agent: 'a' }], note: 'n', answer: 'hello', priority: 'low', tag: ['x', 'y'] } as const;
  expect(plan(all).map(({ action }) => action)).toEqual(['tag', 'tag', 'priority', 'answer', 'note', 'transfer']);
});

it('sets each tag once, for the first rule that asks', () => {
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
] as const)('of the priorities %j takes the highest', (given, [rule, priority]) => {
  expect(plan(...given.map((one) => ({ priority: one })))).toEqual([{ rule, action: 'priority', priority }]);
});

it('says what every rule says, in their order, and tries their targets in the same order', () => {
  const steps = plan({ answer: 'a', transfer: [{ group: 1 }] }, { answer: 'b', note: 'c', transfer: [{ group: 2 }] });
  expect(steps).toMatchObject([
    { rule: '0', action: 'answer', text: 'a' },
    { rule: '1', action: 'answer', text: 'b' },
    { rule: '1', action: 'note', text: 'c' },
    { rule: '0', targets: [{ group: 1 }] },
    { rule: '1', targets: [{ group: 2 }] },
  ]);
});
