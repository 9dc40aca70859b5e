import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hasExactNumber, maxNesting, parseJsonExactly, replaceCharactersInvalidInSqs } from './json.ts';

const sign = fc.constantFrom('', '-');
const digits = fc.stringMatching(/^(0|[1-9][0-9]{0,30})$/);
const fraction = fc.oneof(fc.constant(''), fc.stringMatching(/^\.[0-9]{1,30}$/));
const exponent = fc.oneof(fc.constant(''), fc.stringMatching(/^[eE][+-]?[0-9]{1,3}$/));
/** A number as JSON allows it. */
const number = fc.tuple(sign, digits, fraction, exponent).map((parts) => parts.join(''));

/** The decimal value as a fraction of whole numbers. */
function decimal(text: string): [numerator: bigint, exponent: number] {
  const [mantissa = '', power = '0'] = text.toLowerCase().split('e');
  const [whole = '', rest = ''] = mantissa.split('.');
  return [BigInt(`${whole}${rest}`), Number(power) - rest.length];
}

function isSameNumber(one: string, other: string): boolean {
  const [[a, m], [b, n]] = [decimal(one), decimal(other)];
  const lowest = Math.min(m, n);
  return a * 10n ** BigInt(m - lowest) === b * 10n ** BigInt(n - lowest);
}

it('keeps the value of every number', () => {
  fc.assert(
    fc.property(number, (text) => {
      const written = JSON.stringify(parseJsonExactly(`{"value":[${text}]}`)).slice('{"value":['.length, -2);
      expect(isSameNumber(written, text)).toBe(true);
    }),
  );
});

it('parses anything else as JSON.parse does, without the properties that could replace a prototype', () => {
  const key = fc.constantFrom('__proto__', 'constructor', 'prototype', 'a');
  const { value: unsafe } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.integer(),
      fc.array(tie('value')),
      fc.array(fc.tuple(key, tie('value'))).map(Object.fromEntries),
    ),
  }));
  fc.assert(
    fc.property(
      fc.oneof(
        fc.json(),
        unsafe.map((value) => JSON.stringify(value)),
      ),
      fc.boolean(),
      (json, isEscaped) => {
        const text = isEscaped
          ? json.replaceAll('__', String.raw`\u005F_`).replaceAll('"c', String.raw`"\u0063`)
          : json;
        expect(JSON.stringify(parseJsonExactly(text))).toBe(JSON.stringify(withoutUnsafe(JSON.parse(json))));
      },
    ),
  );
});

function withoutUnsafe(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUnsafe);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, inner]): [string, unknown] => [name, withoutUnsafe(inner)]);
  return Object.fromEntries(
    entries.filter(([name, inner]) => {
      const isObject = typeof inner === 'object' && inner !== null;
      return name !== '__proto__' && !(name === 'constructor' && isObject && Object.hasOwn(inner, 'prototype'));
    }),
  );
}

it.each(['', '{', '12345678901234567890x', undefined])('returns undefined for %s', (text) => {
  expect(parseJsonExactly(text)).toBeUndefined();
});

it.each([
  ['{"id":9007199254740993}', true],
  ['[{"deep":[1e-400]}]', true],
  ['{"time":1732700000000}', false],
  ['{"price":0.1,"text":"12345678901234567890"}', false],
])('knows whether %s contains a number that JavaScript does not represent', (text, expected) => {
  expect(hasExactNumber(parseJsonExactly(text))).toBe(expected);
});

it('replaces the characters that SQS rejects, escaped or not, and no other text', () => {
  const character = fc.constantFrom('\uFFFE', '\uFFFF', '\uFFFD', '\\', 'u', 'uFFFF', '"', '\n', '\u{1FFFF}', 'a');
  fc.assert(
    fc.property(fc.array(character), fc.boolean(), (characters, isEscaped) => {
      const text = characters.join('');
      const json = JSON.stringify({ [text]: [text] });
      const written = isEscaped
        ? json.replaceAll('\uFFFE', String.raw`\ufffe`).replaceAll('\uFFFF', String.raw`\uFFFF`)
        : json;
      const expected = text.replaceAll(/[\uFFFE\uFFFF]/g, '\uFFFD');
      expect(JSON.parse(replaceCharactersInvalidInSqs(written))).toEqual({ [expected]: [expected] });
      expect(parseJsonExactly(written)).toEqual({ [expected]: [expected] });
    }),
  );
});

const removed = '"[removed: nested more than 100 levels deep]"';
const levels = (count: number) => `${'{"a":['.repeat(count / 2)}"]\\\\"${']}'.repeat(count / 2)}`;

it.each([
  ['keeps the levels up to the limit', levels(maxNesting), levels(maxNesting)],
  ['removes what is deeper', levels(maxNesting + 2), levels(maxNesting).replace('"]\\\\"', () => removed)],
  ['keeps what follows', `[${levels(300_000)},{"b":1}]`, expect.stringMatching(/,\{"b":1\}\]$/)],
  ['ignores brackets in strings', `["${'[{'.repeat(200)}\\"["]`, `["${'[{'.repeat(200)}\\"["]`],
  ['rejects a text without its end', '['.repeat(500), undefined],
])('%s', (_what, text, expected) => {
  expect(JSON.stringify(parseJsonExactly(text))).toEqual(expected);
});
