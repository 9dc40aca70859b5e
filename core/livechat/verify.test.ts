import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { acceptedSecrets, proves } from './verify.ts';

const secret = 'whsec-demo-3f9c1a7be2';
const raw = new TextEncoder().encode('{"action":"incoming_event","text":"😀"}');

const sign = (bytes: Uint8Array, by = secret) => createHmac('sha256', by).update(bytes).digest('hex');
const byBody = (bodySecret: unknown) => ({ raw, signature: undefined, bodySecret });
const bySignature = (signature: string) => ({ raw, signature, bodySecret: undefined });

describe('a body’s secret', () => {
  it('proves when it is one of the secrets', () => {
    expect(proves(byBody(secret), [secret])).toBe(true);
    expect(proves(byBody(secret), ['another-secret', secret])).toBe(true);
    expect(proves(byBody(secret), [secret, 'another-secret'])).toBe(true);
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
    expect(proves(byBody(bodySecret), [secret])).toBe(false);
  });

  it('does not prove when wrong, of any length from 0 to 200', () => {
    for (let length = 0; length <= 200; length += 1) {
      const repeated = secret.repeat(10);
      const wrong = [repeated.slice(0, length), 'x'.repeat(length), `${secret}${'x'.repeat(length)}`];
      for (const given of wrong.filter((text) => text !== secret)) expect(proves(byBody(given), [secret])).toBe(false);
    }
  });

  it('proves nothing where there is no secret', () => {
    expect(proves(byBody(''), [])).toBe(false);
    expect(proves(bySignature(''), [])).toBe(false);
  });

  it('proves for exactly the secret, whatever both are', () => {
    const text = fc.string({ minLength: 0, maxLength: 200 });
    fc.assert(
      fc.property(text, text, (given, kept) => {
        expect(proves(byBody(given), [kept])).toBe(given === kept);
        expect(proves(byBody(kept), [kept])).toBe(true);
      }),
    );
  });
});

describe('a signature', () => {
  it('proves when it is the HMAC-SHA256 of the raw body under one of the secrets, in either case', () => {
    expect(proves(bySignature(sign(raw)), [secret])).toBe(true);
    expect(proves(bySignature(sign(raw).toUpperCase()), ['another-secret', secret])).toBe(true);
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
    expect(proves(bySignature(signature), [secret])).toBe(false);
  });

  it('that is wrong is not mended by a right secret in the body', () => {
    expect(proves({ raw, signature: 'wrong', bodySecret: secret }, [secret])).toBe(false);
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
