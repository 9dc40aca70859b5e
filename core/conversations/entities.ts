import { CustomAttributeType, Entity, Service } from 'electrodb';
import type { Participant } from '../events/schemas.ts';
import { required } from '../platform/configuration.ts';
import { documents } from '../platform/dynamodb.ts';
import type { Assignment } from './assignment.ts';
import type { ConversationEvent } from './facts.ts';
import type { Activity } from './threads.ts';

// LiveChat's ids tell upper case from lower; ElectroDB would make all keys lower case.
const casing = 'none';
const service = 'livechat';
const partition = { field: 'pk', composite: ['organizationId', 'conversationId'], casing } as const;
const text = { type: 'string', required: true } as const;
const key = { organizationId: text, conversationId: text } as const;
const expires = { type: 'number', required: true } as const;

/** What a conversation's facts and messages add up to, kept so that it can be listed and read at once. */
const conversation = new Entity({
  model: { entity: 'conversation', version: '1', service },
  attributes: {
    ...key,
    status: { type: ['queued', 'open', 'idle', 'closed'] as const, required: true },
    currentThreadId: { type: 'string' },
    /** LiveChat's time, in microseconds: of the current thread's latest message, or of its beginning. */
    lastActivityAt: text,
    participants: { type: CustomAttributeType<readonly Participant[]>('any'), required: true },
    assigned: { type: CustomAttributeType<Assignment>('any'), required: true },
    /** When the other threads last had a message. */
    earlier: { type: CustomAttributeType<Activity>('any'), required: true },
    /** Counts the writes: who writes what it has read must be the next. */
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

/** One thing that happened to a conversation; kept once, however often it is told. */
const event = new Entity({
  model: { entity: 'event', version: '1', service },
  attributes: {
    ...key,
    eventId: text,
    /** When it was first received; ISO 8601. */
    receivedAt: text,
    event: { type: CustomAttributeType<ConversationEvent>('any'), required: true },
    expires,
  },
  indexes: {
    primary: { collection: 'timeline', pk: partition, sk: { field: 'sk', composite: ['eventId'], casing } },
  },
});

/** How far one user has read. */
const readMark = new Entity({
  model: { entity: 'readMark', version: '1', service },
  attributes: {
    ...key,
    userId: text,
    seenUpTo: text,
    /** When this mark was first received. */
    receivedAt: { type: 'string' },
    expires,
  },
  indexes: {
    primary: { collection: 'timeline', pk: partition, sk: { field: 'sk', composite: ['userId'], casing } },
  },
});

/** An organization that has a conversation, so that all can be listed. */
const organization = new Entity({
  model: { entity: 'organization', version: '1', service },
  attributes: { organizationId: text },
  indexes: {
    primary: { pk: { field: 'pk', composite: [], casing }, sk: { field: 'sk', composite: ['organizationId'], casing } },
  },
});

/** The conversations table. The `timeline` collection reads all of one conversation in one query. */
export const conversations = new Service(
  { conversation, event, readMark, organization },
  { client: documents, table: required('CONVERSATIONS_TABLE', 'the name of the conversations table') },
);
