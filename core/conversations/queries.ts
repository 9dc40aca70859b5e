import type { EventData } from '../events/catalogue.ts';
import type { Participant } from '../events/schemas.ts';
import type { Assignment } from './assignment.ts';
import { conversations } from './entities.ts';
import type { Fact } from './facts.ts';
import { fold, type Status } from './fold.ts';
import { activityOf, type ConversationKey, read } from './store.ts';
import type { Thread } from './threads.ts';

const { conversation, organization } = conversations.entities;

export const statuses = ['queued', 'open', 'idle', 'closed'] as const satisfies readonly Status[];

export interface ConversationSummary {
  readonly id: string;
  readonly organizationId: string;
  readonly status: Status;
  /** ISO 8601, in microseconds. */
  readonly lastActivityAt: string;
  readonly participants: readonly Participant[];
  readonly assigned: Assignment;
}

export interface ConversationDetail extends ConversationSummary {
  /** Oldest first. */
  readonly threads: readonly Thread[];
  readonly participants: readonly (Participant & {
    /** The carrier's time up to which they have read, and when that was received. */
    readonly seenUpTo?: string | undefined;
    readonly seenAt?: string | undefined;
  })[];
}

/** The conversation with which a page ended; the next page begins after it. */
export type PageEnd = Pick<ConversationSummary, 'lastActivityAt' | 'id' | 'organizationId'>;

/** The organizations that have a conversation. */
export async function organizations(): Promise<string[]> {
  const { data } = await organization.query.primary({}).go({ pages: 'all' });
  return data.map(({ organizationId }) => organizationId);
}

/** One organization's conversations, those with the latest activity first. */
export async function listConversations(
  organizationId: string,
  wanted: readonly Status[],
  limit: number,
  after?: PageEnd,
): Promise<ConversationSummary[]> {
  const lists = await Promise.all(wanted.map((status) => listByStatus({ organizationId, status }, limit, after)));
  return latestFirst(lists.flat()).slice(0, limit);
}

export function latestFirst<T extends ConversationSummary>(list: readonly T[]): T[] {
  return list.toSorted(
    (a, b) =>
      compare(b.lastActivityAt, a.lastActivityAt) || compare(b.id, a.id) || compare(b.organizationId, a.organizationId),
  );
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

async function listByStatus(of: { organizationId: string; status: Status }, limit: number, after: PageEnd | undefined) {
  const query = conversation.query.byActivity(of);
  const { data } = await from(query, of.organizationId, after).go({ limit, order: 'desc' });
  return data.map(
    (item): ConversationSummary => ({
      id: item.conversationId,
      organizationId: item.organizationId,
      status: item.status,
      lastActivityAt: item.lastActivityAt,
      participants: item.participants,
      assigned: item.assigned,
    }),
  );
}

/** Two organizations may have conversations of one id and time: those of a smaller organization id come after the page's end. */
function from(query: ActivityQuery, organizationId: string, after: PageEnd | undefined) {
  if (!after) return query;
  const end = { lastActivityAt: after.lastActivityAt, conversationId: after.id };
  return organizationId < after.organizationId ? query.lte(end) : query.lt(end);
}

type ActivityQuery = ReturnType<typeof conversation.query.byActivity>;

/** One conversation with its threads and participants, as its facts tell now. Undefined when there is none. */
export async function loadConversation(key: ConversationKey): Promise<ConversationDetail | undefined> {
  const { stored, facts, readMarks } = await read(key);
  if (!stored) return undefined;
  const { status, lastActivityAt, threads, participants, assigned } = fold(facts, activityOf(stored));
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
export async function beginningsOf(key: ConversationKey): Promise<EventData<'chat.started'>[]> {
  const { facts } = await read(key);
  return facts
    .flatMap((fact) => (fact.type === 'chat.started' ? [fact.data] : []))
    .toSorted((a, b) => compare(a.createdAt, b.createdAt));
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
export async function historyOf(
  key: ConversationKey,
): Promise<{ facts: readonly Fact[]; readMarks: readonly string[] }> {
  const { facts, readMarks } = await read(key);
  return { facts, readMarks: readMarks.map(({ seenUpTo }) => seenUpTo) };
}
