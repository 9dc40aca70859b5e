import type { EntityItem } from 'electrodb';
import type { ConversationKey } from '../channel/channel.ts';
import type { EventData } from '../events/catalogue.ts';
import type { Participant } from '../events/schemas.ts';
import { queryPartition, type StoredItem, uniqueKeys } from '../platform/dynamodb.ts';
import {
  activityBucket,
  Conversation,
  lastMessageIds,
  Organization,
  parseParticipants,
  ReadMark,
  readTimeline,
  StoredEvent,
  threadActivity,
} from './conversations.ts';
import { mergeSorted } from './merge.ts';
import { type ConversationProjection, compare, projectConversation, type Status, statuses } from './projection.ts';

export interface ConversationSummary
  extends Pick<ConversationProjection, 'status' | 'lastActivityAt' | 'participants' | 'assigned'> {
  readonly id: string;
  readonly organizationId: string;
  /** The current thread's latest message, without system messages. */
  readonly lastMessage?: { readonly threadId: string; readonly id: string } | undefined;
}

export interface ConversationDetail extends ConversationSummary, Pick<ConversationProjection, 'threads'> {
  readonly participants: readonly (Participant & {
    /** LiveChat's time up to which the user has read, and when that was received. */
    readonly seenUpTo?: string | undefined;
    readonly seenAt?: string | undefined;
  })[];
}

/** The last conversation of a page; the next page starts after it. */
export type ConversationCursor = Pick<ConversationSummary, 'lastActivityAt' | 'id' | 'organizationId'>;

export interface ConversationQuery {
  readonly organizationIds: readonly string[];
  readonly statuses: readonly Status[];
  /** Items per query of one organization and status; at most this many of each are read and not used. */
  readonly pageSize: number;
  /** Start after a conversation, or end at a time of last activity (inclusive). */
  readonly from?: { readonly after: ConversationCursor } | { readonly since: string } | undefined;
}

/** Iterates over conversations in order of last activity, latest first. Reads each once. */
export function iterateConversations(query: ConversationQuery): AsyncGenerator<ConversationSummary> {
  const partitions = query.organizationIds.flatMap((organizationId) =>
    query.statuses.map((status) => ({ organizationId, status })),
  );
  return mergeSorted(
    partitions.map((partition) => readPartition(partition, query)),
    compareByActivity,
  );
}

/** Takes at most `max` items. */
export async function take<T>(items: AsyncIterable<T>, max: number): Promise<T[]> {
  const taken: T[] = [];
  if (max < 1) return taken;
  for await (const item of items) if (taken.push(item) === max) break;
  return taken;
}

const maxPageSize = 100;
const minPageSize = 50;

/** Lists the conversations of one organization, latest activity first. */
export function listConversations(
  organizationId: string,
  wanted: readonly Status[],
  limit: number,
): Promise<ConversationSummary[]> {
  const pageSize = Math.min(limit, maxPageSize);
  return take(iterateConversations({ organizationIds: [organizationId], statuses: wanted, pageSize }), limit);
}

export function sortByLatestActivity<T extends ConversationSummary>(list: readonly T[]): T[] {
  return list.toSorted(compareByActivity);
}

function compareByActivity(a: ConversationCursor, b: ConversationCursor): number {
  return (
    compare(b.lastActivityAt, a.lastActivityAt) || compare(b.id, a.id) || compare(b.organizationId, a.organizationId)
  );
}

type Partition = Pick<ConversationSummary, 'organizationId' | 'status'>;

/** The index orders conversations by five minutes: those of the same five minutes are read together and sorted. */
async function* readPartition(partition: Partition, query: ConversationQuery): AsyncGenerator<ConversationSummary> {
  let bucket: ConversationSummary[] = [];
  for await (const summary of readIndex(partition, query)) {
    const [first] = bucket;
    if (first && activityBucket(first.lastActivityAt) !== activityBucket(summary.lastActivityAt)) {
      yield* sortByLatestActivity(bucket);
      bucket = [];
    }
    bucket.push(summary);
  }
  yield* sortByLatestActivity(bucket);
}

async function* readIndex(partition: Partition, query: ConversationQuery): AsyncGenerator<ConversationSummary> {
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof readPage>> = await readPage(partition, query, cursor);
    for (const item of page.data) {
      const summary = summarize(item);
      if (isWanted(summary, query.from)) yield summary;
    }
    cursor = page.cursor;
  } while (cursor !== null);
}

function readPage(partition: Partition, { pageSize, from }: ConversationQuery, cursor: string | null) {
  const query = Conversation.query.byActivity(partition);
  // At least five minutes are read, so small pages would be many queries.
  return startFrom(query, from).go({
    limit: Math.max(pageSize, minPageSize),
    cursor,
    order: 'desc',
    hydrate: true,
  });
}

/** The index has no precise times, so the first and the last five minutes are read completely. */
function startFrom(query: ReturnType<typeof Conversation.query.byActivity>, from: ConversationQuery['from']) {
  if (!from) return query;
  if ('since' in from) return query.gte({ activityBucket: activityBucket(from.since) });
  // Composite keys continue after the bucket.
  return query.lte({ activityBucket: `${activityBucket(from.after.lastActivityAt)}~` });
}

function isWanted(summary: ConversationSummary, from: ConversationQuery['from']): boolean {
  if (!from) return true;
  return 'since' in from ? summary.lastActivityAt >= from.since : compareByActivity(summary, from.after) > 0;
}

/** Lists the organizations that have a conversation. */
export async function organizations(): Promise<string[]> {
  const { data } = await Organization.query.primary({}).go({ pages: 'all' });
  return data.map(({ organizationId }) => organizationId);
}

/** The conversations with these keys that are stored, as in a list. */
export async function getConversations(conversationKeys: readonly ConversationKey[]): Promise<ConversationSummary[]> {
  const ids = conversationKeys.map(({ organizationId, conversationId }) => ({ organizationId, conversationId }));
  const { data } = await Conversation.get(uniqueKeys(ids)).go();
  return data.map(summarize);
}

function summarize(item: EntityItem<typeof Conversation>): ConversationSummary {
  const { conversationId: id, organizationId, status, lastActivityAt, assigned } = item;
  const more = { participants: parseParticipants(item), lastMessage: lastMessageIds(item) };
  return { id, organizationId, status, lastActivityAt, assigned, ...more };
}

/** Loads a conversation with its threads and participants, rebuilt from its events. Undefined if not found. */
export async function loadConversation(key: ConversationKey): Promise<ConversationDetail | undefined> {
  const { stored, events, readMarks } = await readTimeline(key);
  if (!stored) return undefined;
  const { participants, currentThreadId: _, ...projection } = projectConversation(events, threadActivity(stored));
  const seen = new Map(readMarks.map(({ userId, seenUpTo, receivedAt }) => [userId, { seenUpTo, seenAt: receivedAt }]));
  return {
    id: key.conversationId,
    organizationId: key.organizationId,
    lastMessage: lastMessageIds(stored),
    ...projection,
    participants: participants.map((one) => ({ ...one, ...seen.get(one.id) })),
  };
}

/** Finds the conversations with this id: one, unless several organizations use the same id. */
export async function findConversations(
  conversationId: string,
  among?: readonly string[],
): Promise<ConversationDetail[]> {
  const ids = among ?? (await organizations());
  const found = await Promise.all(ids.map((organizationId) => loadConversation({ organizationId, conversationId })));
  return found.flatMap((one) => one ?? []);
}

/**
 * Finds the conversations with this thread: one, unless several organizations use the same id. A thread whose start is not stored
 * is found only while it is the latest of its conversation.
 */
export async function findByThread(threadId: string): Promise<ConversationKey[]> {
  const [started, unstarted] = await Promise.all([
    StoredEvent.query.byThread({ startedThreadId: threadId }).go({ pages: 'all', hydrate: true }),
    Conversation.query.byThread({ unstartedThreadId: threadId }).go({ pages: 'all', hydrate: true }),
  ]);
  // A transferred chat starts its thread again.
  const found = new Map(
    [...started.data, ...unstarted.data].map(({ organizationId, conversationId }) => [
      `${organizationId}/${conversationId}`,
      { organizationId, conversationId },
    ]),
  );
  return [...found.values()];
}

/** A user in a conversation. */
export type Reader = ConversationKey & { readonly userId: string };

/** Reads LiveChat's times up to which the users have read the conversation. Omits users who have read nothing. */
export async function listReadMarks(readers: readonly Reader[]): Promise<(Reader & { readonly seenUpTo: string })[]> {
  const { data } = await ReadMark.get([...readers]).go();
  return data;
}

/** Lists the `chat.started` data of each thread, oldest first, without the opening messages. */
export async function listThreadStarts(key: ConversationKey): Promise<EventData<'chat.started'>[]> {
  const { events } = await readTimeline(key);
  return events
    .flatMap((event) => (event.type === 'chat.started' ? [event.data] : []))
    .toSorted((a, b) => compare(a.createdAt, b.createdAt));
}

/** A customer to erase, as found in conversations. */
export type KnownCustomer = Pick<Participant, 'id' | 'name' | 'email'>;

export interface CustomerConversations {
  readonly customers: readonly KnownCustomer[];
  readonly conversationIds: readonly string[];
}

/**
 * Finds the conversations of customers by id, or by e-mail address (case-insensitive). An address matches all conversations of the
 * customers who have it. Reads every conversation of the organization.
 */
export async function findCustomerConversations(
  organizationId: string,
  idsOrEmails: readonly string[],
): Promise<CustomerConversations> {
  const emails = new Set(idsOrEmails.map((one) => one.toLowerCase()));
  const wanted = new Map(idsOrEmails.map((id): [string, KnownCustomer | undefined] => [id, undefined]));
  const conversations: { readonly id: string; readonly customerIds: readonly string[] }[] = [];
  const query = { organizationIds: [organizationId], statuses, pageSize: maxPageSize };
  for await (const { id, participants } of iterateConversations(query)) {
    const customers = participants.filter(({ type }) => type === 'customer');
    for (const one of customers) {
      const isWanted = wanted.has(one.id) || (one.email !== undefined && emails.has(one.email.toLowerCase()));
      if (isWanted) wanted.set(one.id, { ...wanted.get(one.id), ...one });
    }
    conversations.push({ id, customerIds: customers.map((one) => one.id) });
  }
  return {
    customers: [...wanted.values()].flatMap((one) => one ?? []),
    conversationIds: conversations
      .filter(({ customerIds }) => customerIds.some((id) => wanted.has(id)))
      .map(({ id }) => id),
  };
}

/** All stored items of a conversation. */
export function conversationItems(key: ConversationKey): Promise<StoredItem[]> {
  return queryPartition(Conversation.get(key).params());
}
