import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyJson } from '../../test/arbitraries.ts';
import { isAuthentic, redact } from './webhook.ts';

describe('isAuthentic', () => {
  const secret = 'whsec-demo-3f9c1a7be2';
  const raw = new TextEncoder().encode('{"action":"incoming_event","text":"😀"}');

  const sign = (bytes: Uint8Array, by = secret) => createHmac('sha256', by).update(bytes).digest('hex');
  const byBody = (bodySecret: unknown) => ({ bodySecret });
  const bySignature = (signature: string) => ({ rawBody: raw, signature });

  describe('secret_key', () => {
    it('is accepted if it equals one of the secrets', () => {
      expect(isAuthentic(byBody(secret), [secret])).toBe(true);
      expect(isAuthentic(byBody(secret), ['another-secret', secret])).toBe(true);
      expect(isAuthentic(byBody(secret), [secret, 'another-secret'])).toBe(true);
    });

    it.each([
      ['absent', undefined],
      ['null', null],
      ['a number', 7],
      ['true', true],
      ['a list with the secret', [secret]],
      ['an object that converts to the secret', { toString: () => secret, length: secret.length }],
      ['the secret in upper case', secret.toUpperCase()],
      ['the secret with a trailing space', `${secret} `],
      ['the secret with a trailing zero byte', `${secret}\0`],
    ])('is rejected if it is %s', (_what, bodySecret) => {
      expect(isAuthentic(byBody(bodySecret), [secret])).toBe(false);
    });

    it('is rejected if wrong, for every length from 0 to 200', () => {
      for (let length = 0; length <= 200; length += 1) {
        const repeated = secret.repeat(10);
        const wrong = [repeated.slice(0, length), 'x'.repeat(length), `${secret}${'x'.repeat(length)}`];
        for (const given of wrong.filter((text) => text !== secret))
          expect(isAuthentic(byBody(given), [secret])).toBe(false);
      }
    });

    it('is rejected if there is no secret', () => {
      expect(isAuthentic(byBody(''), [])).toBe(false);
      expect(isAuthentic(bySignature(''), [])).toBe(false);
    });

    it('is accepted exactly if it equals the secret (property)', () => {
      const text = fc.string({ minLength: 0, maxLength: 200 });
      fc.assert(
        fc.property(text, text, (given, expected) => {
          expect(isAuthentic(byBody(given), [expected])).toBe(given === expected);
          expect(isAuthentic(byBody(expected), [expected])).toBe(true);
        }),
      );
    });
  });

  describe('X-Signature', () => {
    it('is accepted as HMAC-SHA256 of the raw body with any of the secrets, in either case', () => {
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
    ])('is rejected if it is %s', (_what, signature) => {
      expect(isAuthentic(bySignature(signature), [secret])).toBe(false);
    });

    it('is rejected if wrong, also with the right secret in the body', () => {
      const both = { rawBody: raw, signature: 'wrong', bodySecret: secret };
      expect(isAuthentic(both, [secret])).toBe(false);
    });
  });
});

describe('redact', () => {
  const secret = 'whsec-demo-3f9c1a7be2';
  const redacted = '[redacted]';

  describe('redacting', () => {
    it.each([
      ['removes the top-level secret_key', { secret_key: secret, action: 'ping' }, { action: 'ping' }],
      ['removes a wrong secret_key', { secret_key: 'wrong', action: 'ping' }, { action: 'ping' }],
      ['removes a secret_key that is not text', { secret_key: { a: [secret] } }, {}],
      [
        'keeps another value of a nested secret_key',
        { payload: { secret_key: 'theirs' } },
        { payload: { secret_key: 'theirs' } },
      ],
      [
        'replaces the secret in a nested secret_key',
        { payload: { secret_key: secret } },
        { payload: { secret_key: redacted } },
      ],
      ['replaces every occurrence in text', `a ${secret} b ${secret}`, `a ${redacted} b ${redacted}`],
      ['replaces it in property names', { [`x-${secret}`]: 1 }, { [`x-${redacted}`]: 1 }],
      ['replaces it in lists', [[secret], { a: [secret] }], [[redacted], { a: [redacted] }]],
      ['leaves numbers, booleans and null', [1, true, null], [1, true, null]],
      ['keeps a property named __proto__', JSON.parse('{"__proto__":{"a":1}}'), JSON.parse('{"__proto__":{"a":1}}')],
    ])('%s', (_what, value, expected) => {
      expect(redact(value, [secret])).toEqual(expected);
    });

    it('replaces every accepted secret, also if one is a prefix of another', () => {
      const secrets = ['old-secret', 'old-secret-2'];
      const clean = JSON.stringify(redact({ a: 'old-secret', b: 'old-secret-2' }, secrets));
      for (const one of secrets) expect(clean).not.toContain(one);
    });

    it('treats the secret as text, not as a pattern', () => {
      expect(redact('a.c+d$& abc+d$&', ['a.c+d$&'])).toBe(`${redacted} abc+d$&`);
    });

    it('does not change its input', () => {
      const body = Object.freeze({ secret_key: secret, payload: Object.freeze([secret]) });
      redact(body, [secret]);
      expect(body).toEqual({ secret_key: secret, payload: [secret] });
    });

    it('returns a body without the secret unchanged', () => {
      fc.assert(
        fc.property(anyJson, (value) => {
          const json: unknown = JSON.parse(JSON.stringify({ payload: value }));
          expect(JSON.stringify(redact(json, [secret]))).toBe(JSON.stringify(json));
        }),
      );
    });
  });
});
