import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { propertyRuns } from '../../test/depth.ts';
import { compilePattern, InvalidPatternError } from './event-pattern.ts';
import { invalidAlternatives, invalidPatterns, type Vector, vectors } from './event-pattern.vectors.ts';
import { operatorVectors } from './event-pattern-operators.vectors.ts';

const groups: readonly [string, readonly Vector[]][] = Object.entries({ ...operatorVectors, ...vectors });

describe.each(groups)('%s', (_group, cases) => {
  test.each(cases)('$what', ({ pattern, matches, others }) => {
    const matcher = compilePattern(pattern);
    expect(matches.filter((event) => !matcher(event))).toEqual([]);
    expect(others.filter(matcher)).toEqual([]);
  });
});

test.each([...invalidPatterns, ...invalidAlternatives].map((pattern) => [pattern]))('rejects %j', (pattern) => {
  expect(() => compilePattern(pattern)).toThrow(InvalidPatternError);
});

test.each<[unknown, string]>([
  [{}, 'Empty objects are not allowed (at the top)'],
  [{ detail: { data: {} } }, 'Empty objects are not allowed (at detail.data)'],
  [{ detail: { type: 'text' } }, '"type" must be an object or an array (at detail.type)'],
  [{ source: [{ matches: 'x' }] }, 'Unrecognized match type matches (at source)'],
  [{ a: [{ 'anything-but': true }] }, 'mixed type is not supported (at a)'],
  [{ a: [{ numeric: ['>', 5, '<', 1] }] }, 'Bottom must be less than top (at a)'],
  [{ detail: { $or: [{ a: ['x'] }] } }, 'There must have at least 2 Objects in $or relationship. (at detail)'],
])('rejects %j with the reason and the path', (pattern, message) => {
  expect(() => compilePattern(pattern)).toThrow(`Event pattern is not valid. Reason: `);
  expect(() => compilePattern(pattern)).toThrow(message);
});

test('rejects more than 1,000 combinations of alternatives', () => {
  const alternatives = (name: string, count: number) =>
    Array.from({ length: count }, (_, index) => ({ [`${name}${index}`]: ['x'] }));
  const pattern = (last: number) => ({
    a: { $or: alternatives('a', 10) },
    b: { $or: alternatives('b', 10) },
    c: { $or: alternatives('c', last) },
  });
  expect(() => compilePattern(pattern(10))).not.toThrow();
  expect(() => compilePattern(pattern(11))).toThrow('$or has more than 1000 combinations');
});

describe('for every', () => {
  const depth = propertyRuns(2_000);
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'A', '*', '\\', 'é'), maxLength: 6 });
  const leaf = fc.oneof(text, fc.integer({ min: -3, max: 3 }), fc.boolean(), fc.constant(null));
  const matches = (alternative: unknown, value: unknown) => compilePattern({ a: [alternative] })({ a: value });

  test('JSON value, compiles it or rejects it with InvalidPatternError', () => {
    const property = fc.property(fc.json(), (json) => {
      try {
        compilePattern(JSON.parse(json));
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidPatternError);
      }
    });
    fc.assert(property, depth);
  });

  test('value, an alternative and its anything-but are opposites', () => {
    const alternative = fc.oneof(
      text,
      fc.integer({ min: -3, max: 3 }),
      fc.record({ prefix: text.filter((one) => one !== '') }),
      fc.record({ suffix: text.filter((one) => one !== '') }),
      fc.record({ 'equals-ignore-case': text }),
      fc.record({ wildcard: text.map((one) => one.replaceAll(/[*\\]+/g, '*')) }),
    );
    const property = fc.property(alternative, leaf, (one, value) => {
      expect(matches({ 'anything-but': one }, value)).toBe(!matches(one, value));
    });
    fc.assert(property, depth);
  });

  test('wildcard, matches what the regular expression matches', () => {
    const parts = fc.array(
      text.filter((one) => one !== ''),
      { minLength: 1, maxLength: 4 },
    );
    const property = fc.property(parts, text, fc.boolean(), (literals, other, joined) => {
      const wildcard = literals.map((one) => one.replaceAll(/[*\\]/g, '\\$&')).join('*');
      const expression = new RegExp(`^${literals.map(RegExp.escape).join('.*')}$`, 's');
      const value = joined ? literals.join(other) : other;
      expect(matches({ wildcard }, value)).toBe(expression.test(value));
    });
    fc.assert(property, depth);
  });

  const fields = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.array(leaf, { minLength: 1, maxLength: 2 }), {
    minKeys: 1,
  });
  const event = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.oneof(leaf, fc.array(leaf)));

  test('two patterns on different fields, $or matches if one of them does', () => {
    const property = fc.property(fields, fields, event, (first, second, one) => {
      const moved = Object.fromEntries(Object.entries(second).map(([key, value]) => [key === 'a' ? 'd' : 'e', value]));
      const either = compilePattern({ $or: [first, moved] })(one);
      expect(either).toBe(compilePattern(first)(one) || compilePattern(moved)(one));
    });
    fc.assert(property, depth);
  });

  test('event, matches the pattern of its own values in any order of the fields, at any depth', () => {
    const property = fc.property(event, fc.array(fc.constantFrom('x', 'y'), { maxLength: 3 }), (one, path) => {
      const own = Object.entries(one).filter(([, value]) => !Array.isArray(value) || value.length > 0);
      fc.pre(own.length > 0);
      const pattern = Object.fromEntries(own.reverse().map(([key, value]) => [key, [value].flat()]));
      const nest = (inner: object) => path.reduce((found, step) => ({ [step]: found }), inner);
      expect(compilePattern(nest(pattern))(nest(one))).toBe(true);
      expect(compilePattern(nest({ ...pattern, missing: [{ exists: true }] }))(nest(one))).toBe(false);
    });
    fc.assert(property, depth);
  });

  test('number, a range matches between its bounds', () => {
    const property = fc.property(fc.integer(), fc.nat(), fc.integer(), (bottom, width, value) => {
      const top = bottom + width + 1;
      expect(matches({ numeric: ['>=', bottom, '<', top] }, value)).toBe(value >= bottom && value < top);
    });
    fc.assert(property, depth);
  });
});
