export const eventStatuses = ['accepted', 'refused', 'published', 'handled', 'failed'] as const;
export type EventStatus = (typeof eventStatuses)[number];

/** One invocation of a function with an event. */
export interface FunctionRun {
  readonly function: string;
  /** When it ended, ISO 8601. */
  readonly at: string;
  readonly ok: boolean;
  readonly ms?: number | undefined;
  /** The error's name. */
  readonly error?: string | undefined;
}

/** A webhook, or a domain event on the bus. */
export interface EventEntry {
  readonly id: string;
  readonly kind: 'webhook' | 'event';
  /** ISO 8601. */
  readonly at: string;
  /** LiveChat's action, or the event's detail-type; empty if a webhook has none that can be read. */
  readonly type: string;
  /**
   * Of a webhook, `accepted` or `refused`. An event is `handled` or, after the last invocation of a function failed, `failed`;
   * `published` if no function is known to have handled it.
   */
  readonly status: EventStatus;
  readonly organizationId?: string | undefined;
  readonly conversationId?: string | undefined;
  /** The path of a webhook, and the HTTP status, the error and the duration of the response. */
  readonly response?: {
    /** Undefined on a stage. */
    readonly path?: string | undefined;
    readonly status: number;
    readonly reason?: string | undefined;
    readonly ms?: number | undefined;
  };
  /** `metadata.id`, or EventBridge's id of an event without one. */
  readonly eventId?: string | undefined;
  readonly correlationId?: string | undefined;
  /** The id of the event that caused it; undefined if a webhook did. */
  readonly causationId?: string | undefined;
  readonly source?: string | undefined;
}

export interface EventDetails {
  readonly entry: EventEntry;
  /** The body of a webhook without its secret, or the `detail` of an event. Undefined if it is not kept. */
  readonly payload?: unknown;
  readonly functions: readonly FunctionRun[];
  /** Other webhooks and events with the same correlation id, oldest first. */
  readonly related: readonly EventEntry[];
  /** Whether the whole event is kept, so that it can be published again. */
  readonly isComplete: boolean;
}

export interface EventFilter {
  /** `webhook`, `event`, an action or a detail-type. */
  readonly type?: string | undefined;
  readonly status?: EventStatus | undefined;
  readonly organizationId?: string | undefined;
  readonly conversationId?: string | undefined;
  /** ISO 8601. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

export interface EventList {
  /** Newest first. */
  readonly entries: readonly EventEntry[];
  readonly next?: string | undefined;
  /** What the list does not contain, as sentences for the reader. */
  readonly limits: readonly string[];
}

/** The events cannot be read. The message says what to do. */
export class EventsUnavailable extends Error {
  override readonly name = 'EventsUnavailable';
}

/** Where webhooks and events are read from: the local engine's log, or a stage's tables and logs. */
export interface EventSource {
  /** Whether whole events are kept, so that they can be published again. */
  readonly keepsEvents: boolean;
  list(query: EventFilter & { readonly limit: number; readonly after?: string | undefined }): Promise<EventList>;
  find(id: string): Promise<EventDetails | undefined>;
}

export function matchesFilter(entry: EventEntry, filter: EventFilter): boolean {
  const { type, status, organizationId, conversationId, since = '', until = '~' } = filter;
  return (
    (type === undefined || type === entry.kind || type === entry.type) &&
    (status === undefined || status === entry.status) &&
    (organizationId === undefined || organizationId === entry.organizationId) &&
    (conversationId === undefined || conversationId === entry.conversationId) &&
    entry.at >= since &&
    entry.at <= until
  );
}

/** An event is handled once the last invocation of each function succeeded; those of the state machine may wait in between. */
export function describeStatus(functions: readonly FunctionRun[]): 'handled' | 'failed' {
  const latest = new Map(functions.map(({ function: name, ok, error }) => [name, ok || waits.has(error ?? '')]));
  return [...latest.values()].every(Boolean) ? 'handled' : 'failed';
}

/** The state machine waits after these; the function has not failed. */
const waits: ReadonlySet<string> = new Set(['Deferred', 'NotFirst']);
