import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { time } from '../../test/arbitraries.ts';
import { propertyRuns } from '../../test/depth.ts';
import { isRfc3339, rfc3339, toUtcMicroseconds } from './schemas.ts';

describe('toUtcMicroseconds', () => {
  it.each([
    ['2026-03-11T09:14:14.120349Z', '2026-03-11T09:14:14.120349Z'],
    ['2026-03-11T09:14:14Z', '2026-03-11T09:14:14.000000Z'],
    ['2026-03-11T09:14:14.1Z', '2026-03-11T09:14:14.100000Z'],
    ['2026-03-11T09:14:14.120Z', '2026-03-11T09:14:14.120000Z'],
    ['2026-03-11T09:14:14.123456789Z', '2026-03-11T09:14:14.123456Z'],
    ['2026-03-11T09:14:14.999999999Z', '2026-03-11T09:14:14.999999Z'],
    ['2026-03-11T10:14:14.120349+01:00', '2026-03-11T09:14:14.120349Z'],
    ['2026-03-11T00:14:14.120349+05:30', '2026-03-10T18:44:14.120349Z'],
    ['2026-12-31T23:30:00.5-01:00', '2027-01-01T00:30:00.500000Z'],
    ['2026-03-11T09:14:14-00:00', '2026-03-11T09:14:14.000000Z'],
    ['2024-02-29T23:59:59+00:00', '2024-02-29T23:59:59.000000Z'],
    ['1969-12-31T23:59:59.9Z', '1969-12-31T23:59:59.900000Z'],
  ])('converts %s to %s', (given, expected) => {
    expect(toUtcMicroseconds(given)).toBe(expected);
  });

  it('is idempotent', () => {
    fc.assert(
      fc.property(time, (given) => {
        const once = toUtcMicroseconds(given);
        expect(isRfc3339(once)).toBe(true);
        expect(toUtcMicroseconds(once)).toBe(once);
      }),
      propertyRuns(1_000),
    );
  });

  it('preserves the order of instants', () => {
    fc.assert(
      fc.property(time, time, (a, b) => {
        const [first, second] = [toUtcMicroseconds(a), toUtcMicroseconds(b)];
        expect(first < second).toBe(instant(a) < instant(b));
        expect(first === second).toBe(instant(a) === instant(b));
      }),
      propertyRuns(1_000),
    );
  });
});

/** Microseconds since 1970, computed independently of the code under test. */
function instant(given: string): bigint {
  const [, seconds = '', fraction = '', offset = ''] = rfc3339.exec(given) ?? [];
  return BigInt(Date.parse(`${seconds}${offset}`)) * 1000n + BigInt(fraction.padEnd(6, '0').slice(0, 6));
}

describe('isRfc3339', () => {
  it.each([
    '2026-03-11T09:14:14Z',
    '2026-03-11T09:14:14.123456789+14:00',
    '1970-01-01T00:00:00.000000Z',
    '2024-02-29T00:00:00Z',
    '9999-12-31T23:59:59Z',
  ])('accepts %s', (text) => {
    expect(isRfc3339(text)).toBe(true);
  });

  it.each([
    '',
    'yesterday',
    '2026-03-11',
    '2026-03-11 09:14:14Z',
    '2026-03-11T09:14:14',
    '2026-03-11T09:14Z',
    '2026-03-11t09:14:14z',
    '2026-03-11T09:14:14.Z',
    '2026-03-11T09:14:14.1234567890Z',
    '2026-03-11T09:14:14+01',
    '2026-13-11T09:14:14Z',
    '2026-03-32T09:14:14Z',
    '2026-03-11T25:14:14Z',
    '2026-03-11T09:60:14Z',
    '2026-03-11T09:14:14+24:00',
    '+002026-03-11T09:14:14Z',
    ' 2026-03-11T09:14:14Z',
    '2026-03-11T09:14:14Z\n',
  ])('rejects %j', (text) => {
    expect(isRfc3339(text)).toBe(false);
  });

  it.each(['2026-02-30T09:14:14Z', '2025-02-29T09:14:14Z', '2026-04-31T09:14:14Z', '2026-03-11T24:00:00Z'])(
    'rejects the nonexistent time %s',
    (text) => {
      expect(isRfc3339(text)).toBe(false);
    },
  );

  it.each(['0000-01-01T00:00:00+01:00', '9999-12-31T23:59:59-01:00'])(
    'rejects %s, outside four-digit years in UTC, or keeps it comparable',
    (text) => {
      expect(!isRfc3339(text) || rfc3339.test(toUtcMicroseconds(text))).toBe(true);
    },
  );
});
