import { describe, expect, it } from 'vitest';
import type { EventData } from '../events/catalogue.ts';
import type { Operand } from './conditions.ts';
import { matches, type OperatorName } from './conditions.ts';
import { factKind, factsAtStart, factValues, isRoutable, withCustomer } from './facts.ts';

const started: EventData<'chat.started'> = {
  conversationId: 'C',
  threadId: 'T',
  reason: 'new',
  createdAt: '2026-03-11T09:14:10.120340Z',
  active: true,
  participants: [
    { id: 'nina@acme.example', type: 'agent', present: true },
    {
      id: 'c',
      type: 'customer',
      name: 'Dana',
      email: 'dana@shop.example',
      country: 'PL',
      fields: { plan: 'Pro', 'a.b': 'dotted', Locale: 'pt_BR' },
    },
  ],
  groups: [4, 7],
  sourcePage: 'https://shop.example/cart?x=1',
  tags: [],
  causedByUs: false,
  returning: false,
  opening: {
    answers: [
      { id: '10023', label: 'Topic:', values: ['Order status'] },
      { id: '10024', label: 'Products', values: ['Shoes', 'Bags'] },
    ],
    text: 'Where is my order 4711?',
  },
};
const facts = factsAtStart(started);
const open = { office: { timeZone: 'Europe/Warsaw', open: { wed: ['09:00-17:00'] } } };

describe('a fact of a chat', () => {
  it.each<[string, readonly unknown[] | 'not yet']>([
    ['customer.id', ['c']],
    ['customer.name', ['Dana']],
    ['customer.email', ['dana@shop.example']],
    ['session.plan', ['Pro']],
    ['session.a.b', ['dotted']],
    ['session.Plan', []],
    ['session.constructor', []],
    ['country', ['PL']],
    ['language', ['pt']],
    ['group', [4, 7]],
    ['page', ['https://shop.example/cart?x=1']],
    ['answers.Topic', ['Order status']],
    ['answers.topic:', ['Order status']],
    ['answers.10024', ['Shoes', 'Bags']],
    ['answers.Other', []],
    ['returning', [false]],
    ['message', ['Where is my order 4711?']],
    ['hours.office', [true]],
    ['hours.other', []],
    ['nothing', []],
  ])('%s', (fact, values) => {
    expect(factValues(fact, facts, open)).toEqual(values);
  });

  it('is not known where nothing was said of it', () => {
    const bare = factsAtStart({
      ...started,
      participants: [],
      groups: [],
      sourcePage: undefined,
      returning: undefined,
      opening: undefined,
    });
    for (const fact of ['customer.id', 'country', 'language', 'page', 'group', 'answers.Topic', 'returning']) {
      expect(factValues(fact, bare)).toEqual([]);
    }
    expect(factValues('message', bare)).toBe('not yet');
  });

  it('of the customer is as known later, the rest as it began', () => {
    const later = withCustomer(facts, [
      { id: 'c', type: 'customer', country: 'DE', fields: { plan: 'free', lang: 'de-AT' } },
    ]);
    expect(later).toMatchObject({ country: 'DE', language: 'de', session: { plan: 'free' }, message: facts.message });
    expect(withCustomer(facts, [])).toEqual(facts);
  });

  it.each([
    ['session.plan', 'text'],
    ['hours.office', 'boolean'],
    ['group', 'number'],
    ['session.', undefined],
    ['session', undefined],
    ['constructor', undefined],
    ['toString.x', undefined],
    ['', undefined],
  ])('named %j is of kind %s', (fact, kind) => {
    expect(factKind(fact)).toBe(kind);
  });
});

it.each<[Partial<EventData<'chat.started'>>, boolean]>([
  [{}, true],
  [{ reason: 'reopened' }, true],
  [{ by: { id: 'c', type: 'customer' } }, true],
  [{ reason: 'transferred' }, false],
  [{ active: false }, false],
  [{ causedByUs: true }, false],
  [{ by: { id: 'nina@acme.example', type: 'agent' } }, false],
  [{ by: { id: 'b41f7c0d93ae4e6f8c25d10a6b7e3f92', type: 'bot' } }, false],
])('a thread with %j is routed: %s', (more, routed) => {
  expect(isRoutable({ ...started, ...more })).toBe(routed);
});

describe('an operator', () => {
  it.each<[OperatorName, readonly (string | number | boolean)[], Operand, boolean]>([
    ['is', ['Pro'], 'pro', true],
    ['is', ['Pro'], ['free', 'PRO'], true],
    ['is', ['Pro'], 'professional', false],
    ['is', ['ＰＲＯ'], 'pro', true],
    ['is', [4, 7], 7, true],
    ['is', [4, 7], [1, 2], false],
    ['is', [true], true, true],
    ['is', [true], false, false],
    ['is', [], 'pro', false],
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
    ['words', ['Zwrot pieniędzy'], 'PIENIĘDZY', true],
    ['words', ['Привет, мир'], 'мир', true],
    ['words', ['naïve'], 'nai\u0308ve', true],
    ['atLeast', ['129.00'], 129, true],
    ['atLeast', ['128.99'], 129, false],
    ['atLeast', [' 130 '], 129, true],
    ['atLeast', ['1e9'], 129, false],
    ['atLeast', [''], 0, false],
    ['below', ['-5'], 0, true],
    ['below', ['abc'], 0, false],
    ['exists', ['x'], true, true],
    ['exists', [], true, false],
    ['exists', [], false, true],
    ['exists', [false], true, true],
  ])('%s of %j and %j is %s', (name, values, operand, fits) => {
    expect(matches(name, values, operand)).toBe(fits);
  });

  it('takes no longer for a hostile text than for any other of its length', () => {
    const text = `${'a!'.repeat(8_000)}${' '.repeat(100)}`;
    const began = performance.now();
    for (const name of ['is', 'startsWith', 'endsWith', 'contains', 'words'] as const)
      matches(name, [text], 'aaaaaaaaaaaaaaaa!b');
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});
