import { once } from 'node:events';
import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type * as z from 'zod/mini';
import { LiveChatError, toLiveChatError, validationError } from '../errors.ts';
import { type CallResult, type Fault, type Faults, toLostResponse, toRefusal } from '../faults.ts';
import type { Clock } from '../objects.ts';
import type { Settings } from '../simulator.ts';
import * as requests from './chats.ts';
import {
  addUserToChat,
  deactivateChat,
  getChat,
  listChats,
  listThreads,
  removeUserFromChat,
  tagThread,
  transferChat,
  untagThread,
} from './chats.ts';
import { resumeChat, resumeChatRequest, sendEvent, sendEventRequest, uploadFile, uploadFileRequest } from './events.ts';
import { type ApiState, authorize, check, type Method, type Version, versions } from './method.ts';
import { ownerRequest, registerWebhookRequest, requireAction, unregisterWebhookRequest } from './registrations.ts';

const method =
  <Schema extends z.ZodMiniType>(
    schema: Schema,
    run: (request: z.output<Schema>, state: ApiState, version: Version) => object,
  ): Method =>
  (body, state, version) =>
    run(check(schema, body), state, version);

const agent: Readonly<Record<string, Method>> = {
  send_event: method(sendEventRequest, sendEvent),
  upload_file: method(uploadFileRequest, uploadFile),
  resume_chat: method(resumeChatRequest, resumeChat),
  add_user_to_chat: method(requests.addUserRequest, addUserToChat),
  remove_user_from_chat: method(requests.removeUserRequest, removeUserFromChat),
  transfer_chat: method(requests.transferChatRequest, transferChat),
  deactivate_chat: method(requests.deactivateChatRequest, deactivateChat),
  get_chat: method(requests.getChatRequest, getChat),
  list_threads: method(requests.listThreadsRequest, listThreads),
  list_chats: method(requests.listChatsRequest, listChats),
  tag_thread: method(requests.tagRequest, tagThread),
  untag_thread: method(requests.tagRequest, untagThread),
};

const setWebhooks = (enabled: boolean): Method =>
  method(ownerRequest, (_, { registrations }) => {
    registrations.enable(enabled);
    return {};
  });

const configuration: Readonly<Record<string, Method>> = {
  register_webhook: method(registerWebhookRequest, (request, { registrations }, version) => {
    requireAction(request.action, version);
    return { id: registrations.register(request) };
  }),
  unregister_webhook: method(unregisterWebhookRequest, ({ id, owner_client_id }, { registrations }) => {
    registrations.unregister(id, owner_client_id);
    return {};
  }),
  list_webhooks: method(ownerRequest, ({ owner_client_id }, { registrations }) => registrations.list(owner_client_id)),
  get_license_webhooks_state: method(ownerRequest, (_, { registrations }) => ({
    license_webhooks_enabled: registrations.isEnabled(),
  })),
  enable_license_webhooks: setWebhooks(true),
  disable_license_webhooks: setWebhooks(false),
};

/** The methods by `<api>/<name>`. */
export const methods: ReadonlyMap<string, Method> = new Map([
  ...Object.entries(agent).map(([name, run]) => [`agent/${name}`, run] as const),
  ...Object.entries(configuration).map(([name, run]) => [`configuration/${name}`, run] as const),
]);

type Headers = Readonly<Record<string, string>>;
type ApiContext = Context<{ Bindings: HttpBindings }>;

/** Well above the upload limit, so that an oversized upload is read and answered. */
const maxBodyBytes = 32 * 1024 * 1024;

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text || '{}');
  } catch (cause) {
    throw validationError(`Invalid JSON: ${cause instanceof Error ? cause.message : 'unknown cause'}`);
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

/** The HTTP routes of the APIs. @param debugId generates the X-Debug-Id of a response */
export const apiRoutes = (handleCall: (call: Call) => Promise<CallResult>, debugId: () => string) => {
  const app = new Hono<{ Bindings: HttpBindings }>();

  const respondJson = (body: object, status = 200, headers: Headers = {}): Response =>
    new Response(JSON.stringify(body), {
      status,
      headers: { 'content-type': 'application/json', 'x-debug-id': debugId(), ...headers },
    });

  const respondError = ({ body, status, retryAfterSeconds: seconds }: LiveChatError, headers: Headers = {}): Response =>
    respondJson(body, status, { ...headers, ...(seconds !== undefined && { 'retry-after': String(seconds) }) });

  const respond = async (c: ApiContext, outcome: CallResult, headers: Headers): Promise<Response> => {
    switch (outcome.kind) {
      case 'answer':
        return respondJson(outcome.body, 200, headers);
      case 'error':
        return respondError(outcome.error, headers);
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
    const { version, api, method } = c.req.param();
    const run = methods.get(`${api}/${method}`);
    if (run === undefined) return respondError(new LiveChatError('not_found'));
    const authorization = c.req.header('authorization');
    const region = c.req.header('x-region');
    const outcome = await handleCall({ method, run, version, authorization, region, body: await readBody(c) });
    return respond(c, outcome, versionHeaders(version));
  });
  app.all('*', () => respondError(new LiveChatError('not_found')));

  return app;
};

/**
 * The response headers that announce the end of a version. The date of v3.4 is documented; the date of v3.5 is an
 * assumption.
 */
const lifeCycles: Readonly<Partial<Record<Version, Readonly<Record<string, string>>>>> = {
  'v3.4': { deprecation: '2026-03-31' },
  'v3.5': { legacy: '2027-03-31' },
};

export const versionHeaders = (version: string): Readonly<Record<string, string>> =>
  new Map<string, Readonly<Record<string, string>>>(Object.entries(lifeCycles)).get(version) ?? {};

/** A call of an API method. */
export interface Call {
  readonly method: string;
  readonly run: Method;
  readonly version: string;
  readonly authorization: string | undefined;
  readonly region: string | undefined;
  /** @throws LiveChatError if it cannot be parsed */
  readonly body: () => unknown;
}

export interface CallHandlerOptions {
  readonly state: ApiState;
  readonly faults: Faults;
  readonly limiter: Limiter;
  readonly clock: Clock;
  /** A number from 0 to below 1. */
  readonly random: () => number;
}

/** LiveChat times calls out after 15 s, so a delayed call is executed before that. */
const maxDelayMs = 14_000;

const parseVersion = (given: string): Version => {
  const version = versions.find((known) => known === given);
  if (version === undefined) throw new LiveChatError('unsupported_version');
  return version;
};

/** Executes a call, unless the rules reject it or a fault applies. */
export const createCallHandler = ({
  state,
  faults,
  limiter,
  clock,
  random,
}: CallHandlerOptions): ((call: Call) => Promise<CallResult>) => {
  const { calls, settings } = state;

  const admit = ({ method, version, authorization }: Call): void => {
    const current = settings.current();
    parseVersion(version);
    authenticate(authorization, current);
    authorize(method, current);
    if (!limiter.admit(current.rateLimitPerSecond)) throw new LiveChatError('too_many_requests');
  };

  const accept = (call: Call): CallResult => {
    const body = call.run(call.body(), state, parseVersion(call.version));
    calls.accepted(call.method);
    return { kind: 'answer', body };
  };

  const applyFault = async (fault: Fault, call: Call): Promise<CallResult> => {
    const { request } = fault;
    const { kind, latencyMs = kind === 'accept-late' ? Math.round(random() * maxDelayMs) : 0 } = request;
    switch (kind) {
      case 'accept-then-hang':
      case 'accept-then-reset':
      case 'accept-then-error':
        // Execute first: a rejected call gets its own error and does not use up the fault.
        accept(call);
        faults.markApplied(fault);
        await clock.wait(latencyMs);
        return toLostResponse(request);
      case 'accept-late':
        faults.markApplied(fault);
        void clock
          .wait(latencyMs)
          .then(() => accept(call))
          .catch(toLiveChatError);
        return { kind: 'reset' };
      default:
        faults.markApplied(fault);
        await clock.wait(latencyMs);
        if (kind === 'reset-before-accept') return { kind: 'reset' };
        if (kind === 'latency') return accept(call);
        throw toRefusal(request);
    }
  };

  const attempt = (call: Call): CallResult | Promise<CallResult> => {
    admit(call);
    const fault = faults.next(call);
    return fault === undefined ? accept(call) : applyFault(fault, call);
  };

  return async (call) => {
    calls.called(call.method);
    try {
      return await attempt(call);
    } catch (thrown) {
      const error = toLiveChatError(thrown);
      if (error.status === 429) calls.rateLimited(call.method);
      return { kind: 'error', error };
    }
  };
};

const accepted = ({ accountId, apiKey, accessToken }: Settings): readonly string[] => [
  ...(apiKey === undefined ? [] : [`Basic ${Buffer.from(`${accountId}:${apiKey}`).toString('base64')}`]),
  ...(accessToken === undefined ? [] : [`Bearer ${accessToken}`]),
];

/** @throws LiveChatError if the header is missing or has other credentials */
export const authenticate = (authorization: string | undefined, settings: Settings): void => {
  if (authorization === undefined) {
    throw new LiveChatError('authentication', { message: 'No `Authorization` header' });
  }
  const headers = accepted(settings);
  if (headers.length > 0 && !headers.includes(authorization)) throw new LiveChatError('authentication');
};

const windowMs = 1000;

export interface Limiter {
  /** Whether the sliding window of one second admits another call. Rejected calls do not count. */
  readonly admit: (perSecond: number | null) => boolean;
}

export const createLimiter = (now: () => number): Limiter => {
  const admitted: number[] = [];

  const admit = (perSecond: number | null): boolean => {
    if (perSecond === null) return true;
    const at = now();
    while (admitted[0] !== undefined && admitted[0] <= at - windowMs) admitted.shift();
    if (admitted.length >= perSecond) return false;
    admitted.push(at);
    return true;
  };

  return { admit };
};
