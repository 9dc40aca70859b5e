import fc from 'fast-check';
import type { Condition, Test } from '../core/routing/conditions.ts';
import type { OpeningHours, RoutingFacts } from '../core/routing/facts.ts';
import type { Rule, RuleSet } from '../core/routing/rules.ts';
import { time } from './arbitraries.ts';

/** Generators of rules and facts, chosen so that rules both match and fail. */

const sometimes = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
const word = fc.constantFrom('refund', 'Refund', 'pl', 'PRO', 'pro plan', '129.00', '7', '', 'İ', 'ﬁ', '😀', '\ud800');
const text = fc.oneof(word, fc.string({ maxLength: 8 }), fc.string({ unit: 'binary', maxLength: 4 }));
const name = fc.constantFrom('plan', 'Topic', 'language', '__proto__', 'constructor', 'a.b');

const interval = fc
  .tuple(fc.nat(23), fc.nat(59), fc.nat(23), fc.nat(59))
  .filter(([a, b, c, d]) => a !== c || b !== d)
  .map((parts) => {
    const [a, b, c, d] = parts.map((part) => String(part).padStart(2, '0'));
    return `${a}:${b}-${c}:${d}`;
  });
const intervals = sometimes(fc.array(interval, { maxLength: 2 }));

export const openingHours: fc.Arbitrary<OpeningHours> = fc.record({
  timeZone: fc.constantFrom('Europe/Warsaw', 'America/New_York', 'Asia/Kathmandu', 'Pacific/Apia', 'UTC'),
  open: fc.record({ mon: intervals, tue: intervals, wed: intervals, sun: intervals }).map(withoutUndefined),
  closedOn: sometimes(fc.array(fc.constantFrom('2026-03-29', '2026-12-25'), { maxLength: 2 })),
});

function withoutUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return JSON.parse(JSON.stringify(value));
}

export const facts: fc.Arbitrary<RoutingFacts> = fc.record({
  at: fc.oneof({ weight: 5, arbitrary: time }, { weight: 1, arbitrary: fc.constantFrom('', 'not a time') }),
  customer: fc.record({ id: sometimes(text), name: sometimes(text), email: sometimes(text) }),
  session: fc.dictionary(name, text),
  country: sometimes(fc.constantFrom('PL', 'US')),
  language: sometimes(fc.constantFrom('pl', 'en')),
  groups: fc.uniqueArray(fc.integer({ min: 0, max: 3 }), { maxLength: 2 }),
  page: sometimes(fc.webUrl()),
  answers: fc.array(fc.record({ id: text, label: text, values: fc.array(text, { maxLength: 2 }) }), { maxLength: 3 }),
  returning: sometimes(fc.boolean()),
  message: sometimes(text),
});

/** A first message. */
export const messageText = text;

const some = <T>(value: fc.Arbitrary<T>) => fc.array(value, { minLength: 1, maxLength: 3 });
const textTest = (fact: fc.Arbitrary<string>): fc.Arbitrary<Test> =>
  fact.chain((one) =>
    fc.oneof(
      fc.record({ fact: fc.constant(one), is: fc.oneof(text, some(text)) }),
      fc.record({ fact: fc.constant(one), startsWith: fc.oneof(text, some(text)) }),
      fc.record({ fact: fc.constant(one), endsWith: text }),
      fc.record({ fact: fc.constant(one), contains: some(text) }),
      fc.record({ fact: fc.constant(one), words: fc.oneof(word, some(word)) }),
      fc.record({ fact: fc.constant(one), atLeast: fc.integer() }),
      fc.record({ fact: fc.constant(one), below: fc.double() }),
    ),
  );
const named = (family: string) => name.map((one) => `${family}.${one}`);
const knownFact = fc.oneof(
  fc.constantFrom('customer.id', 'customer.name', 'customer.email', 'country', 'language', 'page'),
  named('session'),
  named('answers'),
);

export const test: fc.Arbitrary<Test> = fc.oneof(
  textTest(knownFact),
  textTest(fc.constant('message')),
  fc.record({ fact: knownFact, exists: fc.boolean() }),
  fc.record({ fact: fc.constant('group'), is: fc.oneof(fc.nat(3), some(fc.nat(3))) }),
  fc.record({ fact: fc.constant('returning'), is: fc.boolean() }),
  fc.record({ fact: fc.constant('hours.office'), is: fc.boolean() }),
);

export const condition: fc.Arbitrary<Condition> = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    test,
    fc.record({ all: fc.array(tie('condition'), { maxLength: 3 }) }),
    fc.record({ any: fc.array(tie('condition'), { maxLength: 3 }) }),
    fc.record({ not: tie('condition') }),
  ),
})).condition;

const rule: fc.Arbitrary<Omit<Rule, 'name'>> = fc.record({
  when: sometimes(condition),
  do: fc.constantFrom({ tag: ['a'] }, { transfer: [{ group: 1 }] }, { priority: 'high' as const, note: 'n' }),
});

export const ruleSet: fc.Arbitrary<RuleSet> = fc.record({
  match: fc.constantFrom('first', 'all'),
  hours: fc.record({ office: openingHours }),
  rules: fc
    .array(rule, { maxLength: 6 })
    .map((rules) => rules.map((one, index) => ({ ...one, name: `rule ${index}` }))),
});
