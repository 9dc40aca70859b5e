import type { EventData } from '../events/catalogue.ts';
import type { Participant } from '../events/schemas.ts';
import { conversations } from './entities.ts';
import type { ConversationEvent } from './facts.ts';
import { projectConversation, type Status } from './projection.ts';
import { activityOf, type ConversationKey, read } from './store.ts';
import type { Thread } from './threads.ts';
import { byLatest, type ConversationSummary, iterateConversations, take } from './walk.ts';

export type { ConversationCursor, ConversationSummary } from './walk.ts';
export { iterateConversations, take } from './walk.ts';

const { organization } = conversations.entities;

export const statuses = ['queued', 'open', 'idle', 'closed'] as const satisfies readonly Status[];

/** How many conversations of one status are read at once. */
const mostAtOnce = 100;

export interface ConversationDetail extends ConversationSummary {
  /** Oldest first. */
  readonly threads: readonly Thread[];
  readonly participants: readonly (Participant & {
    /** The carrier's time up to which they have read, and when that was received. */
    readonly seenUpTo?: string | undefined;
    readonly seenAt?: string | undefined;
  })[];
}

/** The organizations that have a conversation. */
export async function organizations(): Promise<string[]> {
  const { data } = await organization.query.primary({}).go({ pages: 'all' });
  return data.map(({ organizationId }) => organizationId);
}

/** One organization's conversations, those with the latest activity first. */
export function listConversations(
  organizationId: string,
  wanted: readonly Status[],
  limit: number,
): Promise<ConversationSummary[]> {
  const pageSize = Math.min(limit, mostAtOnce);
  return take(iterateConversations({ organizationIds: [organizationId], statuses: wanted, pageSize }), limit);
}

export function sortByLatestActivity<T extends ConversationSummary>(list: readonly T[]): T[] {
  return list.toSorted(byLatest);
}

/** One conversation with its threads and participants, as its facts tell now. Undefined when there is none. */
export async function loadConversation(key: ConversationKey): Promise<ConversationDetail | undefined> {
  const { stored, events, readMarks } = await read(key);
  if (!stored) return undefined;
  const { status, lastActivityAt, threads, participants, assigned } = projectConversation(events, activityOf(stored));
  const seen = new Map(readMarks.map(({ userId, seenUpTo, receivedAt }) => [userId, { seenUpTo, seenAt: receivedAt }]));
  return {
    id: key.conversationId,
    organizationId: key.organizationId,
    status,
    lastActivityAt,
    threads,
    participants: participants.map((one) => ({ ...one, ...seen.get(one.id) })),
    assigned,
  };
}

/** How each thread of a conversation began, oldest first, as it was told then; without what was said, which is kept with the messages. */
export async function listThreadStarts(key: ConversationKey): Promise<EventData<'chat.started'>[]> {
  const { events } = await read(key);
  return events
    .flatMap((fact) => (fact.type === 'chat.started' ? [fact.data] : []))
    .toSorted((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
}

/** The conversations of this id: one, unless two organizations happen to have the same. */
export async function findConversations(
  conversationId: string,
  among?: readonly string[],
): Promise<ConversationDetail[]> {
  const ids = among ?? (await organizations());
  const found = await Promise.all(ids.map((organizationId) => loadConversation({ organizationId, conversationId })));
  return found.flatMap((one) => one ?? []);
}

/** What has happened to a conversation, in no order, and how far each user has read. */
export async function readHistory(
  key: ConversationKey,
): Promise<{ events: readonly ConversationEvent[]; readMarks: readonly string[] }> {
  const { events, readMarks } = await read(key);
  return { events, readMarks: readMarks.map(({ seenUpTo }) => seenUpTo) };
}
