import { randomUUID } from 'node:crypto';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Readable } from 'node:stream';
import got, { RequestError } from 'got';
import * as z from 'zod/mini';
import { ConfigurationError } from '../platform/configuration.ts';
import {
  type AddUserToChat,
  type ChatListResponse,
  type ChatResponse,
  type DeactivateChat,
  type GetChat,
  type ListChats,
  type ListThreads,
  listChatsBody,
  type Method,
  methods,
  type OfClient,
  parseVersion,
  type RegisterWebhook,
  type ResumeChat,
  type SendEvent,
  type TagThread,
  type ThreadListResponse,
  type TransferChat,
  type UnregisterWebhook,
  type Version,
  type WebhookRegistration,
} from './api.ts';
import type { ApiCredentials } from './credentials.ts';
import {
  type AnswerHeaders,
  classify,
  debugIdOf,
  type ErrorCategory,
  header,
  isRegion,
  LiveChatApiError,
  LiveChatClientError,
  LiveChatNetworkError,
  LiveChatServerError,
} from './errors.ts';

export interface LiveChatClientOptions {
  readonly credentials: ApiCredentials;
  /** Such as `https://api.livechatinc.com`. */
  readonly baseUrl: string;
  /** `v3.6` or `3.6`. */
  readonly version: string;
  /** Goes with every call's record. */
  readonly organizationId?: string | undefined;
  /** Told of every call once it has ended; must not throw. */
  readonly onCall?: ((record: CallRecord) => void) | undefined;
  /** Told with every answer that says so; must not throw. */
  readonly onNotice?: ((notice: VersionNotice) => void) | undefined;
  /** For a whole call. LiveChat itself gives up after 15 s, so the default waits 20 s. */
  readonly timeoutMs?: number | undefined;
  readonly fetchLike?: FetchLike | undefined;
  readonly now?: (() => number) | undefined;
}

/** Makes one call. Throws a LiveChatApiError. */
export type Ask<Request, Answer> = (request: Request, options?: CallOptions) => Promise<Answer>;

/** LiveChat's API for one organization, in LiveChat's own words. */
export interface LiveChatClient {
  readonly sendEvent: Ask<SendEvent, { event_id: string }>;
  /** At most 10 MB. The address is dead after 24 h unless an event uses it. */
  readonly uploadFile: Ask<UploadedFile, { url: string }>;
  readonly resumeChat: Ask<ResumeChat, { thread_id: string; event_ids?: string[] | null | undefined }>;
  readonly addUserToChat: Ask<AddUserToChat, void>;
  readonly transferChat: Ask<TransferChat, void>;
  readonly deactivateChat: Ask<DeactivateChat, void>;
  readonly tagThread: Ask<TagThread, void>;
  readonly getChat: Ask<GetChat, ChatResponse>;
  readonly listThreads: Ask<ListThreads, ThreadListResponse>;
  readonly listChats: Ask<ListChats, ChatListResponse>;
  /** LiveChat takes three of an action and client id, so list them first. */
  readonly registerWebhook: Ask<RegisterWebhook, { id: string }>;
  readonly unregisterWebhook: Ask<UnregisterWebhook, void>;
  /** Without their secrets. */
  readonly listWebhooks: Ask<OfClient, WebhookRegistration[]>;
  readonly getLicenseWebhooksState: Ask<OfClient, { license_webhooks_enabled: boolean }>;
  readonly enableLicenseWebhooks: Ask<OfClient, void>;
  /** The same client for the region that a `misdirected_request` names; it goes along as `X-Region`. */
  readonly inRegion: (region: string) => LiveChatClient;
}

const defaultTimeoutMs = 20_000;
/** Source: the reference of `upload_file`. */
const mostUploadBytes = 10 * 1024 * 1024;

/** Throws ConfigurationError for an address or a version that is none. */
export function createLiveChatClient(options: LiveChatClientOptions): LiveChatClient {
  return clientOf({
    credentials: options.credentials,
    baseUrl: addressOf(options.baseUrl),
    version: parseVersion(options.version),
    region: undefined,
    organizationId: options.organizationId,
    timeoutMs: options.timeoutMs ?? defaultTimeoutMs,
    fetchLike: options.fetchLike ?? post,
    onCall: options.onCall ?? (() => {}),
    onNotice: options.onNotice ?? (() => {}),
    now: options.now ?? Date.now,
  });
}

function clientOf(caller: Caller): LiveChatClient {
  const ask = <T>(method: Method<T>, body: object, options: CallOptions | undefined) =>
    call(caller, method, { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }, options);
  return {
    sendEvent: (request, options) => ask(methods.sendEvent, request, options),
    uploadFile: (file, options) => upload(caller, file, options),
    resumeChat: (request, options) => ask(methods.resumeChat, request, options),
    addUserToChat: (request, options) => ask(methods.addUserToChat, request, options),
    transferChat: (request, options) => ask(methods.transferChat, request, options),
    deactivateChat: (request, options) => ask(methods.deactivateChat, request, options),
    tagThread: (request, options) => ask(methods.tagThread, request, options),
    getChat: (request, options) => ask(methods.getChat, request, options),
    listThreads: (request, options) => ask(methods.listThreads, request, options),
    listChats: (request, options) => ask(methods.listChats, listChatsBody(request, caller.version), options),
    registerWebhook: (request, options) => ask(methods.registerWebhook, request, options),
    unregisterWebhook: (request, options) => ask(methods.unregisterWebhook, request, options),
    listWebhooks: (request, options) => ask(methods.listWebhooks, request, options),
    getLicenseWebhooksState: (request, options) => ask(methods.getLicenseWebhooksState, request, options),
    enableLicenseWebhooks: (request, options) => ask(methods.enableLicenseWebhooks, request, options),
    inRegion: (region) => {
      if (!isRegion(region)) throw new TypeError('a region is 1 to 32 letters, digits and hyphens');
      return clientOf({ ...caller, region });
    },
  };
}

async function upload(caller: Caller, file: UploadedFile, options: CallOptions | undefined): Promise<{ url: string }> {
  const { uploadFile } = methods;
  if (sizeOf(file) > mostUploadBytes) {
    throw new LiveChatClientError({
      message: `${uploadFile.name}: the file has more than the ${mostUploadBytes} bytes that LiveChat takes. Send a smaller one.`,
      method: uploadFile.name,
      outcome: 'refused',
      type: 'entity_too_large',
    });
  }
  return call(caller, uploadFile, multipart(file, `livechat-bridge-${randomUUID()}`), options);
}

function addressOf(baseUrl: string): string {
  const url = URL.parse(baseUrl);
  if (url?.protocol === 'https:' || url?.protocol === 'http:')
    return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
  throw new ConfigurationError('LIVECHAT_API_BASE_URL', 'an address such as https://api.livechatinc.com');
}

/** One call, for the meter: LiveChat bills all but those that failed with HTTP 500. */
export interface CallRecord {
  readonly organizationId?: string | undefined;
  readonly method: string;
  /** The HTTP code; none where no answer came. */
  readonly status: number | undefined;
  readonly ms: number;
  /** Of the error; none for a success. */
  readonly category?: ErrorCategory | undefined;
}

/** LiveChat says that this API version is on its way out. */
export interface VersionNotice {
  readonly kind: 'legacy' | 'deprecation';
  /** As LiveChat gives it: YYYY-MM-DD. */
  readonly date: string;
  readonly method: string;
}

export interface CallOptions {
  /** Aborted, the call ends with a {@link LiveChatNetworkError}. */
  readonly signal?: AbortSignal | undefined;
}

export interface Caller {
  readonly credentials: ApiCredentials;
  readonly baseUrl: string;
  readonly version: Version;
  readonly region: string | undefined;
  readonly organizationId: string | undefined;
  readonly timeoutMs: number;
  readonly fetchLike: FetchLike;
  readonly onCall: (record: CallRecord) => void;
  readonly onNotice: (notice: VersionNotice) => void;
  readonly now: () => number;
}

export interface Payload {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | AsyncIterable<Uint8Array>;
}

/** Calls one method, once. Throws a {@link LiveChatApiError}. */
export async function call<T>(
  caller: Caller,
  method: Method<T>,
  payload: Payload,
  { signal }: CallOptions = {},
): Promise<T> {
  const { organizationId, onCall, now } = caller;
  const start = now();
  const record = (status: number | undefined, category?: ErrorCategory) =>
    onCall({ organizationId, method: method.name, status, ms: now() - start, category });
  try {
    const answer = await exchange(caller, method, payload, signal);
    for (const notice of notices(method.name, answer)) caller.onNotice(notice);
    const result = readAnswer(method, answer, now());
    record(answer.status);
    return result;
  } catch (error) {
    if (error instanceof LiveChatApiError) record(error.status, error.category);
    throw error;
  }
}

async function exchange(
  caller: Caller,
  { name, api }: Method<unknown>,
  payload: Payload,
  signal: AbortSignal | undefined,
): Promise<HttpAnswer> {
  const { baseUrl, version, region, credentials, timeoutMs, fetchLike } = caller;
  const url = `${baseUrl}/v${version.major}.${version.minor}/${api}/action/${name}`;
  const headers = {
    ...payload.headers,
    accept: 'application/json',
    'user-agent': 'livechat-bridge',
    authorization: authorization(credentials),
    ...(region === undefined ? {} : { 'x-region': region }),
  };
  try {
    return await fetchLike({ url, headers, body: payload.body, timeoutMs, signal });
  } catch (error) {
    throw unanswered(name, error);
  }
}

function authorization(credentials: ApiCredentials): string {
  if (credentials.kind === 'bearer') return `Bearer ${credentials.accessToken}`;
  return `Basic ${Buffer.from(`${credentials.accountId}:${credentials.apiKey}`).toString('base64')}`;
}

function notices(method: string, { headers }: HttpAnswer): VersionNotice[] {
  return (['legacy', 'deprecation'] as const).flatMap((kind) => {
    const date = header(headers, kind);
    return date ? [{ kind, date, method }] : [];
  });
}

/** The transport's own error stays behind: it may hold the token and what was sent. */
function unanswered(method: string, error: unknown): LiveChatNetworkError {
  const { code, reached } = error instanceof NoAnswer ? error : new NoAnswer('UNKNOWN', true);
  const advice = reached
    ? 'LiveChat may have done what was asked: look for the effect before a write is repeated.'
    : 'Nothing was done: call again.';
  return new LiveChatNetworkError({
    message: `${method}: no answer from LiveChat (${code}). ${advice}`,
    method,
    outcome: reached ? 'unknown' : 'refused',
    code,
  });
}

export interface HttpRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | AsyncIterable<Uint8Array>;
  /** For the whole exchange, in ms. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body: string;
}

/** One POST. Any status is an answer; a throw, best a {@link NoAnswer}, means that there was none. */
export type FetchLike = (request: HttpRequest) => Promise<HttpAnswer>;

/** Holds nothing of the request, unlike got's errors. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
  /** Node's or got's code, such as `ECONNRESET`. */
  readonly code: string;
  /** False where the request certainly never reached the other side whole. */
  readonly reached: boolean;
  constructor(code: string, reached: boolean) {
    super(`no answer: ${code}`);
    this.code = code;
    this.reached = reached;
  }
}

/**
 * Connections are kept over calls, and dropped after this idle time (ms): before LiveChat's side would drop them, and
 * after a Lambda sandbox was frozen, so that no request is written into a dead one.
 */
const idleMs = 4_000;
const agent = {
  http: new HttpAgent({ keepAlive: true, timeout: idleMs }),
  https: new HttpsAgent({ keepAlive: true, timeout: idleMs }),
};
/** A connection takes far less; to give up early leaves no doubt that nothing was sent. */
const mostConnectMs = 5_000;

/** HTTP by got, without its retries and redirects: who calls decides on another try, and no token goes elsewhere. */
export const post: FetchLike = async ({ url, headers, body, timeoutMs, signal }) => {
  const connect = Math.min(mostConnectMs, timeoutMs);
  try {
    const answer = await got.post(url, {
      headers,
      body,
      agent,
      signal,
      retry: { limit: 0 },
      timeout: { request: timeoutMs, lookup: connect, connect, secureConnect: connect },
      followRedirect: false,
      throwHttpErrors: false,
      responseType: 'text',
    });
    return { status: answer.statusCode, headers: answer.headers, body: answer.body };
  } catch (error) {
    throw noAnswer(error);
  }
};

/** An upload that broke off has not been taken, and without a connection nothing was written at all. */
function noAnswer(error: unknown): NoAnswer {
  if (!(error instanceof RequestError)) return new NoAnswer('UNKNOWN', true);
  return new NoAnswer(error.code, error.code !== 'ERR_UPLOAD' && error.timings?.connect !== undefined);
}

/** LiveChat's error body, of which any part may be missing or odd. */
const failure = z.looseObject({
  error: z.looseObject({
    type: z.catch(z.optional(z.string()), undefined),
    message: z.catch(z.optional(z.string()), undefined),
    data: z.optional(z.unknown()),
  }),
});

/** What LiveChat did, or the error (thrown) that its answer amounts to. `now` is in ms. */
export function readAnswer<T>(method: Method<T>, answer: HttpAnswer, now: number): T {
  const { status, headers } = answer;
  const body = parseJson(answer.body);
  const error = failure.safeParse(body?.value).data?.error;
  if (error || status < 200 || status > 299) {
    const { type, message, data } = error ?? {};
    throw classify({ status, type, message, data, headers, method: method.name, now });
  }
  if (!body) throw misfit(method, answer, 'JSON');
  const parsed = method.answer.safeParse(body.value);
  if (parsed.success) return parsed.data;
  throw misfit(method, answer, parsed.error.issues[0]?.path.map(String).join('.') || 'a body');
}

/** No body is as good as none: LiveChat answers so where it has nothing to say. */
function parseJson(text: string): { readonly value: unknown } | undefined {
  if (text.trim() === '') return { value: undefined };
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

function misfit({ name, writes }: Method<unknown>, { status, headers }: HttpAnswer, lacking: string) {
  const advice = writes ? 'Look for the effect before the call is repeated.' : 'Call again later.';
  return new LiveChatServerError({
    message: `${name}: LiveChat answered HTTP ${status} without ${lacking}. ${advice}`,
    method: name,
    outcome: writes ? 'unknown' : 'refused',
    status,
    debugId: debugIdOf(headers),
  });
}

interface FileName {
  /** As the customer sees it. */
  readonly name: string;
  readonly contentType?: string | undefined;
}

/** A file to be uploaded. A stream's size, in bytes, must be known, since LiveChat is told it first. */
export type UploadedFile =
  | (FileName & { readonly content: Blob })
  | (FileName & { readonly content: Readable; readonly size: number });

export interface Multipart {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
}

export function sizeOf(file: UploadedFile): number {
  return 'size' in file ? file.size : file.content.size;
}

/** The file as the one field `file` of a multipart form, never held in memory whole. */
export function multipart(file: UploadedFile, boundary: string): Multipart {
  const type = file.contentType ?? ('size' in file ? '' : file.content.type);
  const head = Buffer.from(
    `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${escaped(file.name)}"\r\n` +
      `Content-Type: ${mediaType.test(type) ? type : 'application/octet-stream'}\r\n\r\n`,
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  const size = sizeOf(file);
  const content: AsyncIterable<unknown> = 'size' in file ? file.content : file.content.stream();
  return {
    headers: {
      'content-type': `multipart/form-data; boundary=${boundary}`,
      'content-length': String(head.length + size + tail.length),
    },
    body: framed(head, content, size, tail),
  };
}

const mediaType = /^[\w.+-]+\/[\w.+-]+(?:; ?[\w.+-]+=[\w.+-]+)*$/;

/** As browsers do it (HTML standard, "multipart form data"). */
function escaped(name: string): string {
  return name.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

async function* framed(
  head: Uint8Array,
  content: AsyncIterable<unknown>,
  size: number,
  tail: Uint8Array,
): AsyncGenerator<Uint8Array> {
  let sent = 0;
  yield head;
  for await (const chunk of content) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('the file must be a stream of bytes');
    sent += chunk.length;
    if (sent > size) break;
    yield chunk;
  }
  if (sent !== size) throw new RangeError(`the file must have the ${size} bytes that it was said to have`);
  yield tail;
}
