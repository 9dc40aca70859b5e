import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { type ConversationDetail, findConversations } from '../core/conversations/queries.ts';
import { addMediaLink, findMessages, listButtonClicks, type StoredMessage } from '../core/messages/queries.ts';
import { loadTranscript } from '../core/outbound/read-model.ts';
import { listDecisions } from '../core/routing/store.ts';
import { listConversations } from './conversation-list.ts';
import { type EventSource, EventsUnavailable } from './event-source.ts';
import { eventReads, replays } from './events.ts';
import { readSearch } from './find.ts';
import { addReads, findCause, invalid, parseLimit, type ReadRequest, type Responses, readAfter } from './http.ts';
import { reads as operationReads, operations } from './operations.ts';
import { listRules, routing } from './routing.ts';

export const reads = {
  '/conversations': listConversations,
  '/conversations/:id': readConversation,
  '/messages/:id': readMessage,
  '/routing/rules': listRules,
  '/search': readSearch,
  ...operationReads,
};

/** The responses of the GET requests, by path; the page reads them by these types. */
export type ApiResponses = Responses<typeof reads & ReturnType<typeof eventReads>>;
export type ConversationResponse = ApiResponses['/conversations/:id'];

/** The console's HTTP API. */
export function api({ bus, events }: { readonly bus: string; readonly events?: EventSource | undefined }): Hono {
  const app = new Hono();
  app.onError((error, context) => {
    if (error instanceof HTTPException) return error.getResponse();
    if (error instanceof EventsUnavailable) return context.json({ error: { message: error.message } }, 502);
    return context.json({ error: { message: `Cannot read the tables: ${findCause(error).name}` } }, 500);
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

async function readConversation({ id, query }: ReadRequest) {
  const { organizationId, limit, after, since } = query;
  const conversation = await findConversation(id, organizationId);
  const [transcript, decisions] = await Promise.all([
    readAfter(after, loadTranscript(conversation, { limit: parseLimit(limit, 2000), from: after ?? null, since })),
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
