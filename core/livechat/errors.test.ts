import { readdirSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { propertyRuns } from '../../test/depth.ts';
import { fixture } from '../../test/fixtures.ts';
import {
  type ErrorResponse,
  exhaustedFor,
  LiveChatApiError,
  rateLimitReset,
  retryAfter,
  toApiError,
} from './errors.ts';

describe('toApiError', () => {
  const now = Date.parse('2026-03-11T09:14:00Z');

  function apiError(call: Partial<ErrorResponse>): LiveChatApiError {
    return toApiError({ status: 422, headers: {}, method: 'send_event', receivedAt: now, ...call });
  }

  const body = z.object({ error: z.object({ type: z.string(), message: z.string(), data: z.optional(z.unknown()) }) });

  /** LiveChat documents no HTTP statuses, so some fixture names have none. */
  function fixtureError(name: string): LiveChatApiError {
    const { error } = body.parse(fixture(`api/${name}`));
    return apiError({ status: Number(/\.(\d{3})\./.exec(name)?.[1] ?? 400), ...error });
  }

  describe('documented error types', () => {
    it.each([
      ['Authentication', ['authentication', 'authorization']],
      ['RateLimit', ['too_many_requests', 'pending_requests_limit_reached']],
      ['Server', ['internal', 'service_unavailable', 'request_timeout']],
      ['Repairable', ['chat_inactive', 'misdirected_request']],
      [
        'Client',
        [
          'agent_offline',
          'entity_too_large',
          'license_expired',
          'license_not_found',
          'limit_reached',
          'missing_access',
          'not_found',
          'unsupported_version',
          'validation',
          'wrong_product_version',
          'already_exists',
          'group_not_found',
          'ownership_transfer',
          'chat_anonymized',
          'customer_banned',
          'greeting_not_found',
          'group_offline',
          'group_unavailable',
          'groups_offline',
          'not_allowed',
          'requester_already_offline',
          'requester_awaiting_approval',
          'requester_suspended',
          'seats_limit_exceeded',
          'transfer_ownership',
          'users_limit_reached',
        ],
      ],
    ])('returns category %s with any HTTP status', (category, types) => {
      for (const type of types) {
        for (const status of [200, 400, 401, 403, 404, 422, 429, 500, 503]) {
          expect(apiError({ type, status }), `${type} with ${status}`).toMatchObject({ category, type, status });
        }
      }
    });
  });

  describe('missing or unknown error type', () => {
    const table: [number, string][] = [
      [200, 'Server'],
      [302, 'Client'],
      [400, 'Client'],
      [401, 'Authentication'],
      [403, 'Authentication'],
      [404, 'Client'],
      [408, 'Client'],
      [409, 'Client'],
      [413, 'Client'],
      [422, 'Client'],
      [429, 'RateLimit'],
      [500, 'Server'],
      [502, 'Server'],
      [503, 'Server'],
      [504, 'Server'],
      [529, 'Server'],
    ];
    it.each(table)('with HTTP %i returns category %s', (status, category) => {
      expect(apiError({ status })).toMatchObject({ category, type: undefined });
      expect(apiError({ status, type: 'brand_new' })).toMatchObject({ category, type: 'brand_new' });
      expect(apiError({ status, type: 'toString' })).toMatchObject({ category });
    });
  });

  describe('error fixtures', () => {
    const expected = {
      'error.authentication.401.json': { category: 'Authentication', outcome: 'refused', retryable: false },
      'error.authentication_no_header.401.json': { category: 'Authentication', outcome: 'refused', retryable: false },
      'error.authorization_not_member.403.json': { category: 'Repairable', repair: 'join', outcome: 'refused' },
      'error.chat_inactive.422.json': { category: 'Repairable', repair: 'resume', outcome: 'refused' },
      'error.entity_too_large.413.json': { category: 'Client', outcome: 'refused', retryable: false },
      'error.internal.500.json': { category: 'Server', outcome: 'unknown', retryable: true },
      'error.license_expired.json': { category: 'Client', outcome: 'refused', retryable: false },
      'error.limit_reached.json': { category: 'Client', outcome: 'refused', retryable: false },
      'error.misdirected_request.json': { category: 'Repairable', repair: 'region', region: 'dal', outcome: 'refused' },
      'error.not_found.404.json': { category: 'Client', outcome: 'refused', retryable: false },
      'error.request_timeout.504.json': { category: 'Server', outcome: 'unknown', retryable: true },
      'error.service_unavailable.503.json': { category: 'Server', outcome: 'unknown', retryable: true },
      'error.too_many_requests.429.json': { category: 'RateLimit', outcome: 'refused', retryable: true },
      'error.unsupported_version.json': { category: 'Client', outcome: 'refused', retryable: false },
      'error.validation.422.json': { category: 'Client', outcome: 'refused', retryable: false },
      'error.validation_chat_inactive.422.json': { category: 'Repairable', repair: 'resume', outcome: 'refused' },
      'error.validation_public_agents_limit.422.json': {
        category: 'Repairable',
        repair: 'transfer',
        outcome: 'refused',
      },
      'error.validation_user_id_not_found.422.json': { category: 'Client', outcome: 'refused', retryable: false },
    };

    it('are all in this table', () => {
      const folder = new URL('../../test/fixtures/livechat/api/', import.meta.url);
      const names = readdirSync(folder).filter((name) => name.startsWith('error.'));
      expect(names.sort()).toEqual(Object.keys(expected).sort());
    });

    it.each(Object.entries(expected))('%s is classified', (name, error) => {
      const made = fixtureError(name);
      expect(made).toMatchObject(error);
      expect(made.name).toBe(`Channel${error.category}Error`);
      const { message } = body.parse(fixture(`api/${name}`)).error;
      expect(made.message, 'the safe text is kept').toContain(`"${message}"`);
    });
  });

  it.each<[string | undefined, string, boolean]>([
    ['authorization', 'User has no access to the chat', true],
    ['authorization', 'Missing scope: chats--all:rw or chats--access:rw', false],
    ['authentication', 'Invalid access token', false],
    [undefined, '', false],
  ])('of type %s with the text "%s" concerns one chat: %s', (type, message, expected) => {
    expect(apiError({ status: 403, type, message }).concernsChat).toBe(expected);
  });

  describe('repair', () => {
    const table: [string | undefined, number, string, string | undefined][] = [
      ['chat_inactive', 400, '', 'resume'],
      ['validation', 422, 'chat not active', 'resume'],
      ['validation', 400, 'Chat is not active', 'resume'],
      [undefined, 422, 'Chat is not active', 'resume'],
      [undefined, 400, 'Chat is not active', undefined],
      ['not_found', 422, 'Chat is not active', undefined],
      ['authorization', 400, 'Requester is not user of the chat', 'join'],
      [undefined, 403, 'requester is not a member of the chat', 'join'],
      ['authorization', 403, 'Missing scope chats--all:rw', undefined],
      ['validation', 403, 'Requester is not user of the chat', undefined],
      ['validation', 422, 'Public agents in chat limit reached', 'transfer'],
      ['authorization', 403, 'Public agents in chat limit reached', undefined],
      ['misdirected_request', 421, '', 'region'],
    ];
    it.each(table)('for type %s, HTTP %i and "%s" is %s', (type, status, message, repair) => {
      const error = apiError({ type, status, message });
      expect(error.repair).toBe(repair);
      expect(error.name === 'ChannelRepairableError').toBe(repair !== undefined);
    });

    it('includes the region only if LiveChat returned a valid one', () => {
      const region = (data: unknown) => apiError({ type: 'misdirected_request', data }).region;
      expect(region({ region: 'us-south1' })).toBe('us-south1');
      expect([undefined, null, 'dal', { region: 7 }, { region: 'a\r\nb' }, { region: '' }].map(region)).toEqual(
        Array(6).fill(undefined),
      );
    });
  });

  describe('retryAfterMs', () => {
    it.each([
      [429, 7_000],
      [503, 7_000],
      [422, undefined],
      [401, undefined],
    ])('with HTTP %i and Retry-After: 7 is %s', (status, ms) => {
      expect(apiError({ status, headers: { 'retry-after': '7' } }).retryAfterMs).toBe(ms);
    });

    it('is read from RateLimit-Reset with HTTP 429 only', () => {
      const headers = { 'ratelimit-remaining': '0', 'ratelimit-reset': '3' };
      expect(apiError({ status: 429, headers }).retryAfterMs).toBe(3_000);
      expect(apiError({ status: 503, headers }).retryAfterMs).toBeUndefined();
    });
  });

  describe('message', () => {
    it('names the method, the error and the remedy', () => {
      const error = apiError({
        type: 'chat_inactive',
        message: 'Chat is inactive',
        headers: { 'x-debug-id': 'ab-1' },
      });
      expect(error.message).toBe(
        'send_event: LiveChat rejected the request (422 chat_inactive, debug id ab-1): "Chat is inactive". ' +
          'Resume the chat, then send again.',
      );
      expect(error.debugId).toBe('ab-1');
    });

    it('omits text that could quote the request', () => {
      const error = apiError({ type: 'validation', message: 'text "my password is hunter2" is too long' });
      expect(error.message).toBe(
        'send_event: LiveChat rejected the request (422 validation). ' +
          "Correct the request as described in LiveChat's API reference of the method.",
      );
    });

    it('gives the advice of the category for a type that Object.prototype has', () => {
      expect(apiError({ type: 'constructor' }).message).toBe(
        'send_event: LiveChat rejected the request (422 constructor). Do not repeat the call unchanged.',
      );
    });

    it('omits invalid types and debug ids', () => {
      const error = apiError({ type: 'my password is hunter2', headers: { 'x-debug-id': 'hunter2 hunter2' } });
      expect(error).toMatchObject({ type: undefined, debugId: undefined });
      expect(error.message).not.toContain('hunter2');
    });
  });

  describe('any response', () => {
    const value = fc.oneof(fc.string(), fc.array(fc.string()), fc.constant(undefined));
    const headerName = fc.oneof(
      fc.string(),
      fc.constantFrom('retry-after', 'x-debug-id', 'ratelimit-reset', 'ratelimit', 'x-ratelimit-reset'),
    );
    const call = fc.record({
      status: fc.oneof(fc.integer({ min: 100, max: 599 }), fc.integer(), fc.constant(Number.NaN)),
      type: fc.oneof(fc.string(), fc.constantFrom('validation', 'authorization', 'internal', 'misdirected_request')),
      message: fc.oneof(fc.string(), fc.constantFrom('Chat is not active', 'Requester is not user of the chat')),
      data: fc.jsonValue(),
      headers: fc.dictionary(headerName, value),
    });

    it('becomes an error whose category decides whether it is retryable', () => {
      fc.assert(
        fc.property(call, (given) => {
          const error = apiError(given);
          expect(error).toBeInstanceOf(LiveChatApiError);
          expect(error.retryable).toBe(['Server', 'RateLimit'].includes(error.category));
          expect(error.category === 'Repairable').toBe(error.repair !== undefined);
          if (error.retryAfterMs !== undefined) {
            expect(error.retryAfterMs).toBeGreaterThanOrEqual(0);
            expect(error.retryAfterMs).toBeLessThanOrEqual(86_400_000);
          }
          if (given.status >= 500) expect(error.outcome).toBe('unknown');
        }),
        propertyRuns(2_000),
      );
    });
  });
});

describe('delay headers', () => {
  const now = Date.parse('2026-03-11T09:14:00Z');
  const day = 86_400_000;

  describe('retryAfter', () => {
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
    it.each(table)('returns for %j the delay %s ms', (value, ms) => {
      expect(retryAfter({ 'retry-after': value }, now)).toBe(ms);
    });

    it('returns undefined without the header', () => {
      expect(retryAfter({ 'retry-after': undefined }, now)).toBeUndefined();
    });

    it('uses the first of two values', () => {
      expect(retryAfter({ 'retry-after': ['2', '9'] }, now)).toBe(2_000);
    });
  });

  describe('rateLimitReset', () => {
    const table: [Record<string, string>, number | undefined][] = [
      [{ 'ratelimit-reset': '5' }, 5_000],
      [{ 'ratelimit-reset': '5', 'ratelimit-remaining': '0' }, 5_000],
      [{ 'ratelimit-reset': '5', 'ratelimit-remaining': '1' }, undefined],
      [{ ratelimit: 'limit=100, remaining=0, reset=8' }, 8_000],
      [{ ratelimit: '"default";r=0;t=8' }, 8_000],
      [{ 'x-ratelimit-reset': '9' }, 9_000],
      // Milliseconds, perhaps.
      [{ 'x-ratelimit-reset': '1500' }, 60_000],
      [{ 'x-ratelimit-reset': '9', 'x-ratelimit-remaining': '3' }, undefined],
      [{ 'x-ratelimit-reset': String(now / 1000 + 4) }, 4_000],
      [{ 'x-ratelimit-reset': String(now + 4_500) }, 4_500],
      [{ ratelimit: '"default";r=2;t=8' }, undefined],
      [{ 'x-ratelimit-reset': 'soon' }, undefined],
      [{}, undefined],
    ];
    it.each(table)('returns for %j the delay %s ms', (headers, ms) => {
      expect(rateLimitReset(headers, now)).toBe(ms);
    });
  });

  describe('exhaustedFor', () => {
    const table: [Record<string, string>, number | undefined][] = [
      [{ 'retry-after': '4' }, 4_000],
      [{ 'retry-after': '4', 'x-ratelimit-remaining': '7', 'x-ratelimit-reset': '9' }, 4_000],
      [{ 'ratelimit-remaining': '0', 'ratelimit-reset': '5' }, 5_000],
      [{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '9' }, 9_000],
      [{ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(now / 1000 + 4) }, 4_000],
      [{ ratelimit: 'limit=100, remaining=0, reset=8' }, 8_000],
      [{ ratelimit: '"default";r=0;t=8' }, 8_000],
      [{ ratelimit: 'limit=100, remaining=1, reset=8' }, undefined],
      [{ ratelimit: '"default";r=10;t=8' }, undefined],
      [{ 'x-ratelimit-remaining': '1', 'x-ratelimit-reset': '9' }, undefined],
      [{ 'x-ratelimit-remaining': 'none', 'x-ratelimit-reset': '9' }, undefined],
      [{ 'x-ratelimit-reset': '9' }, undefined],
      [{ 'x-ratelimit-remaining': '0' }, undefined],
      [{}, undefined],
    ];
    it.each(table)('returns for %j the time %s ms', (headers, ms) => {
      expect(exhaustedFor(headers, now)).toBe(ms);
    });
  });
});
