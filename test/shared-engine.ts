import { createServer } from 'node:http';
import type { TestProject } from 'vitest/node';
import { type Local, startLocal } from './local.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Answers GET / with the addresses of the shared engine and GET /output with its log; the first request starts it. */
    sharedEngine: string;
  }
}

/** Global set-up: one engine for all test files that call `sharedLocal`. A run that needs none starts none. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  let engine: Promise<Local> | undefined;
  const server = createServer(async ({ url }, response) => {
    try {
      engine ??= startLocal({ LIVECHAT_CALLS_PER_SECOND: '200', ROUTING_CACHE_SECONDS: '0' });
      const { output, webhook, console, aws, livechat, bus } = await engine;
      response.end(url === '/output' ? output() : JSON.stringify({ webhook, console, aws, livechat, bus }));
    } catch (error) {
      response.writeHead(500).end(String(error));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the set-up server has no port');
  project.provide('sharedEngine', `http://127.0.0.1:${address.port}`);
  return async () => {
    server.close();
    await (await engine)?.stop();
  };
}
