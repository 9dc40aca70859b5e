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
  /** The action of a webhook, or the detail-type of an event. Empty if the webhook has no readable action. */
  readonly type: string;
  /**
   * A webhook is `accepted` or `refused`. An event is `failed` if the last invocation of a function failed, otherwise
   * `handled`. It is `published` if no invocation is known.
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
  /** `metadata.id`, or EventBridge's id if the event has no `metadata.id`. */
  readonly eventId?: string | undefined;
  readonly correlationId?: string | undefined;
  /** The id of the event that caused it. Undefined if a webhook caused it. */
  readonly causationId?: string | undefined;
  readonly source?: string | undefined;
}

/** A webhook or an event, with the invocations of its functions. */
export interface RecordedEntry {
  readonly entry: EventEntry;
  readonly functions: readonly FunctionRun[];
}

export interface EventDetails extends RecordedEntry {
  /** The body of a webhook without its secret, or the `detail` of an event. Undefined if the payload is not stored. */
  readonly payload?: unknown;
  /** Other webhooks and events with the same correlation id, oldest first. */
  readonly related: readonly EventEntry[];
  readonly replay: ReplayPlan;
}

/** How a webhook or an event is replayed, or why it cannot be replayed. */
export type ReplayPlan =
  | { readonly obstacle: string }
  | {
      readonly obstacle?: undefined;
      /** What the archive of a stage replays. Undefined if the source replays exactly the selected events. */
      readonly period?: ReplayPeriod;
      start(): Promise<StartedReplay>;
    };

/** A time range of the archive. A replay includes the events of all chats in it. */
export interface ReplayPeriod {
  /** ISO 8601, in whole seconds. */
  readonly from: string;
  readonly to: string;
  /** True if no log line records the publication. The period is then an estimate, and longer. */
  readonly isEstimated: boolean;
  /** The functions that receive the events. */
  readonly functions: readonly string[];
}

export interface StartedReplay {
  /** The ids of the selected events. */
  readonly eventIds: readonly string[];
  /** The name of the replay from the archive of a stage. */
  readonly name?: string;
}

/** The state of a replay from the archive. */
export interface ReplayStatus {
  readonly name: string;
  /** Such as `STARTING`, `RUNNING`, `COMPLETED` or `FAILED`. */
  readonly state: string;
  readonly reason?: string | undefined;
}

/** The types of events whose effects are not idempotent, with the reason not to replay them. */
export const nonIdempotentEvents: ReadonlyMap<string, string> = new Map([
  ['alert.raised', 'a replay would notify the operators again'],
  ['reconciliation.requested', 'a replay would start another run'],
]);

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
  /** Sentences for the operator about what the list does not contain. */
  readonly limits: readonly string[];
}

/** The events cannot be read or replayed. The message tells the operator what to do. */
export class EventsUnavailable extends Error {
  override readonly name = 'EventsUnavailable';
}

/** Where webhooks and events are read and replayed from: the local engine's log, or a stage's tables, logs and archive. */
export interface EventSource {
  list(query: EventFilter & { readonly limit: number; readonly after?: string | undefined }): Promise<EventList>;
  find(id: string): Promise<EventDetails | undefined>;
  /** The state of a replay with a name. */
  findReplay?(name: string): Promise<ReplayStatus | undefined>;
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

/**
 * An event is handled if the last invocation of each function succeeded. A step that makes the state machine wait has not
 * failed.
 */
export function describeStatus(functions: readonly FunctionRun[]): 'handled' | 'failed' {
  const latest = new Map(functions.map(({ function: name, ok, error }) => [name, ok || waitErrors.has(error ?? '')]));
  return [...latest.values()].every(Boolean) ? 'handled' : 'failed';
}

/** Errors after which the state machine waits. */
const waitErrors: ReadonlySet<string> = new Set(['Deferred', 'NotFirst']);
