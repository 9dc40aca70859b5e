import { type Delivery, type DeliveryStore, mayClaim } from '../../core/outbound/delivery.ts';
import { freshGate, type Gate, type GateCondition } from '../../core/outbound/gate/gate.ts';
import type { GateStore } from '../../core/outbound/gate/store.ts';
import type { QueueStore } from '../../core/outbound/queue.ts';
import { tryOf } from '../../core/outbound/tries.ts';

type Shown = Pick<Delivery, 'threadId' | 'messageId'> & { readonly deliveredAt: number };

/** The three items in memory, each method as atomic as one conditional write. */
export interface MemoryStores {
  readonly gate: GateStore;
  readonly queue: QueueStore;
  readonly deliveries: DeliveryStore;
  readonly delivery: (id: string) => Delivery | undefined;
  /** The carrier has shown the message. */
  readonly markDelivered: (key: Pick<Delivery, 'id'>, at: Shown) => Promise<void>;
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
  const tellLate = (id: string, told: Partial<Delivery>, leaseUntil: number) =>
    change(id, (now) => now.leaseUntil === leaseUntil, told);
  return {
    joined,
    delivery: (id) => deliveries.get(id),
    async markDelivered({ id }, at) {
      const earlier = ({ deliveredAt }: Delivery) => deliveredAt === undefined || deliveredAt > at.deliveredAt;
      change(id, earlier, { ...at, status: 'delivered', unknown: 'no' });
    },
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
        const { fingerprint, leaseUntil, redrive, now, requestedAt, redrivenAt, run } = claim;
        const fresh = {
          unknown: 'no',
          settledAt: 0,
          firstAttemptAt: now,
          attempts: 0,
          lastError: '',
          threadId: '',
          messageId: '',
          requestedAt,
        } as const;
        deliveries.set(key.id, {
          ...fresh,
          ...before,
          ...key,
          fingerprint,
          leaseUntil,
          redrive,
          run,
          ...(redrivenAt !== undefined && { redrivenAt }),
          tries: [...(before?.tries ?? []), tryOf(claim)],
          status: 'sending',
        });
        return { claimed: true, before };
      },
      async release({ id }, release, leaseUntil) {
        const mine = (now: Delivery) => now.status === 'sending' && now.leaseUntil === leaseUntil;
        if (change(id, mine, { ...release, status: 'unsent', leaseUntil: 0 })) return;
        const { tries, untold } = release;
        tellLate(id, { tries, ...(untold !== undefined && { untold }) }, leaseUntil);
      },
      async sent({ id }, sending, leaseUntil) {
        const recorded = { ...sending, status: 'sent', unknown: 'no', run: undefined } as const;
        if (change(id, ({ status }) => status === 'sending', recorded)) return;
        const { sentAt, tries, untold } = sending;
        tellLate(id, { sentAt, tries, ...(untold !== undefined && { untold }) }, leaseUntil);
      },
      async giveUp({ id }, { fingerprint, redrive, error, at, deadLetterId }) {
        const open = ({ status, ...now }: Delivery) =>
          !arrived.includes(status) && now.fingerprint === fingerprint && now.redrive <= redrive;
        change(id, open, { status: 'failed', lastError: error, failedAt: at, deadLetterId });
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
