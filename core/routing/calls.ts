import { Deferred } from '../outbound/errors.ts';
import { type CallFailure, isCallFailure } from '../outbound/failure.ts';
import { endOfLine, type Gate } from '../outbound/gate/gate.ts';
import type { Passage, Slot } from '../outbound/gate/passage.ts';
import type { Clock } from '../platform/clock.ts';
import type { RoutingCarrier } from './carrier.ts';

/** How long one decision waits at the gate in all. After that the carrier's own routing knows better than a late transfer. */
export const longestWaitMs = 10_000;
const defaultRetryAfterMs = 1_000;

/** The gate has no slot soon enough: too many calls are before this one, LiveChat is not well, or an operator has paused it. */
export class NoSlot extends Error {
  override readonly name = 'NoSlot';
  constructor() {
    super(`the gate had no slot within ${longestWaitMs / 1000} s; see why at GET /api/gate`);
  }
}

export interface CallsOptions {
  /** Asked for at the first call. */
  readonly carrier: () => Promise<RoutingCarrier>;
  readonly passage: Passage;
  /** The gate as it stands now. */
  readonly gate: () => Promise<Gate>;
  readonly clock: Clock;
  /** No call starts later than this, ms since 1970. */
  readonly latest: number;
  /** Called once, when the credentials have stopped working. */
  readonly onLocked: () => Promise<void>;
}

/** Calls to the carrier through the organization's gate, which learns how each one went. */
export class Calls {
  readonly #options: CallsOptions;
  #carrier: RoutingCarrier | undefined;
  #waitedMs = 0;
  readonly #mended = new Set<'region' | 'credentials'>();

  constructor(options: CallsOptions) {
    this.#options = options;
  }

  /** Makes one call. Throws {@link NoSlot}, or the carrier's error. */
  async make<T>(call: (carrier: RoutingCarrier) => Promise<T>): Promise<T> {
    const { passage } = this.#options;
    const carrier = this.#carrier ?? (await this.#options.carrier());
    this.#carrier = carrier;
    const slot = await this.#slot();
    try {
      const result = await call(carrier);
      await passage.passed(slot);
      return result;
    } catch (error) {
      if (!isCallFailure(error)) {
        await passage.unused(slot);
        throw error;
      }
      await this.#afterFailure(error, slot, carrier);
    }
    return this.make(call);
  }

  async #slot(): Promise<Slot> {
    const { passage, clock, latest } = this.#options;
    await this.#look();
    for (;;) {
      const began = clock.now();
      try {
        return await passage.enter(Math.min(latest, began + longestWaitMs - this.#waitedMs));
      } catch (error) {
        if (!(error instanceof Deferred)) throw error;
        await this.#sleepUntil(error.until);
      } finally {
        this.#waitedMs += clock.now() - began;
      }
    }
  }

  /** Leaves before it joins the line: a place that nobody comes back for would hold up everybody behind it. */
  async #look(): Promise<void> {
    const { clock, latest } = this.#options;
    const gate = await this.#options.gate();
    const now = clock.now();
    const soonest = gate.breaker === 'open' ? gate.openUntil : endOfLine(gate, now);
    if (gate.paused === 'yes' || soonest > Math.min(latest, now + longestWaitMs - this.#waitedMs)) throw new NoSlot();
  }

  /** Does not wait for what is further off than there is time. */
  async #sleepUntil(until: number): Promise<void> {
    const { clock, latest } = this.#options;
    const now = clock.now();
    if (until <= now || until > latest || this.#waitedMs + (until - now) > longestWaitMs) throw new NoSlot();
    await clock.sleep(until - now);
  }

  /** Returns where the call is worth making again, and throws the error otherwise. */
  async #afterFailure(error: CallFailure, slot: Slot, carrier: RoutingCarrier): Promise<void> {
    const { passage, clock } = this.#options;
    switch (error.category) {
      case 'RateLimit': {
        const began = clock.now();
        await this.#sleepUntil(await passage.limited(slot, error.retryAfterMs ?? defaultRetryAfterMs));
        this.#waitedMs += clock.now() - began;
        return;
      }
      case 'Server':
      case 'Network':
        await passage.failed(slot);
        throw error;
      case 'Authentication':
        await passage.unused(slot);
        return this.#withFreshCredentials(error, carrier);
      default:
        // It has answered, and well enough to say what is wrong.
        await passage.passed(slot);
        if (error.repair !== 'region' || !error.region || this.#mended.has('region')) throw error;
        this.#mended.add('region');
        this.#carrier = carrier.inRegion(error.region);
    }
  }

  async #withFreshCredentials(error: CallFailure, carrier: RoutingCarrier): Promise<void> {
    const { passage, onLocked } = this.#options;
    const fresh = this.#mended.has('credentials') ? undefined : await carrier.withFreshCredentials();
    this.#mended.add('credentials');
    if (fresh) {
      this.#carrier = fresh;
      return;
    }
    // One chat or group that is closed to us says nothing of the credentials; what does must close the gate for all.
    if (error.type !== 'authorization' && (await passage.locked())) await onLocked();
    throw error;
  }
}
