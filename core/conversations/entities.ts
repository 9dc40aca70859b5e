import { CustomAttributeType, Entity, Service } from 'electrodb';
import type { Participant } from '../events/schemas.ts';
import { required } from '../platform/configuration.ts';
import { documents } from '../platform/dynamodb.ts';
import type { Assignment, ConversationEvent, ThreadActivity } from './projection.ts';

// LiveChat's ids are case-sensitive; ElectroDB lowercases keys by default.
const casing = 'none';
const service = 'livechat';
const partition = { field: 'pk', composite: ['organizationId', 'conversationId'], casing } as const;
const text = { type: 'string', required: true } as const;
const key = { organizationId: text, conversationId: text } as const;
const expires = { type: 'number', required: true } as const;

/** The stored projection of a conversation, for lists and fast reads. */
const conversation = new Entity({
  model: { entity: 'conversation', version: '1', service },
  attributes: {
    ...key,
    status: { type: ['queued', 'open', 'idle', 'closed'] as const, required: true },
    currentThreadId: { type: 'string' },
    /** LiveChat's time, in microseconds: the current thread's latest message, or its start. */
    lastActivityAt: text,
    participants: { type: CustomAttributeType<readonly Participant[]>('any'), required: true },
    assigned: { type: CustomAttributeType<Assignment>('any'), required: true },
    /** The activity of the other threads. */
    earlier: { type: CustomAttributeType<ThreadActivity>('any'), required: true },
    /** Incremented with each write, for optimistic concurrency. */
    version: { type: 'number', required: true },
    expires,
  },
  indexes: {
    primary: { collection: 'timeline', pk: partition, sk: { field: 'sk', composite: [], casing } },
    byActivity: {
      index: 'byActivity',
      pk: { field: 'gsi1pk', composite: ['organizationId', 'status'], casing },
      sk: { field: 'gsi1sk', composite: ['lastActivityAt', 'conversationId'], casing },
    },
  },
});

/** An event of a conversation; duplicates are stored once. */
const event = new Entity({
  model: { entity: 'event', version: '1', service },
  attributes: {
    ...key,
    eventId: text,
    /** The first receipt; ISO 8601. */
    receivedAt: text,
    event: { type: CustomAttributeType<ConversationEvent>('any'), required: true },
    expires,
  },
  indexes: {
    primary: { collection: 'timeline', pk: partition, sk: { field: 'sk', composite: ['eventId'], casing } },
  },
});

/** A user's read mark. */
const readMark = new Entity({
  model: { entity: 'readMark', version: '1', service },
  attributes: {
    ...key,
    userId: text,
    seenUpTo: text,
    /** The first receipt. */
    receivedAt: { type: 'string' },
    expires,
  },
  indexes: {
    primary: { collection: 'timeline', pk: partition, sk: { field: 'sk', composite: ['userId'], casing } },
  },
});

/** An organization that has a conversation, for listing organizations. */
const organization = new Entity({
  model: { entity: 'organization', version: '1', service },
  attributes: { organizationId: text },
  indexes: {
    primary: { pk: { field: 'pk', composite: [], casing }, sk: { field: 'sk', composite: ['organizationId'], casing } },
  },
});

/** The conversations table. The `timeline` collection reads a whole conversation in one query. */
export const conversations = new Service(
  { conversation, event, readMark, organization },
  { client: documents, table: required('CONVERSATIONS_TABLE', 'the name of the conversations table') },
);
