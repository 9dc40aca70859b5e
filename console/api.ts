import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import * as z from 'zod/mini';
import {
  type ConversationDetail,
  findConversations,
  latestFirst,
  listConversations,
  organizations,
  type PageEnd,
  statuses,
} from '../core/conversations/queries.ts';
import { withLink } from '../core/messages/links.ts';
import { clicksOn, findMessages, type StoredMessage } from '../core/messages/queries.ts';
import { loadTranscript } from '../core/outbound/transcript.ts';
import { decisionsOf } from '../core/routing/decision-store.ts';
import type { ConversationAnswer, ConversationPage, MessageAnswer } from './answers.ts';
import { operations } from './operations.ts';
import { limitOr, oneOf, problem } from './problem.ts';
import { routing } from './routing.ts';
import { search } from './search.ts';

const pageEnd = z.object({ lastActivityAt: z.string(), id: z.string(), organizationId: z.string() });

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
    const page = async (from: PageEnd | undefined, count: number) => {
      const lists = await Promise.all(ids.map((id) => listConversations(id, wanted, count, from)));
      return latestFirst(lists.flat()).slice(0, count);
    };
    if (text) {
      const { conversations, last } = await search(text, most, end === undefined, (from, count) =>
        page(from ?? end, count),
      );
      const next = last && encode(pageEnd.parse(last));
      return context.json({ conversations, next } satisfies ConversationPage);
    }
    const found = await page(end, most + 1);
    const conversations = found.slice(0, most);
    const last = conversations.at(-1);
    const next = found.length > most && last ? encode(pageEnd.parse(last)) : undefined;
    return context.json({ conversations, next } satisfies ConversationPage);
  });

  app.get('/conversations/:id', async (context) => {
    const { organizationId, limit, after } = context.req.query();
    const conversation = await findConversation(context.req.param('id'), organizationId);
    const { organizationId: owner, id: conversationId } = conversation;
    const [{ messages, notes, pending, next }, decisions] = await Promise.all([
      loadTranscript(conversation, { limit: limitOr(2000, limit), from: after ?? null }),
      decisionsOf({ organizationId: owner, conversationId }),
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
    const clicks = await clicksOn({ ...message, messageId: message.id });
    return context.json({ message: await withLink(message, Date.now()), clicks } satisfies MessageAnswer);
  });

  app.route('/', operations());
  app.route('/routing', routing());
  return app;
}

const linked = <T extends StoredMessage>(messages: readonly T[]) =>
  Promise.all(messages.map((message) => withLink(message, Date.now())));

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

function pageEndOf(text: string): PageEnd {
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
