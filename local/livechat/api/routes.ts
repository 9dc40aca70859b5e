import { once } from 'node:events';
import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { Call } from './dispatch.ts';
import { invalid, LiveChatError, toLiveChatError } from './errors.ts';
import { lifeCycleHeaders } from './life-cycle.ts';
import { methods } from './methods.ts';
import type { Outcome } from './strike.ts';

type Headers = Readonly<Record<string, string>>;
type ApiContext = Context<{ Bindings: HttpBindings }>;

/** Well above the largest upload, so that one that is too large is still read to its end and answered. */
const maxBodyBytes = 32 * 1024 * 1024;

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text || '{}');
  } catch (cause) {
    throw invalid(`Invalid JSON: ${cause instanceof Error ? cause.message : 'unknown cause'}`);
  }
};

const readBody = async (c: ApiContext): Promise<() => unknown> => {
  if (c.req.header('content-type')?.startsWith('multipart/form-data')) {
    const form = await c.req.parseBody().catch(() => ({}));
    return () => form;
  }
  const text = await c.req.text();
  return () => parseJson(text);
};

/** The APIs, as LiveChat answers them. @param debugId makes the id that LiveChat's support would ask for */
export const apiRoutes = (dispatch: (call: Call) => Promise<Outcome>, debugId: () => string) => {
  const app = new Hono<{ Bindings: HttpBindings }>();

  const answer = (body: object, status = 200, headers: Headers = {}): Response =>
    new Response(JSON.stringify(body), {
      status,
      headers: { 'content-type': 'application/json', 'x-debug-id': debugId(), ...headers },
    });

  const refuse = ({ body, status, retryAfterSeconds: seconds }: LiveChatError, headers: Headers = {}): Response =>
    answer(body, status, { ...headers, ...(seconds !== undefined && { 'retry-after': String(seconds) }) });

  const respond = async (c: ApiContext, outcome: Outcome, headers: Headers): Promise<Response> => {
    switch (outcome.kind) {
      case 'answer':
        return answer(outcome.body, 200, headers);
      case 'error':
        return refuse(outcome.error, headers);
      case 'reset':
        c.env.incoming.socket.resetAndDestroy();
        return RESPONSE_ALREADY_SENT;
      case 'hang':
        if (!c.env.incoming.socket.destroyed) await once(c.env.outgoing, 'close');
        return RESPONSE_ALREADY_SENT;
    }
  };

  app.use(bodyLimit({ maxSize: maxBodyBytes, onError: () => refuse(new LiveChatError('entity_too_large')) }));
  app.onError((error) => refuse(toLiveChatError(error)));

  app.post('/:version/:api/action/:method', async (c) => {
    const { version, api, method } = c.req.param();
    const run = methods.get(`${api}/${method}`);
    if (run === undefined) return refuse(new LiveChatError('not_found'));
    const authorization = c.req.header('authorization');
    const region = c.req.header('x-region');
    const outcome = await dispatch({ method, run, version, authorization, region, body: await readBody(c) });
    return respond(c, outcome, lifeCycleHeaders(version));
  });
  app.all('*', () => refuse(new LiveChatError('not_found')));

  return app;
};
