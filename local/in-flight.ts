/** A counter of work in flight that can be waited on. */
export type InFlight = ReturnType<typeof createInFlight>;

/** @param memory of a counter in another thread. Unlike a message, an increment is visible there immediately. */
export function createInFlight(memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
  const count = new Int32Array(memory);
  const pending = (): number => Atomics.load(count, 0);

  return {
    memory,
    pending,

    /** Increments the counter. The returned function decrements it, once. Track follow-up work before this work ends. */
    track(): () => void {
      let ended = false;
      Atomics.add(count, 0, 1);
      return () => {
        if (ended) return;
        ended = true;
        // `sub` returns the previous value.
        if (Atomics.sub(count, 0, 1) === 1) Atomics.notify(count, 0);
      };
    },

    /** Resolves with true at zero, and with false after the limit. */
    async idle(limitMs: number): Promise<boolean> {
      const deadline = performance.now() + limitMs;
      for (;;) {
        const before = pending();
        if (before === 0) return true;
        const left = deadline - performance.now();
        if (left <= 0) return false;
        await Atomics.waitAsync(count, 0, before, left).value;
      }
    },
  };
}

/** Resolves with true when all counters are zero at the same moment, and with false after the limit. */
export async function waitUntilAllIdle(counters: readonly InFlight[], limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const busy = counters.find((inFlight) => inFlight.pending() > 0);
    if (!busy) return true;
    if (!(await busy.idle(deadline - performance.now()))) return false;
  }
}
