import { describe, expect, it } from 'vitest';
import { rateLimitReset, retryAfter } from './retry-after.ts';

const now = Date.parse('2026-03-11T09:14:00Z');
const day = 86_400_000;

describe('Retry-After', () => {
  const table: [string, number | undefined][] = [
    ['0', 0],
    ['7', 7_000],
    [' 1.5 ', 1_500],
    ['999999999', day],
    ['Wed, 11 Mar 2026 09:14:30 GMT', 30_000],
    ['Wed, 11 Mar 2026 09:13:30 GMT', 0],
    ['Wed, 11 Mar 2036 09:13:30 GMT', day],
    ['Wed, 41 Mar 2026 09:13:30 GMT', undefined],
    ['-1', undefined],
    ['', undefined],
    ['soon', undefined],
    ['may 5', undefined],
    ['1e3', undefined],
  ];
  it.each(table)('%j asks for %s ms', (value, ms) => {
    expect(retryAfter({ 'Retry-After': value }, now)).toBe(ms);
  });

  it('asks for nothing when it is not there', () => {
    expect(retryAfter({ 'retry-after': undefined }, now)).toBeUndefined();
  });

  it('given twice counts once', () => {
    expect(retryAfter({ 'retry-after': ['2', '9'] }, now)).toBe(2_000);
  });
});

describe('a used-up limit', () => {
  const table: [Record<string, string>, number | undefined][] = [
    [{ 'RateLimit-Reset': '5' }, 5_000],
    [{ 'ratelimit-reset': '5', 'ratelimit-remaining': '0' }, 5_000],
    [{ 'ratelimit-reset': '5', 'ratelimit-remaining': '1' }, undefined],
    [{ ratelimit: 'limit=100, remaining=0, reset=8' }, 8_000],
    [{ ratelimit: '"default";r=0;t=8' }, 8_000],
    [{ 'x-ratelimit-reset': '9' }, 9_000],
    [{ 'x-ratelimit-reset': '9', 'x-ratelimit-remaining': '3' }, undefined],
    [{ 'x-ratelimit-reset': String(now / 1000 + 4) }, 4_000],
    [{ 'x-ratelimit-reset': String(now + 4_500) }, 4_500],
    [{ 'x-ratelimit-reset': 'soon' }, undefined],
    [{}, undefined],
  ];
  it.each(table)('%j is reset after %s ms', (headers, ms) => {
    expect(rateLimitReset(headers, now)).toBe(ms);
  });
});
