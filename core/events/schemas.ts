import * as z from 'zod/mini';

/** RFC 3339, as LiveChat and this bridge write it. */
export const rfc3339 = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})$/;

/**
 * The same instant in UTC with exactly six decimals, so that times compare as strings.
 * Digits past the microsecond are cut. The input must match {@link rfc3339}.
 */
export function toUtcMicroseconds(time: string): string {
  const [, seconds, fraction = '', offset] = rfc3339.exec(time) ?? [];
  const utc = offset === 'Z' ? seconds : new Date(`${seconds}${offset}`).toISOString().slice(0, 19);
  return `${utc}.${fraction.slice(0, 6).padEnd(6, '0')}Z`;
}

/** Whether a string is a time that exists: `Date` itself would take 30 February for 2 March. */
export function isRfc3339(text: string): boolean {
  const [, seconds] = rfc3339.exec(text) ?? [];
  if (seconds === undefined) return false;
  const date = new Date(`${seconds}Z`);
  const exists = !Number.isNaN(date.getTime()) && date.toISOString().slice(0, 19) === seconds;
  const instant = Date.parse(text);
  return exists && instant >= earliest && instant <= latest;
}

// Years of four digits in UTC as well.
const earliest = Date.parse('0000-01-01T00:00:00Z');
const latest = Date.parse('9999-12-31T23:59:59.999Z');

/** Building blocks that several events share. Times are ISO 8601; LiveChat's own keep their microseconds. */

export const id = z.string().check(z.minLength(1));
export const time = z.string().check(z.refine(isRfc3339, 'expected an RFC 3339 time'));

export const userType = z.enum(['customer', 'agent', 'bot', 'system', 'unknown']);
export type UserType = z.infer<typeof userType>;

export const author = z.object({ id: z.string(), type: userType });

/** A user of a chat. `present` is left out where the carrier did not say. */
export const participant = z.object({
  id,
  type: userType,
  name: z.optional(z.string()),
  email: z.optional(z.string()),
  present: z.optional(z.boolean()),
  /** Whether the customer does not see them: a supervisor, say, who has no part in who the chat is with. */
  hidden: z.optional(z.boolean()),
  /** Set where the id alone suggests another type, so that messages stored before may name their author wrongly. */
  misleadingId: z.optional(z.literal(true)),
  /** Session fields of a customer, by name. */
  fields: z.optional(z.record(z.string(), z.string())),
  /** ISO 3166 alpha-2, of a customer's visit. */
  country: z.optional(z.string()),
});
export type Participant = z.infer<typeof participant>;

export const queue = z.object({
  position: z.optional(z.number()),
  /** Expected wait in seconds. */
  waitTime: z.optional(z.number()),
  queuedAt: z.optional(z.string()),
});

/** One answer of a form that a customer filled in: several values where several were ticked. */
export const formAnswer = z.object({ id: z.string(), label: z.string(), values: z.array(z.string()) });
export type FormAnswer = z.infer<typeof formAnswer>;

export const target = z.object({ agents: z.array(z.string()), groups: z.array(z.number()) });

/** How urgent a conversation is, least first. */
export const priorities = ['low', 'normal', 'high', 'urgent'] as const;
export const priority = z.enum(priorities);
export type Priority = z.infer<typeof priority>;

export const messageType = z.enum(['text', 'media', 'interactive', 'form', 'system', 'custom', 'unknown']);
export const visibility = z.enum(['all', 'agents']);

/** One message in the bus's own terms; `rawPayload` is the carrier's event as it came, without any secret. */
export const normalizedMessage = z.object({
  id,
  organizationId: id,
  conversationId: id,
  threadId: id,
  carrier: z.literal('livechat'),
  direction: z.enum(['inbound', 'outbound']),
  type: messageType,
  /** Text, url or JSON text; for `custom` the carrier's object. */
  content: z.unknown(),
  timestamp: time,
  author,
  visibility,
  metadata: z.record(z.string(), z.unknown()),
  rawPayload: z.unknown(),
});
export type NormalizedMessage = z.infer<typeof normalizedMessage>;

/** In which conversation, and in which thread of it where the carrier named one. */
export const conversationKey = { conversationId: id, threadId: z.optional(id) };
export const threadKey = { conversationId: id, threadId: id };

export const metadata = z.object({
  /** Derived from what happened, never random: the same webhook twice has the same id. */
  id,
  version: z.literal('1'),
  /** Ties together all events that came of one call. */
  correlationId: id,
  /** The event that led to this one. */
  causationId: z.optional(id),
  organizationId: id,
  carrier: z.literal('livechat'),
  occurredAt: time,
  receivedAt: time,
});
export type EventMetadata = z.infer<typeof metadata>;

/** Agents and bots write to the customer; everything else comes in. */
export function messageDirection(author: UserType): NormalizedMessage['direction'] {
  return author === 'agent' || author === 'bot' ? 'outbound' : 'inbound';
}
