import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { Hono } from 'hono';
import { proxy } from 'hono/proxy';
import * as z from 'zod/mini';
import { findConversations } from '../core/conversations/queries.ts';
import { submit } from '../core/outbound/submit.ts';
import { api } from './api.ts';
import { unseenInTables } from './flow.ts';
import { guard, securityHeaders } from './guard.ts';
import { type Subscribe, stream, watch } from './live-stream.ts';
import { problem } from './problem.ts';

export interface ConsoleOptions {
  readonly bus: string;
  /** Calls back for whatever happens, until the returned function is called. */
  readonly subscribe: Subscribe;
  /** The name of the deployed stage that it is for. */
  readonly stage?: string;
  /** Where the LiveChat simulator listens; without it there is nothing to play with. */
  readonly simulator?: string | undefined;
}

/** The console: its page, and its HTTP API under `/api`. */
export function createConsole({ bus, subscribe, stage, simulator }: ConsoleOptions): {
  fetch(request: Request): Response | Promise<Response>;
} {
  const app = new Hono();
  // A stage is seen through its tables alone.
  const watched = watch(subscribe, stage === undefined ? [] : unseenInTables);
  app.use(guard, securityHeaders(pictures()));
  app.get('/api/console', (context) => context.json({ play: simulator !== undefined, ...(stage && { stage }) }));
  app.get('/api/flow', (context) => context.json(watched.flow()));
  app.get('/api/stream', (context) => stream(context, watched.subscribe));
  app.route('/api', api({ bus }));
  if (simulator !== undefined) app.route('/play', play(simulator));
  app.route('/', pageFiles());
  app.notFound((context) =>
    context.json({ error: { field: 'path', expected: 'GET / or an address under /api' } }, 404),
  );
  return app;
}

/** Where links to stored files lead. */
function pictures(): string[] {
  const endpoint = process.env.AWS_ENDPOINT_URL;
  return endpoint && URL.canParse(endpoint) ? [new URL(endpoint).origin] : ['https://*.amazonaws.com'];
}

const built = join(import.meta.dirname, '..', 'dist', 'page');

const types: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The built page. Its files have a hash in their names, so that a browser may keep them for ever. */
export function pageFiles(folder = built): Hono {
  const app = new Hono();

  app.get('/', async (context) => {
    const html = await readOr(undefined, join(folder, 'index.html'));
    context.header('Cache-Control', 'no-cache');
    return html === undefined ? context.html(notBuilt, 503) : context.html(html.toString());
  });

  app.get('/assets/:file', async (context) => {
    const file = context.req.param('file');
    const type = types[extname(file)];
    const bytes = type && /^[\w.-]+$/.test(file) ? await readOr(undefined, join(folder, 'assets', file)) : undefined;
    if (!type || bytes === undefined) return context.notFound();
    return context.body(new Uint8Array(bytes), 200, {
      'Content-Type': type,
      'Cache-Control': 'public, max-age=31536000, immutable',
    });
  });

  return app;
}

async function readOr(fallback: undefined, path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch {
    return fallback;
  }
}

const notBuilt = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>LiveChat bridge</title>
<h1>The console's page has not been built</h1>
<p><code>npm ci</code> builds it; so does <code>npm run build:page</code>. Then load this page again.</p>
<p>The API answers meanwhile, under <a href="/api/conversations">/api</a>.</p>
</html>
`;

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
