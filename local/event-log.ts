import * as z from 'zod/mini';
import {
  type EventDetails,
  type EventEntry,
  type EventSource,
  type FunctionRun,
  matchesFilter,
} from '../console/event-source.ts';
import { identifyWebhook, redact, TooDeepError } from '../core/livechat/webhook.ts';
import { parseJsonExactly } from '../core/platform/json.ts';
import type { InvocationActivity, WebhookActivity } from './activity.ts';
import type { Envelope } from './aws/event-bridge.ts';
import type { Collection, State } from './state.ts';

/** The webhooks and events of the local engine, for the console. */
export interface EventLog extends EventSource {
  /** `secrets`: what must not be kept. */
  recordWebhook(activity: WebhookActivity, body: Buffer | undefined, secrets: readonly string[]): void;
  /** Call it before the event is delivered, so that its invocations find it. */
  recordEvent(event: Pick<Envelope, 'id' | 'source' | 'detail-type' | 'detail'>, at: string): void;
  recordInvocation(activity: InvocationActivity): void;
}

interface StoredEntry extends EventEntry {
  readonly functions: readonly FunctionRun[];
  /** EventBridge's id. */
  readonly busEventId?: string;
}

const defaultMaxEntries = 5_000;
/** A larger payload is not kept. */
const maxPayloadBytes = 64_000;
const keyDigits = 15;

/** Keeps the latest webhooks and events. Older ones are deleted. */
export function createEventLog(state: State, maxEntries = defaultMaxEntries): EventLog {
  const stored: Collection<StoredEntry> = state.collection('event log');
  const payloads: Collection<unknown> = state.collection('event log payloads');
  /** Oldest first, by id. */
  const entries = new Map(stored.range({}));
  const idsByEvent = new Map([...entries.values()].flatMap((entry) => eventIds(entry).map((id) => [id, entry.id])));
  const idsByCorrelation = new Map<string, Set<string>>();
  for (const entry of entries.values()) addToChain(entry);
  let last = Number([...entries.keys()].at(-1) ?? 0);

  function addToChain({ id, correlationId }: StoredEntry): void {
    if (correlationId === undefined) return;
    const chain = idsByCorrelation.get(correlationId) ?? new Set();
    idsByCorrelation.set(correlationId, chain.add(id));
  }

  function removeFromChain({ id, correlationId = '' }: StoredEntry): void {
    const chain = idsByCorrelation.get(correlationId);
    if (chain?.delete(id) && chain.size === 0) idsByCorrelation.delete(correlationId);
  }

  function put(entry: StoredEntry): void {
    entries.set(entry.id, entry);
    stored.put(entry.id, entry);
  }

  function add(entry: Omit<StoredEntry, 'id'>, payload: unknown): void {
    last += 1;
    const id = String(last).padStart(keyDigits, '0');
    const added = { id, ...entry };
    const isKept = payload !== undefined && JSON.stringify(payload).length <= maxPayloadBytes;
    state.transaction(() => {
      put(added);
      if (isKept) payloads.put(id, payload);
      const [oldest] = entries.values();
      if (entries.size > maxEntries && oldest) remove(oldest);
    });
    for (const eventId of eventIds(added)) idsByEvent.set(eventId, id);
    addToChain(added);
  }

  function remove(entry: StoredEntry): void {
    entries.delete(entry.id);
    removeFromChain(entry);
    stored.delete(entry.id);
    payloads.delete(entry.id);
    for (const eventId of eventIds(entry)) if (idsByEvent.get(eventId) === entry.id) idsByEvent.delete(eventId);
  }

  const newestFirst = () => [...entries.values()].reverse();
  const withCorrelation = (correlationId = '') =>
    [...(idsByCorrelation.get(correlationId) ?? [])].flatMap((id) => entries.get(id) ?? []);

  return {
    recordWebhook({ at, path, function: name, status, ms, action, reason }, body, secrets) {
      const { payload, ids } = readBody(body, secrets);
      const published = withCorrelation(ids.correlationId);
      add(
        {
          kind: 'webhook',
          at,
          type: ids.action ?? action ?? '',
          status: status < 400 ? 'accepted' : 'refused',
          organizationId: ids.organizationId,
          conversationId: published.find((entry) => entry.conversationId)?.conversationId,
          response: { path, status, reason, ms },
          correlationId: ids.correlationId,
          functions: [{ function: name, at, ok: status < 400, ms, error: reason }],
        },
        payload,
      );
    },

    recordEvent({ id: busEventId, source, 'detail-type': type, detail }, at) {
      const { metadata, data } = eventDetail.safeParse(detail).data ?? {};
      const { organizationId = data?.organizationId, correlationId, causationId } = metadata ?? {};
      add(
        {
          kind: 'event',
          at,
          type,
          status: 'published',
          organizationId,
          conversationId: data?.conversationId ?? data?.message?.conversationId ?? data?.ids?.conversationId,
          eventId: metadata?.id ?? busEventId,
          busEventId,
          // A send request without one starts a chain of its own.
          correlationId: correlationId ?? busEventId,
          causationId,
          source,
          functions: [],
        },
        detail,
      );
    },

    recordInvocation({ function: name, at, ok, ms, error, eventId }) {
      const entry = entries.get(idsByEvent.get(eventId ?? '') ?? '');
      if (!entry) return;
      const functions = [...entry.functions, { function: name, at, ok, ms, error }];
      put({ ...entry, functions, status: describeStatus(functions) });
    },

    async list({ limit, after, ...filter }) {
      const found: EventEntry[] = [];
      for (const { functions: _, busEventId: __, ...entry } of newestFirst()) {
        if (after !== undefined && entry.id >= after) continue;
        if (!matchesFilter(entry, filter)) continue;
        if (found.length === limit) return { entries: found, next: found.at(-1)?.id, limits: [] };
        found.push(entry);
      }
      const isFull = entries.size >= maxEntries;
      return {
        entries: found,
        limits: isFull ? [`The engine keeps the latest ${maxEntries} webhooks and events.`] : [],
      };
    },

    async find(id): Promise<EventDetails | undefined> {
      const found = entries.get(id) ?? entries.get(idsByEvent.get(id) ?? '');
      if (!found) return undefined;
      const { functions, busEventId: _, ...entry } = found;
      const related = withCorrelation(entry.correlationId).filter((other) => other.id !== entry.id);
      const payload = payloads.get(entry.id);
      return {
        entry,
        payload,
        functions,
        related: related.map(({ functions: __, busEventId: ___, ...other }) => other),
        isComplete: payload !== undefined,
      };
    },
  };
}

const eventIds = ({ eventId, busEventId }: Pick<StoredEntry, 'eventId' | 'busEventId'>) =>
  [eventId, busEventId].flatMap((id) => id ?? []);

/** An event is handled once the last invocation of each function succeeded; those of the state machine may wait in between. */
function describeStatus(functions: readonly FunctionRun[]): 'handled' | 'failed' {
  const latest = new Map(functions.map(({ function: name, ok, error }) => [name, ok || waits.has(error ?? '')]));
  return [...latest.values()].every(Boolean) ? 'handled' : 'failed';
}

/** The state machine waits after these; the function has not failed. */
const waits: ReadonlySet<string> = new Set(['Deferred', 'NotFirst']);

const text = z.optional(z.string());
const eventDetail = z.object({
  metadata: z.optional(z.object({ id: text, organizationId: text, correlationId: text, causationId: text })),
  data: z.optional(
    z.object({
      organizationId: text,
      conversationId: text,
      message: z.optional(z.object({ conversationId: text })),
      ids: z.optional(z.object({ conversationId: text })),
    }),
  ),
});

const maxTextLength = 2_000;

/** The body without its secret. Of one that is not JSON, only the beginning. */
function readBody(body: Buffer | undefined, secrets: readonly string[]) {
  const whole = body?.toString() ?? '';
  const parsed = parseJsonExactly(whole);
  try {
    if (parsed !== undefined) {
      const payload = redact(parsed, secrets);
      return { payload, ids: identifyWebhook(payload) };
    }
    const start = whole.slice(0, maxTextLength).replace(/("secret_key"\s*:\s*)"[^"]*("|$)/g, '$1"[redacted]"');
    return { payload: start === '' ? undefined : redact(start, secrets), ids: {} };
  } catch (error) {
    if (error instanceof TooDeepError) return { payload: undefined, ids: {} };
    throw error;
  }
}
