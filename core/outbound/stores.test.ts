import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { propertyRuns } from '../../test/depth.ts';
import { memoryStores } from '../../test/model/stores.ts';
import { sharedLocal } from '../../test/shared-local.ts';
import type { ConversationKey } from '../channel/channel.ts';
import {
  initialState,
  planFailure,
  planOpen,
  planReservation,
  planRestore,
  planSlowdown,
  planSuccess,
  planUnused,
  type RateLimitState,
  type RateLimitUpdate,
  type Reservation,
} from '../channel/rate-limit.ts';
import { planCommand } from '../channel/rate-limit-store.ts';
import { createRateLimiters, type RateLimitStore } from '../channel/rate-limiter.ts';
import type { MessageGroupStore } from './message-group.ts';

let groups: MessageGroupStore;
let rateLimits: typeof import('../channel/rate-limit-store.ts');

beforeAll(async () => {
  const { environment } = await sharedLocal();
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  vi.resetModules();
  ({ messageGroupStore: groups } = await import('./message-group.ts'));
  rateLimits = await import('../channel/rate-limit-store.ts');
});
afterAll(() => {
  vi.unstubAllEnvs();
});

/** The items of a table have keys and an expiry, which those in memory have not. */
function pick(item: object | undefined, fields: readonly string[]): object | undefined {
  return item && Object.fromEntries(Object.entries(item).filter(([name]) => fields.includes(name)));
}

describe('the table of message groups', () => {
  const fresh = (): ConversationKey => ({ organizationId: 'organization', conversationId: randomUUID() });
  const entry = (position: string, until = 5) => ({ position, execution: `x${position}`, input: '{}', until });

  const position = fc.constantFrom('1#a', '2#b', '3#c');
  const execution = fc.constantFrom('a', 'b', 'c');
  const time = fc.nat(5);
  const operation = fc.oneof(
    fc.record({ do: fc.constant('put'), position, until: time, token: fc.constantFrom(undefined, 't1', 't2') }),
    fc.record({ do: fc.constant('extend'), position, seen: time, until: time }),
    fc.record({ do: fc.constant('remove'), position }),
    fc.record({ do: fc.constant('lock'), execution, until: time, isDeferred: fc.boolean(), now: time }),
    fc.record({ do: fc.constant('unlock'), execution }),
  );
  type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

  async function apply(store: MessageGroupStore, key: ConversationKey, one: Operation): Promise<unknown> {
    switch (one.do) {
      case 'put':
        return store.put(key, { ...entry(one.position, one.until), ...(one.token && { token: one.token }) });
      case 'extend':
        return store.extend(key, entry(one.position, one.seen), one.until);
      case 'remove':
        return store.remove(key, one.position);
      case 'lock':
        return store.lock(key, { execution: one.execution, until: one.until, isDeferred: one.isDeferred }, one.now);
      case 'unlock':
        return store.unlock(key, one.execution);
    }
  }

  async function head(store: MessageGroupStore, key: ConversationKey) {
    const { lock, first } = await store.head(key);
    return {
      lock: pick(lock, ['execution', 'until', 'isDeferred']),
      first: pick(first, ['position', 'execution', 'input', 'until', 'token']),
    };
  }

  it('agrees with the one in memory after any operations', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { minLength: 20, maxLength: 20 }), async (operations) => {
        const key = fresh();
        const memory = memoryStores(10).groups;
        for (const one of operations) {
          expect(await apply(groups, key, one)).toEqual(await apply(memory, key, one));
          expect(await head(groups, key)).toEqual(await head(memory, key));
        }
      }),
      propertyRuns(100),
    );
  });

  it('has the entries in order, whatever entered first, with the lock beside them', async () => {
    const key = fresh();
    const positions = Array.from({ length: 64 }, (_, index) => `${String(index).padStart(15, '0')}#x`);
    await Promise.all(positions.toReversed().map((one) => groups.put(key, entry(one))));
    await groups.lock(key, { execution: 'holder', until: 9 }, 0);
    for (const one of positions.slice(0, 5)) {
      const { first, lock } = await groups.head(key);
      expect([first?.position, lock?.execution]).toEqual([one, 'holder']);
      await groups.remove(key, one);
    }
  });

  it('gives the lock to one of many at once', async () => {
    const key = fresh();
    const executions = Array.from({ length: 20 }, (_, index) => `execution ${index}`);
    const locked = await Promise.all(executions.map((one) => groups.lock(key, { execution: one, until: 9 }, 0)));
    expect(locked.filter(Boolean)).toHaveLength(1);
    expect((await groups.head(key)).lock?.execution).toBe(executions[locked.indexOf(true)]);
  });

  it('lets one of many extend an entry', async () => {
    const key = fresh();
    await groups.put(key, entry('1#a'));
    const extended = await Promise.all(Array.from({ length: 20 }, () => groups.extend(key, entry('1#a'), 7)));
    expect(extended.filter(Boolean)).toHaveLength(1);
  });

  it('is empty for a conversation without requests, and each conversation’s own', async () => {
    const key = fresh();
    await groups.put(key, entry('1#a'));
    expect(await groups.head(fresh())).toEqual({ lock: undefined, first: undefined });
    expect(await groups.head({ ...key, organizationId: 'other' })).toEqual({ lock: undefined, first: undefined });
  });
});

describe('the table of rate limits', () => {
  const now = 1_790_000_000_000;
  const shares = { routing: 10, reconciliation: 20 };
  const fields = Object.keys(initialState(1));
  const state = (found: RateLimitState) => pick(found, fields);

  const operation = fc.record({
    kind: fc.constantFrom(
      'reserve',
      'reserve',
      'reserve',
      'failure',
      'success',
      'slowdown',
      'open',
      'unused',
      'restore',
      'command',
    ),
    share: fc.constantFrom('sends', 'sends', 'routing', 'reconciliation'),
    count: fc.constantFrom(1, 1, 3),
    passes: fc.oneof(fc.nat(500), fc.constant(40_000)),
    command: fc.constantFrom<'pause' | 'resume'>('pause', 'resume', 'resume'),
    isStale: fc.boolean(),
  });
  type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

  interface Plan {
    readonly update: RateLimitUpdate;
    readonly reservation?: (after: RateLimitState) => Reservation;
  }

  /** Plans on the state that was seen, and on an earlier reservation. */
  const plans: Record<
    Operation['kind'],
    (one: Operation, seen: RateLimitState, earlier: Reservation, at: number) => Plan | undefined
  > = {
    reserve(one, seen, _earlier, at) {
      const planned = planReservation(seen, { ...one, shares, now: at, earliest: at + 35 });
      return typeof planned === 'string' ? undefined : planned;
    },
    failure: (_one, seen, _earlier, at) => ({ update: planFailure(seen, at) }),
    command: ({ command }, seen, _earlier, at) => ({ update: planCommand(seen, { do: command }, at) }),
    restore: (_one, seen, _earlier, at) => optional(planRestore(seen, at)),
    success: (_one, _seen, earlier, at) => optional(planSuccess(earlier, at)),
    slowdown: (_one, _seen, earlier, at) => ({ update: planSlowdown(earlier, at, 700.5) }),
    open: (_one, _seen, { epoch }, at) => ({ update: planOpen(epoch, at, 'failures') }),
    unused: (_one, _seen, earlier, at) => optional(planUnused(earlier, at)),
  };
  const optional = (update: RateLimitUpdate | undefined): Plan | undefined => update && { update };

  /** Applies the operations to both stores, and compares them after each. */
  async function compare(callsPerSecond: number, operations: readonly Operation[]): Promise<void> {
    const id = randomUUID();
    const table = rateLimits.rateLimitStore(callsPerSecond);
    const memory = memoryStores(callsPerSecond).rateLimits;
    let [stale, current] = [await memory.read(id), await memory.read(id)];
    let earlier: Reservation = {
      ...{ at: now, from: now, interval: 100, count: 1, epoch: 0, isProbe: false, isBehindProbe: false },
      state: current,
    };
    let time = now;
    expect(state(await table.read(id))).toEqual(current);
    for (const one of operations) {
      time += one.passes;
      const planned = plans[one.kind](one, one.isStale ? stale : current, earlier, time);
      if (!planned) continue;
      const [stored, expected] = [await table.update(id, planned.update), await memory.update(id, planned.update)];
      expect({ applied: stored.applied, state: state(stored.state) }).toEqual(expected);
      [stale, current] = [current, expected.state];
      if (expected.applied) earlier = planned.reservation?.(current) ?? earlier;
    }
    expect(state(await table.read(id))).toEqual(current);
  }

  it('agrees with the one in memory after any operations', { timeout: 120_000 }, async () => {
    const rate = fc.constantFrom(0.1, 3, 7, 10, 200);
    const operations = fc.array(operation, { minLength: 20, maxLength: 20 });
    await fc.assert(fc.asyncProperty(rate, operations, compare), propertyRuns(100));
  });

  it.each([10, 60, 200])(
    'gives 60 callers at once distinct slots, evenly spaced, at %d calls a second',
    async (rate) => {
      const id = randomUUID();
      const store: RateLimitStore = rateLimits.rateLimitStore(rate);
      // Each caller is a container of its own, whose clock stands still.
      const reserve = () =>
        createRateLimiters({
          ...{ store, shares, callsPerSecond: rate },
          clock: { now: () => now, sleep: async () => {}, random: () => 0.5 },
          metrics: { count() {} },
          log: { warn() {} },
        })(id, { share: 'sends' });
      const slots = await Promise.all(Array.from({ length: 60 }, () => reserve().reserveForNext(1)));
      const at = slots.map((slot) => (slot?.at ?? 0) - now - 35).toSorted((a, b) => a - b);
      const { interval } = initialState(rate);
      expect(at).toEqual(at.map((_, index) => index * interval));
    },
  );

  it('has one state, whoever reads it first', async () => {
    const id = randomUUID();
    const store = rateLimits.rateLimitStore(7);
    const read = await Promise.all(Array.from({ length: 20 }, () => store.read(id)));
    for (const found of read) expect(state(found)).toEqual(initialState(7));
  });

  it('counts failures of many at once', async () => {
    const id = randomUUID();
    const store = rateLimits.rateLimitStore(10);
    await store.read(id);
    await Promise.all(Array.from({ length: 50 }, () => store.update(id, { when: [], add: { failures: 1 } })));
    expect(await store.read(id)).toMatchObject({ failures: 50 });
  });

  it('does what an operator commands', async () => {
    const id = randomUUID();
    expect(await rateLimits.commandRateLimit(id, { do: 'pause' }, now)).toMatchObject({ paused: true });
    expect(await rateLimits.readRateLimit(id, now)).toMatchObject({ paused: true, organizationId: id });
    expect(await rateLimits.commandRateLimit(id, { do: 'set', callsPerSecond: 1 }, now)).toMatchObject({
      callsPerSecond: 1,
      baseCallsPerSecond: 1,
    });
    expect(await rateLimits.commandRateLimit(id, { do: 'resume' }, now)).toMatchObject({ paused: false });
  });

  it('shows an operator the rate limit as of the time of reading', async () => {
    const organizationId = randomUUID();
    const store = rateLimits.rateLimitStore(10);
    await store.read(organizationId);
    const seen = { sendsTat: now + 12_400, routingUntil: now + 1, failures: 3, successes: 2, windowStart: now };
    await store.update(organizationId, { when: [], set: seen });
    expect(await rateLimits.readRateLimit(organizationId, now)).toEqual({
      organizationId,
      paused: false,
      breaker: 'closed',
      reason: '',
      callsPerSecond: 10,
      baseCallsPerSecond: 10,
      sendsPerSecond: 8.97,
      backlogSeconds: 12,
      failures: 3,
      successes: 2,
    });
    await store.update(organizationId, { when: [], set: { breaker: 'open', openUntil: now } });
    expect(await rateLimits.readRateLimit(organizationId, now + 30_000)).toMatchObject({
      ...{ breaker: 'open', openUntil: new Date(now).toISOString() },
      ...{ backlogSeconds: 0, failures: 0, successes: 0 },
    });
  });
});
