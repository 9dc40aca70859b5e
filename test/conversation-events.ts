import type { ChatEventType, ConversationEvent } from '../core/conversations/projection.ts';
import type { EventData } from '../core/events/catalogue.ts';
import type { EventMetadata } from '../core/events/schemas.ts';
import { agentId, botId, organizationId } from './arbitraries.ts';

/** Builders for events of conversation C and, by default, thread T. The first argument is the minute of receipt. */

export const tomas = 'tomas.reyes@acme.example';

/** A time in the hour of all events. */
export const at = (minute: number) => `2026-03-11T09:${String(minute).padStart(2, '0')}:00.000000Z`;

export function metadata(minute: number, id: string): EventMetadata {
  const receivedAt = at(minute).replace('000Z', 'Z');
  const known = { version: '1', carrier: 'livechat', correlationId: 'c', organizationId } as const;
  return { ...known, id: `${id}${minute}`, occurredAt: receivedAt, receivedAt };
}

type Given<T extends ChatEventType> = Partial<EventData<T>> & { readonly threadId?: string };
const placed = { conversationId: 'C', threadId: 'T' };

export function started(minute: number, given: Given<'chat.started'> = {}): ConversationEvent {
  const nothing = { participants: [], groups: [], tags: [], active: true, causedByUs: false };
  const data = { ...placed, ...nothing, reason: 'new', createdAt: at(minute), ...given } as const;
  return { type: 'chat.started', metadata: metadata(minute, 'started'), data };
}
/** What LiveChat lists of a thread: by default an active chat without users. */
export function observed(minute: number, given: Given<'chat.observed'> = {}): ConversationEvent {
  const known = metadata(minute, 'observed');
  const nothing = { active: true, participants: [], access: { groups: [] }, tags: [], seenUpTo: [] };
  return {
    type: 'chat.observed',
    metadata: known,
    data: { ...placed, ...nothing, observedAt: known.receivedAt, ...given },
  };
}
export const transferred = (minute: number, given: Given<'chat.transferred'>): ConversationEvent => ({
  type: 'chat.transferred',
  metadata: metadata(minute, 'transferred'),
  data: { ...placed, to: {}, reason: 'manual', ...given },
});
export const updated = (minute: number, given: Given<'chat.updated'>): ConversationEvent => ({
  type: 'chat.updated',
  metadata: metadata(minute, 'updated'),
  data: { ...placed, ...given },
});
/** A change of the groups with access, without a thread id. */
export const withoutThread = (minute: number): ConversationEvent => ({
  type: 'chat.updated',
  metadata: metadata(minute, 'without-thread'),
  data: { conversationId: 'C', groups: [minute] },
});
export const closed = (minute: number, threadId = 'T'): ConversationEvent => ({
  type: 'chat.deactivated',
  metadata: metadata(minute, 'closed'),
  data: { conversationId: 'C', threadId },
});
export const idle = (minute: number): ConversationEvent => ({
  type: 'idle',
  metadata: metadata(minute, 'idle'),
  data: { ...placed, at: at(minute) },
});
export const agent = (
  minute: number,
  change: 'joined' | 'left',
  id = agentId,
  replaces?: string,
): ConversationEvent => ({
  type: 'agent.changed',
  metadata: metadata(minute, 'agent'),
  data: {
    ...placed,
    change,
    agent: { id, type: id === botId ? 'bot' : 'agent', present: change === 'joined' },
    replaces,
  },
});

export const queue = { position: 1 };
