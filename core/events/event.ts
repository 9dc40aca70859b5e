import * as z from 'zod/mini';
import { carrierOf } from '../channel/carrier.ts';
import { catalogue, type EventData, type EventType } from './catalogue.ts';
import { deriveId } from './ids.ts';
import { describeIssues, type Issue, issueText } from './issues.ts';
import { type EventMetadata, metadata } from './schemas.ts';
import { eventVersion } from './version.ts';

/** A domain event, published with `detail-type` (its type) and `detail` (metadata and data). */
export interface DomainEvent<T extends EventType = EventType> {
  readonly type: T;
  readonly metadata: EventMetadata;
  readonly data: EventData<T>;
}

/** Any event of the catalogue, as a union that narrows on `type`. */
export type AnyEvent = { [T in EventType]: DomainEvent<T> }[EventType];

/** The outcome of storing an event. `superseded`: the first delivery of a message that is already edited or deleted. */
export type StoreOutcome = 'stored' | 'duplicate' | 'superseded';

const schemas: { [T in EventType]: z.ZodMiniType<EventData<T>> } = catalogue;

export class InvalidEventError extends Error {
  override readonly name = 'InvalidEvent';
  readonly issues: readonly Issue[];
  constructor(type: string, issues: readonly Issue[]) {
    super(`${type}: ${issueText(issues)}`);
    this.issues = issues;
  }
}

/** Validates `detail` against the catalogue. Throws {@link InvalidEventError}, which lists every invalid field. */
export function parseEvent<T extends EventType>(type: T, detail: unknown): DomainEvent<T> {
  const envelope = z.object({ metadata, data: z.unknown() }).safeParse(detail);
  if (!envelope.success) throw new InvalidEventError(type, describeIssues(envelope.error));
  const expected = eventVersion(type);
  if (envelope.data.metadata.version !== expected) {
    throw new InvalidEventError(type, [{ path: 'metadata.version', message: `expected "${expected}"` }]);
  }
  const data = schemas[type].safeParse(envelope.data.data);
  if (!data.success) throw new InvalidEventError(type, describeIssues(data.error, 'data.'));
  return { type, metadata: envelope.data.metadata, data: data.data };
}

/** What caused an event of this bridge. */
export interface Cause {
  readonly organizationId: string;
  readonly correlationId: string;
  readonly causationId: string;
}

/** Creates an event whose id is derived from its type, the organization and `identity`. */
export function createEvent<T extends EventType>(
  type: T,
  data: EventData<T>,
  { organizationId, correlationId, causationId }: Cause,
  identity: readonly string[],
  now: number,
): DomainEvent<T> {
  const at = new Date(now).toISOString();
  return {
    type,
    metadata: {
      id: deriveId(type, organizationId, ...identity),
      version: eventVersion(type),
      correlationId,
      causationId,
      organizationId,
      carrier: carrierOf(organizationId),
      occurredAt: at,
      receivedAt: at,
    },
    data,
  };
}
