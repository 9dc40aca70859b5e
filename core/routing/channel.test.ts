import { describe, expect, it } from 'vitest';
import { never, organizationId, rateLimitWorld } from '../../test/model/rate-limit-world.ts';
import { failure, routingChannel } from '../../test/model/routing-channel.ts';
import { ChannelError } from '../channel/channel.ts';
import { maxSlotWaitMs, type RateLimitState } from '../channel/rate-limit.ts';
import { limitCalls, NoSlot } from './channel.ts';

/** Calls in virtual time, which starts at 0, with a rate limit in the given state. */
function given(
  state: Partial<RateLimitState>,
  answers: Parameters<typeof routingChannel>[0] = () => undefined,
  latest = never,
) {
  const { live, createLimiter, time, read } = rateLimitWorld(state);
  const { channel, calls } = routingChannel(answers);
  let blocked = 0;
  const limited = limitCalls({
    channel: async () => channel,
    limiter: createLimiter(organizationId, { share: 'routing' }),
    clock: time,
    latest,
    onCredentialsBlocked: async () => {
      blocked += 1;
    },
  });
  return {
    live,
    read,
    time,
    calls,
    blocked: () => blocked,
    request: (work: () => Promise<void>) => limited(work),
    tag: (name = 't') => limited((one) => one.tag(organizationId, 'T', name)),
  };
}

const outcome = (work: Promise<void>) =>
  work.then(
    () => 'done',
    (error: unknown) => {
      if (error instanceof ChannelError) return error.category;
      return error instanceof Error ? error.name : error;
    },
  );

const tooLittleTime = new NoSlot('the function has too little time left for another call');

describe('limitCalls', () => {
  it('waits for a slot within ten seconds', async () => {
    const { live, tag, time } = given({ sendsTat: 9_000, routingTat: 9_000, routingUntil: never });
    expect(await live(() => outcome(tag()))).toBe('done');
    expect(time.now()).toBeGreaterThanOrEqual(9_000);
    expect(time.now()).toBeLessThanOrEqual(10_000);
  });

  it.each<[string, Partial<RateLimitState>]>([
    ['comes later', { sendsTat: 13_000, routingTat: 13_000, routingUntil: never }],
    ['an operator has paused', { paused: 'yes' }],
    ['the breaker keeps', { breaker: 'open', openUntil: 29_000, sendsTat: 29_000, routingTat: 29_000 }],
  ])('fails at once for a slot that %s', async (_why, state) => {
    const { live, tag, time, calls, read } = given(state);
    expect(await live(() => outcome(tag()))).toBe('NoSlot');
    expect(calls).toEqual([]);
    expect(time.now()).toBe(0);
    // No slot is reserved.
    expect(await read()).toMatchObject(state);
  });

  it('waits ten seconds at most for all calls of a decision', async () => {
    const { live, tag, time } = given({ sendsTat: 4_900, routingTat: 90_000, interval: 4_900, baseInterval: 4_900 });
    const outcomes: unknown[] = [];
    await live(async () => {
      for (let call = 0; call < 4; call += 1) outcomes.push(await outcome(tag()));
    });
    expect(outcomes).toEqual(['done', 'done', 'NoSlot', 'NoSlot']);
    expect(time.now()).toBeLessThanOrEqual(10_100);
  });

  it('counts short waits for slots', async () => {
    const { live, tag, time } = given({ interval: 1_100, baseInterval: 1_100, routingTat: 90_000 });
    const untilItFails = async () => {
      for (let calls = 0; calls < 20; calls += 1) await tag();
    };
    expect(await live(() => outcome(untilItFails()))).toBe('NoSlot');
    expect(time.now()).toBeGreaterThan(10_000);
    expect(time.now()).toBeLessThanOrEqual(10_000 + maxSlotWaitMs);
  });

  it('does not wait for a slot after which a call could outlast the function', async () => {
    const { live, tag, calls } = given(
      { sendsTat: 2_000, routingTat: 2_000, routingUntil: never },
      () => undefined,
      1_999,
    );
    await expect(live(tag)).rejects.toThrow(tooLittleTime);
    expect(calls).toEqual([]);
  });

  it('does not start a call that could outlast the function, even if a slot is free', async () => {
    const { live, request, time } = given({}, () => undefined, 35_000);
    const startedAt: number[] = [];
    const fourSlowCalls = async () => {
      for (let calls = 0; calls < 4; calls += 1) {
        await request(() => {
          startedAt.push(time.now());
          return time.sleep(20_000);
        });
      }
    };
    await expect(live(fourSlowCalls)).rejects.toThrow(tooLittleTime);
    expect(startedAt).toEqual([0, 20_000]);
  });

  it('names GET /api/rate-limits if there is no slot', async () => {
    const { live, tag } = given({ paused: 'yes' });
    const message = 'no rate-limiter slot within 10 s; see `livechat limits show` or Rate limits in the console';
    await expect(live(tag)).rejects.toThrow(message);
  });

  it('retries after a short rate limit and lowers the shared rate', async () => {
    const limited = failure('RateLimit', { retryAfterMs: 3_000 });
    const { live, tag, calls, time, read } = given({}, (_call, { length }) => (length === 1 ? limited : undefined));
    expect(await live(() => outcome(tag()))).toBe('done');
    expect(calls).toEqual(['tag t', 'tag t']);
    expect(time.now()).toBeGreaterThanOrEqual(3_000);
    expect((await read()).interval).toBeGreaterThan(103);
  });

  it('uses the share of routing beside a backlog of sends', async () => {
    const { live, tag, time, read } = given({ sendsTat: 600_000 });
    expect(await live(() => outcome(tag()))).toBe('done');
    expect(time.now()).toBeLessThanOrEqual(1_500);
    expect((await read()).routingUntil).toBeGreaterThan(0);
  });

  it('fails after a long rate limit', async () => {
    const { live, tag, calls, time } = given({}, () => failure('RateLimit', { retryAfterMs: 60_000 }));
    expect(await live(() => outcome(tag()))).toBe('NoSlot');
    expect(calls).toHaveLength(1);
    expect(time.now()).toBeLessThan(100);
  });

  it.each(['Server', 'Network'] as const)(
    'reports a %s failure to the breaker and does not retry',
    async (category) => {
      const { live, tag, calls, read } = given({}, () => failure(category));
      expect(await live(() => outcome(tag()))).toBe(category);
      expect(calls).toHaveLength(1);
      expect((await read()).failures).toBe(1);
    },
  );

  it('follows a region redirect once and keeps the region', async () => {
    const elsewhere = failure('Repairable', { repair: 'region', region: 'fra' });
    const { live, tag, calls } = given({}, (call) =>
      call === 'tag a' || call === 'fra: tag c' ? elsewhere : undefined,
    );
    const outcomes = await live(async () => [
      await outcome(tag('a')),
      await outcome(tag('b')),
      await outcome(tag('c')),
    ]);
    expect(outcomes).toEqual(['done', 'done', 'Repairable']);
    expect(calls).toEqual(['tag a', 'fra: tag a', 'fra: tag b', 'fra: tag c']);
  });

  it('reads the credentials again once', async () => {
    const refused = failure('Authentication', { type: 'authentication', status: 401 });
    const { live, tag, calls, blocked } = given({}, (call) =>
      call === 'fresh credentials' ? true : call === 'tag t' ? refused : undefined,
    );
    expect(await live(() => outcome(tag()))).toBe('done');
    expect(calls).toEqual(['tag t', 'fresh: tag t']);
    expect(blocked()).toBe(0);
  });

  it('opens the breaker and raises an alert if the credentials do not work', async () => {
    const { live, tag, read, blocked } = given({}, (call) =>
      call === 'tag t' ? failure('Authentication', { type: 'authentication' }) : false,
    );
    expect(await live(() => outcome(tag()))).toBe('Authentication');
    expect(await read()).toMatchObject({ breaker: 'open', reason: 'credentials' });
    expect(blocked()).toBe(1);
  });

  it('keeps the breaker closed if one chat is not accessible', async () => {
    const { live, tag, read, blocked } = given({}, (call) =>
      call === 'tag t' ? failure('Authentication', { concernsChat: true }) : false,
    );
    expect(await live(() => outcome(tag()))).toBe('Authentication');
    expect(await read()).toMatchObject({ breaker: 'closed' });
    expect(blocked()).toBe(0);
  });
});
