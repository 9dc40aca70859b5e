import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { parseJson } from '../../../core/platform/json.ts';
import { LiveChatError, toLiveChatError, validationError } from '../errors.ts';
import { StoredFile } from '../events.ts';
import type { CallResult, Faults } from '../faults.ts';
import { chatMethods } from './chats.ts';
import { eventMethods } from './events.ts';
import { readMethods } from './lists.ts';
import { type ApiState, type Method, type Settings, type Version, versions } from './method.ts';
import { webhookMethods } from './registrations.ts';

const apis: Readonly<Record<string, Readonly<Record<string, Method>>>> = {
  agent: { ...readMethods, ...chatMethods, ...eventMethods },
  configuration: webhookMethods,
};

/** The methods by `<api>/<name>`. */
const methods: ReadonlyMap<string, Method> = new Map(
  Object.entries(apis).flatMap(([api, table]) =>
    Object.entries(table).map(([name, method]) => [`${api}/${name}`, method] as const),
  ),
);

export const methodNames: readonly string[] = Object.values(apis).flatMap(Object.keys);

type Headers = Readonly<Record<string, string>>;
type ApiContext = Context<{ Bindings: HttpBindings }>;

/** Well above the upload limit, so that an oversized upload is read and answered. */
const maxBodyBytes = 32 * 1024 * 1024;

const readBody = async (c: ApiContext): Promise<() => unknown> => {
  if (c.req.header('content-type')?.startsWith('multipart/form-data')) {
    const form = await c.req.parseBody().catch(() => ({}));
    const fields = await Promise.all(Object.entries(form).map(async ([name, value]) => [name, await readField(value)]));
    return () => Object.fromEntries(fields);
  }
  const text = await c.req.text();
  return () => {
    const body = parseJson(text || '{}');
    if (body === undefined) throw validationError('Invalid JSON');
    return body;
  };
};

/** A file is read completely, so that a method can store it. */
const readField = async (value: unknown): Promise<unknown> =>
  value instanceof File ? new StoredFile(value.name, value.type, Buffer.from(await value.arrayBuffer())) : value;

/** The HTTP routes of the APIs. */
export const apiRoutes = (handleCall: (call: Call) => Promise<CallResult>) => {
  const app = new Hono<{ Bindings: HttpBindings }>();

  const respondJson = (body: object, status = 200, headers: Headers = {}): Response =>
    new Response(JSON.stringify(body), {
      status,
      headers: { 'content-type': 'application/json', 'x-debug-id': randomUUID(), ...headers },
    });

  const respondError = ({ body, status, retryAfterSeconds: seconds }: LiveChatError, headers: Headers = {}): Response =>
    respondJson(body, status, { ...headers, ...(seconds !== undefined && { 'retry-after': String(seconds) }) });

  const respond = async (c: ApiContext, result: CallResult, headers: Headers): Promise<Response> => {
    switch (result.kind) {
      case 'answer':
        return respondJson(result.body, 200, { ...headers, ...result.headers });
      case 'error':
        return respondError(result.error, headers);
      case 'reset':
        c.env.incoming.socket.resetAndDestroy();
        return RESPONSE_ALREADY_SENT;
      case 'hang':
        if (!c.env.incoming.socket.destroyed) await once(c.env.outgoing, 'close');
        return RESPONSE_ALREADY_SENT;
    }
  };

  app.use(bodyLimit({ maxSize: maxBodyBytes, onError: () => respondError(new LiveChatError('entity_too_large')) }));
  app.onError((error) => respondError(toLiveChatError(error)));

  app.post('/:version/:api/action/:method', async (c) => {
    const { version, api, method: name } = c.req.param();
    const method = methods.get(`${api}/${name}`);
    if (method === undefined) return respondError(new LiveChatError('not_found'));
    const authorization = c.req.header('authorization');
    const region = c.req.header('x-region');
    const result = await handleCall({ name, method, version, authorization, region, body: await readBody(c) });
    return respond(c, result, versionHeaders.get(version) ?? {});
  });
  app.all('*', () => respondError(new LiveChatError('not_found')));

  return app;
};

/**
 * The response headers that announce the end of a version. The date of v3.4 is documented; the date of v3.5 is an
 * assumption.
 */
const versionHeaders: ReadonlyMap<string, Headers> = new Map([
  ['v3.4', { deprecation: '2026-03-31' }],
  ['v3.5', { legacy: '2027-03-31' }],
]);

/** A call of an API method. */
export interface Call {
  readonly name: string;
  readonly method: Method;
  readonly version: string;
  readonly authorization: string | undefined;
  readonly region: string | undefined;
  /** @throws LiveChatError if it cannot be parsed */
  readonly body: () => unknown;
}

const parseVersion = (text: string): Version => {
  const version = versions.find((known) => known === text);
  if (version === undefined) throw new LiveChatError('unsupported_version');
  return version;
};

/** Executes a call, unless the rules reject it or a fault applies. */
export const createCallHandler = (state: ApiState, faults: Faults) => {
  const { calls, settings, source } = state;
  const admitsCall = createLimiter(source.now);

  const admit = ({ method, version, authorization }: Call): void => {
    const current = settings.current();
    parseVersion(version);
    authenticate(authorization, current);
    authorize(method, current);
    if (!admitsCall(current.rateLimitPerSecond)) throw new LiveChatError('too_many_requests');
  };

  const accept = ({ name, method, body, version }: Call): CallResult => {
    const response = method.handle(body(), state, parseVersion(version));
    calls.increment(name, 'accepted');
    return { kind: 'answer', body: response };
  };

  return async (call: Call): Promise<CallResult> => {
    calls.increment(call.name, 'count');
    try {
      admit(call);
      return await faults.execute(call, () => accept(call));
    } catch (thrown) {
      const error = toLiveChatError(thrown);
      if (error.status === 429) calls.increment(call.name, 'rate_limited');
      return { kind: 'error', error };
    }
  };
};

const acceptedHeaders = ({ accountId, apiKey, accessToken }: Settings): readonly string[] => [
  ...(apiKey === undefined ? [] : [`Basic ${Buffer.from(`${accountId}:${apiKey}`).toString('base64')}`]),
  ...(accessToken === undefined ? [] : [`Bearer ${accessToken}`]),
];

/** @throws LiveChatError if the header is missing or has other credentials */
const authenticate = (authorization: string | undefined, settings: Settings): void => {
  if (authorization === undefined) {
    throw new LiveChatError('authentication', { message: 'No `Authorization` header' });
  }
  const headers = acceptedHeaders(settings);
  if (headers.length > 0 && !headers.includes(authorization)) throw new LiveChatError('authentication');
};

/** @throws LiveChatError if the token lacks the scope. Without the setting it has every scope */
const authorize = (method: Method, { scopes }: Settings): void => {
  if (!scopes || method.scopes.some((scope) => scopes.includes(scope))) return;
  throw new LiveChatError('authorization', { message: `Missing scope: ${method.scopes.join(' or ')}` });
};

/** Admits calls within a sliding window of one second. Rejected calls do not count. */
const createLimiter = (now: () => number) => {
  const admitted: number[] = [];

  return (perSecond: number | null): boolean => {
    if (perSecond === null) return true;
    const at = now();
    while (admitted[0] !== undefined && admitted[0] <= at - 1000) admitted.shift();
    if (admitted.length >= perSecond) return false;
    admitted.push(at);
    return true;
  };
};
