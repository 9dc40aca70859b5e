import type { Clock } from '../platform/clock.ts';
import type { Log } from '../platform/logger.ts';
import type * as metrics from '../platform/metrics.ts';
import { ChannelError } from './channel.ts';
import { Deferred, type HeldSlot, slotWakeUp } from './deferred.ts';
import {
  initialState,
  isProbeSlot,
  isSlotValid,
  maxSlotWaitMs,
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
  type Shares,
  shareInterval,
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

/** The time between a reservation and its slot: three times the last write, within these bounds. */
const minNoticeMs = 35;
const maxNoticeMs = 750;
/** A call that is later than this would come too close to the next one. */
const maxLateMs = 10;
const maxMissedSlots = 3;
const maxConflicts = 30;
const pauseMs = 30_000;
const defaultRetryAfterMs = 1_000;
/** The headers are not documented by LiveChat, so a wrong one must not stop an organization for long. */
const maxHoldMs = 60_000;

/** The calls of one invocation, within its organization's rate limit. */
export interface RateLimiter {
  /**
   * Reserves slots for the next `calls` calls, or takes up the slot that was reserved before a wait. Throws
   * {@link Deferred} if the first slot is more than `maxWaitMs` away.
   */
  reserve(
    calls: number,
    options?: { readonly held?: HeldSlot | undefined; readonly maxWaitMs?: number },
  ): Promise<void>;
  /**
   * Makes one call at the next slot, and records its outcome. Throws the error of the call, and {@link Deferred} after a 429
   * or if the slot is too far away. A failure to record the outcome is only logged: the call was made.
   */
  run<T>(call: () => Promise<T>): Promise<T>;
  /** Reserves slots for another execution. Undefined while none can be reserved. */
  reserveForNext(calls: number): Promise<HeldSlot | undefined>;
  /** Discards the unused slots. An unused probe call is left to another caller. */
  release(): Promise<void>;
  /** Opens the breaker: the credentials do not work. Returns false if it was open for that reason already. */
  blockCredentials(): Promise<boolean>;
  /**
   * The channel has announced, in its response to the call that `run` makes, that no call is left before `resetMs` have
   * passed. Every slot moves behind it, by at most a minute.
   */
  holdFor(resetMs: number): void;
}

export type CreateRateLimiter = (
  organizationId: string,
  options: { readonly share: Share; readonly maxWaitMs?: number },
) => RateLimiter;

/** The reserved slots of this invocation that are not used yet. */
interface Block extends Reservation {
  readonly used: number;
  /** How many slots the request has missed before. After {@link maxMissedSlots} it uses this one whenever it can. */
  readonly missed: number;
}

/** What a container remembers: the states that it has seen last, and how long a write takes. */
class StateCache {
  readonly #ports: RateLimiterPorts;
  readonly #states = new Map<string, RateLimitState>();
  writeMs = 0;

  constructor(ports: RateLimiterPorts) {
    this.#ports = ports;
  }

  recall(organizationId: string): RateLimitState {
    return this.#states.get(organizationId) ?? initialState(this.#ports.callsPerSecond);
  }

  async read(organizationId: string): Promise<RateLimitState> {
    const state = await this.#ports.store.read(organizationId);
    this.#states.set(organizationId, state);
    return state;
  }

  async update(organizationId: string, change: RateLimitUpdate): Promise<{ applied: boolean; state: RateLimitState }> {
    const { clock, store } = this.#ports;
    const startedAt = clock.now();
    const result = await store.update(organizationId, change);
    this.writeMs = clock.now() - startedAt;
    this.#states.set(organizationId, result.state);
    return result;
  }
}

/** Creates rate limiters, which share what the container remembers. */
export function createRateLimiters(ports: RateLimiterPorts): CreateRateLimiter {
  const cache = new StateCache(ports);
  return (organizationId, { share, maxWaitMs = maxSlotWaitMs }) =>
    new OrganizationLimiter({ ...ports, cache, organizationId, share, maxWaitMs });
}

interface LimiterOptions extends RateLimiterPorts {
  readonly cache: StateCache;
  readonly organizationId: string;
  readonly share: Share;
  readonly maxWaitMs: number;
}

class OrganizationLimiter implements RateLimiter {
  readonly #options: LimiterOptions;
  #block: Block | undefined;
  /** The calls that the request still needs: as many slots are reserved, since a held slot stands for all of them. */
  #calls = 1;
  #maxWaitMs: number;
  /** ms since 1970 */
  #heldUntil = 0;

  constructor(options: LimiterOptions) {
    this.#options = options;
    this.#maxWaitMs = options.maxWaitMs;
  }

  async reserve(
    calls: number,
    { held, maxWaitMs = this.#options.maxWaitMs }: { held?: HeldSlot | undefined; maxWaitMs?: number } = {},
  ): Promise<void> {
    this.#calls = calls;
    this.#maxWaitMs = maxWaitMs;
    // Slots are left over if an earlier part needed none because it was sent already.
    if (!this.#block || this.#block.used === this.#block.count) await this.#reserveBlock(held?.missed ?? 0, held);
  }

  async run<T>(call: () => Promise<T>): Promise<T> {
    const { clock } = this.#options;
    const slot = await this.#nextSlot();
    await clock.sleep((slot.used === 0 ? slot.from : slot.at + slot.used * slot.interval) - clock.now());
    this.#block = { ...slot, used: slot.used + 1 };
    try {
      const result = await call();
      await this.#record(planSuccess(slot, clock.now()));
      return result;
    } catch (error) {
      await this.#recordError(slot, error);
      throw error;
    } finally {
      await this.#hold(slot);
    }
  }

  async reserveForNext(calls: number): Promise<HeldSlot | undefined> {
    try {
      const { at, epoch } = await this.#take(calls);
      return { at, epoch };
    } catch (error) {
      if (error instanceof Deferred) return undefined;
      throw error;
    }
  }

  async release(): Promise<void> {
    const unused = this.#block;
    this.#block = undefined;
    if (unused?.used === 0) await this.#record(planUnused(unused, this.#options.clock.now()));
  }

  async blockCredentials(): Promise<boolean> {
    const { cache, clock, organizationId, metrics } = this.#options;
    const before = await cache.read(organizationId);
    const { applied } = await cache.update(organizationId, planOpen(before.epoch, clock.now(), 'credentials'));
    const isNew = applied && before.reason !== 'credentials';
    if (isNew) metrics.count('BreakerOpened', { reason: 'credentials', organizationId });
    return isNew;
  }

  holdFor(resetMs: number): void {
    this.#heldUntil = this.#options.clock.now() + Math.min(resetMs, maxHoldMs);
  }

  /** All reserved slots become invalid, those of this block too. */
  async #hold(slot: Block): Promise<void> {
    const until = this.#heldUntil;
    this.#heldUntil = 0;
    if (until <= this.#options.clock.now()) return;
    this.#block = undefined;
    await this.#record(planHold(slot, until));
  }

  /** One conditional write per try. The remembered state may be old: then its condition fails, and returns the right one. */
  async #take(count: number, latest?: number): Promise<Reservation> {
    const { cache, clock, organizationId, share, shares } = this.#options;
    for (let conflict = 0; conflict < maxConflicts; conflict += 1) {
      const now = clock.now();
      const earliest = now + Math.min(maxNoticeMs, Math.max(minNoticeMs, 3 * cache.writeMs));
      const plan = planReservation(cache.recall(organizationId), { share, shares, count, now, earliest, latest });
      if (typeof plan === 'string') {
        if (conflict > 0) throw this.#unavailable(plan);
        await cache.read(organizationId);
        continue;
      }
      const { applied, state } = await cache.update(organizationId, plan.update);
      if (!applied) continue;
      await this.#record(planRestore(state, clock.now()));
      return plan.reservation(state);
    }
    throw new Deferred(clock.now() + 1000 * (1 + clock.random()), 'rate');
  }

  /** The error while the organization is paused, or if there is no slot in time. */
  #unavailable(reason: 'paused' | 'late'): Deferred {
    const { cache, clock, organizationId, share } = this.#options;
    if (reason === 'paused') return new Deferred(clock.now() + pauseMs * (1 + clock.random()), 'blocked');
    const state = cache.recall(organizationId);
    if (state.breaker !== 'closed') return new Deferred(state.openUntil, 'blocked');
    return new Deferred(Math.min(state.sendsTat, state[`${share}Tat`]), 'rate');
  }

  /** A slot that was reserved before a wait, unless it has become invalid. */
  async #resume({ at, epoch }: HeldSlot, count: number): Promise<Reservation | undefined> {
    const { cache, clock, organizationId, share, shares } = this.#options;
    const state = await cache.read(organizationId);
    if (state.paused === 'yes') throw this.#unavailable('paused');
    const now = clock.now();
    const isProbe = isProbeSlot({ at, epoch }, state);
    if (!isSlotValid({ at, epoch, isProbe }, state, now)) return undefined;
    const interval = shareInterval(state, share, shares, now);
    return { at, from: at, interval, count, epoch, isProbe, isBehindProbe: false, state };
  }

  /** @param missedBefore counted over all waits of a request, so that slow functions and downloads do not postpone it for ever */
  async #reserveBlock(missedBefore: number, held?: HeldSlot): Promise<Block> {
    const { clock, share } = this.#options;
    const [calls, maxWaitMs] = [this.#calls, this.#maxWaitMs];
    let reserved = held && held.at > 0 ? await this.#resume(held, calls) : undefined;
    let missed = missedBefore;
    for (;;) {
      reserved ??= await this.#take(calls, share === 'sends' ? undefined : clock.now() + maxWaitMs);
      const { at, epoch } = reserved;
      if (at - clock.now() > maxWaitMs) {
        throw new Deferred(slotWakeUp(at) - (maxWaitMs - maxSlotWaitMs), 'rate', { slot: { at, epoch, missed } });
      }
      const usable: Reservation | undefined = await this.#whenUsable(reserved, missed);
      if (usable) {
        this.#block = { ...usable, used: 0, missed };
        return this.#block;
      }
      if (!reserved.isBehindProbe) missed += 1;
      reserved = undefined;
    }
  }

  /** Undefined if the slot is missed, or turns out to be invalid. */
  async #whenUsable(reserved: Reservation, missed: number): Promise<Reservation | undefined> {
    if (reserved.isBehindProbe) return this.#waitForProbe(reserved);
    return missed < maxMissedSlots && this.#isMissed(reserved) ? undefined : reserved;
  }

  /** Whether a slot behind the probe call of a half-open breaker is valid shows at its time. */
  async #waitForProbe({ at, epoch, count }: Reservation): Promise<Reservation | undefined> {
    const { clock } = this.#options;
    await clock.sleep(at - clock.now());
    return this.#resume({ at, epoch }, count);
  }

  #isMissed({ at, isProbe }: Reservation): boolean {
    const { clock, metrics, organizationId } = this.#options;
    if (isProbe || clock.now() - at <= maxLateMs) return false;
    metrics.count('SlotsMissed', { organizationId });
    return true;
  }

  /** The next slot of the block. Calls of one request follow each other, so that a slot of it may be late until its end. */
  async #nextSlot(): Promise<Block> {
    const { clock, metrics, organizationId } = this.#options;
    const block = this.#block;
    if (!block || block.used === block.count) return this.#reserveBlock(0);
    const end = block.at + (block.count - 1) * block.interval + maxLateMs;
    if (block.isProbe || block.missed >= maxMissedSlots || clock.now() <= end) return block;
    metrics.count('SlotsMissed', { organizationId });
    return this.#reserveBlock(block.missed + 1);
  }

  /** Records the outcome of a call. The call was made, so that a failure is only logged. */
  async #record(change: RateLimitUpdate | undefined): Promise<void> {
    if (change) await this.#quietly(() => this.#options.cache.update(this.#options.organizationId, change));
  }

  async #quietly(record: () => Promise<unknown>): Promise<void> {
    try {
      await record();
    } catch (error) {
      const { log, organizationId } = this.#options;
      log.warn('rate limit state not updated', { organizationId, error });
    }
  }

  async #recordError(slot: Block, error: unknown): Promise<void> {
    const now = this.#options.clock.now();
    if (!(error instanceof ChannelError) || error.category === 'Authentication')
      return this.#record(planUnused(slot, now));
    if (error.category === 'RateLimit') return this.#deferLimited(slot, error);
    if (error.category === 'Server' || error.category === 'Network')
      return this.#quietly(() => this.#recordFailure(slot));
    // Any other error is a response of a channel that works.
    return this.#record(planSuccess(slot, now));
  }

  async #recordFailure(slot: Block): Promise<void> {
    const { cache, clock, metrics, organizationId } = this.#options;
    const { state } = await cache.update(organizationId, planFailure(slot.state, clock.now()));
    if (!mustOpen(slot, state)) return;
    const opened = await cache.update(organizationId, planOpen(state.epoch, clock.now(), 'failures'));
    if (opened.applied) metrics.count('BreakerOpened', { reason: 'failures', organizationId });
  }

  /** After a 429 the call is deferred behind the new slots of everybody. */
  async #deferLimited(slot: Block, cause: ChannelError): Promise<never> {
    const { clock, metrics, organizationId, share } = this.#options;
    const retryAfterMs = cause.retryAfterMs ?? defaultRetryAfterMs;
    metrics.count('CallsRateLimited', { organizationId });
    await this.#record(planSlowdown(slot, clock.now(), retryAfterMs));
    this.#block = undefined;
    if (share !== 'sends') throw new Deferred(clock.now() + retryAfterMs, 'limited', { cause });
    const next = await this.reserveForNext(this.#calls).catch(() => undefined);
    if (!next) throw new Deferred(clock.now() + retryAfterMs, 'limited', { cause });
    throw new Deferred(slotWakeUp(next.at), 'limited', { slot: next, cause });
  }
}
