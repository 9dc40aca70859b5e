import { Hono } from 'hono';
import { api } from './api.ts';
import { type Activity, stream } from './stream.ts';

export interface ConsoleOptions {
  readonly bus: string;
  /** Calls back for whatever happens, until the returned function is called. */
  readonly subscribe: (listener: (activity: Activity) => void) => () => void;
}

/** The console: its HTTP API under `/api`, and a page that says where things are. */
export function createConsole({ bus, subscribe }: ConsoleOptions): {
  fetch(request: Request): Response | Promise<Response>;
} {
  const app = new Hono();
  app.use(async (context, next) => {
    const origin = context.req.header('origin');
    // The data is the customers': another site open in the same browser must not read it.
    if (origin !== undefined && !isLocal(origin))
      return context.json({ error: { field: 'Origin', expected: 'this console' } }, 403);
    await next();
    context.header('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; connect-src 'self'");
    context.header('X-Content-Type-Options', 'nosniff');
  });
  app.route('/api', api({ bus }));
  app.get('/api/stream', (context) => stream(context, subscribe));
  app.get('/', (context) => context.html(page));
  app.notFound((context) =>
    context.json({ error: { field: 'path', expected: 'GET / or an address under /api' } }, 404),
  );
  return app;
}

function isLocal(origin: string): boolean {
  return URL.canParse(origin) && ['localhost', '127.0.0.1', '[::1]'].includes(new URL(origin).hostname);
}

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>LiveChat bridge</title>
<style>body{font:1rem/1.5 system-ui;max-width:42rem;margin:3rem auto;padding:0 1rem}</style>
<h1>LiveChat bridge</h1>
<p>The bridge is running. What it knows:</p>
<ul>
<li><a href="/api/conversations">Conversations</a>, those with the latest activity first (<code>?status=queued|open|idle|closed</code>)</li>
<li><code>/api/conversations/:id</code>: one conversation with its messages</li>
<li><code>/api/messages/:id</code>: one message with the clicks on its buttons</li>
<li><a href="/api/stream">Stream</a> of every domain event, as it happens</li>
<li><a href="/api/health">Health</a></li>
</ul>
</html>
`;
