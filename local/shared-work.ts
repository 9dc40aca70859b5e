import type { Work } from './lambda/work.ts';

/** What `sharedWork` counts in. */
export function sharedCount(): SharedArrayBuffer {
  return new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
}

/**
 * Work that begins and ends in another thread, counted in memory that both see: one that has begun is seen at once, not
 * when word of it arrives.
 */
export function sharedWork(memory: SharedArrayBuffer): Work {
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
