import * as z from 'zod/mini';
import en from 'zod/v4/locales/en.js';
import { catalogue, type EventData, type EventType } from './catalogue.ts';
import { deriveId } from './ids.ts';
import { type EventMetadata, metadata } from './schemas.ts';

// Without a locale zod says no more than "Invalid input".
z.config(en());

/** What does not fit, field by field; the message names fields and expectations, never values. */
export interface Issue {
  readonly path: string;
  readonly message: string;
}

export function describeIssues(error: z.core.$ZodError): Issue[] {
  return error.issues.map((issue) => ({ path: issue.path.map(String).join('.') || '(root)', message: issue.message }));
}

/** A domain event: what is put on the bus as `detail-type` and `detail`. */
export interface DomainEvent<T extends EventType = EventType> {
  readonly type: T;
  readonly metadata: EventMetadata;
  readonly data: EventData<T>;
}

/** Any event of the catalogue, as a union that narrows on `type`. */
export type AnyEvent = { [T in EventType]: DomainEvent<T> }[EventType];

/** Where an event that was too large for the bus lies in S3. */
const dataRef = z.object({ bucket: z.string(), key: z.string(), bytes: z.number() });
export type DataRef = z.infer<typeof dataRef>;

const schemas: { [T in EventType]: z.ZodMiniType<EventData<T>> } = catalogue;

const referring = z.object({ metadata, dataRef });

export class InvalidEventError extends Error {
  override readonly name = 'InvalidEvent';
  readonly issues: readonly Issue[];
  constructor(type: string, issues: readonly Issue[]) {
    super(`${type}: ${issues.map(({ path, message }) => `${path}: ${message}`).join('; ')}`);
    this.issues = issues;
  }
}

/** The reference of a claim check, when the detail holds one in place of its data. */
export function parseClaimCheck(detail: unknown): { metadata: EventMetadata; dataRef: DataRef } | undefined {
  const parsed = referring.safeParse(detail);
  return parsed.success ? parsed.data : undefined;
}

/** Checks `detail` against the catalogue. Throws {@link InvalidEventError}, which names every field that does not fit. */
export function parseEvent<T extends EventType>(type: T, detail: unknown): DomainEvent<T> {
  const envelope = z.object({ metadata, data: z.unknown() }).safeParse(detail);
  if (!envelope.success) throw new InvalidEventError(type, describeIssues(envelope.error));
  const data = schemas[type].safeParse(envelope.data.data);
  if (!data.success) throw new InvalidEventError(type, describeIssues(data.error).map(underData));
  return { type, metadata: envelope.data.metadata, data: data.data };
}

function underData(issue: Issue): Issue {
  return { ...issue, path: `data.${issue.path}` };
}

/** What an event of our own follows from. */
export interface Cause {
  readonly organizationId: string;
  readonly correlationId: string;
  readonly causationId: string;
}

/** An event of this bridge's own making, identified by what it is about. */
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
      version: '1',
      correlationId,
      causationId,
      organizationId,
      carrier: 'livechat',
      occurredAt: at,
      receivedAt: at,
    },
    data,
  };
}

/** Where in the bucket an event lies whose data is too large for the bus. */
export function largeEventKey({ organizationId, id }: EventMetadata): string {
  return `events/${organizationId}/${id}.json`;
}
