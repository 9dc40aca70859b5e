import { statuses } from '../core/conversations/projection.ts';
import {
  type ConversationSummary,
  findByThread,
  findConversations,
  getConversations,
  iterateConversations,
  organizations,
  take,
} from '../core/conversations/queries.ts';
import { findRequests } from '../core/executions/executions.ts';
import { findMessages } from '../core/messages/queries.ts';
import { findDeadLetter, listDeadLettersOfEveryStatus } from '../core/outbound/dead-letter.ts';
import { getDeliveries } from '../core/outbound/delivery.ts';
import { executionName, parsePartPlace } from '../core/outbound/request.ts';
import { invalid, type ReadRequest } from './http.ts';
import { matchesSearch } from './search.ts';

/** The object with an id, a name or an e-mail address. */
export interface Match {
  readonly kind: 'conversation' | 'thread' | 'message' | 'request' | 'delivery' | 'execution' | 'dead letter';
  readonly id: string;
  readonly organizationId: string;
  /** Empty for a dead letter without a conversation. */
  readonly conversationId: string;
  /** The first delivery of a request. */
  readonly deliveryId?: string | undefined;
  readonly participants?: ConversationSummary['participants'] | undefined;
}

export interface SearchResults {
  readonly matches: readonly Match[];
  /** The number of conversations that the search read, latest first. Undefined if the text is a complete id. */
  readonly searched?: number;
}

/** Maximum number of conversations that one search reads: names, e-mail addresses and deliveries have no index. */
const maxSearched = 2_000;
const pageSize = 200;
const maxMatches = 8;
/** Maximum number of dead letters of each status that one search reads, latest first. */
const maxDeadLetters = 200;
/** Maximum length of ids, names and e-mail addresses. */
const maxLength = 320;

/**
 * Finds the objects with this complete id. If there are none, finds the latest conversations whose ids or participants contain
 * the text.
 */
export async function readSearch({ query: { search = '' }, signal }: ReadRequest): Promise<SearchResults> {
  const wanted = search.trim();
  if (wanted.length < 2 || wanted.length > maxLength) throw invalid(400, 'search', `2 to ${maxLength} characters`);
  const organizationIds = await organizations();
  const exact = await findById(wanted, organizationIds);
  if (exact.length > 0) return { matches: await addParticipants(exact) };
  const latest = iterateConversations({ organizationIds, statuses, pageSize });
  const conversations = await take(untilAborted(latest, signal), maxSearched);
  const [deliveries, deadLetters] = await Promise.all([
    parsePartPlace(wanted) ? findDeliveries(wanted, conversations) : [],
    findRejectedRequests(wanted),
  ]);
  const named = conversations.filter((conversation) => matchesSearch(conversation, wanted)).map(toMatch);
  const matches = [...(await addParticipants([...deliveries, ...deadLetters])), ...named].slice(0, maxMatches);
  return { matches, searched: conversations.length };
}

async function* untilAborted<T>(items: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  for await (const item of items) {
    if (signal.aborted) return;
    yield item;
  }
}

const toMatch = ({ id, organizationId, participants }: ConversationSummary): Match => ({
  kind: 'conversation',
  id,
  organizationId,
  conversationId: id,
  participants,
});

async function findById(id: string, organizationIds: readonly string[]): Promise<Match[]> {
  const [conversations, threads, messages, requests, deadLetter] = await Promise.all([
    findConversations(id, organizationIds),
    findByThread(id),
    findMessages(id),
    findRequests(id, organizationIds),
    findDeadLetter(id),
  ]);
  return [
    ...conversations.map(toMatch),
    ...threads.map((key) => ({ ...key, kind: 'thread' as const, id })),
    ...messages.map(({ organizationId, conversationId }) => {
      return { kind: 'message' as const, id, organizationId, conversationId };
    }),
    ...requests.map((request) => {
      const { organizationId, conversationId, deliveries } = request;
      return request.requestId === id
        ? { kind: 'request' as const, id, organizationId, conversationId, deliveryId: deliveries[0]?.id }
        : { kind: 'execution' as const, id: executionName(request), organizationId, conversationId };
    }),
    ...(deadLetter ? [{ ...deadLetter.summary, kind: 'dead letter' as const }] : []),
  ];
}

async function findDeliveries(id: string, conversations: readonly ConversationSummary[]): Promise<Match[]> {
  const keys = conversations.map(({ organizationId, id: conversationId }) => ({ organizationId, conversationId, id }));
  const found = await getDeliveries(keys);
  return [...found.values()].map(({ organizationId, conversationId }) => {
    return { kind: 'delivery', id, organizationId, conversationId };
  });
}

/** A rejected request has no execution, only a dead letter. */
async function findRejectedRequests(request: string): Promise<Match[]> {
  const latest = await listDeadLettersOfEveryStatus({ limit: maxDeadLetters });
  return latest
    .filter(({ requestId }) => requestId === request)
    .map((deadLetter) => ({ ...deadLetter, kind: 'dead letter' }));
}

async function addParticipants(matches: readonly Match[]): Promise<Match[]> {
  const conversations = await getConversations(matches.filter(({ conversationId }) => conversationId !== ''));
  return matches.map(({ kind, id, organizationId, conversationId, deliveryId }) => {
    const conversation = conversations.find(
      (one) => one.organizationId === organizationId && one.id === conversationId,
    );
    return { kind, id, organizationId, conversationId, deliveryId, participants: conversation?.participants };
  });
}
