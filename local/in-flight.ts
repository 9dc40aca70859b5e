/** A counter of work in flight that can be waited on. */
export interface InFlight {
  pending(): number;
  /** Increments the counter. The returned function decrements it, once. Track follow-up work before this work ends. */
  track(): () => void;
  /** Resolves with true at zero, and with false after the limit. */
  idle(limitMs: number): Promise<boolean>;
}

export function createInFlight(): InFlight {
  const waiters = new Set<() => void>();
  let pending = 0;

  return {
    pending: () => pending,

    track() {
      let ended = false;
      pending += 1;
      return () => {
        if (ended) return;
        ended = true;
        pending -= 1;
        if (pending > 0) return;
        for (const notify of waiters) notify();
        waiters.clear();
      };
    },

    idle(limitMs) {
      if (pending === 0) return Promise.resolve(true);
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const notify = () => {
        clearTimeout(timer);
        resolve(true);
      };
      const timer = setTimeout(() => {
        waiters.delete(notify);
        resolve(false);
      }, limitMs);
      waiters.add(notify);
      return promise;
    },
  };
}

/** Resolves with true when all counters are zero at the same moment, and with false after the limit. */
export async function waitUntilAllIdle(works: readonly InFlight[], limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const busy = works.find((inFlight) => inFlight.pending() > 0);
    if (!busy) return true;
    if (!(await busy.idle(deadline - performance.now()))) return false;
  }
}

/** The memory of `sharedInFlight`. */
export function allocateSharedCount(): SharedArrayBuffer {
  return new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
}

/**
 * A counter in shared memory for work in another thread. Unlike a message, an increment is visible at once.
 */
export function sharedInFlight(memory: SharedArrayBuffer): InFlight {
  const count = new Int32Array(memory);
  const change = (by: 1 | -1): void => {
    Atomics.add(count, 0, by);
    Atomics.notify(count, 0);
  };

  return {
    pending: () => Atomics.load(count, 0),

    track() {
      let ended = false;
      change(1);
      return () => {
        if (!ended) change(-1);
        ended = true;
      };
    },

    async idle(limitMs) {
      const deadline = performance.now() + limitMs;
      for (;;) {
        const pending = Atomics.load(count, 0);
        if (pending === 0) return true;
        const left = deadline - performance.now();
        if (left <= 0) return false;
        await Atomics.waitAsync(count, 0, pending, left).value;
      }
    },
  };
}
