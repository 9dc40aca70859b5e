import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { statuses } from '../core/conversations/projection.ts';
import {
  type ConversationCursor,
  type ConversationDetail,
  type ConversationSummary,
  findConversations,
  iterateConversations,
  organizations,
  take,
} from '../core/conversations/queries.ts';
import { addMediaLink, findMessages, listButtonClicks, type StoredMessage } from '../core/messages/queries.ts';
import { loadTranscript } from '../core/outbound/read-model.ts';
import { listDecisions } from '../core/routing/store.ts';
import type { EventSource } from './event-source.ts';
import { eventReads, replays } from './events.ts';
import { addReads, invalid, parseLimit, parseOneOf, type ReadRequest, type Responses } from './http.ts';
import { reads as operationReads, operations } from './operations.ts';
import { listRules, routing } from './routing.ts';
import { search } from './search.ts';

/** Maximum page size of the query of each status, which bounds the items that are read but not returned. */
const listPageSize = 50;
const searchPageSize = 200;

const reads = {
  '/conversations': listConversations,
  '/conversations/:id': readConversation,
  '/messages/:id': readMessage,
  '/routing/rules': listRules,
  ...operationReads,
};

/** The responses of the GET requests, by path; the page reads them by these types. */
export type ApiResponses = Responses<typeof reads & ReturnType<typeof eventReads>>;
export type ConversationResponse = ApiResponses['/conversations/:id'];

export interface ConversationPage {
  /** Latest activity first. */
  readonly conversations: readonly ConversationSummary[];
  /** Pass it as `after` to read the next page; left out on the last page. */
  readonly next?: string | undefined;
  /** In a search, how many conversations this request examined. */
  readonly searched?: number;
  /** In a search, the last activity of the last examined conversation; left out if there was none. */
  readonly searchedTo?: string | undefined;
}

/** The console's HTTP API. */
export function api({ bus, events }: { readonly bus: string; readonly events?: EventSource | undefined }): Hono {
  const app = new Hono();
  app.onError((error, context) => {
    if (error instanceof HTTPException) return error.getResponse();
    return context.json({ error: { message: `Cannot read the tables: ${error.name}` } }, 500);
  });
  app.get('/health', (context) => context.json({ ok: true, bus }));
  addReads(app, reads);
  if (events) {
    addReads(app, eventReads(events));
    app.route('/events', replays(events));
  }
  app.route('/', operations());
  app.route('/routing', routing());
  return app;
}

async function listConversations({ query, signal }: ReadRequest): Promise<ConversationPage> {
  const { status, organizationId, limit, after, search: text } = query;
  const allowedStatuses = status === undefined ? statuses : [parseOneOf(statuses, status, 'status')];
  const max = parseLimit(limit, 50);
  const from = after === undefined ? undefined : { after: parseCursor(after) };
  const organizationIds = organizationId === undefined ? await organizations() : [organizationId];
  const iterate = (pageSize: number) =>
    iterateConversations({ organizationIds, statuses: allowedStatuses, pageSize, from });
  if (!text) {
    const found = await take(iterate(Math.min(max + 1, listPageSize)), max + 1);
    const conversations = found.slice(0, max);
    return { conversations, next: found.length > max ? encodeCursor(conversations.at(-1)) : undefined };
  }
  const exact = await findById(text.trim(), organizationIds, allowedStatuses);
  const { conversations, last, ...searched } = await search(iterate(searchPageSize), { text, limit: max, signal });
  const others = conversations.filter(({ id }) => !exact.some((match) => match.id === id));
  return { conversations: from ? others : [...exact, ...others], next: encodeCursor(last), ...searched };
}

async function readConversation({ id, query }: ReadRequest) {
  const { organizationId, limit, after, since } = query;
  const conversation = await findConversation(id, organizationId);
  const [transcript, decisions] = await Promise.all([
    loadTranscript(conversation, { limit: parseLimit(limit, 2000), from: after ?? null, since }),
    listDecisions({ organizationId: conversation.organizationId, conversationId: conversation.id }),
  ]);
  const [messages, notes] = await Promise.all([withLinks(transcript.messages), withLinks(transcript.notes)]);
  return { conversation, ...transcript, messages, notes, routing: decisions };
}

async function readMessage({ id, query: { organizationId } }: ReadRequest) {
  const found = await findMessages(id);
  const message = found.find(
    (candidate) => organizationId === undefined || candidate.organizationId === organizationId,
  );
  if (!message) throw invalid(404, 'id', 'the id of a stored message');
  const clicks = await listButtonClicks({ ...message, messageId: id });
  return { message: await addMediaLink(message, Date.now()), clicks };
}

const withLinks = <T extends StoredMessage>(messages: readonly T[]) =>
  Promise.all(messages.map((message) => addMediaLink(message, Date.now())));

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

/** Finds a conversation in one organization, or in all if none is given. */
async function findConversation(
  conversationId: string,
  organizationId: string | undefined,
): Promise<ConversationDetail> {
  const among = organizationId === undefined ? undefined : [organizationId];
  const [conversation, another] = await findConversations(conversationId, among);
  if (!conversation) throw invalid(404, 'id', 'the id of a stored conversation');
  if (another)
    throw invalid(409, 'organizationId', 'required, because several organizations have a conversation with this id');
  return conversation;
}

function encodeCursor(conversation: ConversationCursor | undefined): string | undefined {
  if (!conversation) return undefined;
  const { lastActivityAt, organizationId, id } = conversation;
  return Buffer.from([lastActivityAt, organizationId, id].join('\n')).toString('base64url');
}

function parseCursor(cursor: string): ConversationCursor {
  const [lastActivityAt, organizationId, id] = Buffer.from(cursor, 'base64url').toString().split('\n');
  if (!lastActivityAt || !organizationId || !id) throw invalid(400, 'after', 'the `next` of the previous page');
  return { lastActivityAt, organizationId, id };
}
