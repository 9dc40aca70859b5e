import * as z from 'zod/mini';
import { catalogue, type EventType } from '../core/events/catalogue.ts';
import { type AnyEvent, type DomainEvent, InvalidEventError, parseEvent as parseDetail } from '../core/events/event.ts';
import { describeIssues } from '../core/events/issues.ts';

export { catalogue as schemas, type EventData, type EventType } from '../core/events/catalogue.ts';
export { type AnyEvent, type DomainEvent, InvalidEventError } from '../core/events/event.ts';
export type { Issue } from '../core/events/issues.ts';
export type { EventMetadata, NormalizedMessage, Participant } from '../core/events/schemas.ts';
export { eventSource } from '../core/events/version.ts';

/** An event as EventBridge delivers it to a function, a queue or an endpoint. */
export interface BusEvent<T extends EventType = EventType> {
  readonly 'detail-type': T;
  readonly detail: Pick<DomainEvent<T>, 'metadata' | 'data'>;
}

/** An event of the given types, as a union that narrows on `type`. */
export type EventOf<T extends EventType> = { readonly [K in T]: DomainEvent<K> }[T];

export function isEventType(name: string): name is EventType {
  return Object.hasOwn(catalogue, name);
}

/** Whether a value is an event of this type, as EventBridge delivers it, and matches its schema. */
export function isEvent<T extends EventType>(type: T, event: unknown): event is BusEvent<T> {
  try {
    parseEvent(event, type);
    return true;
  } catch (error) {
    if (error instanceof InvalidEventError) return false;
    throw error;
  }
}

/** The fields of an EventBridge event that the kit reads. */
export const envelope = z.object({ 'detail-type': z.string(), detail: z.unknown() });

/**
 * Parses an event as EventBridge delivers it. Unknown fields are removed. Throws {@link InvalidEventError}, which names each
 * invalid field and what was expected, never a value. The data of a large event is in S3: `onLiveChatEvent` loads the data.
 */
export function parseEvent(event: unknown): AnyEvent;
/** Parses an event that must have the given type. */
export function parseEvent<T extends EventType>(event: unknown, type: T): DomainEvent<T>;
export function parseEvent(event: unknown, expected?: EventType): DomainEvent {
  const { data, error } = envelope.safeParse(event);
  if (error) throw new InvalidEventError(expected ?? 'event', describeIssues(error));
  const type = data['detail-type'];
  if (isEventType(type) && (expected ?? type) === type) return parseDetail(type, data.detail);
  const message = `expected ${expected ?? 'the type of an event that this version of livechat-bridge knows'}`;
  throw new InvalidEventError(expected ?? 'event', [{ path: 'detail-type', message }]);
}
