import { expect, it } from 'vitest';
import { concurrencyFinding } from './resources.ts';

it.each([
  ['what is reserved fits', { reserved: 340, limit: 1000, unreserved: 660 }, 'ok', /^340 of the account's 1000/],
  ['exactly what is available', { reserved: 340, limit: 440, unreserved: 100 }, 'ok', /^340 of the account's 440/],
  ['a new account', { reserved: 340, limit: 10, unreserved: 10 }, 'fault', /340 .* exceeds the account's limit of 10,/],
  ['one too many', { reserved: 340, limit: 439, unreserved: 100 }, 'fault', /exceeds the account's limit of 439,/],
  ['a failed deployment', { reserved: 340, limit: 1000, unreserved: 960 }, 'fault', /340 .*but only 40 are in effect/],
  ['nothing reserved', { reserved: 0, limit: 1000, unreserved: 1000 }, 'ok', /^0 of the account's 1000/],
  [
    'nothing reserved in a new account',
    { reserved: 0, limit: 10, unreserved: 10 },
    'warning',
    /limit is 10 .*none are/,
  ],
] as const)(
  'reports the concurrency of an account: %s',
  (_name, { reserved, limit, unreserved }, severity, message) => {
    const finding = concurrencyFinding(reserved, limit, unreserved);
    expect(finding).toMatchObject({ severity, message: expect.stringMatching(message) });
    expect(finding.fix === undefined).toBe(severity === 'ok');
  },
);
