import { Hono } from 'hono';
import { api } from './api.ts';
import { unseenInTables } from './flow.ts';
import { guard, securityHeaders } from './guard.ts';
import { pageFiles } from './page-files.ts';
import { play } from './play.ts';
import { type Subscribe, stream } from './stream.ts';
import { watch } from './watch.ts';

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
