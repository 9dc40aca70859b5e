import type { Participant } from '../events/schemas.ts';
import { type Assignment, foldAssignment } from './assignment.ts';
import type { ConversationEvent } from './facts.ts';
import { foldParticipants } from './participants.ts';
import { type Activity, type Thread, type ThreadFacts, threadsOf } from './threads.ts';

export type Status = Thread['status'];

/** A conversation, as far as its facts and its messages' times tell. */
export interface ConversationState {
  readonly status: Status;
  readonly currentThreadId: string | undefined;
  readonly lastActivityAt: string;
  /** Oldest first. */
  readonly threads: readonly Thread[];
  /** Customers, then agents, then bots. */
  readonly participants: readonly Participant[];
  readonly assigned: Assignment;
}

/**
 * What the facts add up to. The same for any order and number of deliveries: facts are a set, threads are ordered by when
 * they began, and within a thread its beginning comes first and the rest goes by when it was received.
 */
export function projectConversation(facts: readonly ConversationEvent[], activity: Activity): ConversationState {
  const inOrder = threadsOf(facts, activity);
  const threads = inOrder.flatMap(({ thread }) => (thread ? [thread] : []));
  const current = threads.at(-1);
  const statements = inOrder.flatMap((thread: ThreadFacts) => thread.facts);
  const times = [...Object.values(activity), ...threads.flatMap(({ createdAt }) => createdAt ?? [])];
  return {
    status: current?.status ?? 'open',
    currentThreadId: current?.id,
    lastActivityAt: latest(times) ?? latest(facts.map(({ metadata }) => metadata.receivedAt)) ?? '',
    threads,
    participants: foldParticipants(statements),
    assigned: foldAssignment(statements),
  };
}

function latest(times: readonly string[]): string | undefined {
  return times.reduce<string | undefined>((last, time) => (last === undefined || time > last ? time : last), undefined);
}
