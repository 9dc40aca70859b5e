import type { ApiCredentials } from '../credentials.ts';
import { type ErrorCategory, LiveChatApiError, LiveChatNetworkError } from '../errors.ts';
import { readAnswer } from './answer.ts';
import { header } from './headers.ts';
import { type FetchLike, type HttpAnswer, NoAnswer } from './http.ts';
import type { Method } from './methods.ts';
import type { Version } from './version.ts';

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
export interface LifeCycleNotice {
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
  readonly onNotice: (notice: LifeCycleNotice) => void;
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

function notices(method: string, { headers }: HttpAnswer): LifeCycleNotice[] {
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
