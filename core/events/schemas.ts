import * as z from 'zod/mini';
import { carrierOf, defaultCarrier } from '../channel/carrier.ts';

/** The subset of RFC 3339 that LiveChat and this bridge write. */
export const rfc3339 = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})$/;

/**
 * The same instant in UTC with exactly six decimals, so that times sort as strings. Truncates to microseconds. The input must
 * match {@link rfc3339}.
 */
export function toUtcMicroseconds(time: string): string {
  const [, seconds, fraction = '', offset] = rfc3339.exec(time) ?? [];
  const utc = offset === 'Z' ? seconds : new Date(`${seconds}${offset}`).toISOString().slice(0, 19);
  return `${utc}.${fraction.slice(0, 6).padEnd(6, '0')}Z`;
}

/** Whether a string is a valid RFC 3339 time. `Date` alone would accept 30 February as 2 March. */
export function isRfc3339(text: string): boolean {
  const [, seconds] = rfc3339.exec(text) ?? [];
  if (seconds === undefined) return false;
  const date = new Date(`${seconds}Z`);
  const exists = !Number.isNaN(date.getTime()) && date.toISOString().slice(0, 19) === seconds;
  const instant = Date.parse(text);
  return exists && instant >= earliest && instant <= latest;
}

// The year in UTC must have four digits too.
const earliest = Date.parse('0000-01-01T00:00:00Z');
const latest = Date.parse('9999-12-31T23:59:59.999Z');

/** A malformed value counts as missing, so that it does not hide the other fields of an object. */
export const ifValid = <T extends z.ZodMiniType>(schema: T) => z.catch(z.optional(schema), undefined);

/**
 * Of ids that become parts of keys, in characters. DynamoDB limits a partition key to 2,048 bytes and a sort key to 1,024 bytes.
 */
export const maxIdLength = 256;
export const id = z.string().check(z.minLength(1));
export const time = z.string().check(z.refine(isRfc3339, 'expected an RFC 3339 time'));

export const userType = z.enum(['customer', 'agent', 'bot', 'system', 'unknown']);
export type UserType = z.infer<typeof userType>;

/** The name of a kind of messaging provider, such as `livechat`. */
export const carrier = z.string().check(z.regex(/^[a-z][a-z0-9]*$/, 'expected lower-case letters and digits'));

/** An organization id contains its carrier, so that ids of different carriers never collide (core/channel/carrier.ts). */
export const isOfCarrier = z.refine<{ readonly organizationId: string; readonly carrier?: string | undefined }>(
  ({ organizationId, carrier: named = defaultCarrier }) => carrierOf(organizationId) === named,
  {
    path: ['organizationId'],
    error: 'expected an id of the carrier: "<carrier>:<id>", or for livechat an id without ":"',
  },
);

export const author = z.object({ id: z.string(), type: userType });

/** A user of a chat. `present` is omitted if the carrier does not report it. */
export const participant = z.object({
  id,
  type: userType,
  name: z.optional(z.string()),
  email: z.optional(z.string()),
  present: z.optional(z.boolean()),
  /** Whether the user is invisible to the customer, such as a supervisor. */
  hidden: z.optional(z.boolean()),
  /** Set if the id suggests another type: messages stored earlier may have the wrong author type. */
  misleadingId: z.optional(z.literal(true)),
  /** Session fields of a customer, by name. */
  fields: z.optional(z.record(z.string(), z.string())),
  /** The country of a customer's visit, ISO 3166 alpha-2. */
  country: z.optional(z.string()),
});
export type Participant = z.infer<typeof participant>;

export const queue = z.object({
  position: z.optional(z.number()),
  /** Expected wait in seconds. */
  waitTime: z.optional(z.number()),
  queuedAt: z.optional(z.string()),
});

/** One answer of a form. A multiple-choice answer has several values. */
export const formAnswer = z.object({ id: z.string(), label: z.string(), values: z.array(z.string()) });
export type FormAnswer = z.infer<typeof formAnswer>;

export const target = z.object({ agents: z.array(z.string()), groups: z.array(z.number()) });

/** In ascending order. */
export const priorities = ['low', 'normal', 'high', 'urgent'] as const;
export const priority = z.enum(priorities);
export type Priority = z.infer<typeof priority>;

export const messageType = z.enum(['text', 'media', 'interactive', 'form', 'system', 'custom', 'unknown']);
export const visibility = z.enum(['all', 'agents']);

/** A message in a format common to all carriers. `rawPayload` is the carrier's original event without secrets. */
export const normalizedMessage = z
  .object({
    id,
    organizationId: id,
    conversationId: id,
    threadId: id,
    carrier,
    direction: z.enum(['inbound', 'outbound']),
    type: messageType,
    /** Text, a URL or a JSON string. For `custom`, the carrier's object. */
    content: z.unknown(),
    timestamp: time,
    author,
    visibility,
    metadata: z.record(z.string(), z.unknown()),
    rawPayload: z.unknown(),
    /**
     * `content` and `rawPayload` as JSON strings. Set if `rawPayload` contains numbers that JavaScript does not represent
     * exactly: parsing the event rounds the numbers, but not these strings.
     */
    exact: z.optional(z.object({ content: z.string(), rawPayload: z.string() })),
  })
  .check(isOfCarrier);
export type NormalizedMessage = z.infer<typeof normalizedMessage>;

/** `threadId` is omitted if the carrier names no thread. */
export const conversationKey = { conversationId: id, threadId: z.optional(id) };
export const threadKey = { conversationId: id, threadId: id };

export const metadata = z
  .object({
    /** Derived from the content: a duplicate webhook results in the same id. */
    id,
    /** The version of the event's schema. */
    version: z.string(),
    /** Shared by all events that result from one call. */
    correlationId: id,
    /** The event that caused this one. */
    causationId: z.optional(id),
    organizationId: id,
    carrier,
    occurredAt: time,
    /**
     * When the bridge received the webhook. For a recovered event: a time shortly before the call to LiveChat, so that later
     * webhooks override the event.
     */
    receivedAt: time,
    /** Set if reconciliation published the event because its webhook was lost. Rules with external effects exclude it. */
    recovered: z.optional(z.literal(true)),
  })
  .check(isOfCarrier);
export type EventMetadata = z.infer<typeof metadata>;

/** The metadata of a send request: the ids of the event that caused it. Any service can publish a send request. */
export const requestMetadata = z.looseObject({ id: z.optional(z.string()), correlationId: z.optional(z.string()) });

/** Messages of agents and bots are outbound, all others inbound. */
export function messageDirection(author: UserType): NormalizedMessage['direction'] {
  return author === 'agent' || author === 'bot' ? 'outbound' : 'inbound';
}
