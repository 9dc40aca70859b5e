import { signal } from '@preact/signals';
import * as z from 'zod/mini';
import type { Flow } from '../../flow.ts';

/** A domain event on the bus, or a webhook, whose type is `webhook`. */
export interface StreamedEvent {
  readonly key: number;
  readonly at: string;
  readonly type: string;
  readonly conversationId?: string | undefined;
  /** Whether reconciliation published it. */
  readonly recovered: boolean;
}

/** Other services publish events too, whose details can be anything. */
const event = z.object({
  at: z.string(),
  detailType: z.string(),
  detail: z.catch(
    z.object({
      metadata: z.catch(z.object({ recovered: z.optional(z.boolean()) }), {}),
      data: z.catch(z.object({ conversationId: z.optional(z.string()) }), {}),
    }),
    { metadata: {}, data: {} },
  ),
});

const webhook = z.object({ at: z.string() });

const maxEvents = 60;

export const connected = signal<'connecting' | 'live' | 'lost'>('connecting');
/** When the connection was lost, ISO 8601. */
export const lostAt = signal('');
export const events = signal<readonly StreamedEvent[]>([]);
export const flow = signal<Flow | undefined>(undefined);

/** A function was invoked, or the stream connected, after which anything may have changed. */
type Signal = 'invocation' | 'connected';

const listeners = new Set<(item: StreamedEvent | Signal) => void>();
let keys = 0;

const reconnectMs = 3_000;

/** Opens the stream. The browser reconnects after an interruption, but not after an error response, such as 401. */
export function openStream(): void {
  const source = new EventSource('/api/stream');
  source.onopen = () => {
    connected.value = 'live';
    for (const listener of listeners) listener('connected');
  };
  source.onerror = () => {
    if (connected.value !== 'lost') lostAt.value = new Date().toISOString();
    connected.value = 'lost';
    if (source.readyState === EventSource.CLOSED) setTimeout(openStream, reconnectMs);
  };
  source.addEventListener('flow', ({ data }) => {
    flow.value = JSON.parse(data);
  });
  source.addEventListener('invocation', () => {
    for (const listener of listeners) listener('invocation');
  });
  source.addEventListener('webhook', ({ data }) => {
    keys += 1;
    const item = { key: keys, at: webhook.parse(JSON.parse(data)).at, type: 'webhook', recovered: false };
    for (const listener of listeners) listener(item);
  });
  source.addEventListener('event', ({ data }) => {
    const { at, detailType, detail } = event.parse(JSON.parse(data));
    keys += 1;
    const { conversationId } = detail.data;
    const { recovered = false } = detail.metadata;
    const item = { key: keys, at, type: detailType, conversationId, recovered };
    events.value = [item, ...events.value].slice(0, maxEvents);
    for (const listener of listeners) listener(item);
  });
}

const defaultDelayMs = 400;
/** Functions store an event's effects after it is published: invocations within this time may have changed data. */
const maxProcessingMs = 15_000;

/**
 * Calls `onChange` after an event that `isRelevant` accepts, at most once in `minIntervalMs`, until the returned function is
 * called.
 */
export function watchChanges(
  isRelevant: (item: StreamedEvent) => boolean,
  onChange: () => void,
  minIntervalMs = defaultDelayMs,
): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  // An event may have been published just before.
  let until = Date.now() + maxProcessingMs;
  const listener = (item: StreamedEvent | Signal) => {
    if (item === 'connected' || (item !== 'invocation' && isRelevant(item))) until = Date.now() + maxProcessingMs;
    else if (item !== 'invocation' || Date.now() > until) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      onChange();
    }, minIntervalMs);
  };
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    clearTimeout(timer);
  };
}
