import type { EventType } from '../events/catalogue.ts';
import type { DomainEvent } from '../events/event.ts';
import type { EventMetadata } from '../events/schemas.ts';

/** The events that change a conversation. */
export type ChatEventType = Extract<EventType, `chat.${string}` | 'agent.changed' | 'participant.changed'>;

/** A thread went quiet at `at`, the carrier's time. */
export interface ThreadIdleEvent {
  readonly type: 'idle';
  readonly metadata: EventMetadata;
  readonly data: { readonly conversationId: string; readonly threadId: string; readonly at: string };
}

export type ChatEvent = { [T in ChatEventType]: DomainEvent<T> }[ChatEventType];

/** Something that happened to a conversation. Facts only ever accumulate; what they add up to is the conversation's state. */
export type ConversationEvent = ChatEvent | ThreadIdleEvent;
