import type { EventType } from '../events/catalogue.ts';
import type { DomainEvent } from '../events/event.ts';
import type { EventMetadata } from '../events/schemas.ts';

/** The events that change a conversation. */
export type FactType = Extract<EventType, `chat.${string}` | 'agent.changed' | 'participant.changed'>;

/** A thread went quiet at `at`, the carrier's time. */
export interface IdleFact {
  readonly type: 'idle';
  readonly metadata: EventMetadata;
  readonly data: { readonly conversationId: string; readonly threadId: string; readonly at: string };
}

export type FactEvent = { [T in FactType]: DomainEvent<T> }[FactType];

/** Something that happened to a conversation. Facts only ever accumulate; what they add up to is the conversation's state. */
export type Fact = FactEvent | IdleFact;
