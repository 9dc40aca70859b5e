import * as z from 'zod/mini';
import { ChannelError, type ChannelErrorCategory, type ChannelErrorDetails } from '../channel/channel.ts';

type Repair = NonNullable<ChannelErrorDetails['repair']>;

/** The category of an error response without a repair. */
type ResponseCategory = Exclude<ChannelErrorCategory, 'Repairable' | 'Network'>;

export interface ErrorDetails extends ChannelErrorDetails {
  /** The API method, such as `send_event`. */
  readonly method: string;
  /** `X-Debug-Id`, for LiveChat's support. */
  readonly debugId?: string | undefined;
}

/** A call of LiveChat's API that failed. Its `type` is LiveChat's `error.type`, such as `chat_inactive`. */
export class LiveChatApiError extends ChannelError {
  readonly method: string;
  readonly debugId: string | undefined;

  constructor(category: ChannelErrorCategory, { method, debugId, ...details }: ErrorDetails) {
    super(category, details);
    this.method = method;
    this.debugId = debugId;
  }
}

export interface ErrorResponse {
  readonly method: string;
  readonly status: number;
  /** LiveChat's `error.type`. */
  readonly type?: string | undefined;
  /** LiveChat's `error.message`; it may quote the request. */
  readonly message?: string | undefined;
  /** LiveChat's `error.data`. */
  readonly data?: unknown;
  readonly headers: ResponseHeaders;
  /** ms since 1970; the start of a delay that a header gives as a date. */
  readonly receivedAt?: number | undefined;
}

/** Creates the error for an error response: by LiveChat's error type, else by the HTTP status. */
export function toApiError(response: ErrorResponse): LiveChatApiError {
  const { method, status, headers, receivedAt = Date.now() } = response;
  const repair = findRepair(response);
  const category = errorCategory(response);
  const details = {
    method,
    outcome: status >= 500 || (category === 'Server' && !repair) ? 'unknown' : 'refused',
    status,
    type: validType(response),
    debugId: debugId(headers),
  } as const;
  const advice = repair ? repairAdvice[repair] : (typeAdvice.get(details.type ?? '') ?? categoryAdvice[category]);
  return new LiveChatApiError(repair ? 'Repairable' : category, {
    ...details,
    message: errorMessage(details, response.message, advice),
    retryAfterMs: repair ? undefined : retryDelay(category, headers, receivedAt),
    repair,
    region: repair === 'region' ? regionData.safeParse(response.data).data?.region : undefined,
    concernsChat: concernsChat(response),
  });
}

function retryDelay(category: ChannelErrorCategory, headers: ResponseHeaders, receivedAt: number): number | undefined {
  if (category === 'Server') return retryAfter(headers, receivedAt);
  if (category !== 'RateLimit') return undefined;
  return retryAfter(headers, receivedAt) ?? rateLimitReset(headers, receivedAt);
}

/** The type `authorization` has two meanings: no access to a chat or group, or a token without the scope of the method. */
function concernsChat({ type, message = '' }: ErrorResponse): boolean {
  return type === 'authorization' && !/\bscopes?\b/i.test(message);
}

/** The type is logged, so other text is discarded. */
function validType({ type }: ErrorResponse): string | undefined {
  return type !== undefined && /^[a-z][a-z0-9_]{0,63}$/.test(type) ? type : undefined;
}

/** Source: error types of the Agent Chat and Configuration APIs (platform.text.com/docs), and those of the other APIs. */
const categories: ReadonlyMap<string, ResponseCategory> = new Map([
  ['authentication', 'Authentication'],
  ['authorization', 'Authentication'],
  ['too_many_requests', 'RateLimit'],
  ['pending_requests_limit_reached', 'RateLimit'],
  ['internal', 'Server'],
  ['service_unavailable', 'Server'],
  ['request_timeout', 'Server'],
  ['agent_offline', 'Client'],
  ['already_exists', 'Client'],
  ['chat_anonymized', 'Client'],
  ['customer_banned', 'Client'],
  ['entity_too_large', 'Client'],
  ['greeting_not_found', 'Client'],
  ['group_not_found', 'Client'],
  ['group_offline', 'Client'],
  ['group_unavailable', 'Client'],
  ['groups_offline', 'Client'],
  ['license_expired', 'Client'],
  ['license_not_found', 'Client'],
  ['limit_reached', 'Client'],
  ['missing_access', 'Client'],
  ['not_allowed', 'Client'],
  ['not_found', 'Client'],
  // LiveChat's references spell this type in two ways.
  ['ownership_transfer', 'Client'],
  ['transfer_ownership', 'Client'],
  ['requester_already_offline', 'Client'],
  ['requester_awaiting_approval', 'Client'],
  ['requester_suspended', 'Client'],
  ['seats_limit_exceeded', 'Client'],
  ['unsupported_version', 'Client'],
  ['users_limit_reached', 'Client'],
  ['validation', 'Client'],
  ['wrong_product_version', 'Client'],
]);

/** LiveChat documents error types but not HTTP statuses, so the type takes precedence. */
function errorCategory({ type = '', status }: ErrorResponse): ResponseCategory {
  const category = categories.get(type);
  if (category) return category;
  if (status === 401 || status === 403) return 'Authentication';
  if (status === 429) return 'RateLimit';
  return status >= 300 && status < 500 ? 'Client' : 'Server';
}

/** The repair after which the same call can succeed. The message texts were observed in production. */
function findRepair({ type = '', status, message = '' }: ErrorResponse): Repair | undefined {
  if (type === 'chat_inactive') return 'resume';
  if (type === 'misdirected_request') return 'region';
  /** Whether the error has the type, or the type's usual HTTP status and no documented type. */
  const matches = (expected: string, usualStatus: number) =>
    type === expected || (status === usualStatus && !categories.has(type));
  if (matches('authorization', 403) && /\bnot (?:a )?(?:user|member) of the chat\b/i.test(message)) return 'join';
  if (!matches('validation', 422)) return undefined;
  if (/\bnot active\b|\bchat is inactive\b/i.test(message)) return 'resume';
  return /\bpublic agents in chat limit reached\b/i.test(message) ? 'transfer' : undefined;
}

/** LiveChat's message texts that never quote the request. */
const safeMessages = new Set([
  'Cannot call unsupported API versions.',
  'Chat is inactive',
  'Chat is not active',
  'Internal server error',
  'Invalid access token',
  'License expired',
  'Limit reached',
  'No `Authorization` header',
  'Not found',
  'Public agents in chat limit reached',
  'Request timed out',
  'Requester is not user of the chat',
  'Service unavailable',
  'Too many requests',
  'Upload limit exceeded (10MB).',
  'Wrong region',
  'user_id not found',
]);
const missingField = /^`[a-z_]{1,40}(?:\.[a-z_]{1,40}){0,4}` is required$/;

const repairAdvice: Readonly<Record<Repair, string>> = {
  resume: 'Resume the chat, then send again.',
  join: 'Add the sender to the chat, then send again.',
  region: 'Call again in the region that the error names.',
  transfer: 'No further agent can join: transfer the chat to the sender, or send as the assigned agent.',
};

const typeAdvice: ReadonlyMap<string, string> = new Map([
  ['entity_too_large', 'Send a smaller message or file.'],
  ['license_expired', "Renew the organization's LiveChat licence."],
  ['license_not_found', 'Check which LiveChat organization the credentials belong to.'],
  ['not_found', 'Check the ids in the request.'],
  ['unsupported_version', 'Set LIVECHAT_API_VERSION to a supported version, such as v3.6.'],
  ['validation', "Correct the request as described in LiveChat's API reference of the method."],
]);

const categoryAdvice: Readonly<Record<ResponseCategory, string>> = {
  Authentication: 'Check LIVECHAT_API_KEY with LIVECHAT_ACCOUNT_ID, or LIVECHAT_ACCESS_TOKEN, and their scopes.',
  RateLimit: 'Reduce the rate and call again later.',
  Server: 'LiveChat may have processed the request: check for the effect before repeating a write.',
  Client: 'Do not repeat the call unchanged.',
};

/** Says what happened and what to do. Quotes LiveChat's text only if it never quotes the request. */
function errorMessage(
  { method, outcome, status, type, debugId }: Omit<ErrorDetails, 'message'>,
  text: string | undefined,
  advice: string,
): string {
  const what = outcome === 'unknown' ? 'LiveChat failed to process the request' : 'LiveChat rejected the request';
  const code = type === undefined ? `${status}` : `${status} ${type}`;
  const debug = debugId === undefined ? '' : `, debug id ${debugId}`;
  const isSafe = text !== undefined && (safeMessages.has(text) || missingField.test(text));
  return `${method}: ${what} (${code}${debug})${isSafe ? `: "${text}"` : ''}. ${advice}`;
}

/** LiveChat's regions: formerly `dal` and `fra`, now such as `us-south1`. */
const region = z.string().check(z.regex(/^[a-z0-9][a-z0-9-]{0,31}$/i));
/** The `data` of a `misdirected_request`. */
const regionData = z.looseObject({ region });

export function isRegion(text: string): boolean {
  return region.safeParse(text).success;
}

/** Names are in lower case, as Node gives them. */
type ResponseHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** The first value of a header, trimmed. */
function header(headers: ResponseHeaders, name: string): string | undefined {
  return [headers[name]].flat()[0]?.trim();
}

/** `X-Debug-Id`. It is logged, so other text is discarded. */
export function debugId(headers: ResponseHeaders): string | undefined {
  const id = header(headers, 'x-debug-id');
  return id !== undefined && /^[\w.:-]{1,128}$/.test(id) ? id : undefined;
}

const msPerSecond = 1000;
/** No send request is valid for longer. */
const maxRetryAfterMs = 86_400 * msPerSecond;
const secondsPattern = /^\d{1,15}(?:\.\d{1,9})?$/;
const httpDatePattern = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** The delay of `Retry-After`, in ms and at most a day. The header has seconds or an HTTP date. `receivedAt` is in ms since 1970. */
export function retryAfter(headers: ResponseHeaders, receivedAt: number): number | undefined {
  const value = header(headers, 'retry-after');
  if (value === undefined) return undefined;
  if (secondsPattern.test(value)) return clampDelay(Number(value) * msPerSecond);
  return httpDatePattern.test(value) ? clampDelay(Date.parse(value) - receivedAt) : undefined;
}

/** LiveChat documents no such header, so one with another unit must not stop an organization until its requests expire. */
const maxResetMs = 60 * msPerSecond;

/** The time until an exhausted rate limit is reset, in ms and at most a minute. */
export function rateLimitReset(headers: ResponseHeaders, receivedAt: number): number | undefined {
  if ((remainingCalls(headers) ?? 0) > 0) return undefined;
  const value = rateLimitField(headers, 'reset');
  if (value === undefined || !secondsPattern.test(value)) return undefined;
  return clampDelay(resetMs(Number(value), receivedAt), maxResetMs);
}

/** The calls that are left until the reset; undefined if the response does not say. */
function remainingCalls(headers: ResponseHeaders): number | undefined {
  const value = rateLimitField(headers, 'remaining');
  return value === undefined || !/^\d+$/.test(value) ? undefined : Number(value);
}

/** The parameters of the header `RateLimit`. */
const rateLimitParameters = {
  reset: /\b(?:reset|t)\s*=\s*(\d+)/i,
  remaining: /\b(?:remaining|r)\s*=\s*(\d+)/i,
};

/** Of `RateLimit-…` or `RateLimit` (IETF drafts), or `X-RateLimit-…`, although LiveChat documents none of them. */
function rateLimitField(headers: ResponseHeaders, field: keyof typeof rateLimitParameters): string | undefined {
  return (
    header(headers, `ratelimit-${field}`) ??
    rateLimitParameters[field].exec(header(headers, 'ratelimit') ?? '')?.[1] ??
    header(headers, `x-ratelimit-${field}`)
  );
}

/**
 * How long no call is left, in ms, if a successful response says so: by `Retry-After`, or by the time of the reset if 0 calls
 * remain.
 */
export function exhaustedFor(headers: ResponseHeaders, receivedAt: number): number | undefined {
  const isExhausted = remainingCalls(headers) === 0;
  return retryAfter(headers, receivedAt) ?? (isExhausted ? rateLimitReset(headers, receivedAt) : undefined);
}

/** The value is in seconds left, or a time in seconds or milliseconds since 1970. */
function resetMs(value: number, receivedAt: number): number {
  if (value > 1e12) return value - receivedAt;
  return value > 1e9 ? value * msPerSecond - receivedAt : value * msPerSecond;
}

function clampDelay(ms: number, maxMs = maxRetryAfterMs): number | undefined {
  return Number.isNaN(ms) ? undefined : Math.round(Math.min(Math.max(ms, 0), maxMs));
}
