import { initialState, type RateLimitState } from '../../core/channel/rate-limit.ts';
import { createRateLimiters, type RateLimitStore } from '../../core/channel/rate-limiter.ts';
import type { Clock } from '../../core/platform/clock.ts';
import { memoryStores } from './stores.ts';
import { VirtualTime } from './virtual-time.ts';

export const organizationId = 'organization';
export const never = Number.POSITIVE_INFINITY;

/** A rate limit of ten calls a second, in virtual time, which starts at 0, or by another clock. */
export function rateLimitWorld(state: Partial<RateLimitState> = {}, clock?: Clock) {
  const time = new VirtualTime(1);
  const { rateLimits } = memoryStores(10);
  /** The metrics, and the titles of the logged warnings. */
  const counted: string[] = [];
  const warnings: string[] = [];
  let failingWrites = 0;
  const store: RateLimitStore = {
    read: rateLimits.read,
    async update(id, update) {
      if (failingWrites > 0) {
        failingWrites -= 1;
        throw Object.assign(new Error('the table failed'), { name: 'ThrottlingException' });
      }
      return rateLimits.update(id, update);
    },
  };
  const createLimiter = createRateLimiters({
    store,
    clock: clock ?? time,
    shares: { routing: 10, reconciliation: 20 },
    callsPerSecond: 10,
    metrics: { count: (name) => void counted.push(name) },
    log: { warn: (message) => void warnings.push(String(message)) },
  });
  return {
    time,
    store,
    createLimiter,
    counted,
    warnings,
    /** Fails the next writes. */
    failWrites: (count: number) => {
      failingWrites = count;
    },
    set: (set: Partial<RateLimitState>) => rateLimits.update(organizationId, { when: [], set }),
    read: () => store.read(organizationId),
    /** Sets the initial state, and lets time pass until the work is done. */
    live: async <T>(work: () => Promise<T>): Promise<T> => {
      await store.update(organizationId, { when: [], set: { ...initialState(10), ...state } });
      return time.until(work(), 3_600_000);
    },
  };
}
