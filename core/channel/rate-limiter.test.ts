import { describe, expect, it } from 'vitest';
import { organizationId, rateLimitWorld } from '../../test/model/rate-limit-world.ts';
import { failures } from '../../test/model/scripted-channel.ts';
import { memoryStores } from '../../test/model/stores.ts';
import { VirtualTime } from '../../test/model/virtual-time.ts';
import { Deferred, type HeldSlot } from './deferred.ts';
import { initialState, type RateLimitState } from './rate-limit.ts';
import { createRateLimiters, type RateLimiter } from './rate-limiter.ts';

const { serverError, clientError, authentication, rateLimit } = failures;
const interval = 104;
/** From a reservation to a first slot: two writes. */
const notice = 35;
const fail = (error: Error) => async () => {
  throw error;
};

function limiterWorld(state: Partial<RateLimitState> = {}) {
  const world = rateLimitWorld(state);
  const limiter = (share: 'sends' | 'routing' = 'sends') => world.createLimiter(organizationId, { share });
  return { ...world, limiter, calledAt: async () => world.time.now() };
}

/** The deferral that the work ends with. */
async function deferral(work: Promise<unknown>): Promise<Deferred> {
  const error = await work.then(
    () => new Error('was not deferred'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Deferred)) throw error;
  return error;
}

describe('a slot', () => {
  it('is used at once without other calls, and needs one write', async () => {
    const { live, limiter, calledAt, read } = limiterWorld();
    expect(await live(() => limiter().run(calledAt))).toBe(0);
    expect(await read()).toMatchObject({ sendsTat: notice + interval, epoch: 0, successes: 0 });
  });

  it('is each caller’s own: an interval apart, and those far away are for the state machine to wait for', async () => {
    const { live, limiter, calledAt } = limiterWorld();
    const results = await live(() => Promise.allSettled(Array.from({ length: 40 }, () => limiter().run(calledAt))));
    const at = results.map((one, index) => {
      if (one.status === 'fulfilled') return one.value;
      const { until, slot, reason } = one.reason as Deferred;
      expect(reason).toBe('rate');
      expect(until).toBe(Math.floor((notice + index * interval - 450) / 1000) * 1000);
      return slot?.at;
    });
    expect(at).toEqual(at.map((_, index) => (index === 0 ? 0 : notice + index * interval)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(15);
  });

  it('that is held over a wait is used without a write', async () => {
    const { live, limiter, calledAt, read, time, failWrites } = limiterWorld({ sendsTat: 9_000 });
    await live(async () => {
      const { slot, until } = await deferral(limiter().reserve(1));
      const before = await read();
      await time.sleep(until);
      failWrites(9);
      const returned = limiter();
      await returned.reserve(1, { held: slot });
      expect(await returned.run(calledAt)).toBe(9_000);
      expect(await read()).toEqual(before);
    });
  });

  it.each<[string, HeldSlot, number, number]>([
    ['of an earlier epoch', { at: 5_000, epoch: 0 }, 4_000, 0],
    ['that has passed', { at: 5_000, epoch: 1 }, 5_011, 1],
  ])('that is held, but %s, is replaced', async (_name, held, now, missed) => {
    const { live, limiter, calledAt, time, counted } = limiterWorld({ epoch: 1 });
    await live(async () => {
      await time.sleep(now);
      const returned = limiter();
      await returned.reserve(1, { held });
      expect(await returned.run(calledAt)).toBe(now);
      expect(counted.filter((name) => name === 'SlotsMissed')).toHaveLength(missed);
    });
  });

  it('that has passed is used late after three missed slots, also if they were missed before a wait', async () => {
    const { live, limiter, calledAt, time, read } = limiterWorld({ epoch: 1, sendsTat: 90_000 });
    await live(async () => {
      await time.sleep(7_000);
      const returned = limiter();
      expect(await deferral(returned.reserve(1, { held: { at: 5_000, epoch: 1, missed: 2 } }))).toMatchObject({
        slot: { at: 90_000, missed: 3 },
      });
      const before = await read();
      const last = limiter();
      await last.reserve(1, { held: { at: 6_000, epoch: 1, missed: 3 } });
      await time.sleep(500);
      expect(await last.run(calledAt)).toBe(7_500);
      expect(await read()).toEqual(before);
    });
  });

  it('may be as far away as the time in which a file is downloaded', async () => {
    const { live, limiter, calledAt } = limiterWorld({ sendsTat: 9_000 });
    await live(async () => {
      const patient = limiter();
      await patient.reserve(2, { maxWaitMs: 10_000 });
      expect([await patient.run(calledAt), await patient.run(calledAt)]).toEqual([9_000, 9_000 + interval]);
    });
    const later = limiterWorld({ sendsTat: 30_000 });
    const { until } = await later.live(() => deferral(later.limiter().reserve(2, { maxWaitMs: 10_000 })));
    // The download begins up to 10 s before the slot.
    expect(until).toBe(29_000 - 8_500 + 500);
  });

  it('that a slow download has missed is counted, so that a file is sent although others always wait', async () => {
    const { live, limiter, calledAt, time, set } = limiterWorld({ sendsTat: 9_000 });
    await live(async () => {
      let held: HeldSlot | undefined;
      for (let download = 1; download <= 3; download += 1) {
        const own = limiter();
        await own.reserve(2, { held, maxWaitMs: 10_000 });
        await time.sleep(9_900);
        await set({ sendsTat: time.now() + 60_000 });
        const { slot, until } = await deferral(own.run(calledAt));
        expect(slot).toMatchObject({ missed: download });
        // As long before its slot as a download may take.
        expect(until).toBeLessThan((slot?.at ?? 0) - 7_900);
        held = slot;
        await time.sleep(until - time.now());
      }
      const own = limiter();
      await own.reserve(2, { held, maxWaitMs: 10_000 });
      await time.sleep(9_900);
      expect(await own.run(calledAt)).toBe(time.now());
    });
  });

  it('is one of a block for each call of a request', async () => {
    const { live, limiter, calledAt, read } = limiterWorld();
    await live(async () => {
      const own = limiter();
      await own.reserve(10);
      const at: number[] = [];
      for (let call = 0; call < 10; call += 1) at.push(await own.run(calledAt));
      expect(at).toEqual(at.map((_, call) => (call === 0 ? 0 : notice + call * interval)));
      expect(await read()).toMatchObject({ sendsTat: notice + 10 * interval });
    });
  });

  it('of a block may be used late until the block ends; then the remaining calls get a block of their own', async () => {
    const { live, limiter, time, counted } = limiterWorld();
    await live(async () => {
      const own = limiter();
      await own.reserve(3);
      const slow = (ms: number) => async () => {
        const at = time.now();
        await time.sleep(ms);
        return at;
      };
      expect(await own.run(slow(150))).toBe(0);
      expect(await own.run(slow(500))).toBe(150);
      // The block ended at 243 ms.
      expect(await own.run(slow(0))).toBe(150 + 500);
      expect(counted).toContain('SlotsMissed');
    });
  });

  it('is reserved for the next request in a message group, unless there is none', async () => {
    const { live, limiter, set } = limiterWorld({ sendsTat: 9_000, epoch: 4 });
    await live(async () => {
      expect(await limiter().reserveForNext(3)).toEqual({ at: 9_000, epoch: 4 });
      expect(await limiter().reserveForNext(1)).toEqual({ at: 9_000 + 3 * interval, epoch: 4 });
      await set({ paused: 'yes' });
      expect(await limiter().reserveForNext(1)).toBeUndefined();
    });
  });

  it('is not waited for by routing behind its maxWaitMs: nothing is reserved', async () => {
    const far = { sendsTat: 90_000, routingTat: 5_000, routingUntil: 9e8 };
    const { live, limiter, read } = limiterWorld(far);
    const { until, slot } = await live(() => deferral(limiter('routing').reserve(1)));
    expect({ until, slot }).toEqual({ until: 5_000, slot: undefined });
    expect(await read()).toMatchObject(far);
  });

  it('is given up after many conflicts: the state machine waits a second or two', async () => {
    const time = new VirtualTime(1);
    const refusing = createRateLimiters({
      store: { read: async () => initialState(10), update: async () => ({ applied: false, state: initialState(10) }) },
      clock: time,
      shares: { routing: 10, reconciliation: 20 },
      callsPerSecond: 10,
      metrics: { count() {} },
      log: { warn() {} },
    });
    const { until, reason } = await time.until(deferral(refusing('o', { share: 'sends' }).reserve(1)), 60_000);
    expect(reason).toBe('rate');
    expect(until).toBeGreaterThanOrEqual(1_000);
    expect(until).toBeLessThanOrEqual(3_000);
  });
});

describe('a pause', () => {
  it.each<[string, HeldSlot | undefined]>([
    ['a new call', undefined],
    ['a held slot', { at: 1_000, epoch: 0 }],
  ])('defers %s by 30 to 60 s, and reserves nothing', async (_name, held) => {
    const { live, limiter, read } = limiterWorld({ paused: 'yes' });
    const { until, reason, slot } = await live(() => deferral(limiter().reserve(1, { held })));
    expect({ reason, slot }).toEqual({ reason: 'blocked', slot: undefined });
    expect(until).toBeGreaterThanOrEqual(30_000);
    expect(until).toBeLessThanOrEqual(61_000);
    expect(await read()).toMatchObject({ sendsTat: 0 });
  });

  it('that has ended is noticed by a container that remembers it', async () => {
    const { live, limiter, calledAt, set } = limiterWorld({ paused: 'yes' });
    await live(async () => {
      await deferral(limiter().reserve(1));
      await set({ paused: 'no' });
      expect(await limiter().run(calledAt)).toBe(0);
    });
  });
});

describe('a 429', () => {
  it('defers the call behind the delay, and is not hidden', async () => {
    const { live, limiter, read, counted } = limiterWorld();
    const error = rateLimit(7_000);
    const deferred = await live(() => deferral(limiter().run(fail(error))));
    const at = 7_000;
    expect(deferred).toMatchObject({ reason: 'limited', slot: { at, epoch: 1 }, until: 6_000, cause: error });
    expect(await read()).toMatchObject({ interval: 110, epoch: 1, sendsTat: at + 110 });
    expect(counted).toEqual(['CallsRateLimited']);
  });

  it('without a delay defers behind the calls that wait in their functions', async () => {
    const { live, limiter, read } = limiterWorld();
    await live(() => deferral(limiter().run(fail(rateLimit(undefined)))));
    expect(await read()).toMatchObject({ sendsTat: 1_500 + 110 });
  });

  it('slows once, however many calls were on their way, and gives each a slot of its own', async () => {
    const { live, limiter, read } = limiterWorld();
    await live(async () => {
      const calls = [1, 2, 3].map(() => deferral(limiter().run(fail(rateLimit(10_000)))));
      const slots = (await Promise.all(calls)).map(({ slot }) => slot?.at ?? 0);
      expect(await read()).toMatchObject({ interval: 110, epoch: 1 });
      const [first = 0] = slots;
      expect(slots).toEqual([first, first + 110, first + 220]);
    });
  });

  it('reserves the remaining calls of the request, the rejected one included', async () => {
    const { live, limiter, read, calledAt } = limiterWorld();
    await live(async () => {
      const own = limiter();
      await own.reserve(4);
      await own.run(calledAt);
      await own.reserve(3);
      const { slot } = await deferral(own.run(fail(rateLimit(5_000))));
      expect(await read()).toMatchObject({ sendsTat: (slot?.at ?? 0) + 3 * 110 });
    });
  });

  it('tells routing when to call again, without a slot', async () => {
    const { live, limiter } = limiterWorld();
    const deferred = await live(() => deferral(limiter('routing').run(fail(rateLimit(7_000)))));
    expect(deferred).toMatchObject({ until: 7_000, slot: undefined });
  });

  it('is followed by a recovery of the rate', async () => {
    const { live, limiter, calledAt, time, read } = limiterWorld({ interval: 500, slowedAt: 0 });
    await live(async () => {
      await time.sleep(3_001);
      await limiter().run(calledAt);
      expect(await read()).toMatchObject({ interval: 450 });
    });
  });
});

describe('the channel’s announcement that no call is left', () => {
  it('moves every slot behind it', async () => {
    const { live, limiter, time } = limiterWorld();
    await live(async () => {
      const own = limiter();
      await own.run(async () => own.holdFor(6_000));
      const { slot } = await deferral(limiter().reserve(1));
      expect(slot?.at).toBe(time.now() + 6_000);
    });
  });

  it('moves the remaining calls of the same request too', async () => {
    const { live, limiter, time } = limiterWorld();
    await live(async () => {
      const own = limiter();
      await own.reserve(3);
      await own.run(async () => own.holdFor(6_000));
      const { slot } = await deferral(own.run(async () => {}));
      expect(slot?.at).toBe(time.now() + 6_000);
    });
  });

  it('invalidates slots that were reserved before', async () => {
    const { live, limiter, time } = limiterWorld({ sendsTat: 3_000 });
    await live(async () => {
      const { slot } = await deferral(limiter().reserve(1));
      const own = limiter('routing');
      await own.run(async () => own.holdFor(6_000));
      await time.sleep((slot?.at ?? 0) - 1_000 - time.now());
      const { slot: next } = await deferral(limiter().reserve(1, { held: slot }));
      expect(next?.at).toBeGreaterThanOrEqual(6_000);
    });
  });

  it('counts once for all calls that receive it, and for at most a minute', async () => {
    const { live, limiter, read } = limiterWorld();
    await live(async () => {
      const own = limiter();
      await own.reserve(1);
      const other = limiter();
      await other.reserve(1);
      await Promise.all([own, other].map((one) => one.run(async () => one.holdFor(3_600_000))));
      const { epoch, sendsTat, routingTat } = await read();
      expect(epoch).toBe(1);
      expect(sendsTat).toBe(routingTat);
      expect(sendsTat).toBeLessThanOrEqual(60_000 + 2 * interval);
    });
  });

  it('closes a half-open breaker if the probe call has received it', async () => {
    const open = { breaker: 'open', reason: 'failures', openUntil: 0, epoch: 4 } as const;
    const { live, limiter, read } = limiterWorld(open);
    await live(async () => {
      const own = limiter();
      await own.run(async () => own.holdFor(6_000));
      expect(await read()).toMatchObject({ breaker: 'closed', epoch: 6 });
    });
  });
});

describe('the circuit breaker', () => {
  const opened = { breaker: 'open', reason: 'failures', openUntil: 1_000, sendsTat: 1_000, epoch: 4 } as const;

  it('opens when half of ten calls have failed', async () => {
    const { live, limiter, read, calledAt, counted } = limiterWorld();
    await live(async () => {
      for (let call = 0; call < 4; call += 1) {
        await expect(limiter().run(fail(serverError))).rejects.toBe(serverError);
        await limiter().run(calledAt);
      }
      await expect(limiter().run(fail(serverError))).rejects.toBe(serverError);
      expect(await read()).toMatchObject({ breaker: 'closed', failures: 5, successes: 4 });
      await expect(limiter().run(fail(serverError))).rejects.toBe(serverError);
      expect(await read()).toMatchObject({ breaker: 'open', reason: 'failures' });
      expect(counted).toEqual(['BreakerOpened']);
    });
  });

  it('makes one probe call when it has been open for long enough; its success lets the others pass', async () => {
    const { live, limiter, calledAt, read } = limiterWorld(opened);
    await live(async () => {
      const probe = limiter().run(calledAt);
      const behind = limiter();
      const { slot } = await deferral(behind.reserve(1));
      expect(slot).toEqual({ at: 3_500, epoch: 5, missed: 0 });
      expect(await probe).toBe(1_000);
      expect(await read()).toMatchObject({ breaker: 'closed', reason: '', epoch: 5 });
      const returned = limiter();
      await returned.reserve(1, { held: slot, maxWaitMs: 5_000 });
      expect(await returned.run(calledAt)).toBe(3_500);
    });
  });

  it('verifies a near slot behind the probe call at its time', async () => {
    const { live, limiter, calledAt, time, set } = limiterWorld({ ...opened, openUntil: 0 });
    await live(async () => {
      const probe = limiter();
      await probe.reserve(1);
      await time.sleep(1_500);
      const behind = limiter().run(calledAt);
      await set({ breaker: 'closed' });
      expect(await behind).toBe(notice + 2_500);
    });
  });

  it('opens again when the probe call fails, and the others wait behind the next', async () => {
    const { live, limiter, calledAt, read, time } = limiterWorld({ ...opened, openUntil: 0 });
    await live(async () => {
      await expect(limiter().run(fail(serverError))).rejects.toBe(serverError);
      expect(await read()).toMatchObject({ breaker: 'open', openUntil: notice + 30_000, epoch: 6 });
      const { slot, reason } = await deferral(limiter().run(calledAt));
      expect({ slot, reason }).toEqual({ slot: { at: notice + 30_000, epoch: 7, missed: 0 }, reason: 'rate' });
      await time.sleep(29_000);
      const returned = limiter();
      await returned.reserve(1, { held: slot });
      expect(await returned.run(calledAt)).toBe(notice + 30_000);
      expect(await read()).toMatchObject({ breaker: 'closed' });
    });
  });

  /** A caller every half second for half a minute. Returns how often LiveChat was called. */
  async function callEveryHalfSecond(
    { live, limiter, time }: ReturnType<typeof limiterWorld>,
    call: () => Promise<void>,
  ) {
    let calls = 0;
    const counted = async () => {
      calls += 1;
      await call();
    };
    await live(async () => {
      for (let callers = 0; callers < 60; callers += 1) {
        limiter()
          .run(counted)
          .catch(() => {});
        await time.sleep(500);
      }
    });
    return calls;
  }

  it('closes even if every call takes longer than the time-out of a probe call', async () => {
    const world = limiterWorld({ ...opened, openUntil: 0 });
    const calls = await callEveryHalfSecond(world, () => world.time.sleep(4_000));
    expect(await world.read()).toMatchObject({ breaker: 'closed' });
    expect(calls).toBeGreaterThan(30);
  });

  it('opens again if every probe call fails after its time-out', async () => {
    const world = limiterWorld({ ...opened, openUntil: 0 });
    const calls = await callEveryHalfSecond(world, async () => {
      await world.time.sleep(4_000);
      throw serverError;
    });
    expect(await world.read()).toMatchObject({ breaker: 'half-open', openUntil: 4_035 + 30_000 });
    expect(calls).toBe(2);
  });

  it.each<[string, Error]>([
    ['a rejected request', clientError],
    ['a 429', rateLimit(100)],
  ])('closes at %s of the probe call: LiveChat responds', async (_name, error) => {
    const { live, limiter, read } = limiterWorld({ ...opened, openUntil: 0 });
    await live(() =>
      limiter()
        .run(fail(error))
        .catch(() => {}),
    );
    expect(await read()).toMatchObject({ breaker: 'closed' });
  });

  it.each<[string, (own: RateLimiter) => Promise<unknown>]>([
    ['is released', (own) => own.release()],
    ['has nothing to do with LiveChat', (own) => own.run(fail(new Error('a bug'))).catch(() => {})],
    ['lacks credentials', (own) => own.run(fail(authentication)).catch(() => {})],
  ])('leaves the probe call to another caller when it %s', async (_name, end) => {
    const { live, limiter, read } = limiterWorld({ ...opened, openUntil: 0 });
    await live(async () => {
      const own = limiter();
      await own.reserve(1);
      await end(own);
      expect(await read()).toMatchObject({ breaker: 'open', epoch: 6 });
      await limiter().run(async () => {});
      expect(await read()).toMatchObject({ breaker: 'closed' });
    });
  });

  it('makes a new probe call when the caller of the last one has died', async () => {
    const { live, limiter, calledAt, time, read } = limiterWorld({ ...opened, openUntil: 0 });
    await live(async () => {
      await limiter().reserve(1);
      await time.sleep(2_536);
      await limiter().run(calledAt);
      expect(await read()).toMatchObject({ breaker: 'closed', epoch: 6 });
    });
  });

  it.each([
    { faults: 0.2, maxOpens: 0.5 },
    { faults: 0.3, maxOpens: 3 },
  ])('opens at most $maxOpens times in 1,000 calls of which $faults fail at random', async ({ faults, maxOpens }) => {
    const seeds = 20;
    let opens = 0;
    for (let seed = 1; seed <= seeds; seed += 1) opens += (await simulateFailures(seed, faults)).opens;
    expect(opens / seeds).toBeLessThanOrEqual(maxOpens);
  });

  it('opens within 40 calls when every call fails', async () => {
    for (let seed = 1; seed <= 5; seed += 1) {
      expect((await simulateFailures(seed, 1, 60)).callsUntilOpen).toBeLessThanOrEqual(40);
    }
  });
});

/** Twenty executions at a time, each with its own limiter. A deferred execution continues at its slot. */
async function simulateFailures(seed: number, faults: number, calls = 1_000) {
  const time = new VirtualTime(seed);
  const { rateLimits: store } = memoryStores(10);
  let opens = 0;
  let made = 0;
  let callsUntilOpen = 0;
  let left = calls;
  const createLimiter = createRateLimiters({
    store,
    clock: time,
    shares: { routing: 10, reconciliation: 20 },
    callsPerSecond: 10,
    metrics: {
      count: (name) => {
        if (name !== 'BreakerOpened') return;
        opens += 1;
        callsUntilOpen ||= made;
      },
    },
    log: { warn() {} },
  });
  const call = async () => {
    made += 1;
    await time.sleep(time.between(60, 120));
    if (time.random() < faults) throw serverError;
  };
  const execute = async (held?: HeldSlot): Promise<void> => {
    const limiter = createLimiter('o', { share: 'sends' });
    try {
      await limiter.reserve(1, { held });
      await limiter.run(call);
    } catch (error) {
      if (!(error instanceof Deferred)) return;
      await time.sleep(error.until - time.now());
      await execute(error.slot);
    }
  };
  const worker = async () => {
    while (left > 0) {
      left -= 1;
      await execute();
    }
  };
  await time.until(Promise.all(Array.from({ length: 20 }, worker)), 36_000_000);
  return { opens, callsUntilOpen };
}

describe('credentials that do not work', () => {
  it('open the breaker, which is new once, however many notice it', async () => {
    const { live, limiter, read, counted } = limiterWorld();
    await live(async () => {
      const results = await Promise.all([1, 2, 3].map(() => limiter().blockCredentials()));
      expect(results.filter(Boolean)).toHaveLength(1);
      expect(counted).toEqual(['BreakerOpened']);
      expect(await read()).toMatchObject({ breaker: 'open', reason: 'credentials' });
    });
  });

  it('are not new while they have not worked, and new again afterwards', async () => {
    const { live, limiter, time } = limiterWorld();
    await live(async () => {
      expect(await limiter().blockCredentials()).toBe(true);
      await time.sleep(31_000);
      const probe = limiter();
      await probe.run(fail(authentication)).catch(() => {});
      expect(await probe.blockCredentials()).toBe(false);
      await time.sleep(31_000);
      await limiter().run(async () => {});
      expect(await limiter().blockCredentials()).toBe(true);
    });
  });

  it('are new although the breaker is open for failures', async () => {
    const { live, limiter } = limiterWorld({ breaker: 'open', reason: 'failures', openUntil: 30_000 });
    expect(await live(() => limiter().blockCredentials())).toBe(true);
  });
});

describe('a table that fails', () => {
  const half = { breaker: 'open', reason: 'failures', openUntil: 0 } as const;

  it('after a successful call does not hide its result', async () => {
    const { live, limiter, failWrites, warnings } = limiterWorld(half);
    const result = await live(() =>
      limiter().run(async () => {
        failWrites(5);
        return 'sent';
      }),
    );
    expect(result).toBe('sent');
    expect(warnings).toEqual(['rate limit state not updated']);
  });

  it.each([serverError, clientError, authentication])(
    'after a failed call does not hide its error: %s',
    async (error) => {
      const { live, limiter, failWrites } = limiterWorld({ ...half, failures: 5, windowStart: 0 });
      const run = limiter().run(async () => {
        failWrites(5);
        throw error;
      });
      await expect(live(() => run)).rejects.toBe(error);
    },
  );

  it('after a 429 still ends with the error of the call or its deferral', async () => {
    const { live, limiter, failWrites } = limiterWorld();
    const error = rateLimit(5_000);
    const run = limiter().run(async () => {
      failWrites(1);
      throw error;
    });
    const deferred = await live(() => deferral(run));
    expect(deferred.cause).toBe(error);
  });

  it('before a call is an error: no call is made without a slot', async () => {
    const { live, limiter, failWrites } = limiterWorld();
    let calls = 0;
    failWrites(1);
    const run = live(() => {
      failWrites(1);
      return limiter().run(async () => {
        calls += 1;
      });
    });
    await expect(run).rejects.toMatchObject({ name: 'ThrottlingException' });
    expect(calls).toBe(0);
  });

  it('while giving up a slot is only logged', async () => {
    const { live, limiter, failWrites, warnings } = limiterWorld(half);
    await live(async () => {
      const own = limiter();
      await own.reserve(1);
      failWrites(1);
      await own.release();
    });
    expect(warnings).toHaveLength(1);
  });
});
