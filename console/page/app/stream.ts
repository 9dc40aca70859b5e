import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import * as z from 'zod/mini';
import type { Flow } from '../../flow.ts';

/** A domain event that has passed on the bus; what it holds beyond this the page does not need. */
export interface PassedEvent {
  readonly key: number;
  readonly at: string;
  readonly type: string;
  readonly conversationId?: string | undefined;
}

const event = z.object({
  at: z.string(),
  detailType: z.string(),
  detail: z.optional(
    z.nullable(z.object({ data: z.optional(z.looseObject({ conversationId: z.optional(z.string()) })) })),
  ),
});

const keptEvents = 60;

export const connected = signal<'connecting' | 'live' | 'lost'>('connecting');
export const events = signal<readonly PassedEvent[]>([]);
export const flow = signal<Flow | undefined>(undefined);

/** A function ran, or the stream begins, after which anything may be different. */
type Hint = 'run' | 'begin';

const listeners = new Set<(passed: PassedEvent | Hint) => void>();
let keys = 0;

/** Opens the stream, once; the browser connects again by itself when it breaks. */
export function openStream(): void {
  const source = new EventSource('/api/stream');
  source.onopen = () => {
    connected.value = 'live';
    for (const listener of listeners) listener('begin');
  };
  source.onerror = () => {
    connected.value = 'lost';
  };
  source.addEventListener('flow', ({ data }) => {
    flow.value = JSON.parse(data);
  });
  source.addEventListener('run', () => {
    for (const listener of listeners) listener('run');
  });
  source.addEventListener('event', ({ data }) => {
    const { at, detailType, detail } = event.parse(JSON.parse(data));
    keys += 1;
    const passed = { key: keys, at, type: detailType, conversationId: detail?.data?.conversationId };
    events.value = [passed, ...events.value].slice(0, keptEvents);
    for (const listener of listeners) listener(passed);
  });
}

const settleMs = 400;
/** An event is on the bus before a function has stored what it says; whatever runs in this time may have. */
const effectMs = 15_000;

/** Calls `then` soon after something has happened that `matters`; a burst calls it once in `everyMs`, not each time. */
export function useChanges(matters: (passed: PassedEvent) => boolean, then: () => void, everyMs = settleMs): void {
  const latest = useRef({ matters, then });
  latest.current = { matters, then };
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let until = 0;
    const listener = (passed: PassedEvent | Hint) => {
      if (passed === 'begin' || (passed !== 'run' && latest.current.matters(passed))) until = Date.now() + effectMs;
      else if (passed !== 'run' || Date.now() > until) return;
      timer ??= setTimeout(() => {
        timer = undefined;
        latest.current.then();
      }, everyMs);
    };
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      clearTimeout(timer);
    };
  }, [everyMs]);
}
