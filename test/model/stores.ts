import type { ConversationKey, SentMessage } from '../../core/channel/channel.ts';
import { initialState, type RateLimitCondition, type RateLimitState } from '../../core/channel/rate-limit.ts';
import type { RateLimitStore } from '../../core/channel/rate-limiter.ts';
import {
  type AttemptLog,
  type Claim,
  type Delivery,
  type DeliveryKey,
  type DeliveryStore,
  sentMessage,
  startAttempt,
  unattempted,
  wasSent,
} from '../../core/outbound/delivery.ts';
import type { GroupEntry, GroupLock, MessageGroupStore } from '../../core/outbound/message-group.ts';

/** The tables of the send path in memory, with the conditions of the real ones. */
export interface MemoryStores {
  readonly deliveries: DeliveryStore;
  readonly groups: MessageGroupStore;
  readonly rateLimits: RateLimitStore;
  readonly delivery: (id: string) => Delivery | undefined;
  readonly entries: (key: ConversationKey) => readonly GroupEntry[];
  readonly rateLimit: (organizationId: string) => RateLimitState;
  /** What LiveChat's webhook does. */
  readonly markDelivered: (key: DeliveryKey, delivered: SentMessage & { readonly deliveredAt: number }) => void;
}

interface Group {
  lock: GroupLock | undefined;
  entries: GroupEntry[];
}

export function memoryStores(
  callsPerSecond: number,
  onEntered: (key: ConversationKey, entry: GroupEntry) => void = () => {},
): MemoryStores {
  const deliveries = new Map<string, Delivery>();
  const groups = new Map<string, Group>();
  const limits = new Map<string, RateLimitState>();
  const group = ({ organizationId, conversationId }: ConversationKey): Group => {
    const id = `${organizationId}/${conversationId}`;
    const found = groups.get(id) ?? { lock: undefined, entries: [] };
    groups.set(id, found);
    return found;
  };
  const limit = (organizationId: string) => limits.get(organizationId) ?? initialState(callsPerSecond);
  const change = (id: string, when: (now: Delivery) => boolean, next: Partial<Delivery>): boolean => {
    const now = deliveries.get(id);
    if (!now || !when(now)) return false;
    deliveries.set(id, { ...now, ...next });
    return true;
  };
  const isMine = (leaseUntil: number) => (now: Delivery) => now.leaseUntil === leaseUntil;

  return {
    delivery: (id) => deliveries.get(id),
    entries: (key) => group(key).entries,
    rateLimit: limit,
    markDelivered: ({ id }, delivered) => {
      const isEarlier = ({ deliveredAt = Number.POSITIVE_INFINITY }: Delivery) => deliveredAt > delivered.deliveredAt;
      change(id, isEarlier, { status: 'delivered', unknown: 'no', content: undefined, ...delivered });
    },

    rateLimits: {
      read: async (organizationId) => limit(organizationId),
      async update(organizationId, { when, set = {}, add = {} }) {
        const before = limit(organizationId);
        if (!when.every((condition) => holds(before, condition))) return { applied: false, state: before };
        const values = new Map<string, unknown>(Object.entries(before));
        const added = Object.entries(add).map(([field, by]) => [field, Number(values.get(field)) + by]);
        const state = { ...before, ...set, ...Object.fromEntries(added) };
        limits.set(organizationId, state);
        return { applied: true, state };
      },
    },

    groups: {
      async put(key, entry) {
        const { entries } = group(key);
        const index = insertionIndex(entries, entry.position);
        const existing = entries[index];
        if (existing?.position === entry.position) {
          entries[index] = { ...existing, ...entry };
          return;
        }
        entries.splice(index, 0, entry);
        onEntered(key, entry);
      },
      head: async (key) => ({ lock: group(key).lock, first: group(key).entries[0] }),
      async extend(key, { position, until: seen }, until) {
        const { entries } = group(key);
        const index = entries.findIndex((entry) => entry.position === position && entry.until === seen);
        const entry = entries[index];
        if (!entry) return false;
        entries[index] = { ...entry, until };
        return true;
      },
      async remove(key, position) {
        const found = group(key);
        found.entries = found.entries.filter((entry) => entry.position !== position);
      },
      async lock(key, lock, now) {
        const found = group(key);
        if (found.lock && found.lock.execution !== lock.execution && found.lock.until >= now) return false;
        found.lock = lock;
        return true;
      },
      async unlock(key, execution) {
        const found = group(key);
        if (found.lock?.execution === execution) found.lock = undefined;
      },
    },

    deliveries: {
      read: async ({ id }) => deliveries.get(id),
      async create(delivery) {
        const existing = deliveries.get(delivery.id);
        if (existing) return existing;
        deliveries.set(delivery.id, {
          ...delivery,
          ...unattempted,
        });
        return undefined;
      },
      async claim({ id }, claim) {
        const before = deliveries.get(id);
        if (!before || !canClaim(before, claim)) return { claimed: false, current: before };
        const { leaseUntil, redrive, redrivenAt, now } = claim;
        deliveries.set(id, {
          ...before,
          status: 'sending',
          leaseUntil,
          redrive,
          ...(redrivenAt !== undefined && { redrivenAt }),
          firstAttemptAt: before.firstAttemptAt ?? now,
          attempts: [...before.attempts, startAttempt(claim)],
        });
        return { claimed: true, before };
      },
      async release({ id }, state, leaseUntil) {
        const isClaimed = (now: Delivery) => now.status === 'sending' && now.leaseUntil === leaseUntil;
        if (change(id, isClaimed, { ...state, status: 'queued', leaseUntil: 0 })) return;
        change(id, isMine(leaseUntil), attemptLog(state));
      },
      async recordSent({ id }, sent, leaseUntil) {
        if (change(id, ({ status }) => status === 'sending', { ...sent, status: 'sent', unknown: 'no' })) return;
        change(id, isMine(leaseUntil), { ...attemptLog(sent), sentAt: sent.sentAt });
      },
      async fail({ id }, { redrive, error, at, deadLetterId }) {
        const isOpen = (now: Delivery) => !wasSent(now) && now.redrive <= redrive;
        change(id, isOpen, { status: 'failed', redrive, lastError: error, failedAt: at, deadLetterId });
        const now = deliveries.get(id);
        return { sent: now && sentMessage(now), failedCalls: now?.failedCalls ?? 0 };
      },
    },
  };
}

const attemptLog = ({ attempts, omittedAttempts }: AttemptLog): AttemptLog => ({
  attempts,
  ...(omittedAttempts && { omittedAttempts }),
});

/** The index of the first entry that is not before the position. */
function insertionIndex(entries: readonly GroupEntry[], position: string): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle]?.position ?? '') < position) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Whether a stored state meets a condition. */
export function holds(state: RateLimitState, { field, is, value }: RateLimitCondition): boolean {
  const now = state[field];
  if (is === '=') return now === value;
  return is === '>' ? now > value : now <= value;
}

/** Whether a delivery can be claimed: the condition of the table's `claim`. */
export function canClaim(current: Delivery, { redrive, now }: Pick<Claim, 'redrive' | 'now'>): boolean {
  if (current.status === 'queued') return current.redrive <= redrive;
  if (current.status === 'sending') return current.leaseUntil < now;
  return current.status === 'failed' && current.redrive < redrive;
}
