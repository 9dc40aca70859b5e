import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import * as z from 'zod/mini';
import {
  type ConversationCursor,
  type ConversationDetail,
  findConversations,
  iterateConversations,
  organizations,
  statuses,
  take,
} from '../core/conversations/queries.ts';
import { addMediaLink, findMessages, listButtonClicks, type StoredMessage } from '../core/messages/queries.ts';
import { loadTranscript } from '../core/outbound/transcript.ts';
import { listDecisions } from '../core/routing/store.ts';
import { invalid, parseLimit, parseOneOf } from './http.ts';
import { operations } from './operations.ts';
import type { ConversationPage, ConversationResponse, MessageResponse } from './responses.ts';
import { routing } from './routing.ts';
import { search } from './search.ts';

const cursorSchema = z.object({ lastActivityAt: z.string(), id: z.string(), organizationId: z.string() });

/** Maximum page size of the query of each status, which bounds the items that are read but not returned. */
const listPageSize = 50;
const searchPageSize = 200;

type Status = (typeof statuses)[number];

/** The console's HTTP API. */
export function api({ bus }: { bus: string }): Hono {
  const app = new Hono();
  app.onError((error, context) => {
    if (error instanceof HTTPException) return error.getResponse();
    return context.json({ error: { message: `Cannot read the tables: ${error.name}` } }, 500);
  });

  app.get('/health', (context) => context.json({ ok: true, bus }));

  app.get('/conversations', async (context) => {
    const { status, organizationId, limit, after, search: text } = context.req.query();
    const allowedStatuses = status === undefined ? statuses : [parseOneOf(statuses, status, 'status')];
    const max = parseLimit(limit, 50);
    const end = after === undefined ? undefined : parseCursor(after);
    const ids = organizationId === undefined ? await organizations() : [organizationId];
    const iterate = (pageSize: number) =>
      iterateConversations({
        organizationIds: ids,
        statuses: allowedStatuses,
        pageSize,
        ...(end && { from: { after: end } }),
      });
    if (text) {
      const exact = end ? [] : await findById(text.trim(), ids, allowedStatuses);
      const options = { text, limit: max, signal: context.req.raw.signal };
      const { conversations, last, ...searched } = await search(iterate(searchPageSize), options);
      const others = conversations.filter(({ id }) => !exact.some((match) => match.id === id));
      return context.json({
        conversations: [...exact, ...others],
        next: last && encodeCursor(cursorSchema.parse(last)),
        ...searched,
      } satisfies ConversationPage);
    }
    const found = await take(iterate(Math.min(max + 1, listPageSize)), max + 1);
    const conversations = found.slice(0, max);
    const last = conversations.at(-1);
    const next = found.length > max && last ? encodeCursor(cursorSchema.parse(last)) : undefined;
    return context.json({ conversations, next } satisfies ConversationPage);
  });

  app.get('/conversations/:id', async (context) => {
    const { organizationId, limit, after, since } = context.req.query();
    const conversation = await findConversation(context.req.param('id'), organizationId);
    const { organizationId: owner, id: conversationId } = conversation;
    const [{ messages, notes, pending, next }, decisions] = await Promise.all([
      loadTranscript(conversation, { limit: parseLimit(limit, 2000), from: after ?? null, since }),
      listDecisions({ organizationId: owner, conversationId }),
    ]);
    const [linkedMessages, linkedNotes] = await Promise.all([withLinks(messages), withLinks(notes)]);
    return context.json({
      conversation,
      messages: linkedMessages,
      notes: linkedNotes,
      pending,
      routing: decisions,
      next,
    } satisfies ConversationResponse);
  });

  app.get('/messages/:id', async (context) => {
    const { organizationId } = context.req.query();
    const found = await findMessages(context.req.param('id'));
    const message = found.find(
      (candidate) => organizationId === undefined || candidate.organizationId === organizationId,
    );
    if (!message) throw invalid(404, 'id', 'the id of a stored message');
    const clicks = await listButtonClicks({ ...message, messageId: message.id });
    return context.json({ message: await addMediaLink(message, Date.now()), clicks } satisfies MessageResponse);
  });

  app.route('/', operations());
  app.route('/routing', routing());
  return app;
}

const withLinks = <T extends StoredMessage>(messages: readonly T[]) =>
  Promise.all(messages.map((message) => addMediaLink(message, Date.now())));

/** Finds the conversation with this id, or the one that contains the message with this id, without a search. */
async function findById(
  id: string,
  organizationIds: readonly string[],
  allowed: readonly Status[],
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

function encodeCursor(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function parseCursor(text: string): ConversationCursor {
  const parsed = z.safeParse(cursorSchema, parseJson(Buffer.from(text, 'base64url').toString()));
  if (!parsed.success) throw invalid(400, 'after', 'the `next` of the previous page');
  return parsed.data;
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
