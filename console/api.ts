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
import type { ConversationAnswer, ConversationPage, MessageAnswer } from './answers.ts';
import { operations } from './operations.ts';
import { limitOr, oneOf, problem } from './problem.ts';
import { routing } from './routing.ts';
import { search } from './search.ts';

const pageEnd = z.object({ lastActivityAt: z.string(), id: z.string(), organizationId: z.string() });

/** How many conversations of one status are read at once: what is read in vain is at most that, of each. */
const listedAtOnce = 50;
const searchedAtOnce = 200;

type Status = (typeof statuses)[number];

/** The console's HTTP API; also what a script uses. */
export function api({ bus }: { bus: string }): Hono {
  const app = new Hono();
  app.onError((error, context) => {
    if (error instanceof HTTPException) return error.getResponse();
    return context.json({ error: { message: `the tables cannot be read: ${error.name}` } }, 500);
  });

  app.get('/health', (context) => context.json({ ok: true, bus }));

  app.get('/conversations', async (context) => {
    const { status, organizationId, limit, after, search: text } = context.req.query();
    const wanted = status === undefined ? statuses : [oneOf(statuses, status, 'status')];
    const most = limitOr(50, limit);
    const end = after === undefined ? undefined : pageEndOf(after);
    const ids = organizationId === undefined ? await organizations() : [organizationId];
    const walk = (pageSize: number) =>
      iterateConversations({ organizationIds: ids, statuses: wanted, pageSize, ...(end && { from: { after: end } }) });
    if (text) {
      const exact = end ? [] : await named(text.trim(), ids, wanted);
      const given = { wanted: text, most, signal: context.req.raw.signal };
      const { conversations, last, ...looked } = await search(walk(searchedAtOnce), given);
      const others = conversations.filter(({ id }) => !exact.some((one) => one.id === id));
      return context.json({
        conversations: [...exact, ...others],
        next: last && encode(pageEnd.parse(last)),
        ...looked,
      } satisfies ConversationPage);
    }
    const found = await take(walk(Math.min(most + 1, listedAtOnce)), most + 1);
    const conversations = found.slice(0, most);
    const last = conversations.at(-1);
    const next = found.length > most && last ? encode(pageEnd.parse(last)) : undefined;
    return context.json({ conversations, next } satisfies ConversationPage);
  });

  app.get('/conversations/:id', async (context) => {
    const { organizationId, limit, after, since } = context.req.query();
    const conversation = await findConversation(context.req.param('id'), organizationId);
    const { organizationId: owner, id: conversationId } = conversation;
    const [{ messages, notes, pending, next }, decisions] = await Promise.all([
      loadTranscript(conversation, { limit: limitOr(2000, limit), from: after ?? null, since }),
      listDecisions({ organizationId: owner, conversationId }),
    ]);
    const [shown, shownNotes] = await Promise.all([linked(messages), linked(notes)]);
    return context.json({
      conversation,
      messages: shown,
      notes: shownNotes,
      pending,
      routing: decisions,
      next,
    } satisfies ConversationAnswer);
  });

  app.get('/messages/:id', async (context) => {
    const { organizationId } = context.req.query();
    const found = await findMessages(context.req.param('id'));
    const message = found.find((one) => organizationId === undefined || one.organizationId === organizationId);
    if (!message) throw problem(404, 'id', 'the id of a stored message');
    const clicks = await listButtonClicks({ ...message, messageId: message.id });
    return context.json({ message: await addMediaLink(message, Date.now()), clicks } satisfies MessageAnswer);
  });

  app.route('/', operations());
  app.route('/routing', routing());
  return app;
}

const linked = <T extends StoredMessage>(messages: readonly T[]) =>
  Promise.all(messages.map((message) => addMediaLink(message, Date.now())));

/** What can be found without a search: the conversation of this id, or the one with the message of this id. */
async function named(
  id: string,
  organizationIds: readonly string[],
  wanted: readonly Status[],
): Promise<ConversationDetail[]> {
  const [conversations, messages] = await Promise.all([findConversations(id, organizationIds), findMessages(id)]);
  const around = await Promise.all(
    messages
      .filter(({ organizationId }) => organizationIds.includes(organizationId))
      .map(({ organizationId, conversationId }) => findConversations(conversationId, [organizationId])),
  );
  return [...conversations, ...around.flat()].filter(({ status }) => wanted.includes(status));
}

/** Without an organization, the conversation of whichever has it. */
async function findConversation(
  conversationId: string,
  organizationId: string | undefined,
): Promise<ConversationDetail> {
  const among = organizationId === undefined ? undefined : [organizationId];
  const [conversation, another] = await findConversations(conversationId, among);
  if (!conversation) throw problem(404, 'id', 'the id of a stored conversation');
  if (another) throw problem(409, 'organizationId', 'one of the organizations that have this conversation id');
  return conversation;
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function pageEndOf(text: string): ConversationCursor {
  const parsed = z.safeParse(pageEnd, parsedOr(undefined, Buffer.from(text, 'base64url').toString()));
  if (!parsed.success) throw problem(400, 'after', 'the `next` of the page before');
  return parsed.data;
}

function parsedOr(fallback: unknown, json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return fallback;
  }
}
