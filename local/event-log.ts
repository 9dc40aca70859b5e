import {
  describeStatus,
  type EventDetails,
  type EventEntry,
  type EventSource,
  type FunctionRun,
  matchesFilter,
  nonIdempotentEvents,
  type ReplayPlan,
} from '../console/event-source.ts';
import { identifyEvent } from '../core/events/identify.ts';
import { eventSource } from '../core/events/version.ts';
import { identifyWebhook, readCorrelationId, redact } from '../core/livechat/webhook.ts';
import { parseJsonExactly } from '../core/platform/json.ts';
import type { InvocationActivity, WebhookActivity } from './activity.ts';
import { type Envelope, toSeconds } from './aws/event-bridge.ts';
import { isRecord } from './aws/protocol.ts';
import type { ArchivedEvent } from './aws/replays.ts';
import type { Collection, State } from './state.ts';

/** The webhooks and events of the local engine, for the console. */
export interface EventLog extends EventSource {
  /** `secrets`: values that must not be stored. */
  recordWebhook(activity: WebhookActivity, body: Buffer | undefined, secrets: readonly string[]): void;
  /** Call this before the event is delivered: invocations look up the event in the log. */
  recordEvent(event: Pick<Envelope, 'id' | 'source' | 'detail-type' | 'detail' | 'replay-name'>, at: string): void;
  recordInvocation(activity: InvocationActivity): void;
  /**
   * The events with a stored payload in a period, oldest first, except replayed events. The times are in milliseconds since 1970.
   */
  readArchive(from: number, to: number): ArchivedEvent[];
}

interface StoredEntry extends EventEntry {
  readonly functions: readonly FunctionRun[];
  /** EventBridge's id. */
  readonly busEventId?: string;
  readonly replayName?: string | undefined;
}

const defaultMaxEntries = 5_000;
/** Larger payloads are not stored. */
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

  /** The events that a replay publishes: the event itself, or all events that the webhook published. */
  function planReplay(selected: StoredEntry, related: readonly StoredEntry[]): ReplayPlan {
    const obstacle = nonIdempotentEvents.get(selected.type);
    if (obstacle !== undefined) return { obstacle };
    const isPublished = ({ kind, source, causationId }: StoredEntry) =>
      kind === 'event' && source === eventSource && causationId === undefined;
    // A replayed event has several entries in the log.
    const events = new Map(
      (selected.kind === 'event' ? [selected] : related.filter(isPublished)).map((event) => [event.eventId, event]),
    );
    if (events.size === 0) return { obstacle: 'this webhook has no stored events' };
    const complete = [...events.values()].flatMap(({ id, source, type, eventId = '' }) => {
      const detail = payloads.get(id);
      return detail === undefined ? [] : { eventId, event: { source: source ?? '', detailType: type, detail } };
    });
    if (complete.length < events.size) return { obstacle: 'the payload is not stored' };
    return {
      async start() {
        // Imported here, because its client reads the environment when it is loaded.
        const { putEvent } = await import('../core/events/bus.ts');
        for (const { event } of complete) await putEvent(event);
        return { eventIds: complete.map(({ eventId }) => eventId) };
      },
    };
  }

  const newestFirst = () => [...entries.values()].reverse();
  const withCorrelation = (correlationId = '') =>
    [...(idsByCorrelation.get(correlationId) ?? [])].flatMap((id) => entries.get(id) ?? []);

  return {
    recordWebhook({ at, path, function: name, status, ms, action, reason }, body, secrets) {
      const payload = readBody(body, secrets);
      const isAccepted = status < 400;
      const { webhook, organizationId, conversationId } = identifyWebhook(payload);
      const correlationId = isAccepted ? readCorrelationId(payload) : undefined;
      const published = withCorrelation(correlationId);
      add(
        {
          kind: 'webhook',
          at,
          type: action ?? (webhook === 'unknown' ? '' : webhook),
          status: isAccepted ? 'accepted' : 'refused',
          organizationId,
          conversationId: conversationId ?? published.find((entry) => entry.conversationId)?.conversationId,
          response: { path, status, reason, ms },
          correlationId,
          functions: [{ function: name, at, ok: isAccepted, ms, error: reason }],
        },
        payload,
      );
    },

    recordEvent(event, at) {
      const { id: busEventId, source, 'detail-type': type, detail, 'replay-name': replayName } = event;
      add(
        {
          kind: 'event',
          at,
          type,
          status: 'published',
          ...identifyEvent(event),
          busEventId,
          replayName,
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

    readArchive(from, to) {
      const kept: ArchivedEvent[] = [];
      for (const { id, kind, at, type, source = '', busEventId, replayName } of entries.values()) {
        if (kind !== 'event' || replayName !== undefined || busEventId === undefined) continue;
        const time = toSeconds(new Date(at));
        if (Date.parse(time) < from || Date.parse(time) > to) continue;
        const detail = payloads.get(id);
        if (isRecord(detail)) kept.push({ id: busEventId, source, 'detail-type': type, time, detail });
      }
      return kept;
    },

    async list({ limit, after, ...filter }) {
      const found: EventEntry[] = [];
      for (const stored of newestFirst()) {
        const entry = toEntry(stored);
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
      const { functions } = found;
      const entry = toEntry(found);
      const related = withCorrelation(entry.correlationId).filter((other) => other.id !== entry.id);
      const payload = payloads.get(entry.id);
      return {
        entry,
        payload,
        functions,
        related: related.map(toEntry),
        replay: planReplay(found, related),
      };
    },
  };
}

const toEntry = ({ functions: _, busEventId: __, replayName: ___, ...entry }: StoredEntry): EventEntry => entry;

const eventIds = ({ eventId, busEventId }: Pick<StoredEntry, 'eventId' | 'busEventId'>) =>
  [eventId, busEventId].flatMap((id) => id ?? []);

const maxTextLength = 2_000;

/** The body without its secret. Returns only the beginning of a body that is not JSON. */
function readBody(body: Buffer | undefined, secrets: readonly string[]): unknown {
  const whole = body?.toString() ?? '';
  const parsed = parseJsonExactly(whole);
  if (parsed !== undefined) return redact(parsed, secrets);
  const start = whole.slice(0, maxTextLength).replace(/("secret_key"\s*:\s*)"[^"]*("|$)/g, '$1"[redacted]"');
  return start === '' ? undefined : redact(start, secrets);
}
