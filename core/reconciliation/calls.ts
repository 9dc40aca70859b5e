import { carrierOf } from '../channel/carrier.ts';
import { ChannelError, maxCallMs } from '../channel/channel.ts';
import { Deferred } from '../channel/deferred.ts';
import { shareInterval } from '../channel/rate-limit.ts';
import { rateLimitSettings, readRateLimitState } from '../channel/rate-limit-store.ts';
import type { RateLimiter } from '../channel/rate-limiter.ts';
import { type ReconnectOptions, reconnect } from '../channel/reconnect.ts';
import type { Clock } from '../platform/clock.ts';
import type { SourceCall } from './run.ts';
import type { ReconciliationSource } from './source.ts';

/** The run stops after saving a checkpoint, and the next run resumes it. */
export class RunInterruptedError extends Error {
  override readonly name = 'Interrupted';
}

/**
 * In a scheduled run, `observedAt` is this long before the call, in ms: the margin for webhooks in flight, which LiveChat
 * retries for a minute, and for clock skew.
 */
export const observationMarginMs = 120_000;

/** Maximum wait for a slot, in ms. Slots of the reconciliation share are far apart. */
export const maxShareWaitMs = 15_000;

const maxRetries = 3;

export interface CallOptions {
  readonly connect: () => Promise<ReconciliationSource>;
  readonly limiter: Pick<RateLimiter, 'run' | 'blockCredentials' | 'holdFor'>;
  readonly clock: Clock;
  /** How long before the call `observedAt` is, in ms. */
  readonly marginMs: number;
  /** When the function times out, ms since 1970. */
  readonly deadline: number;
  readonly signal: AbortSignal;
  readonly onCredentialsBlocked: ReconnectOptions['onCredentialsBlocked'];
  /** Renews the lease from time to time. */
  readonly renewLease: () => Promise<void>;
  /** Called for every call that is made. */
  readonly onCall: () => void;
}

export interface LimitedCalls {
  readonly call: SourceCall;
  /** Waits for `ms`, and keeps the lease. Throws {@link RunInterruptedError} if the run must stop. */
  readonly pause: (ms: number) => Promise<void>;
}

/**
 * Makes calls within the organization's rate limit. Waits after a 429, and repeats a call that failed with a server or network
 * error. Throws {@link RunInterruptedError} if the function is about to time out, if the caller aborts, or while no calls may be made.
 */
export function limitCalls(options: CallOptions): LimitedCalls {
  const { limiter, clock, deadline, signal, onCredentialsBlocked } = options;
  let source: ReconciliationSource | undefined;

  async function waitUntil(at: number): Promise<void> {
    requireTime(at);
    await options.renewLease();
    await clock.sleep(at - clock.now());
  }

  /** Throws {@link RunInterruptedError} if a call at this time could outlast the function. */
  function requireTime(at: number): void {
    if (signal.aborted) throw new RunInterruptedError('the run was aborted; run the same command again to resume it');
    if (at + maxShareWaitMs + maxCallMs > deadline)
      throw new RunInterruptedError('the function is about to time out; the next run resumes this one');
  }

  /** Waits before the call is made again, or replaces the source. Throws the error if neither helps. */
  async function recover(
    error: unknown,
    called: ReconciliationSource,
    { retries, repaired }: { readonly retries: number; readonly repaired: ReconnectOptions['repaired'] },
  ): Promise<void> {
    if (error instanceof Deferred) {
      if (error.reason === 'blocked') throw blocked(error);
      return waitUntil(error.until);
    }
    if (!(error instanceof ChannelError)) throw error;
    const isTransient = error.category === 'Server' || error.category === 'Network';
    if (isTransient && retries < maxRetries) return waitUntil(clock.now() + 1000 * 2 ** retries * (1 + clock.random()));
    source = await reconnect(error, called, { limiter, onCredentialsBlocked, repaired });
  }

  const call: SourceCall = async (request) => {
    const repaired: ReconnectOptions['repaired'] = new Set();
    for (let retries = 0; ; retries += 1) {
      requireTime(clock.now());
      await options.renewLease();
      source ??= await options.connect();
      const called = source;
      try {
        return await limiter.run(() => {
          options.onCall();
          return request(called, new Date(clock.now() - options.marginMs).toISOString());
        });
      } catch (error) {
        if (error instanceof Deferred) retries -= 1;
        await recover(error, called, { retries, repaired });
      }
    }
  };
  return { call, pause: (ms) => waitUntil(clock.now() + Math.max(0, ms)) };
}

/** One thread must not stop the run. The circuit breaker stops the run if all calls fail. */
export function toReadFailure(error: unknown): 'unreadable' {
  if (error instanceof ChannelError && (error.category === 'Server' || error.category === 'Client'))
    return 'unreadable';
  throw error;
}

function blocked(cause: Deferred): RunInterruptedError {
  const advice = 'see `livechat limits show`. The next run resumes this one';
  return new RunInterruptedError(`an operator has paused the organization, or its circuit breaker is open: ${advice}`, {
    cause,
  });
}

/**
 * The limiter of a dry run: calls are spaced as the share of reconciliation allows, but no slot is reserved, since a dry run
 * writes nothing. Makes no call while the organization is paused or its circuit breaker is open.
 */
export function limitDryRunCalls(organizationId: string, clock: Clock): CallOptions['limiter'] {
  const { shares } = rateLimitSettings(carrierOf(organizationId));
  let next = 0;
  return {
    blockCredentials: async () => false,
    holdFor(resetMs) {
      next = Math.max(next, clock.now() + resetMs);
    },
    async run(call) {
      const state = await readRateLimitState(organizationId);
      if (state.paused === 'yes' || state.breaker !== 'closed') throw new Deferred(state.openUntil, 'blocked');
      await clock.sleep(next - clock.now());
      next = clock.now() + shareInterval(state, 'reconciliation', shares, clock.now());
      try {
        return await call();
      } catch (error) {
        if (!(error instanceof ChannelError) || error.category !== 'RateLimit') throw error;
        throw new Deferred(clock.now() + (error.retryAfterMs ?? 1_000), 'limited', { cause: error });
      }
    },
  };
}
