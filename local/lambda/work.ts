/** What is under way, counted, so that one can wait for the moment when nothing is. */
export interface Work {
  pending(): number;
  /** Begins a piece of work; the function that is returned ends it. What follows from it must begin before it ends. */
  begin(): () => void;
  /** Resolves when nothing is under way, and with false if that takes longer than the limit. */
  idle(limitMs: number): Promise<boolean>;
}

export function createWork(): Work {
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
export async function allIdle(works: readonly Work[], limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const busy = works.find((work) => work.pending() > 0);
    if (!busy) return true;
    if (!(await busy.idle(deadline - performance.now()))) return false;
  }
}
