import { type CreateRateLimiter, createRateLimiters, type RateLimiterPorts } from '../../core/channel/rate-limiter.ts';
import type { Executions } from '../../core/outbound/message-group.ts';
import type { Invocation } from './invocation.ts';
import type { StepFunctions } from './step-functions.ts';
import type { MemoryStores } from './stores.ts';
import type { VirtualTime } from './virtual-time.ts';

/** Disables one rule of the protocol, to verify that the model detects its absence. */
export type Mutation =
  | 'no probe'
  | 'no claim'
  | 'no order'
  | 'no settle time'
  | 'no wake-up'
  | 'no lock'
  | 'floor instead of ceil';

export interface Counts {
  transitions: number;
  sendInvocations: number;
  waitInvocations: number;
  throttled: number;
  describes: number;
  opened: number;
  writes: number;
  reads: number;
  busyMs: number;
}

export interface FaultyPortsOptions {
  readonly time: VirtualTime;
  readonly stores: MemoryStores;
  readonly counts: Counts;
  readonly executions: StepFunctions;
  /** Without faults of tables, and without lost wake-ups. */
  readonly areFaultsDisabled: () => boolean;
  readonly callsPerSecond: number;
  readonly crash?: number | undefined;
  readonly storeFaults?: number | undefined;
  readonly slowness?: number | undefined;
  readonly lostWakeUps?: number | undefined;
  readonly mutation?: Mutation | undefined;
}

export const shares = { routing: 10, reconciliation: 20 };

export const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** The ports of the functions, over the tables and the Step Functions of the model: each operation takes time and can fail. */
export class FaultyPorts {
  readonly #options: FaultyPortsOptions;
  #warm: CreateRateLimiter | undefined;

  constructor(options: FaultyPortsOptions) {
    this.#options = options;
  }

  #step(invocation: Invocation) {
    const write = <T>(effect: () => Promise<T>) => {
      this.#options.counts.writes += 1;
      return invocation.step(effect, [4, 15], this.#storeFaults);
    };
    const read = <T>(effect: () => Promise<T>) => {
      this.#options.counts.reads += 1;
      return invocation.step(effect, [3, 8], this.#storeFaults);
    };
    return { write, read, call: <T>(effect: () => Promise<T>) => invocation.step(effect, [20, 60], this.#storeFaults) };
  }

  get #storeFaults(): number {
    return this.#options.areFaultsDisabled() ? 0 : (this.#options.storeFaults ?? 0);
  }

  deliveries(invocation: Invocation) {
    const { write, read } = this.#step(invocation);
    const { deliveries: store } = this.#options.stores;
    const { mutation } = this.#options;
    return {
      read: (key) => read(() => store.read(key)),
      create: (delivery) => write(() => store.create(delivery)),
      async claim(key, claim) {
        const result = await write(() => store.claim(key, claim));
        if (mutation === 'no claim' && !result.claimed && result.current?.status === 'sending') {
          return { claimed: true, before: { ...result.current, status: 'queued', unknown: 'no' } };
        }
        if (!result.claimed) return result;
        const { before } = result;
        if (mutation === 'no probe')
          return { claimed: true, before: { ...before, status: 'queued', unknown: 'no', redrive: claim.redrive } };
        if (mutation === 'no settle time') return { claimed: true, before: { ...before, settledAt: 0, leaseUntil: 0 } };
        return result;
      },
      release: (key, state, lease) => write(() => store.release(key, state, lease)),
      recordSent: (key, sent, lease) => write(() => store.recordSent(key, sent, lease)),
      fail: (key, failure) => write(() => store.fail(key, failure)),
    } satisfies MemoryStores['deliveries'];
  }

  ports(invocation: Invocation) {
    const { write, read, call } = this.#step(invocation);
    const { groups: store } = this.#options.stores;
    const { mutation } = this.#options;
    return {
      clock: {
        now: () => this.#options.time.now(),
        random: () => this.#options.time.random(),
        sleep: (ms: number) => invocation.sleep(ms),
      },
      onUnblocked: () => {},
      groups: {
        put: (key, entry) => write(() => store.put(key, entry)),
        head: async (key) => {
          const found = await read(() => store.head(key));
          return mutation === 'no order' ? {} : mutation === 'no lock' ? { first: found.first } : found;
        },
        extend: (key, entry, until) => write(() => store.extend(key, entry, until)),
        remove: (key, position) => write(() => store.remove(key, position)),
        lock: async (key, lock, now) =>
          (await write(() => store.lock(key, lock, now))) || mutation === 'no order' || mutation === 'no lock',
        unlock: (key, execution) => write(() => store.unlock(key, execution)),
      } satisfies MemoryStores['groups'],
      executions: {
        start: (name, input) => call(async () => this.#options.executions.start(name, input)),
        status: (name) => {
          this.#options.counts.describes += 1;
          return call(async () => this.#options.executions.status(name));
        },
        completeTask: (token, output) =>
          call(async () => {
            const isLost =
              !this.#options.areFaultsDisabled() && this.#options.time.random() < (this.#options.lostWakeUps ?? 0);
            const complete = this.#options.executions.waitingTask(token);
            if (!isLost && mutation !== 'no wake-up') complete?.(output);
            return complete !== undefined;
          }),
      } satisfies Executions,
    };
  }

  /** The rate limiter of a container. The container shares its state; the table calls belong to the invocation. */
  limiter(invocation: Invocation): CreateRateLimiter {
    const { write, read } = this.#step(invocation);
    if (!this.#options.crash && !this.#options.storeFaults) {
      this.#warm ??= this.createWarmLimiter();
      return this.#warm;
    }
    return createRateLimiters({
      ...this.#limiterPorts(),
      clock: this.ports(invocation).clock,
      store: {
        read: (id) => read(() => this.#options.stores.rateLimits.read(id)),
        update: (id, update) => write(() => this.#options.stores.rateLimits.update(id, update)),
      },
    });
  }

  /** The limiter of a warm container, without faults. */
  createWarmLimiter(): CreateRateLimiter {
    const delayed = async <T>(effect: () => Promise<T>, [min, max]: readonly [number, number]): Promise<T> => {
      const half = ((this.#options.slowness ?? 1) * this.#options.time.between(min, max)) / 2;
      await this.#options.time.sleep(half);
      const result = await effect();
      await this.#options.time.sleep(half);
      return result;
    };
    return createRateLimiters({
      ...this.#limiterPorts(),
      store: {
        read: (id) => delayed(() => this.#options.stores.rateLimits.read(id), [3, 8]),
        update: (id, update) => delayed(() => this.#options.stores.rateLimits.update(id, update), [4, 15]),
      },
    });
  }

  #limiterPorts(): Omit<RateLimiterPorts, 'store'> {
    const { callsPerSecond } = this.#options;
    return {
      clock: this.#options.time,
      shares,
      callsPerSecond,
      metrics: {
        count: (name) => {
          if (name === 'BreakerOpened') this.#options.counts.opened += 1;
        },
      },
      log: silent,
    };
  }
}
