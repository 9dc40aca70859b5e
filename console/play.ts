import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import { proxy } from 'hono/proxy';
import * as z from 'zod/mini';
import { findConversations } from '../core/conversations/queries.ts';
import { submit } from '../core/outbound/submit.ts';
import { problem } from './problem.ts';

const message = z.strictObject({
  conversationId: z.string().check(z.minLength(1)),
  text: z.string().check(z.minLength(1), z.maxLength(10_000)),
});

/** Playing with the pipeline on one machine: the simulator's own API, and a message through the bus as a service would send it. */
export function play(simulator: string): Hono {
  const app = new Hono();

  app.all('/simulator/*', (context) => {
    const { pathname, search } = new URL(context.req.url);
    // Only the simulator's own API, not the imitated LiveChat's.
    const target = new URL(`/simulator/${pathname.split('/simulator/')[1] ?? ''}${search}`, simulator);
    return proxy(target, { raw: context.req.raw, headers: { ...context.req.header(), host: undefined } });
  });

  app.post('/messages', async (context) => {
    const given = message.safeParse(await context.req.json().catch(() => undefined));
    if (!given.success) throw problem(400, 'text', '{"conversationId":"…","text":"…"}');
    const { conversationId, text } = given.data;
    const [conversation] = await findConversations(conversationId);
    if (!conversation) throw problem(404, 'conversationId', 'the id of a stored conversation');
    const requestId = `play-${randomUUID()}`;
    const { organizationId } = conversation;
    const messages = [{ type: 'text' as const, content: text }];
    await submit('console', { requestId, organizationId, conversationId, messages });
    return context.json({ requestId }, 202);
  });

  return app;
}
