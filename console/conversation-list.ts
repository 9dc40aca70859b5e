import type { ConversationKey } from '../core/channel/channel.ts';
import { statuses } from '../core/conversations/projection.ts';
import {
  type ConversationCursor,
  type ConversationDetail,
  type ConversationSummary,
  findConversations,
  iterateConversations,
  listReadMarks,
  organizations,
  take,
} from '../core/conversations/queries.ts';
import { findMessages, getMessages, type StoredMessage } from '../core/messages/queries.ts';
import { listDeadLetters } from '../core/outbound/dead-letter.ts';
import { invalidCursor, parseLimit, parseOneOf, type ReadRequest } from './http.ts';
import { search } from './search.ts';

/** Maximum page size of each status query. It bounds the number of items that are read but not returned. */
const listPageSize = 50;
const searchPageSize = 200;

/** A conversation of a list. */
export type ConversationRow = Omit<ConversationSummary, 'lastMessage'> & {
  readonly lastMessage?: ReturnType<typeof toPreview> | undefined;
  /** Whether no agent has read the customer's last message. False for a closed conversation. */
  readonly unread: boolean;
  /** The number of its send requests among the latest {@link maxDeadLetters} open dead letters. */
  readonly failedSends: number;
};

export interface ConversationPage {
  /** Latest activity first. */
  readonly conversations: readonly ConversationRow[];
  /** Pass it as `after` to read the next page. Undefined on the last page. */
  readonly next?: string | undefined;
  /** In a search, how many conversations this request examined. */
  readonly searched?: number;
  /** In a search, the last activity of the last examined conversation. Undefined if the search examined none. */
  readonly searchedTo?: string | undefined;
  /** The organizations that have conversations. */
  readonly organizations: readonly string[];
}

export async function listConversations({ query, signal }: ReadRequest): Promise<ConversationPage> {
  const { status, organizationId, limit, after, search: text } = query;
  const allowedStatuses = status === undefined ? statuses : [parseOneOf(statuses, status, 'status')];
  const max = parseLimit(limit, 50);
  const from = after === undefined ? undefined : { after: parseCursor(after) };
  const known = await organizations();
  const organizationIds = organizationId === undefined ? known : [organizationId];
  const iterate = (pageSize: number) =>
    iterateConversations({ organizationIds, statuses: allowedStatuses, pageSize, from });
  if (!text) {
    const found = await take(iterate(Math.min(max + 1, listPageSize)), max + 1);
    const conversations = found.slice(0, max);
    const next = found.length > max ? encodeCursor(conversations.at(-1)) : undefined;
    return { conversations: await describeConversations(conversations), next, organizations: known };
  }
  const exact = await findById(text.trim(), organizationIds, allowedStatuses);
  const { conversations, last, ...searched } = await search(iterate(searchPageSize), { text, limit: max, signal });
  const others = conversations.filter(({ id }) => !exact.some((match) => match.id === id));
  const matches = await describeConversations(from ? others : [...exact, ...others]);
  return { conversations: matches, next: encodeCursor(last), organizations: known, ...searched };
}

/** Maximum number of open dead letters that a list reads. */
const maxDeadLetters = 500;

/** Adds the last message, the read marks and the failures to the conversations of a page, with batch reads. */
async function describeConversations(summaries: readonly ConversationSummary[]): Promise<ConversationRow[]> {
  const lastIds = summaries.flatMap(({ lastMessage, organizationId, id }) =>
    lastMessage ? [{ organizationId, conversationId: id, ...lastMessage }] : [],
  );
  const [messages, failures] = await Promise.all([getMessages(lastIds), countFailedSends(summaries)]);
  const lastMessages = new Map(messages.map((message) => [keyText(message), message]));
  const lastOf = ({ organizationId, id }: ConversationSummary) =>
    lastMessages.get(keyText({ organizationId, conversationId: id }));
  const seen = await readBy(summaries.filter((summary) => isWaiting(summary, lastOf(summary))));
  return summaries.map((summary) => {
    const key = keyText({ organizationId: summary.organizationId, conversationId: summary.id });
    const last = lastOf(summary);
    return {
      ...summary,
      lastMessage: last && toPreview(last),
      unread: last !== undefined && isWaiting(summary, last) && (seen.get(key) ?? '') < last.timestamp,
      failedSends: failures.get(key) ?? 0,
    };
  });
}

const keyText = ({ organizationId, conversationId }: ConversationKey) => `${organizationId}/${conversationId}`;

function isWaiting({ status }: ConversationSummary, last: StoredMessage | undefined): boolean {
  return status !== 'closed' && last?.direction === 'inbound';
}

/** LiveChat's time up to which an agent has read each conversation. */
async function readBy(conversations: readonly ConversationSummary[]): Promise<ReadonlyMap<string, string>> {
  const readers = conversations.flatMap(({ organizationId, id: conversationId, participants }) =>
    participants
      .filter(({ type }) => type !== 'customer')
      .map(({ id: userId }) => ({ organizationId, conversationId, userId })),
  );
  const latest = new Map<string, string>();
  for (const { seenUpTo, ...key } of await listReadMarks(readers)) {
    if (seenUpTo > (latest.get(keyText(key)) ?? '')) latest.set(keyText(key), seenUpTo);
  }
  return latest;
}

async function countFailedSends(summaries: readonly ConversationSummary[]): Promise<ReadonlyMap<string, number>> {
  if (summaries.length === 0) return new Map();
  const { deadLetters } = await listDeadLetters('open', { limit: maxDeadLetters });
  const failed = deadLetters.filter(({ kind }) => kind === 'send' || kind === 'rejected');
  return new Map([...Map.groupBy(failed, keyText)].map(([key, { length }]) => [key, length]));
}

const previewLength = 160;

/** The start of a message. `text` is empty for content that is not text, and for a deleted message. */
function toPreview({ id, author, direction, type, content, timestamp, metadata, deleted }: StoredMessage) {
  const { filename } = metadata;
  const text = type === 'media' && typeof filename === 'string' ? filename : type === 'text' ? content : undefined;
  return {
    id,
    author,
    direction,
    type,
    timestamp,
    text: typeof text === 'string' ? text.slice(0, previewLength) : '',
    ...(deleted && { deleted }),
  };
}

/** Finds the conversation with this id, or the one that contains the message with this id, without a search. */
async function findById(
  id: string,
  organizationIds: readonly string[],
  allowed: readonly ConversationDetail['status'][],
): Promise<ConversationDetail[]> {
  const [conversations, messages] = await Promise.all([findConversations(id, organizationIds), findMessages(id)]);
  const withMessage = await Promise.all(
    messages
      .filter(({ organizationId }) => organizationIds.includes(organizationId))
      .map(({ organizationId, conversationId }) => findConversations(conversationId, [organizationId])),
  );
  return [...conversations, ...withMessage.flat()].filter(({ status }) => allowed.includes(status));
}

function encodeCursor(conversation: ConversationCursor | undefined): string | undefined {
  if (!conversation) return undefined;
  const { lastActivityAt, organizationId, id } = conversation;
  return Buffer.from([lastActivityAt, organizationId, id].join('\n')).toString('base64url');
}

function parseCursor(cursor: string): ConversationCursor {
  const [lastActivityAt, organizationId, id] = Buffer.from(cursor, 'base64url').toString().split('\n');
  if (!lastActivityAt || !organizationId || !id) throw invalidCursor();
  return { lastActivityAt, organizationId, id };
}
