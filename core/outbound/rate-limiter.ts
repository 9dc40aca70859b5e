import { Entity } from 'electrodb';
import type { Clock } from '../platform/clock.ts';
import { required, wholeNumber } from '../platform/configuration.ts';
import { documents, ifConditionHolds } from '../platform/dynamodb.ts';
import type { Log } from '../platform/logger.ts';
import type * as metrics from '../platform/metrics.ts';
import { type ChannelError, isChannelError } from './channel.ts';
import { Deferred, type HeldSlot } from './errors.ts';
import {
  initialState,
  isProbeSlot,
  isSlotValid,
  mustOpen,
  planCommand,
  planFailure,
  planHold,
  planOpen,
  planReservation,
  planRestore,
  planSlowdown,
  planSuccess,
  planUnused,
  type RateLimitCommand,
  type RateLimitState,
  type RateLimitUpdate,
  type RateLimitView,
  type Reservation,
  rateLimitView,
  type Share,
  type Shares,
  shareInterval,
  slotWakeUp,
} from './rate-limit.ts';

/** Where the states are stored. */
export interface RateLimitStore {
  read(organizationId: string): Promise<RateLimitState>;
  /** One conditional write. Returns the stored state, after the write if it was applied. */
  update(organizationId: string, update: RateLimitUpdate): Promise<{ applied: boolean; state: RateLimitState }>;
}

export interface RateLimiterPorts {
  readonly store: RateLimitStore;
  readonly clock: Clock;
  readonly shares: Shares;
  /** The rate of an organization without a stored state. */
  readonly callsPerSecond: number;
  readonly metrics: Pick<typeof metrics, 'count'>;
  readonly log: Pick<Log, 'warn'>;
}

/** A slot nearer than this is waited for in the function; a farther one, in the state machine. */
export const leadMs = 1_500;
/** A reservation and the claim take about this long: two writes. */
const minNoticeMs = 35;
/** A call that is later than this would come too close to the next one. */
const maxLateMs = 10;
const maxMissedSlots = 3;
const maxConflicts = 30;
const pauseMs = 30_000;
const defaultRetryAfterMs = 1_000;

/** The calls of one invocation, within its organization's rate limit. */
export interface RateLimiter {
  /**
   * Reserves slots for the next `calls` calls, or takes up the slot that was reserved before a wait. Throws
   * {@link Deferred} if the first slot is more than `lead` ms away.
   */
  reserve(calls: number, options?: { readonly held?: HeldSlot | undefined; readonly lead?: number }): Promise<void>;
  /**
   * Makes one call at the next slot, and records its outcome. Throws the error of the call, and {@link Deferred} after a 429
   * or if the slot is more than the lead away. A failure to record the outcome is only logged: the call was made.
   */
  run<T>(call: () => Promise<T>): Promise<T>;
  /** Reserves slots for another execution. Undefined while none can be reserved. */
  reserveForNext(calls: number): Promise<HeldSlot | undefined>;
  /** Gives up what is reserved. */
  release(): Promise<void>;
  /** Opens the breaker: the credentials do not work. Returns false if it was open for that reason already. */
  blockCredentials(): Promise<boolean>;
  /** The channel has announced that no call is left before `resetMs` have passed. */
  holdFor(resetMs: number): Promise<void>;
}

export type CreateRateLimiter = (
  organizationId: string,
  options: { readonly share: Share; readonly maxWaitMs?: number },
) => RateLimiter;

/** The reserved slots of this invocation that are not used yet. */
interface Block extends Reservation {
  readonly used: number;
}

/** Creates rate limiters, which share what a container remembers: the last states, and how long a write takes. */
export function createRateLimiters(ports: RateLimiterPorts): CreateRateLimiter {
  const { store, clock, shares, callsPerSecond } = ports;
  const states = new Map<string, RateLimitState>();
  let writeMs = 0;
  const recall = (organizationId: string) => states.get(organizationId) ?? initialState(callsPerSecond);
  const remember = (organizationId: string, state: RateLimitState): RateLimitState => {
    states.set(organizationId, state);
    return state;
  };
  const read = async (organizationId: string) => remember(organizationId, await store.read(organizationId));
  const update = async (organizationId: string, change: RateLimitUpdate) => {
    const startedAt = clock.now();
    const result = await store.update(organizationId, change);
    writeMs = clock.now() - startedAt;
    remember(organizationId, result.state);
    return result;
  };

  return (organizationId, { share, maxWaitMs = leadMs }) => {
    let block: Block | undefined;

    async function take(count: number, latest?: number): Promise<Reservation> {
      for (let conflict = 0; conflict < maxConflicts; conflict += 1) {
        const now = clock.now();
        const earliest = now + Math.max(minNoticeMs, 3 * writeMs);
        const plan = planReservation(recall(organizationId), { share, shares, count, now, earliest, latest });
        if (plan === 'paused' || plan === 'late') {
          // The remembered state may be old.
          const state = conflict === 0 ? await read(organizationId) : recall(organizationId);
          if (plan === 'paused' && state.paused === 'yes')
            throw new Deferred(now + pauseMs * (1 + clock.random()), 'blocked');
          if (plan === 'late' && conflict > 0)
            throw new Deferred(nextSlotAt(state), state.breaker === 'closed' ? 'rate' : 'blocked');
          continue;
        }
        const { applied, state } = await update(organizationId, plan.update);
        if (!applied) continue;
        const restore = planRestore(state, clock.now());
        if (restore) await quietly(() => update(organizationId, restore));
        return plan.reservation(state);
      }
      throw new Deferred(clock.now() + 1000 * (1 + clock.random()), 'rate');
    }

    const nextSlotAt = (state: RateLimitState) =>
      state.breaker === 'open' ? state.openUntil : Math.min(state.sendsTat, state[`${share}Tat`]);

    /** A slot that was reserved before a wait, unless it has lost its meaning. */
    async function resume({ at, epoch }: HeldSlot, count: number): Promise<Reservation | undefined> {
      const state = await read(organizationId);
      const now = clock.now();
      if (state.paused === 'yes') throw new Deferred(now + pauseMs * (1 + clock.random()), 'blocked');
      const isProbe = isProbeSlot({ at, epoch }, state);
      if (!isSlotValid({ at, epoch, isProbe }, state, now, leadMs)) return undefined;
      const interval = shareInterval(state, share, shares, now);
      return { at, interval, count, epoch, isProbe, isBehindProbe: false, state };
    }

    async function reserve(calls: number, held?: HeldSlot, lead = maxWaitMs): Promise<void> {
      // An unused slot of a part that had been sent before.
      if (block && block.used < block.count) return;
      let reserved = held && held.at > 0 ? await resume(held, calls) : undefined;
      for (let missed = 0; ; ) {
        reserved ??= await take(calls, share === 'sends' ? undefined : clock.now() + lead);
        const { at, epoch, isProbe, isBehindProbe } = reserved;
        const wait = at - clock.now();
        if (wait > lead) throw new Deferred(slotWakeUp(at) - (lead - leadMs), 'rate', { slot: { at, epoch } });
        if (isBehindProbe) {
          await clock.sleep(wait);
          reserved = await resume({ at, epoch }, calls);
          if (reserved) break;
        } else if (wait < -maxLateMs && missed < maxMissedSlots && !isProbe) {
          missed += 1;
          ports.metrics.count('SlotsMissed', { organizationId });
          reserved = undefined;
        } else break;
      }
      block = { ...reserved, used: 0 };
    }

    /** The next slot of the block. Calls of one request follow each other, so that a slot of it may be late until its end. */
    async function nextSlot(): Promise<Block> {
      if (block) {
        const { used, count, at, interval, isProbe } = block;
        const end = at + (count - 1) * interval + maxLateMs;
        const isUsable = used < count && (isProbe || clock.now() <= Math.max(end, at + maxLateMs));
        if (isUsable) return block;
        if (used < count) ports.metrics.count('SlotsMissed', { organizationId });
      }
      const calls = block ? Math.max(1, block.count - block.used) : 1;
      block = undefined;
      await reserve(calls);
      if (!block) throw new TypeError('reserve sets the block');
      return block;
    }

    async function quietly(record: () => Promise<unknown>): Promise<void> {
      try {
        await record();
      } catch (error) {
        ports.log.warn('the outcome of a call was not recorded in the rate limit', { organizationId, error });
      }
    }

    async function recordSuccess(reservation: Reservation): Promise<void> {
      const change = planSuccess(reservation, clock.now());
      if (change) await update(organizationId, change);
    }

    async function recordFailure(reservation: Reservation): Promise<void> {
      const { state } = await update(organizationId, planFailure(reservation.state, clock.now()));
      if (!mustOpen(reservation, state)) return;
      const opened = await update(organizationId, planOpen(reservation.epoch, clock.now(), 'failures'));
      if (opened.applied) ports.metrics.count('BreakerOpened', { reason: 'failures', organizationId });
    }

    async function recordUnused(reservation: Reservation): Promise<void> {
      const change = planUnused(reservation, clock.now());
      if (change) await update(organizationId, change);
    }

    /** After a 429 the call is deferred behind everybody's new slots. */
    async function deferLimited(reservation: Block, error: ChannelError): Promise<never> {
      const retryAfterMs = error.retryAfterMs ?? defaultRetryAfterMs;
      ports.metrics.count('CallsRateLimited', { organizationId });
      await quietly(() => update(organizationId, planSlowdown(reservation, clock.now(), retryAfterMs)));
      block = undefined;
      if (share !== 'sends') throw new Deferred(clock.now() + retryAfterMs, 'limited', { cause: error });
      const { at, epoch } = await take(Math.max(1, reservation.count - reservation.used)).catch((failure: unknown) => {
        throw failure instanceof Deferred ? new Deferred(failure.until, failure.reason, { cause: error }) : failure;
      });
      throw new Deferred(slotWakeUp(at), 'limited', { slot: { at, epoch }, cause: error });
    }

    async function recordError(reservation: Block, error: unknown): Promise<void> {
      if (!isChannelError(error) || error.category === 'Authentication')
        return quietly(() => recordUnused(reservation));
      if (error.category === 'RateLimit') return deferLimited(reservation, error);
      const isFailure = error.category === 'Server' || error.category === 'Network';
      // Any other error is a response of a channel that works.
      return quietly(() => (isFailure ? recordFailure(reservation) : recordSuccess(reservation)));
    }

    return {
      reserve: (calls, { held, lead } = {}) => reserve(calls, held, lead),
      async run(call) {
        const slot = await nextSlot();
        await clock.sleep(slot.at + slot.used * slot.interval - clock.now());
        block = { ...slot, used: slot.used + 1 };
        try {
          const result = await call();
          await quietly(() => recordSuccess(slot));
          return result;
        } catch (error) {
          await recordError(slot, error);
          throw error;
        }
      },
      async reserveForNext(calls) {
        try {
          const { at, epoch } = await take(calls);
          return { at, epoch };
        } catch (error) {
          if (error instanceof Deferred) return undefined;
          throw error;
        }
      },
      async release() {
        const unused = block;
        block = undefined;
        if (unused && unused.used === 0) await quietly(() => recordUnused(unused));
      },
      async blockCredentials() {
        const before = await read(organizationId);
        const { applied } = await update(organizationId, planOpen(before.epoch, clock.now(), 'credentials'));
        const isNew = applied && before.reason !== 'credentials';
        if (isNew) ports.metrics.count('BreakerOpened', { reason: 'credentials', organizationId });
        return isNew;
      },
      async holdFor(resetMs) {
        const reservation = block;
        if (reservation) await quietly(() => update(organizationId, planHold(reservation, clock.now() + resetMs)));
      },
    };
  };
}

const text = { type: 'string', required: true } as const;
const number = { type: 'number', required: true } as const;

const RateLimitEntity = new Entity(
  {
    model: { entity: 'rateLimit', version: '1', service: 'livechat' },
    attributes: {
      organizationId: text,
      channel: text,
      sendsTat: number,
      routingTat: number,
      reconciliationTat: number,
      routingUntil: number,
      reconciliationUntil: number,
      interval: number,
      baseInterval: number,
      slowedAt: number,
      epoch: number,
      breaker: { type: ['closed', 'open', 'half-open'] as const, required: true },
      reason: { type: ['', 'failures', 'credentials'] as const, required: true },
      openUntil: number,
      probeUntil: number,
      failures: number,
      successes: number,
      windowStart: number,
      paused: { type: ['no', 'yes'] as const, required: true },
    },
    indexes: {
      primary: {
        pk: { field: 'pk', composite: ['organizationId', 'channel'], casing: 'none' },
        sk: { field: 'sk', composite: [], casing: 'none' },
      },
    },
  },
  { client: documents, table: required('CONTROL_TABLE', 'the name of the control table') },
);

const channel = 'livechat';
const defaultCallsPerSecond = 10;

/** The configured rate and shares. */
export function rateLimitSettings(): { callsPerSecond: number; shares: Shares } {
  return {
    callsPerSecond: wholeNumber('LIVECHAT_CALLS_PER_SECOND', defaultCallsPerSecond, 1),
    shares: {
      routing: wholeNumber('ROUTING_SHARE_PERCENT', 10, 1),
      reconciliation: wholeNumber('RECONCILIATION_SHARE_PERCENT', 20, 1),
    },
  };
}

/** Rate limits in the control table. */
export function rateLimitStore(callsPerSecond: number): RateLimitStore {
  const find = async (organizationId: string) =>
    (await RateLimitEntity.get({ organizationId, channel }).go({ consistent: true })).data;

  async function read(organizationId: string): Promise<RateLimitState> {
    const found = await find(organizationId);
    if (found) return found;
    const fresh = initialState(callsPerSecond);
    await ifConditionHolds(RateLimitEntity.create({ organizationId, channel, ...fresh }).go());
    return (await find(organizationId)) ?? fresh;
  }

  return {
    read,
    async update(organizationId, { when, set = {}, add = {} }) {
      const written = await ifConditionHolds(
        RateLimitEntity.patch({ organizationId, channel })
          .set(set)
          .add(add)
          .where((attributes, op) =>
            when
              .map(({ field, is, value }) => {
                const attribute = attributes[field];
                if (is === '=') return op.eq(attribute, value);
                return is === '>' ? op.gt(attribute, value) : op.lte(attribute, value);
              })
              .join(' AND '),
          )
          .go({ response: 'all_new' }),
      );
      return written?.data
        ? { applied: true, state: written.data as RateLimitState }
        : { applied: false, state: await read(organizationId) };
    },
  };
}

/** Pauses or resumes an organization, or sets its rate. Returns the rate limit afterwards. */
export async function commandRateLimit(
  organizationId: string,
  command: RateLimitCommand,
  now: number,
): Promise<RateLimitView> {
  const { callsPerSecond, shares } = rateLimitSettings();
  const store = rateLimitStore(callsPerSecond);
  for (;;) {
    const before = await store.read(organizationId);
    const { applied, state } = await store.update(organizationId, planCommand(before, command, now));
    if (applied) return rateLimitView(organizationId, state, shares, now);
  }
}

/** The rate limit of an organization, for the time of reading. */
export async function readRateLimit(organizationId: string, now: number): Promise<RateLimitView> {
  const { callsPerSecond, shares } = rateLimitSettings();
  return rateLimitView(organizationId, await rateLimitStore(callsPerSecond).read(organizationId), shares, now);
}
