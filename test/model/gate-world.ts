import { Deferred } from '../../core/outbound/errors.ts';
import type { Gate } from '../../core/outbound/gate/gate.ts';
import { Passage } from '../../core/outbound/gate/passage.ts';
import { memoryStores } from './stores.ts';
import { VirtualTime } from './virtual-time.ts';

export const organizationId = 'organization';
export const never = Number.POSITIVE_INFINITY;

/** A gate of ten calls a second in virtual time, from 0 on. */
export function world(gate: Partial<Gate> = {}) {
  const time = new VirtualTime(1);
  const store = memoryStores(10).gate;
  const passage = (run: string, returning = false) =>
    new Passage({ store, clock: time, organizationId, run, returning });
  return {
    time,
    store,
    passage,
    gate: () => store.read(organizationId),
    set: (set: Partial<Gate>) => store.update(organizationId, { when: [], set }),
    /** Lets time pass until it is done. */
    live: async <T>(story: () => Promise<T>): Promise<T> => {
      await store.update(organizationId, { when: [], set: gate });
      return time.until(story(), 3_600_000);
    },
  };
}

/** When somebody is told to come back, ms; fails where it is let in. */
export async function deferral(work: Promise<unknown>): Promise<number> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Deferred)) throw error ?? new Error('was let in');
  return error.until;
}
