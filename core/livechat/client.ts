import { readFile } from 'node:fs/promises';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Readable } from 'node:stream';
import got, { type Got, type Response as GotResponse, RequestError } from 'got';
import * as z from 'zod/mini';
import type { ChannelErrorCategory } from '../channel/channel.ts';
import { ConfigurationError } from '../platform/configuration.ts';
import { parseJsonExactly } from '../platform/json.ts';
import { createMethods, type Method, parseVersion, type Transport } from './api.ts';
import type { FetchedFile } from './compose.ts';
import { debugId, exhaustedFor, isRegion, LiveChatApiError, toApiError } from './errors.ts';

export interface LiveChatClientOptions {
  /** The `Authorization` header. */
  readonly authorization: string;
  /** Such as `https://api.livechatinc.com`. */
  readonly baseUrl: string;
  /** `v3.6` or `3.6`. */
  readonly version: string;
  /** Included in every call record. */
  readonly organizationId?: string | undefined;
  /** Called after every call; must not throw. */
  readonly onCall?: ((record: CallRecord) => void) | undefined;
  /** Called for every response with a notice; must not throw. */
  readonly onNotice?: ((notice: VersionNotice) => void) | undefined;
  /** Called for every successful response after which no call is left for `resetMs`; must not throw. */
  readonly onQuotaExhausted?: ((resetMs: number) => void) | undefined;
  /** For a whole call. LiveChat gives up after 15 s, so the default is 20 s. */
  readonly timeoutMs?: number | undefined;
  /** The clock, in ms since 1970. */
  readonly now?: (() => number) | undefined;
}

/** One call, for metering: LiveChat bills all calls except those that failed with HTTP 500. */
export interface CallRecord {
  readonly organizationId?: string | undefined;
  readonly method: string;
  /** The HTTP status; undefined without a response. */
  readonly status: number | undefined;
  readonly ms: number;
  /** The error's category; undefined for a success. */
  readonly category?: ChannelErrorCategory | undefined;
}

/** LiveChat announces the end of this API version in a response header. */
export interface VersionNotice {
  readonly kind: 'legacy' | 'deprecation';
  /** YYYY-MM-DD */
  readonly date: string;
  readonly method: string;
}

/** LiveChat's API for one organization. */
export interface LiveChatClient extends ReturnType<typeof createMethods> {
  /** The same client for the region that a `misdirected_request` names, sent as `X-Region`. */
  readonly inRegion: (region: string) => LiveChatClient;
}

const defaultTimeoutMs = 20_000;
/** A call that does not connect within this time (ms) fails. Nothing was sent then. */
const maxConnectMs = 5_000;
/** Source: reference of `upload_file`. */
const maxUploadBytes = 10 * 1024 * 1024;
/**
 * Idle connections are closed after this time (ms), before LiveChat closes them. Otherwise a resumed Lambda environment would
 * write to a closed connection.
 */
const idleMs = 4_000;

const http = got.extend({
  method: 'POST',
  agent: {
    http: new HttpAgent({ keepAlive: true, timeout: idleMs }),
    https: new HttpsAgent({ keepAlive: true, timeout: idleMs }),
  },
  headers: { accept: 'application/json', 'user-agent': 'livechat-bridge' },
  // The caller decides on another attempt: LiveChat bills calls, and a blind retry could send a message twice.
  retry: { limit: 0 },
  // A redirect would send the token to another host.
  followRedirect: false,
  // LiveChat sends errors with any status, so readResponse decides.
  throwHttpErrors: false,
  responseType: 'text',
  // got's errors hold the request, with the token and the message text.
  hooks: { beforeError: [toNetworkError] },
});

interface Settings extends LiveChatClientOptions {
  readonly http: Got;
  readonly now: () => number;
}

/** Throws ConfigurationError for an invalid base URL or version. */
export function createLiveChatClient(options: LiveChatClientOptions): LiveChatClient {
  const { authorization, timeoutMs = defaultTimeoutMs, now = Date.now } = options;
  const connect = Math.min(maxConnectMs, timeoutMs);
  const configured = http.extend({
    prefixUrl: `${parseBaseUrl(options.baseUrl)}/${parseVersion(options.version)}`,
    headers: { authorization },
    timeout: { request: timeoutMs, lookup: connect, connect, secureConnect: connect },
  });
  return createClient({ ...options, http: configured, now });
}

function createClient(settings: Settings): LiveChatClient {
  const transport: Transport = {
    post: (method, body) => call(settings, method, toBody(Buffer.from(JSON.stringify(body)), 'application/json')),
    upload: async (method, file) => call(settings, method, await uploadForm(method.name, file)),
  };
  return {
    ...createMethods(transport),
    inRegion: (region) => {
      if (!isRegion(region)) throw new TypeError('a region has 1 to 32 letters, digits and hyphens');
      return createClient({ ...settings, http: settings.http.extend({ headers: { 'x-region': region } }) });
    },
  };
}

function parseBaseUrl(baseUrl: string): string {
  const url = URL.parse(baseUrl);
  if (url?.protocol === 'https:' || url?.protocol === 'http:') {
    return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
  }
  throw new ConfigurationError('LIVECHAT_API_BASE_URL', 'an address such as https://api.livechatinc.com');
}

interface RequestBody {
  readonly body: Readable;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * As a stream, as a workaround for got 16.1: with a buffer it destroys the connection if the response starts before the request
 * ends, which truncates large responses.
 */
function toBody(bytes: Uint8Array, contentType: string): RequestBody {
  return {
    body: Readable.from([bytes]),
    headers: { 'content-type': contentType, 'content-length': String(bytes.length) },
  };
}

async function call<T>(
  { http, organizationId, onCall, onNotice, onQuotaExhausted, now }: Settings,
  method: Method<T>,
  body: RequestBody,
): Promise<T> {
  const start = now();
  const record = (status: number | undefined, category?: ChannelErrorCategory) =>
    onCall?.({ organizationId, method: method.name, status, ms: now() - start, category });
  try {
    const path = `${method.api}/action/${method.name}`;
    const context = { method: method.name };
    const response = await http<string>(path, { ...body, context });
    for (const notice of versionNotices(method.name, response)) onNotice?.(notice);
    const receivedAt = now();
    const result = readResponse(method, response, receivedAt);
    record(response.statusCode);
    const resetMs = exhaustedFor(response.headers, receivedAt);
    if (resetMs) onQuotaExhausted?.(resetMs);
    return result;
  } catch (error) {
    if (error instanceof LiveChatApiError) record(error.status, error.category);
    throw error;
  }
}

function versionNotices(method: string, { headers }: GotResponse): VersionNotice[] {
  return (['legacy', 'deprecation'] as const).flatMap((kind) => {
    const date = headers[kind];
    return typeof date === 'string' && date !== '' ? [{ kind, date, method }] : [];
  });
}

/** LiveChat's error body. Any part may be missing or of another type. */
const errorBody = z.looseObject({
  error: z.looseObject({
    type: z.catch(z.optional(z.string()), undefined),
    message: z.catch(z.optional(z.string()), undefined),
    data: z.optional(z.unknown()),
  }),
});

/** Returns the result or throws the error of the response. `receivedAt` is in ms since 1970. */
function readResponse<T>(method: Method<T>, response: GotResponse<string>, receivedAt: number): T {
  const { statusCode: status, headers } = response;
  // A method without a result has an empty body.
  const body = parseJsonExactly(response.body.trim() || '""');
  const error = errorBody.safeParse(body).data?.error;
  if (error || status < 200 || status > 299) {
    const { type, message, data } = error ?? {};
    throw toApiError({ status, type, message, data, headers, method: method.name, receivedAt });
  }
  const result = body === undefined ? undefined : method.response.safeParse(body);
  if (result?.success) return result.data;
  const missing = result ? result.error.issues[0]?.path.map(String).join('.') || 'a body' : 'JSON';
  const advice = method.writes ? 'Check for the effect before repeating the call.' : 'Call again later.';
  throw new LiveChatApiError('Server', {
    message: `${method.name}: LiveChat's response (HTTP ${status}) is invalid: ${missing} is missing or invalid. ${advice}`,
    method: method.name,
    outcome: method.writes ? 'unknown' : 'refused',
    status,
    debugId: debugId(headers),
  });
}

/** Replaces got's error. Without a connection nothing was sent. */
function toNetworkError(error: Error): LiveChatApiError {
  if (error instanceof LiveChatApiError) return error;
  if (!(error instanceof RequestError)) return networkError('request', 'UNKNOWN', true);
  return networkError(String(error.options.context.method), error.code, error.timings?.connect !== undefined);
}

function networkError(method: string, code: string, isSent: boolean): LiveChatApiError {
  const advice = isSent
    ? 'LiveChat may have processed the request: check for the effect before repeating a write.'
    : 'The request was not sent: call again.';
  return new LiveChatApiError('Network', {
    message: `${method}: no response from LiveChat (${code}). ${advice}`,
    method,
    outcome: isSent ? 'unknown' : 'refused',
    code,
  });
}

/** The file as a multipart form, in memory: LiveChat accepts 10 MB at most. */
async function uploadForm(method: string, { path, name, contentType }: FetchedFile): Promise<RequestBody> {
  const content = await readFile(path).catch(() => undefined);
  if (!content) throw networkError(method, 'ERR_UPLOAD', false);
  if (content.length > maxUploadBytes) {
    throw new LiveChatApiError('Client', {
      message: `${method}: the file exceeds LiveChat's limit of ${maxUploadBytes} bytes. Send a smaller file.`,
      method,
      outcome: 'refused',
      type: 'entity_too_large',
    });
  }
  const form = new FormData();
  form.set('file', new Blob([content], { type: contentType }), name);
  const encoded = new Response(form);
  const bytes = new Uint8Array(await encoded.arrayBuffer());
  return toBody(bytes, encoded.headers.get('content-type') ?? 'multipart/form-data');
}
