import type { ChatEvent } from '../shapes.ts';

/** An event that was accepted from an application. */
export interface Arrival {
  readonly method: string;
  readonly chat_id: string;
  readonly thread_id: string;
  readonly event_id: string;
  readonly custom_id: string | null;
  readonly at: string;
}

interface Count {
  readonly count: number;
  readonly accepted: number;
  readonly rate_limited: number;
}

export interface CallLog {
  readonly called: (method: string) => void;
  readonly accepted: (method: string) => void;
  readonly rateLimited: (method: string) => void;
  readonly arrived: (method: string, chatId: string, threadId: string, event: ChatEvent) => void;
  readonly view: () => { readonly methods: Readonly<Record<string, Count>>; readonly arrivals: readonly Arrival[] };
  readonly reset: () => void;
}

const none: Count = { count: 0, accepted: 0, rate_limited: 0 };

/** What was asked of the APIs; from its arrivals one sees order, loss and what came twice. */
export const createCallLog = (): CallLog => {
  const counts = new Map<string, Count>();
  const arrivals: Arrival[] = [];

  const countUp = (field: keyof Count) => (method: string) => {
    const before = counts.get(method) ?? none;
    counts.set(method, { ...before, [field]: before[field] + 1 });
  };

  return {
    called: countUp('count'),
    accepted: countUp('accepted'),
    rateLimited: countUp('rate_limited'),
    arrived: (method, chat_id, thread_id, { id: event_id, custom_id = null, created_at: at }) => {
      arrivals.push({ method, chat_id, thread_id, event_id, custom_id, at });
    },
    view: () => ({ methods: Object.fromEntries(counts), arrivals }),
    reset: () => {
      counts.clear();
      arrivals.length = 0;
    },
  };
};
