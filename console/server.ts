import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { serveStatic } from '@hono/node-server/serve-static';
import { type Context, Hono } from 'hono';
import { proxy } from 'hono/proxy';
import * as z from 'zod/mini';
import { channels } from '../core/channels.ts';
import { findConversations } from '../core/conversations/queries.ts';
import { publishSendRequest } from '../core/outbound/ports.ts';
import { type Audit, auditRequests, requireToken } from './access.ts';
import { type ApiResponses, api } from './api.ts';
import type { EventSource } from './event-source.ts';
import { type Subscribe, stationsNotInTables } from './flow.ts';
import { guard, invalid, parseBody, securityHeaders } from './http.ts';
import { createLiveStream } from './live-stream.ts';
import { organizationNames } from './organizations.ts';

export interface ConsoleOptions {
  readonly bus: string;
  readonly subscribe: Subscribe;
  /** The webhooks and events; without it the page Events is not available. */
  readonly events?: EventSource | undefined;
  /** The deployed stage that the console shows; left out for the local engine. */
  readonly stage?: string;
  /** The URL of the LiveChat simulator; without it the page Sandbox is not available. */
  readonly simulator?: string | undefined;
  /** Required for a deployed stage: the token of each request, and the record of actions. */
  readonly access?: { readonly token: string; readonly audit: Audit };
}

/** `simulator` and `events`: whether they are available. The names are by organization id, where known, and by carrier. */
export type AboutConsole = Pick<ConsoleOptions, 'stage'> & {
  readonly simulator: boolean;
  readonly events: boolean;
  readonly organizationNames: Readonly<Record<string, string>>;
  readonly channelNames: Readonly<Record<string, string>>;
};

/** The responses of the GET requests under `/api`, by path. */
export type ConsoleResponses = ApiResponses & { readonly '/console': AboutConsole };

/** The console: its page, and its HTTP API under `/api`. */
export function createConsole({ bus, subscribe, events, stage, simulator, access }: ConsoleOptions): {
  fetch(request: Request): Response | Promise<Response>;
} {
  const app = new Hono();
  const live = createLiveStream(subscribe, stage === undefined ? [] : stationsNotInTables);
  const about: AboutConsole = {
    simulator: simulator !== undefined,
    events: events !== undefined,
    organizationNames: organizationNames(),
    channelNames: Object.fromEntries(Object.entries(channels).map(([carrier, { name }]) => [carrier, name])),
    ...(stage && { stage }),
  };
  app.use(guard, securityHeaders(fileOrigins()));
  if (access) app.use(requireToken(access.token), auditRequests(access.audit));
  app.get('/api/console', (context) => context.json(about));
  app.get('/api/flow', (context) => context.json(live.flow()));
  app.get('/api/stream', live.respond);
  if (simulator !== undefined) app.route('/api/simulator', simulatorApi(simulator));
  app.route('/api', api({ bus, events }));
  app.route('/', pageFiles());
  app.notFound((context) => context.json({ error: { field: 'path', expected: '/, or a path under /api' } }, 404));
  return app;
}

/** The origins that serve stored files. */
function fileOrigins(): string[] {
  const endpoint = process.env.AWS_ENDPOINT_URL;
  return endpoint && URL.canParse(endpoint) ? [new URL(endpoint).origin] : ['https://*.amazonaws.com'];
}

export const sandboxMessage = z.strictObject({
  conversationId: z.string().check(z.minLength(1)),
  text: z.string().check(z.minLength(1), z.maxLength(10_000)),
});

/** The LiveChat simulator's own API (not the LiveChat API that it simulates), and a send request on the bus. */
function simulatorApi(simulator: string): Hono {
  const app = new Hono();

  app.post('/messages', async (context) => {
    const expected = '{"conversationId":"…","text":"…"}';
    const { conversationId, text } = await parseBody(context, sandboxMessage, 'text', expected);
    const [conversation] = await findConversations(conversationId);
    if (!conversation) throw invalid(404, 'conversationId', 'the id of a stored conversation');
    const requestId = `sandbox-${randomUUID()}`;
    const { organizationId } = conversation;
    const messages = [{ type: 'text' as const, content: text }];
    await publishSendRequest('console', { requestId, organizationId, conversationId, messages });
    return context.json({ requestId }, 202);
  });

  app.all('/*', (context) => {
    const { pathname, search } = new URL(context.req.url);
    const target = new URL(`/simulator/${pathname.split('/simulator/')[1] ?? ''}${search}`, simulator);
    return proxy(target, { raw: context.req.raw, headers: { ...context.req.header(), host: undefined } });
  });

  return app;
}

const builtPage = join(import.meta.dirname, '..', 'dist', 'page');

/** The built page. Asset names contain a hash, so browsers may cache them forever. */
function pageFiles(): Hono {
  const app = new Hono();

  const setCache = (value: string) => (_path: string, context: Context) => context.header('Cache-Control', value);
  app.get('/', serveStatic({ root: builtPage, onFound: setCache('no-cache') }), (context) =>
    context.html(notBuilt, 503, { 'Cache-Control': 'no-cache' }),
  );
  app.get('/assets/*', serveStatic({ root: builtPage, onFound: setCache('public, max-age=31536000, immutable') }));
  return app;
}

const notBuilt = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>LiveChat bridge</title>
<h1>The console's page has not been built</h1>
<p>Run <code>npm ci</code> or <code>npm run build:page</code>, then reload this page.</p>
<p>The API is available under <a href="/api/conversations">/api</a>.</p>
</html>
`;
