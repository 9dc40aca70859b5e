import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyJson } from '../../test/arbitraries.ts';
import { deepestNesting, redact, TooDeepError } from './redact.ts';

const secret = 'whsec-demo-3f9c1a7be2';
const blot = '[redacted]';

function nested(levels: number): unknown {
  let value: unknown = 'innermost';
  for (let level = 0; level < levels; level += 1) value = level % 2 ? [value] : { value };
  return value;
}

describe('redacting', () => {
  it.each([
    ['drops secret_key, whatever it holds', { secret_key: secret, action: 'ping' }, { action: 'ping' }],
    ['drops a wrong secret_key as well', { secret_key: 'wrong', action: 'ping' }, { action: 'ping' }],
    ['drops a secret_key that is no text', { secret_key: { a: [secret] } }, {}],
    [
      'keeps a nested secret_key of somebody else’s',
      { payload: { secret_key: 'theirs' } },
      { payload: { secret_key: 'theirs' } },
    ],
    ['blots the secret in a nested secret_key', { payload: { secret_key: secret } }, { payload: { secret_key: blot } }],
    ['blots it in text, as often as it stands there', `a ${secret} b ${secret}`, `a ${blot} b ${blot}`],
    ['blots it in names', { [`x-${secret}`]: 1 }, { [`x-${blot}`]: 1 }],
    ['blots it in lists', [[secret], { a: [secret] }], [[blot], { a: [blot] }]],
    ['leaves numbers, booleans and null', [1, true, null], [1, true, null]],
    ['keeps a member called __proto__', JSON.parse('{"__proto__":{"a":1}}'), JSON.parse('{"__proto__":{"a":1}}')],
  ])('%s', (_what, value, expected) => {
    expect(redact(value, [secret])).toEqual(expected);
  });

  it('blots every secret that counts, also where one begins with the other', () => {
    const secrets = ['old-secret', 'old-secret-2'];
    const clean = JSON.stringify(redact({ a: 'old-secret', b: 'old-secret-2' }, secrets));
    for (const one of secrets) expect(clean).not.toContain(one);
  });

  it('takes a secret literally, not as a pattern', () => {
    expect(redact('a.c+d$& abc+d$&', ['a.c+d$&'])).toBe(`${blot} abc+d$&`);
  });

  it('leaves its input as it was', () => {
    const body = Object.freeze({ secret_key: secret, payload: Object.freeze([secret]) });
    redact(body, [secret]);
    expect(body).toEqual({ secret_key: secret, payload: [secret] });
  });

  it('changes nothing where no secret stands', () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        const json: unknown = JSON.parse(JSON.stringify({ payload: value }));
        expect(JSON.stringify(redact(json, [secret]))).toBe(JSON.stringify(json));
      }),
    );
  });
});

describe('nesting', () => {
  it(`is walked down to ${deepestNesting} levels`, () => {
    expect(redact(nested(deepestNesting), [])).toEqual(nested(deepestNesting));
  });

  it.each([deepestNesting + 1, 5_000])('of %i levels is refused', (levels) => {
    expect(() => redact(nested(levels), [])).toThrow(TooDeepError);
  });
});
