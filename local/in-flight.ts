/** What is under way, counted, so that one can wait for the moment when nothing is. */
export interface InFlight {
  pending(): number;
  /** Begins a piece of work; the function that is returned ends it. What follows from it must begin before it ends. */
  begin(): () => void;
  /** Resolves when nothing is under way, and with false if that takes longer than the limit. */
  idle(limitMs: number): Promise<boolean>;
}

export function createInFlight(): InFlight {
  const waiters = new Set<() => void>();
  let pending = 0;

  return {
    pending: () => pending,

    begin() {
      let ended = false;
      pending += 1;
      return () => {
        if (ended) return;
        ended = true;
        pending -= 1;
        if (pending > 0) return;
        for (const tell of waiters) tell();
        waiters.clear();
      };
    },

    idle(limitMs) {
      if (pending === 0) return Promise.resolve(true);
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const tell = () => {
        clearTimeout(timer);
        resolve(true);
      };
      const timer = setTimeout(() => {
        waiters.delete(tell);
        resolve(false);
      }, limitMs);
      waiters.add(tell);
      return promise;
    },
  };
}

/** Resolves when none of these has anything under way at the same moment, and with false after the limit. */
export async function waitUntilAllIdle(works: readonly InFlight[], limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const busy = works.find((inFlight) => inFlight.pending() > 0);
    if (!busy) return true;
    if (!(await busy.idle(deadline - performance.now()))) return false;
  }
}

/** What `sharedInFlight` counts in. */
export function allocateSharedCount(): SharedArrayBuffer {
  return new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
}

/**
 * InFlight that begins and ends in another thread, counted in memory that both see: one that has begun is seen at once, not
 * when word of it arrives.
 */
export function sharedInFlight(memory: SharedArrayBuffer): InFlight {
  const count = new Int32Array(memory);
  const change = (by: 1 | -1): void => {
    Atomics.add(count, 0, by);
    Atomics.notify(count, 0);
  };

  return {
    pending: () => Atomics.load(count, 0),

    begin() {
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
