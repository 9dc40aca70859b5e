import type { DomainEvent } from '../events/event.ts';
import type { EventMetadata, NormalizedMessage, Participant, UserType } from '../events/schemas.ts';
import type { Assignment } from './assignment.ts';
import type { ChatEvent } from './facts.ts';
import { type ConversationKey, keepEvent, markRead, settle, standing, touchCurrent } from './store.ts';

export type { ChatEvent } from './facts.ts';
export type { ConversationKey } from './store.ts';

/** What an event has brought: users of a conversation whose type has just become known, where their ids alone would mislead. */
export interface RecordedEvent {
  readonly conversation: ConversationKey;
  /** False for an event that had been recorded before. */
  readonly news: boolean;
  readonly types: ReadonlyMap<string, UserType>;
}

/** Keeps what an event says of a conversation, and brings its state up to it. */
export async function recordEvent(event: ChatEvent): Promise<RecordedEvent> {
  const key = keyOf(event);
  const news = await keepEvent(key, withoutOpening(event));
  const { state, before } = await settle(key);
  const known = new Map(before.map(({ id, type }) => [id, type]));
  const learned = state.participants.filter(({ id, type, misleadingId }) => misleadingId && known.get(id) !== type);
  return { conversation: key, news, types: new Map(learned.map(({ id, type }) => [id, type])) };
}

/** What was said is kept with the messages, where it is deleted when they are. */
function withoutOpening(event: ChatEvent): ChatEvent {
  return event.type === 'chat.started' ? { ...event, data: { ...event.data, opening: undefined } } : event;
}

function keyOf(event: ChatEvent): ConversationKey {
  return { organizationId: event.metadata.organizationId, conversationId: event.data.conversationId };
}

/**
 * Notes that a message came. What the carrier's system says counts as no activity, save that a thread went idle.
 * Answers who takes part, as far as that is known.
 */
export async function recordMessage(
  message: NormalizedMessage,
  metadata: EventMetadata,
): Promise<readonly Participant[]> {
  const { organizationId, conversationId, threadId, timestamp: at } = message;
  const key: ConversationKey = { organizationId, conversationId };
  if (message.metadata.idle === true) {
    await keepEvent(key, { type: 'idle', metadata, data: { conversationId, threadId, at } });
    return (await settle(key)).state.participants;
  }
  if (message.author.type === 'system') return [];
  const seen = { threadId, at };
  return (
    (await touchCurrent(key, seen)) ?? (await overtaken(key, seen)) ?? (await settle(key, seen)).state.participants
  );
}

/** Who takes part, where a later message of the same open thread was faster: then there is nothing to move. */
async function overtaken(key: ConversationKey, { threadId, at }: { threadId: string; at: string }) {
  const now = await standing(key);
  const moot = now?.status === 'open' && now.currentThreadId === threadId && now.lastActivityAt >= at;
  return moot ? now.participants : undefined;
}

/** Who takes part, as stored now. */
export async function participantsOf(key: ConversationKey): Promise<readonly Participant[]> {
  return (await standing(key))?.participants ?? [];
}

/** Who takes part in a conversation and who has it, as stored now; nobody where it is not stored yet. */
export async function readAssignment(
  key: ConversationKey,
): Promise<{ participants: readonly Participant[]; assigned: Assignment }> {
  const now = await standing(key);
  return { participants: now?.participants ?? [], assigned: now?.assigned ?? { agents: [], groups: [] } };
}

/** Keeps how far a user has read. */
export async function recordRead({ metadata, data }: DomainEvent<'message.seen'>): Promise<void> {
  await markRead(
    { organizationId: metadata.organizationId, conversationId: data.conversationId },
    { userId: data.by.id, seenUpTo: data.seenUpTo, receivedAt: metadata.receivedAt },
  );
}
