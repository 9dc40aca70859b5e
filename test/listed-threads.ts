import type { ConversationEvent } from '../core/conversations/projection.ts';
import type { AnyEvent, DomainEvent } from '../core/events/event.ts';
import type { NormalizedMessage } from '../core/events/schemas.ts';
import type { StoredItem, StoredThread } from '../core/reconciliation/compare.ts';
import type { ListedEvent, ListedThread } from '../core/reconciliation/source.ts';
import { at, metadata } from './conversation-events.ts';

/** Builders of listed threads, and a model of what the functions store of events. */

const organizationId = 'O';
export const customer = { id: 'c', type: 'customer', name: 'Dana', present: true } as const;
export const nina = { id: 'nina@acme.example', type: 'agent', name: 'Nina', present: true } as const;
export const tomas = { id: 'tomas@acme.example', type: 'agent', name: 'Tomas', present: true } as const;

/** When the webhooks of minute m are received, and when a list is read. */
export const time = (minute: number) => at(minute).replace('000Z', 'Z');

function message(number: number, given: Partial<NormalizedMessage> = {}): NormalizedMessage {
  return {
    id: `T_${number}`,
    organizationId,
    conversationId: 'C',
    threadId: 'T',
    carrier: 'livechat',
    direction: 'inbound',
    type: 'text',
    content: `text ${number}`,
    timestamp: at(number),
    author: { id: customer.id, type: 'customer' },
    visibility: 'all',
    metadata: {},
    rawPayload: {},
    ...given,
  };
}

export function received(number: number, given: Partial<NormalizedMessage> = {}): ListedEvent {
  const data = message(number, given);
  const type = data.visibility === 'agents' ? 'note.received' : 'message.received';
  return { type, metadata: { ...metadata(number, type), occurredAt: data.timestamp }, data };
}

export function deleted(number: number, given: Partial<NormalizedMessage> = {}): ListedEvent {
  const {
    id: messageId,
    conversationId,
    threadId,
    direction,
    type,
    timestamp,
    author,
    visibility,
  } = message(number, given);
  const header = { direction, type, timestamp, author, visibility };
  return {
    type: 'message.deleted',
    metadata: metadata(number, 'deleted'),
    data: { conversationId, threadId, messageId, header },
  };
}

export function systemMessage(number: number, systemMessageType: string): ListedEvent {
  return received(number, { type: 'system', author: { id: '', type: 'system' }, metadata: { systemMessageType } });
}

/** A thread as listed in minute 40, with the state of `given`. */
export function listed(given: Partial<ListedThread> & { readonly createdAt?: string } = {}): ListedThread {
  const participants = given.participants ?? [customer, nina];
  const groups = given.groups ?? [1];
  const started: DomainEvent<'chat.started'> = {
    type: 'chat.started',
    metadata: { ...metadata(40, 'started'), recovered: true },
    data: {
      conversationId: 'C',
      threadId: 'T',
      reason: 'new',
      createdAt: given.createdAt ?? at(1),
      active: given.active ?? true,
      participants: [...participants],
      groups: [...groups],
      tags: [...(given.tags ?? [])],
      causedByUs: false,
    },
  };
  return {
    conversationId: 'C',
    threadId: 'T',
    observedAt: time(40),
    started,
    events: [],
    invalid: [],
    latestEvents: undefined,
    active: true,
    isLatest: true,
    participants,
    memberIds: participants.map(({ id }) => id),
    groups,
    transfer: undefined,
    queue: undefined,
    tags: [],
    seenUpTo: [],
    ...given,
  };
}

export const nothing: StoredThread = { events: [], activity: {}, readMarks: new Map(), messages: new Map() };

/** Stores events as the functions do. */
export function store(before: StoredThread, events: readonly AnyEvent[]): StoredThread {
  return events.reduce(storeOne, before);
}

function storeOne(before: StoredThread, event: AnyEvent): StoredThread {
  switch (event.type) {
    case 'chat.observed': {
      const { threadId, lastMessageAt, seenUpTo } = event.data;
      const marks = seenUpTo.map(({ userId, at }): [string, string] => [userId, max(before.readMarks.get(userId), at)]);
      return {
        ...withActivity(before, threadId, lastMessageAt),
        events: addEvent(before.events, event),
        readMarks: new Map([...before.readMarks, ...marks]),
      };
    }
    case 'chat.started':
    case 'chat.transferred':
    case 'chat.updated':
    case 'chat.deactivated':
    case 'agent.changed':
      return { ...before, events: addEvent(before.events, event) };
    case 'message.received':
    case 'note.received':
    case 'message.delivered': {
      const stored = event.type === 'message.delivered' ? event.data.message : event.data;
      return stored ? storeMessage(before, stored, event.metadata.receivedAt) : before;
    }
    case 'message.updated':
    case 'note.updated': {
      const { id, content, timestamp } = event.data;
      return withItem(before, id, {
        content,
        timestamp,
        revision: `${event.metadata.receivedAt}#${event.metadata.id}`,
      });
    }
    case 'message.deleted': {
      const { messageId, header } = event.data;
      return withItem(before, messageId, { deletedAt: event.metadata.receivedAt, timestamp: header?.timestamp });
    }
    default:
      throw new TypeError(`not expected: ${event.type}`);
  }
}

function storeMessage(before: StoredThread, stored: NormalizedMessage, receivedAt: string): StoredThread {
  const {
    id,
    content,
    timestamp,
    threadId,
    author,
    visibility,
    metadata: { idle },
  } = stored;
  const item = before.messages.get(id);
  const after = withItem(before, id, { receivedAt, timestamp, ...(item?.revision === undefined && { content }) });
  if (idle === true) {
    const data = { conversationId: 'C', threadId, at: timestamp };
    return { ...after, events: addEvent(after.events, { type: 'idle', metadata: metadata(40, `idle${id}`), data }) };
  }
  return author.type === 'system' || visibility === 'agents' ? after : withActivity(after, threadId, timestamp);
}

function addEvent(events: readonly ConversationEvent[], event: ConversationEvent): ConversationEvent[] {
  return events.some(({ metadata: { id } }) => id === event.metadata.id) ? [...events] : [...events, event];
}

export function withItem(before: StoredThread, id: string, item: Partial<StoredItem>): StoredThread {
  const known = before.messages.get(id) ?? { isOversize: false };
  return { ...before, messages: new Map([...before.messages, [id, { ...known, ...item }]]) };
}

function withActivity(before: StoredThread, threadId: string, time: string | undefined): StoredThread {
  if (time === undefined) return before;
  return { ...before, activity: { ...before.activity, [threadId]: max(before.activity[threadId], time) } };
}

const max = (one: string | undefined, other: string) => (one !== undefined && one > other ? one : other);
