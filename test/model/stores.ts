import { type Delivery, type DeliveryStore, mayClaim } from '../../core/outbound/delivery.ts';
import { freshGate, type Gate, type GateCondition } from '../../core/outbound/gate/gate.ts';
import type { GateStore } from '../../core/outbound/gate/store.ts';
import type { QueueStore } from '../../core/outbound/queue.ts';

/** The three items in memory, each method as atomic as one conditional write. */
export interface MemoryStores {
  readonly gate: GateStore;
  readonly queue: QueueStore;
  readonly deliveries: DeliveryStore;
  readonly delivery: (id: string) => Delivery | undefined;
  /** The order in which runs joined, by conversation: what order is measured by. */
  readonly joined: ReadonlyMap<string, readonly string[]>;
}

export function memoryStores(callsPerSecond: number): MemoryStores {
  let gate = freshGate(callsPerSecond);
  const queues = new Map<string, readonly string[]>();
  const joined = new Map<string, string[]>();
  const deliveries = new Map<string, Delivery>();
  const change = (id: string, when: (now: Delivery) => boolean, next: Partial<Delivery>): boolean => {
    const now = deliveries.get(id);
    if (!now || !when(now)) return false;
    deliveries.set(id, { ...now, ...next });
    return true;
  };
  return {
    joined,
    delivery: (id) => deliveries.get(id),
    gate: {
      read: async () => gate,
      update: async (_organizationId, { when, set = {}, add = {} }) => {
        if (!when.every((condition) => holds(gate, condition))) return undefined;
        const added = Object.fromEntries(
          Object.entries(add).map(([field, by]) => [field, numberOf(new Map(Object.entries(gate)).get(field)) + by]),
        );
        gate = { ...gate, ...set, ...added };
        return gate;
      },
    },
    queue: {
      async enter({ conversationId }, run) {
        const waiting = queues.get(conversationId) ?? [];
        if (waiting.includes(run)) return waiting;
        queues.set(conversationId, [...waiting, run]);
        joined.set(conversationId, [...(joined.get(conversationId) ?? []), run]);
        return [...waiting, run];
      },
      read: async ({ conversationId }) => queues.get(conversationId) ?? [],
      async leave({ conversationId }, run) {
        queues.set(
          conversationId,
          (queues.get(conversationId) ?? []).filter((one) => one !== run),
        );
      },
    },
    deliveries: {
      async claim(key, claim) {
        const before = deliveries.get(key.id);
        if (before && !mayClaim(before, claim)) return { claimed: false, current: before };
        const { fingerprint, leaseUntil, redrive, now } = claim;
        const fresh = {
          unknown: 'no',
          settledAt: 0,
          firstAttemptAt: now,
          attempts: 0,
          lastError: '',
          threadId: '',
          messageId: '',
        } as const;
        deliveries.set(key.id, { ...fresh, ...before, ...key, fingerprint, leaseUntil, redrive, status: 'sending' });
        return { claimed: true, before };
      },
      async release({ id }, release, leaseUntil) {
        change(id, (now) => now.status === 'sending' && now.leaseUntil === leaseUntil, {
          ...release,
          status: 'unsent',
          leaseUntil: 0,
        });
      },
      async sent({ id }, at) {
        change(id, ({ status }) => status === 'sending', { ...at, status: 'sent', unknown: 'no' });
      },
      async giveUp({ id }, { fingerprint, redrive, error }) {
        const open = ({ status, ...now }: Delivery) =>
          !arrived.includes(status) && now.fingerprint === fingerprint && now.redrive <= redrive;
        change(id, open, { status: 'failed', lastError: error });
        const now = deliveries.get(id);
        return now?.fingerprint === fingerprint && arrived.includes(now.status) ? 'arrived' : 'given up';
      },
    },
  };
}

const arrived: readonly string[] = ['sent', 'delivered'];

function holds(gate: Gate, { field, is, value }: GateCondition): boolean {
  const now = gate[field];
  if (is === '=') return now === value;
  return is === '>' ? now > value : now <= value;
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
