import type { Participant } from '../events/schemas.ts';
import type { Assignment } from './assignment.ts';
import { conversations } from './entities.ts';
import { merged } from './merge.ts';
import type { Status } from './projection.ts';

const { conversation } = conversations.entities;

export interface ConversationSummary {
  readonly id: string;
  readonly organizationId: string;
  readonly status: Status;
  /** ISO 8601, in microseconds. */
  readonly lastActivityAt: string;
  readonly participants: readonly Participant[];
  readonly assigned: Assignment;
}

/** The conversation with which a page ended; the next page begins after it. */
export type ConversationCursor = Pick<ConversationSummary, 'lastActivityAt' | 'id' | 'organizationId'>;

export interface ConversationQuery {
  readonly organizationIds: readonly string[];
  readonly statuses: readonly Status[];
  /** How many are read of each organization and status at once; what is read and not asked for is at most that, of each. */
  readonly pageSize: number;
  /** Where to begin, or how far back to go (a time of last activity, itself included); not both. */
  readonly from?: { readonly after: ConversationCursor } | { readonly since: string } | undefined;
}

/** Conversations as they are asked for, those with the latest activity first, each read once. */
export function iterateConversations({
  organizationIds,
  statuses,
  pageSize,
  from,
}: ConversationQuery): AsyncGenerator<ConversationSummary> {
  const kinds = organizationIds.flatMap((organizationId) => statuses.map((status) => ({ organizationId, status })));
  return merged(
    kinds.map((kind) => pagesOf(kind, pageSize, from)),
    byLatest,
  );
}

/** At most so many. */
export async function take<T>(walk: AsyncIterable<T>, most: number): Promise<T[]> {
  const taken: T[] = [];
  if (most < 1) return taken;
  for await (const one of walk) if (taken.push(one) === most) break;
  return taken;
}

/** Orders those with the latest activity first. */
export function byLatest(a: ConversationCursor, b: ConversationCursor): number {
  return (
    compare(b.lastActivityAt, a.lastActivityAt) || compare(b.id, a.id) || compare(b.organizationId, a.organizationId)
  );
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

type Kind = Pick<ConversationSummary, 'organizationId' | 'status'>;

/** One answer of DynamoDB a page; a page may be short, or empty, with more to come. */
async function* pagesOf(
  kind: Kind,
  pageSize: number,
  from: ConversationQuery['from'],
): AsyncGenerator<ConversationSummary[]> {
  let cursor: string | null = null;
  do {
    const answer: Awaited<ReturnType<typeof pageOf>> = await pageOf(kind, pageSize, from, cursor);
    yield answer.data.map(({ conversationId: id, organizationId, status, lastActivityAt, participants, assigned }) => ({
      id,
      organizationId,
      status,
      lastActivityAt,
      participants,
      assigned,
    }));
    cursor = answer.cursor;
  } while (cursor !== null);
}

function pageOf(kind: Kind, limit: number, from: ConversationQuery['from'], cursor: string | null) {
  return begun(conversation.query.byActivity(kind), kind, from).go({ limit, cursor, order: 'desc' });
}

/** Two organizations may have conversations of one id and time: those of a smaller organization id come after the page's end. */
function begun(
  query: ReturnType<typeof conversation.query.byActivity>,
  { organizationId }: Kind,
  from: ConversationQuery['from'],
) {
  if (!from) return query;
  if ('since' in from) return query.gte({ lastActivityAt: from.since });
  const { lastActivityAt, id: conversationId, organizationId: last } = from.after;
  const end = { lastActivityAt, conversationId };
  return organizationId < last ? query.lte(end) : query.lt(end);
}
