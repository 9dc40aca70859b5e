import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyRuns } from '../../test/depth.ts';
import { holds } from '../../test/model/stores.ts';
import { slotWakeUp } from './deferred.ts';
import {
  baseInterval,
  initialState,
  isProbeSlot,
  isSlotValid,
  mustOpen,
  planFailure,
  planHold,
  planOpen,
  planReservation,
  planRestore,
  planSlowdown,
  planSuccess,
  planUnused,
  type RateLimitState,
  type RateLimitUpdate,
  type Reservation,
  type Share,
  shareInterval,
} from './rate-limit.ts';
import { callsPerSecond, planCommand } from './rate-limit-store.ts';

const runs = propertyRuns(1_000);
const now = 1_790_000_000_000;
const shares = { routing: 10, reconciliation: 20 };
/** Ten calls a second: 104 ms apart. */
const stateWith = (more: Partial<RateLimitState> = {}): RateLimitState => ({ ...initialState(10), ...more });

/** The state after an update, or undefined if its conditions do not hold. */
function apply(state: RateLimitState, { when, set = {}, add = {} }: RateLimitUpdate): RateLimitState | undefined {
  if (!when.every((condition) => holds(state, condition))) return undefined;
  const values = new Map<string, unknown>(Object.entries(state));
  const added = Object.entries(add).map(([field, by]) => [field, Number(values.get(field)) + by]);
  return { ...state, ...set, ...Object.fromEntries(added) };
}

/** Reserves on a state that was read just before. */
function reserve(
  state: RateLimitState,
  {
    share = 'sends',
    count = 1,
    at = now,
    latest,
  }: { share?: Share; count?: number; at?: number; latest?: number } = {},
): Reservation | 'paused' | 'late' | 'refused' {
  const plan = planReservation(state, { share, shares, count, now: at, earliest: at + 35, latest });
  if (typeof plan === 'string') return plan;
  const after = apply(state, plan.update);
  return after ? plan.reservation(after) : 'refused';
}

const reservation = (more: Partial<Reservation> = {}): Reservation => ({
  at: now,
  from: now,
  interval: 104,
  count: 1,
  epoch: 0,
  isProbe: false,
  isBehindProbe: false,
  state: stateWith(),
  ...more,
});

describe('an interval', () => {
  it.each([
    [10, 104],
    [1, 1_040],
    [3, 347],
    [7, 149],
    [200, 6],
    [0.1, 10_400],
  ])('at %d calls a second is %d ms: whole, and a little longer than the rate requires', (rate, ms) => {
    expect(baseInterval(rate)).toBe(ms);
  });

  it('converts back to its rate', () => {
    for (const rate of [0.1, 1, 10]) expect(callsPerSecond(baseInterval(rate))).toBe(rate);
  });

  it.each<[Share, Partial<RateLimitState>, number]>([
    ['sends', {}, 104],
    ['sends', { routingUntil: now }, 104],
    ['sends', { routingUntil: now + 1 }, 116],
    ['sends', { routingUntil: now + 1, reconciliationUntil: now + 1 }, 149],
    ['routing', {}, 1_040],
    ['reconciliation', {}, 520],
  ])('of %s with %o is %d ms', (share, more, ms) => {
    expect(shareInterval(stateWith(more), share, shares, now)).toBe(ms);
  });
});

describe('a reservation', () => {
  it.each<[string, Partial<RateLimitState>, object, Partial<Reservation>, Partial<RateLimitState>]>([
    ['may start before its slot without earlier slots', {}, {}, { at: now + 35, from: now }, { sendsTat: now + 139 }],
    [
      'does not start before a near slot',
      { sendsTat: now + 1 },
      {},
      { at: now + 35, from: now + 35 },
      { sendsTat: now + 139 },
    ],
    ['follows earlier slots', { sendsTat: now + 500 }, {}, { at: now + 500 }, { sendsTat: now + 604 }],
    ['takes a block', { sendsTat: now + 500 }, { count: 4 }, { at: now + 500, count: 4 }, { sendsTat: now + 916 }],
    [
      'uses the slots of sends for routing where they are free',
      { routingUntil: now + 7 * 86_400_000 },
      { share: 'routing' },
      { at: now + 35, interval: 116 },
      { sendsTat: now + 151, routingTat: 0 },
    ],
    [
      'makes routing’s share active beside a backlog of sends, behind the slots that their functions wait for',
      { sendsTat: now + 90_000 },
      { share: 'routing' },
      { at: now + 1_500, interval: 1_040, epoch: 1 },
      { routingTat: now + 2_540, routingUntil: now + 7 * 86_400_000, sendsTat: now + 1_616, epoch: 1 },
    ],
    [
      'makes routing’s share active behind the delay of a 429',
      { sendsTat: now + 9_000, routingTat: now + 9_000 },
      { share: 'routing' },
      { at: now + 9_000, epoch: 1 },
      { routingTat: now + 10_040 },
    ],
    [
      'uses routing’s own slots where sends have a backlog',
      { sendsTat: now + 90_000, routingUntil: now + 7 * 86_400_000 },
      { share: 'routing' },
      { at: now + 35, interval: 1_040, epoch: 0 },
      { routingTat: now + 1_075, sendsTat: now + 90_000 },
    ],
    [
      'extends an active share without a new epoch',
      { sendsTat: now + 90_000, reconciliationUntil: now + 1_000 },
      { share: 'reconciliation' },
      { at: now + 35, epoch: 0 },
      { reconciliationUntil: now + 120_000, epoch: 0 },
    ],
    [
      'is the probe call of an open breaker, and moves all slots behind it',
      { breaker: 'open', openUntil: now + 9_000, epoch: 4 },
      {},
      { at: now + 9_000, isProbe: true, epoch: 5, count: 1 },
      { breaker: 'half-open', probeUntil: now + 11_500, sendsTat: now + 11_500, routingTat: now + 11_500 },
    ],
    [
      'is behind the probe call of a half-open breaker',
      { breaker: 'half-open', probeUntil: now + 2_000, sendsTat: now + 2_000, epoch: 5 },
      {},
      { at: now + 2_000, isProbe: false, isBehindProbe: true, epoch: 5 },
      { breaker: 'half-open', sendsTat: now + 2_104 },
    ],
    [
      'is a new probe call where the last one was not made',
      { breaker: 'half-open', probeUntil: now, epoch: 5 },
      {},
      { at: now + 35, isProbe: true, epoch: 6 },
      { probeUntil: now + 2_535 },
    ],
  ])('%s', (_name, given, options, expected, after) => {
    const reserved = reserve(stateWith(given), options);
    expect(reserved).toMatchObject(expected);
    expect(reserved).toMatchObject({ state: after });
  });

  it.each<[string, Partial<RateLimitState>, 'paused' | 'late']>([
    ['while the organization is paused', { paused: 'yes' }, 'paused'],
    ['behind the latest useful time', { sendsTat: now + 1_001 }, 'late'],
    ['before an open breaker lets a probe call through', { breaker: 'open', openUntil: now + 1_001 }, 'late'],
  ])('is not planned %s', (_name, given, expected) => {
    expect(reserve(stateWith(given), { latest: now + 1_000 })).toBe(expected);
  });
});

describe('a 429', () => {
  it.each([
    [104, 110],
    [107, 113],
    [108, 135],
    [110, 138],
  ])('slows an interval of %d ms to %d ms, if the last 429 came at 104 ms', (interval, slowed) => {
    const state = stateWith({ interval });
    const after = apply(state, planSlowdown(reservation({ state }), now, 0));
    expect(after).toMatchObject({ interval: slowed, limitedInterval: interval, slowedAt: now });
  });

  it.each([
    [2_000.4, 2_001],
    // Behind the calls that wait for their slots in their functions.
    [0, 1_500],
  ])('with a delay of %d ms moves every slot %d ms away, and starts an epoch', (delay, ms) => {
    const after = apply(stateWith({ sendsTat: now + 90_000 }), planSlowdown(reservation(), now, delay));
    expect(after).toMatchObject({ epoch: 1, sendsTat: now + ms, routingTat: now + ms, reconciliationTat: now + ms });
  });

  it('slows at most to ten seconds, and never below the configured interval', () => {
    const slow = stateWith({ interval: 9_900 });
    expect(apply(slow, planSlowdown(reservation({ state: slow }), now, 0))).toMatchObject({ interval: 10_000 });
    const slower = stateWith({ interval: 20_600, baseInterval: 20_600 });
    expect(apply(slower, planSlowdown(reservation({ state: slower }), now, 0))).toMatchObject({ interval: 20_600 });
  });

  it('of the probe call closes the breaker: LiveChat responds', () => {
    const half = stateWith({ breaker: 'half-open', epoch: 3 });
    const update = planSlowdown(reservation({ isProbe: true, epoch: 3, state: half }), now, 0);
    expect(apply(half, update)).toMatchObject({ breaker: 'closed', epoch: 4 });
  });

  it.each<[string, Partial<RateLimitState>, number | undefined]>([
    ['a tenth after 3 s', { interval: 500, slowedAt: now - 3_001 }, 450],
    ['a tenth at most to 5 % above the last 429', { interval: 500, limitedInterval: 450, slowedAt: 0 }, 473],
    ['a hundredth after 20 s near the last 429', { interval: 473, limitedInterval: 450, slowedAt: now - 20_001 }, 468],
    ['a tenth where the last 429 came at a longer interval', { interval: 428, limitedInterval: 450, slowedAt: 0 }, 385],
    ['the configured interval at most', { interval: 105, slowedAt: 0 }, 104],
    ['nothing within 3 s', { interval: 500, slowedAt: now - 3_000 }, undefined],
    ['nothing within 20 s near the last 429', { interval: 110, slowedAt: now - 20_000 }, undefined],
    ['nothing at the configured interval', { interval: 104, slowedAt: 0 }, undefined],
  ])('is followed by a recovery of %s', (_name, given, interval) => {
    const state = stateWith(given);
    const update = planRestore(state, now);
    expect(update && apply(state, update)?.interval).toBe(interval);
    // Once, although many read the same state.
    if (update) expect(apply({ ...state, slowedAt: now - 1 }, update)).toBeUndefined();
  });
});

describe('the circuit breaker', () => {
  it.each<[number, number, boolean]>([
    [5, 5, true],
    [4, 6, false],
    [9, 0, false],
    [10, 0, true],
    [5, 4, false],
    [6, 5, true],
  ])('with %d failures and %d successes opens: %s', (failures, successes, expected) => {
    expect(mustOpen(reservation(), stateWith({ failures, successes }))).toBe(expected);
    expect(mustOpen(reservation(), stateWith({ failures, successes, epoch: 1 }))).toBe(false);
    expect(mustOpen(reservation(), stateWith({ failures, successes, breaker: 'open' }))).toBe(false);
  });

  it('opens on the first failed probe call, unless an earlier success closed it', () => {
    const half = stateWith({ breaker: 'half-open', epoch: 3, failures: 1 });
    for (const epoch of [3, 2]) expect(mustOpen(reservation({ isProbe: true, epoch }), half)).toBe(true);
    expect(mustOpen(reservation({ isProbe: false, epoch: 3 }), half)).toBe(false);
    expect(mustOpen(reservation({ isProbe: true, epoch: 3 }), { ...half, breaker: 'closed' })).toBe(false);
    expect(mustOpen(reservation({ isProbe: true, at: now }), { ...half, openUntil: now + 1 })).toBe(false);
  });

  it('stays open for 30 s, and moves every slot behind that', () => {
    const after = apply(stateWith({ failures: 8, epoch: 7 }), planOpen(7, now, 'failures'));
    const until = now + 30_000;
    const all = { sendsTat: until, routingTat: until, reconciliationTat: until };
    expect(after).toMatchObject({
      breaker: 'open',
      reason: 'failures',
      openUntil: until,
      epoch: 8,
      failures: 0,
      ...all,
    });
    expect(apply(stateWith({ epoch: 8 }), planOpen(7, now, 'failures'))).toBeUndefined();
  });

  it('counts a window of 30 s from its first failure', () => {
    const first = apply(stateWith(), planFailure(stateWith(), now)) ?? stateWith();
    expect(first).toMatchObject({ failures: 1, successes: 0, windowStart: now });
    expect(apply(first, planFailure(first, now + 29_999))).toMatchObject({ failures: 2, windowStart: now });
    const later = { ...first, failures: 7, successes: 3 };
    expect(apply(later, planFailure(later, now + 30_000))).toMatchObject({ failures: 1, successes: 0 });
    // A call that was reserved before the window began is not counted.
    expect(apply(first, planFailure(stateWith(), now + 5))).toBeUndefined();
  });

  it('counts successes only while there are failures', () => {
    expect(planSuccess(reservation(), now)).toBeUndefined();
    const failing = stateWith({ failures: 3, windowStart: now - 29_999 });
    const update = planSuccess(reservation({ state: failing }), now);
    expect(update && apply(failing, update)).toMatchObject({ failures: 3, successes: 1 });
    expect(planSuccess(reservation({ state: { ...failing, windowStart: now - 30_000 } }), now)).toBeUndefined();
  });

  it('closes on the first successful probe call, in any order', () => {
    const half = stateWith({ breaker: 'half-open', epoch: 3, reason: 'failures', interval: 500, probeUntil: now });
    const close = (epoch: number) => planSuccess(reservation({ isProbe: true, epoch, state: half }), now);
    const closed = { breaker: 'closed', reason: '', probeUntil: 0, interval: 104 };
    for (const epoch of [3, 2]) expect(apply(half, close(epoch) ?? { when: [] })).toMatchObject(closed);
    for (const breaker of ['open', 'closed'] as const) {
      expect(apply({ ...half, breaker }, close(3) ?? { when: [] })).toBeUndefined();
    }
    expect(apply({ ...half, baseInterval: 208 }, close(3) ?? { when: [] })).toBeUndefined();
  });

  it('leaves a probe call that was not made to another caller', () => {
    expect(planUnused(reservation(), now)).toBeUndefined();
    const half = stateWith({ breaker: 'half-open', epoch: 3, probeUntil: now + 2_500 });
    const update = planUnused(reservation({ isProbe: true, epoch: 3 }), now);
    const after = update && apply(half, update);
    expect(after).toMatchObject({ breaker: 'open', openUntil: now, epoch: 4 });
    expect(after && reserve(after)).toMatchObject({ isProbe: true, at: now + 35 });
  });
});

describe('a held slot', () => {
  it.each<[string, Partial<RateLimitState>, boolean, number, boolean]>([
    ['of the same epoch is valid', {}, false, 0, true],
    ['of an earlier epoch is not', { epoch: 3 }, false, 0, false],
    ['is not valid behind an open breaker', { breaker: 'open' }, false, 0, false],
    ['is valid for the probe call', { breaker: 'half-open' }, true, 0, true],
    ['is valid more than 1.5 s before its time, whatever the breaker is', { breaker: 'half-open' }, false, 1_501, true],
    ['is not valid within 1.5 s of its time of a half-open breaker', { breaker: 'half-open' }, false, 1_500, false],
  ])('%s', (_name, more, isProbe, ahead, expected) => {
    const state = stateWith({ epoch: 2, ...more });
    expect(isSlotValid({ at: now + ahead, epoch: 2, isProbe }, state, now)).toBe(expected);
  });

  it('is the probe call if its time and epoch are those of the half-open breaker', () => {
    const half = stateWith({ breaker: 'half-open', epoch: 2, probeUntil: now + 2_500 });
    expect(isProbeSlot({ at: now, epoch: 2 }, half)).toBe(true);
    expect(isProbeSlot({ at: now + 1, epoch: 2 }, half)).toBe(false);
    expect(isProbeSlot({ at: now, epoch: 1 }, half)).toBe(false);
    expect(isProbeSlot({ at: now, epoch: 2 }, { ...half, breaker: 'closed' })).toBe(false);
  });

  it('is continued with a whole second 0.45 to 1.45 s before it', () => {
    fc.assert(
      fc.property(fc.integer({ min: now, max: now + 1e9 }), (at) => {
        const wakeUp = slotWakeUp(at);
        expect(wakeUp % 1_000).toBe(0);
        expect(at - wakeUp).toBeGreaterThanOrEqual(450);
        expect(at - wakeUp).toBeLessThan(1_450);
      }),
      runs,
    );
  });
});

describe('an operator', () => {
  const opened = stateWith({ breaker: 'open', reason: 'credentials', openUntil: now + 9_000, sendsTat: now + 9_000 });
  it.each([
    ['pauses', { do: 'pause' }, { paused: 'yes', breaker: 'open' }],
    [
      'resumes, and closes the breaker',
      { do: 'resume' },
      { paused: 'no', breaker: 'closed', reason: '', sendsTat: now },
    ],
    [
      'sets the rate',
      { do: 'set', callsPerSecond: 1 },
      { interval: 1_040, baseInterval: 1_040, limitedInterval: 1_040, sendsTat: now },
    ],
  ] as const)('%s, which invalidates reserved slots', (_name, command, expected) => {
    const update = planCommand(opened, command, now);
    expect(apply(opened, update)).toMatchObject({ epoch: 1, ...expected });
    expect(apply({ ...opened, epoch: 1 }, update)).toBeUndefined();
  });
});

/** One step of any number of concurrent callers: each plans on a state that is `lag` updates old. */
interface Operation {
  readonly kind:
    | 'reserve'
    | 'slowdown'
    | 'hold'
    | 'success'
    | 'failure'
    | 'unused'
    | 'restore'
    | 'pause'
    | 'resume'
    | 'set';
  readonly share: Share;
  readonly count: number;
  readonly lag: number;
  readonly passes: number;
  readonly delay: number;
  readonly which: number;
  readonly hasLatest: boolean;
}

const operation: fc.Arbitrary<Operation> = fc.record({
  kind: fc.oneof(
    { weight: 12, arbitrary: fc.constant<'reserve'>('reserve') },
    { weight: 8, arbitrary: fc.constantFrom('success', 'failure', 'failure', 'restore') },
    { weight: 3, arbitrary: fc.constantFrom('slowdown', 'hold', 'unused') },
    { weight: 1, arbitrary: fc.constantFrom('pause', 'resume', 'resume', 'set') },
  ),
  share: fc.constantFrom('sends', 'sends', 'sends', 'routing', 'reconciliation'),
  count: fc.constantFrom(1, 1, 1, 2, 10),
  lag: fc.constantFrom(0, 0, 0, 1, 2, 5),
  passes: fc.oneof(fc.nat(200), fc.nat(5_000), fc.constant(40_000), fc.constant(130_000)),
  delay: fc.double({ min: 0, max: 5_000, noNaN: true }),
  which: fc.nat(3),
  hasLatest: fc.boolean(),
});

interface TraceStep {
  readonly operation: Operation;
  readonly now: number;
  readonly before: RateLimitState;
  /** The state after the update; undefined if it was refused or there was nothing to do. */
  readonly after: RateLimitState | undefined;
  readonly reserved: Reservation | undefined;
  readonly latest: number | undefined;
}

type Plan = { readonly update: RateLimitUpdate; readonly reservation?: (after: RateLimitState) => Reservation };

function planOperation(
  { kind, share, count, delay }: Operation,
  seen: RateLimitState,
  at: number,
  latest: number | undefined,
  earlier: Reservation,
): Plan | undefined {
  const one = (update: RateLimitUpdate | undefined): Plan | undefined => update && { update };
  switch (kind) {
    case 'reserve': {
      const plan = planReservation(seen, { share, shares, count, now: at, earliest: at + 35, latest });
      return typeof plan === 'string' ? undefined : plan;
    }
    case 'slowdown':
      return one(planSlowdown(earlier, at, delay));
    case 'hold':
      return one(planHold(earlier, at + delay));
    case 'success':
      return one(planSuccess(earlier, at));
    case 'failure':
      return one(mustOpen(earlier, seen) ? planOpen(earlier.epoch, at, 'failures') : planFailure(seen, at));
    case 'unused':
      return one(planUnused(earlier, at));
    case 'restore':
      return one(planRestore(seen, at));
    case 'set':
      return one(planCommand(seen, { do: 'set', callsPerSecond: 1 + count }, at));
    default:
      return one(planCommand(seen, { do: kind }, at));
  }
}

function trace(rate: number, operations: readonly Operation[]): TraceStep[] {
  const states = [initialState(rate)];
  const reservations: Reservation[] = [reservation({ state: initialState(rate), epoch: -1 })];
  let time = now;
  return operations.map((one): TraceStep => {
    time += one.passes;
    const before = states.at(-1) ?? initialState(rate);
    const seen = states.at(-1 - one.lag) ?? before;
    const latest = one.hasLatest ? time + 1_500 : undefined;
    const earlier = reservations.at(-1 - one.which) ?? reservation({ epoch: -1 });
    const plan = planOperation(one, seen, time, latest, earlier);
    const after = plan && apply(before, plan.update);
    const reserved = after && plan?.reservation?.(after);
    if (after) states.push(after);
    if (reserved) reservations.push(reserved);
    return { operation: one, now: time, before, after, reserved, latest };
  });
}

describe('concurrent callers with stale states', () => {
  const rate = fc.constantFrom(0.5, 1, 3, 7, 10, 40, 200);
  const operations = fc.array(operation, { minLength: 1, maxLength: 40, size: 'max' });
  const always = (check: (steps: readonly TraceStep[]) => void) =>
    fc.assert(
      fc.property(rate, operations, (callsPerSecond, list) => check(trace(callsPerSecond, list))),
      runs,
    );
  const reservedIn = (steps: readonly TraceStep[]) =>
    steps.flatMap((step) => (step.reserved ? [{ ...step, reserved: step.reserved }] : []));
  const tatOf = ({ before, reserved: { state } }: { before: RateLimitState; reserved: Reservation }) =>
    (['routingTat', 'reconciliationTat', 'sendsTat'] as const).find((tat) => before[tat] !== state[tat]);

  it('get slots of one share and epoch that are never closer than the interval, also behind a block', () => {
    always((steps) => {
      const ends = new Map<string, number>();
      for (const step of reservedIn(steps)) {
        const { at, from, interval, count, epoch, isProbe } = step.reserved;
        if (isProbe) continue;
        const key = `${tatOf(step)} ${epoch}`;
        expect(from).toBeGreaterThanOrEqual(ends.get(key) ?? 0);
        expect(at).toBeGreaterThanOrEqual(from);
        ends.set(key, at + count * interval);
      }
    });
  });

  it('use the interval of the stored state, whatever they have read', () => {
    const tatShares = { sendsTat: 'sends', routingTat: 'routing', reconciliationTat: 'reconciliation' } as const;
    always((steps) => {
      for (const step of reservedIn(steps).filter(({ reserved }) => !reserved.isProbe)) {
        const share = tatShares[tatOf(step) ?? 'sendsTat'];
        expect(step.reserved.interval).toBe(shareInterval(step.before, share, shares, step.now));
      }
    });
  });

  it('get slots between the earliest and the latest time', () => {
    always((steps) => {
      for (const { reserved, now: time, latest } of reservedIn(steps)) {
        expect(reserved.at).toBeGreaterThanOrEqual(time + 35);
        if (latest !== undefined) expect(reserved.at).toBeLessThanOrEqual(latest);
      }
    });
  });

  it('get no slot while the organization is paused, and behind a breaker only the probe call or a slot to verify', () => {
    always((steps) => {
      const kinds = reservedIn(steps).map(({ before: { paused, breaker }, reserved: { isProbe, isBehindProbe } }) => {
        const kind = isProbe ? 'probe' : isBehindProbe ? 'behind the probe' : 'plain';
        return `${paused} ${breaker}: ${kind}`;
      });
      const allowed = ['closed: plain', 'open: probe', 'half-open: probe', 'half-open: behind the probe'];
      expect(allowed.map((kind) => `no ${kind}`)).toEqual(expect.arrayContaining(kinds));
    });
  });

  it('make one probe call at a time, each of its own epoch', () => {
    always((steps) => {
      const probes = reservedIn(steps).filter(({ reserved }) => reserved.isProbe);
      expect(new Set(probes.map(({ reserved }) => reserved.epoch)).size).toBe(probes.length);
      for (const { before, now: time } of probes) {
        if (before.breaker === 'half-open') expect(before.probeUntil).toBeLessThanOrEqual(time);
      }
    });
  });

  it('slow once per epoch, and stay between the configured interval and ten seconds', () => {
    always((steps) => {
      const slowed = steps.filter(({ operation: { kind }, after }) => kind === 'slowdown' && after);
      expect(new Set(slowed.map(({ before }) => before.epoch)).size).toBe(slowed.length);
      for (const {
        after,
        before,
        operation: { kind },
      } of steps) {
        if (!after) continue;
        expect(after.interval).toBeGreaterThanOrEqual(after.baseInterval);
        expect(after.interval).toBeLessThanOrEqual(Math.max(10_000, after.baseInterval));
        if (after.interval > before.interval) expect(['slowdown', 'set', 'success']).toContain(kind);
        expect(after.epoch - before.epoch).toBeGreaterThanOrEqual(0);
        expect(after.epoch - before.epoch).toBeLessThanOrEqual(1);
      }
    });
  });

  it('do what they would do with the current state, or nothing', () => {
    always((steps) => {
      for (const { operation: one, before, after, now: time, latest } of steps) {
        if (one.kind !== 'reserve' || one.share === 'routing' || !after) continue;
        const fresh = planReservation(before, { ...one, shares, now: time, earliest: time + 35, latest });
        // A stale state may extend an active share when the current one would not, or not: both keep it for long enough.
        const { routingUntil, reconciliationUntil, ...slots } = after;
        expect(typeof fresh === 'string' ? fresh : apply(before, fresh.update)).toMatchObject(slots);
        expect(reconciliationUntil).toBeGreaterThanOrEqual(before.reconciliationUntil);
        expect(routingUntil).toBeGreaterThanOrEqual(before.routingUntil);
      }
    });
  });

  it('are never refused with the current state', () => {
    fc.assert(
      fc.property(rate, operations, (callsPerSecond, list) => {
        const current = list.map((one) => ({ ...one, lag: 0 }));
        for (const { operation: one, before, after, now: time, latest } of trace(callsPerSecond, current)) {
          if (one.kind !== 'reserve') continue;
          const plan = planReservation(before, { ...one, shares, now: time, earliest: time + 35, latest });
          if (typeof plan !== 'string') expect(after).toBeDefined();
        }
      }),
      runs,
    );
  });

  it('store whole numbers only, so that a condition can equal them', () => {
    always((steps) => {
      for (const { after } of steps) {
        const numbers = Object.values(after ?? {}).filter((value) => typeof value === 'number');
        expect(numbers.filter((value) => !Number.isSafeInteger(value))).toEqual([]);
      }
    });
  });
});
