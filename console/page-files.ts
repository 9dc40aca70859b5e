import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { Hono } from 'hono';

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
