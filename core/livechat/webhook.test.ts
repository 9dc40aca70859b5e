import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyJson } from '../../test/arbitraries.ts';
import { acceptedSecrets, isAuthentic, maxNesting, redact, TooDeepError } from './webhook.ts';

describe('isAuthentic and acceptedSecrets', () => {
  const secret = 'whsec-demo-3f9c1a7be2';
  const raw = new TextEncoder().encode('{"action":"incoming_event","text":"😀"}');

  const sign = (bytes: Uint8Array, by = secret) => createHmac('sha256', by).update(bytes).digest('hex');
  const byBody = (bodySecret: unknown) => ({ bodySecret });
  const bySignature = (signature: string) => ({ rawBody: raw, signature });

  describe('a body’s secret', () => {
    it('proves when it is one of the secrets', () => {
      expect(isAuthentic(byBody(secret), [secret])).toBe(true);
      expect(isAuthentic(byBody(secret), ['another-secret', secret])).toBe(true);
      expect(isAuthentic(byBody(secret), [secret, 'another-secret'])).toBe(true);
    });

    it.each([
      ['absent', undefined],
      ['null', null],
      ['a number', 7],
      ['true', true],
      ['a list that holds it', [secret]],
      ['an object that looks like it', { toString: () => secret, length: secret.length }],
      ['in upper case', secret.toUpperCase()],
      ['with a space', `${secret} `],
      ['with a zero byte', `${secret}\0`],
    ])('does not prove when it is %s', (_what, bodySecret) => {
      expect(isAuthentic(byBody(bodySecret), [secret])).toBe(false);
    });

    it('does not prove when wrong, of any length from 0 to 200', () => {
      for (let length = 0; length <= 200; length += 1) {
        const repeated = secret.repeat(10);
        const wrong = [repeated.slice(0, length), 'x'.repeat(length), `${secret}${'x'.repeat(length)}`];
        for (const given of wrong.filter((text) => text !== secret))
          expect(isAuthentic(byBody(given), [secret])).toBe(false);
      }
    });

    it('proves nothing where there is no secret', () => {
      expect(isAuthentic(byBody(''), [])).toBe(false);
      expect(isAuthentic(bySignature(''), [])).toBe(false);
    });

    it('proves for exactly the secret, whatever both are', () => {
      const text = fc.string({ minLength: 0, maxLength: 200 });
      fc.assert(
        fc.property(text, text, (given, kept) => {
          expect(isAuthentic(byBody(given), [kept])).toBe(given === kept);
          expect(isAuthentic(byBody(kept), [kept])).toBe(true);
        }),
      );
    });
  });

  describe('a signature', () => {
    it('proves when it is the HMAC-SHA256 of the raw body under one of the secrets, in either case', () => {
      expect(isAuthentic(bySignature(sign(raw)), [secret])).toBe(true);
      expect(isAuthentic(bySignature(sign(raw).toUpperCase()), ['another-secret', secret])).toBe(true);
    });

    it.each([
      ['empty', ''],
      ['of another body', sign(raw.slice(1))],
      ['under another secret', sign(raw, 'another-secret')],
      ['cut short', sign(raw).slice(0, -1)],
      ['too long', `${sign(raw)}0`],
      ['the secret itself', secret],
      ['prefixed', `sha256=${sign(raw)}`],
    ])('does not prove when it is %s', (_what, signature) => {
      expect(isAuthentic(bySignature(signature), [secret])).toBe(false);
    });

    it('that is wrong is not mended by a right secret in the body', () => {
      const both = { rawBody: raw, signature: 'wrong', bodySecret: secret };
      expect(isAuthentic(both, [secret])).toBe(false);
    });
  });

  describe('the secrets that count', () => {
    const credentials = (text: string) => ({ LIVECHAT_WEBHOOK_SECRET: text });
    const rotated = {
      current: credentials('new-secret'),
      previous: { credentials: credentials('old-secret'), until: 1_000 },
    };

    it.each([
      [999, ['new-secret', 'old-secret']],
      [1_000, ['new-secret']],
      [1_001, ['new-secret']],
    ])('at %i ms, with one before that counts until 1000 ms, are %j', (now, secrets) => {
      expect(acceptedSecrets(rotated, now)).toEqual(secrets);
    });

    it('are the one where nothing was rotated', () => {
      expect(acceptedSecrets({ current: credentials('new-secret') }, 0)).toEqual(['new-secret']);
    });
  });
});

describe('redact', () => {
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
      [
        'blots the secret in a nested secret_key',
        { payload: { secret_key: secret } },
        { payload: { secret_key: blot } },
      ],
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
    it(`is walked down to ${maxNesting} levels`, () => {
      expect(redact(nested(maxNesting), [])).toEqual(nested(maxNesting));
    });

    it.each([maxNesting + 1, 5_000])('of %i levels is refused', (levels) => {
      expect(() => redact(nested(levels), [])).toThrow(TooDeepError);
    });
  });
});
