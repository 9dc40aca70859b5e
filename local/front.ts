import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import type { WebhookActivity } from './activity.ts';
import { type GatewayAnswer, toGatewayAnswer, toGatewayEvent } from './gateway.ts';
import type { Invoke } from './lambda/runtime.ts';

export interface FrontOptions {
  /** The one route that goes to a function. */
  readonly route: { readonly method: string; readonly path: string; readonly function: string };
  readonly invoke: Invoke;
  /** Answers everything else. */
  fallback(request: Request): Response | Promise<Response>;
  onWebhook?(activity: WebhookActivity): void;
  /** Told why a webhook was answered 500. */
  report(message: string): void;
  readonly now?: () => Date;
}

/** API Gateway's limit, which cannot be raised. */
const maximumBytes = 10 * 1_024 * 1_024;

const tooLarge = jsonAnswer(413, { message: 'Request Entity Too Large' });
const failed = jsonAnswer(500, { message: 'Internal Server Error' });

/** What LiveChat and a browser talk to: the webhook as API Gateway would serve it, and the console. */
export function createFront(options: FrontOptions): Server {
  const { route, invoke, onWebhook, report, now = () => new Date() } = options;
  const fallback = getRequestListener((request) => options.fallback(request));

  async function answerFrom(request: IncomingMessage, body: Buffer): Promise<GatewayAnswer> {
    try {
      return toGatewayAnswer(await invoke(route.function, toGatewayEvent(request, body, now())));
    } catch (error) {
      report(`The webhook was answered 500: ${error instanceof Error ? `${error.name}: ${error.message}` : error}`);
      return failed;
    }
  }

  async function webhook(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const started = performance.now();
    const body = await readUpTo(request, maximumBytes);
    const answer = body ? await answerFrom(request, body) : tooLarge;
    // What is left of a body that is too large is not worth keeping the connection for.
    const headers = { ...answer.headers, ...(!body && { connection: 'close' }) };
    response.writeHead(answer.status, { ...headers, 'content-length': answer.body.length });
    response.end(answer.body);
    const action = body && actionOf(body);
    onWebhook?.({
      type: 'webhook',
      at: now().toISOString(),
      method: route.method,
      status: answer.status,
      ms: Math.round(performance.now() - started),
      ...(action && { action }),
    });
  }

  return createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
    if (request.method === route.method && request.url?.split('?')[0] === route.path) {
      // Only a client that goes away in the middle of its body ends here; nobody is left to answer.
      webhook(request, response).catch(() => response.destroy());
      return;
    }
    void fallback(request, response);
  });
}

/** Undefined as soon as the body is known to be above the limit; the rest is dropped as it comes. */
function readUpTo(request: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | undefined>();
  const chunks: Buffer[] = [];
  let size = 0;
  const refuse = () => {
    chunks.length = 0;
    request.removeAllListeners('data');
    request.resume();
    resolve(undefined);
  };
  if (Number(request.headers['content-length'] ?? 0) > limit) refuse();
  else {
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) refuse();
      else chunks.push(chunk);
    });
  }
  request.on('end', () => resolve(Buffer.concat(chunks)));
  request.on('error', reject);
  return promise;
}

/** LiveChat's action, which stands near the top; for the log only. Quotes inside a text are escaped, so a message cannot pass for one. */
function actionOf(body: Buffer): string | undefined {
  return /"action"\s*:\s*"([a-z_]{1,64})"/.exec(body.toString('latin1', 0, 4_096))?.[1];
}

function jsonAnswer(status: number, value: unknown): GatewayAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(value)) };
}
