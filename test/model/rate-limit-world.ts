import { initialState, type RateLimitState } from '../../core/outbound/rate-limit.ts';
import { createRateLimiters } from '../../core/outbound/rate-limiter.ts';
import type { Clock } from '../../core/platform/clock.ts';
import { memoryStores } from './stores.ts';
import { VirtualTime } from './virtual-time.ts';

export const organizationId = 'organization';
export const never = Number.POSITIVE_INFINITY;

/** A rate limit of ten calls a second, in virtual time, which starts at 0, or by another clock. */
export function rateLimitWorld(state: Partial<RateLimitState> = {}, clock?: Clock) {
  const time = new VirtualTime(1);
  const { rateLimits: store } = memoryStores(10);
  const createLimiter = createRateLimiters({
    store,
    clock: clock ?? time,
    shares: { routing: 10, reconciliation: 20 },
    callsPerSecond: 10,
    metrics: { count() {} },
    log: { warn() {} },
  });
  return {
    time,
    store,
    createLimiter,
    read: () => store.read(organizationId),
    /** Sets the initial state, and lets time pass until the work is done. */
    live: async <T>(work: () => Promise<T>): Promise<T> => {
      await store.update(organizationId, { when: [], set: { ...initialState(10), ...state } });
      return time.until(work(), 3_600_000);
    },
  };
}
