import { randomUUID } from 'node:crypto';
import type { InFlight } from './in-flight.ts';
import type { Collection, State } from './state.ts';

export interface StoredWorkOptions<T> {
  readonly state: State;
  /** The name of the collection. */
  readonly name: string;
  /** Counts the items until they end. Without it, `run` counts them. */
  readonly inFlight?: InFlight;
  run(item: T, key: string): Promise<void>;
  /** Receives the error of a failed run, except after `stop`. */
  onError(item: T, error: unknown): void;
}

/**
 * Work that is stored until it ends. Items that `stop` or the end of the process interrupts remain stored, and `resume` starts them
 * again. Keeps only their keys in memory.
 */
export function createStoredWork<T>({ state, name, inFlight, run, onError }: StoredWorkOptions<T>) {
  const items: Collection<T> = state.collection(name);
  // Read before the first item is added: `resume` must not start that one a second time.
  const interrupted = items.keys();
  const stopped = new AbortController();
  let running = 0;

  function reportError(key: string, error: unknown): void {
    const item = items.get(key);
    if (item !== undefined) onError(item, error);
  }

  function start(key: string, item: T): void {
    const done = inFlight?.track();
    running += 1;
    run(item, key)
      .catch((error: unknown) => {
        if (!stopped.signal.aborted) reportError(key, error);
      })
      .finally(() => {
        if (!stopped.signal.aborted) items.delete(key);
        running -= 1;
        done?.();
      });
  }

  return {
    /** The number of items that have started and not ended. */
    running: () => running,
    /** Aborted by `stop`. */
    signal: stopped.signal,

    get: items.get,
    /** Stores the progress of an item. */
    update: items.put,

    /** Starts an item. It is stored when this returns. */
    add(item: T): void {
      const key = randomUUID();
      items.put(key, item);
      start(key, item);
    },

    /** Starts the items of an earlier run. */
    resume(): void {
      for (const key of interrupted.splice(0)) {
        const item = items.get(key);
        if (item !== undefined) start(key, item);
      }
    },

    stop(): void {
      stopped.abort();
    },
  };
}
