import { describe } from './client/describe.ts';
import { categoryOf, type ErrorCategory, type Refusal, type Repair, repairOf } from './client/error-types.ts';
import { type AnswerHeaders, debugIdOf } from './client/headers.ts';
import { regionOf } from './client/region.ts';
import { rateLimitReset, retryAfter } from './client/retry-after.ts';

export type { ErrorCategory, Repair } from './client/error-types.ts';

/** `refused`: LiveChat certainly did not do it. `unknown`: it may have, so look before a write is repeated. */
export type Outcome = 'refused' | 'unknown';

export interface ErrorDetails {
  /** Says what to do; holds no token and nothing of what was sent. */
  readonly message: string;
  /** The API method, such as `send_event`. */
  readonly method: string;
  readonly outcome: Outcome;
  /** The HTTP code; none where no answer came. */
  readonly status?: number | undefined;
  /** LiveChat's `error.type`, such as `chat_inactive`. */
  readonly type?: string | undefined;
  /** `X-Debug-Id`, which LiveChat's support asks for. */
  readonly debugId?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  /** Node's code of a failed connection, such as `ECONNRESET`. Becomes the `cause`. */
  readonly code?: string | undefined;
  /** What to mend before it is worth one more try. */
  readonly repair?: Repair | undefined;
  /** For the repair `region`: where to call. Without one there is nothing to follow. */
  readonly region?: string | undefined;
}

/** A call of LiveChat's API that failed. Step Functions matches on the subclass's `name`. */
export abstract class LiveChatApiError extends Error {
  abstract readonly category: ErrorCategory;
  /** Whether the same call may succeed later with nothing else changed. */
  abstract readonly retryable: boolean;
  readonly method: string;
  readonly outcome: Outcome;
  readonly status: number | undefined;
  readonly type: string | undefined;
  readonly debugId: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly repair: Repair | undefined;
  readonly region: string | undefined;

  constructor(details: ErrorDetails) {
    super(details.message, details.code === undefined ? undefined : { cause: { code: details.code } });
    this.method = details.method;
    this.outcome = details.outcome;
    this.status = details.status;
    this.type = details.type;
    this.debugId = details.debugId;
    this.retryAfterMs = details.retryAfterMs;
    this.repair = details.repair;
    this.region = details.region;
  }
}

export class LiveChatServerError extends LiveChatApiError {
  override readonly name = 'LiveChatServerError';
  override readonly category = 'Server';
  override readonly retryable = true;
}

/** No answer came. */
export class LiveChatNetworkError extends LiveChatApiError {
  override readonly name = 'LiveChatNetworkError';
  override readonly category = 'Network';
  override readonly retryable = true;
}

export class LiveChatClientError extends LiveChatApiError {
  override readonly name = 'LiveChatClientError';
  override readonly category = 'Client';
  override readonly retryable = false;
}

export class LiveChatAuthenticationError extends LiveChatApiError {
  override readonly name = 'LiveChatAuthenticationError';
  override readonly category = 'Authentication';
  override readonly retryable = false;
}

export class LiveChatRateLimitError extends LiveChatApiError {
  override readonly name = 'LiveChatRateLimitError';
  override readonly category = 'RateLimit';
  override readonly retryable = true;
}

/** Worth one more try after `repair`. */
export class LiveChatRepairableError extends LiveChatApiError {
  override readonly name = 'LiveChatRepairableError';
  override readonly category = 'Repairable';
  override readonly retryable = false;
  declare readonly repair: Repair;

  constructor(details: ErrorDetails & { readonly repair: Repair }) {
    super(details);
  }
}

export interface RefusedCall extends Refusal {
  /** LiveChat's `error.data`. */
  readonly data?: unknown;
  readonly headers: AnswerHeaders;
  readonly method: string;
  /** The time (ms) against which a date in `Retry-After` is read. */
  readonly now?: number | undefined;
}

const classes = {
  Authentication: LiveChatAuthenticationError,
  RateLimit: LiveChatRateLimitError,
  Server: LiveChatServerError,
  Client: LiveChatClientError,
} as const;

/** The error for an answer that is no success. The type decides; the HTTP code where the type is unknown. */
export function classify(call: RefusedCall): LiveChatApiError {
  const { status, method, headers, now = Date.now() } = call;
  const repair = repairOf(call);
  const category = categoryOf(call);
  const type = typeOf(call);
  const debugId = debugIdOf(headers);
  const details: ErrorDetails = {
    message: describe({ method, status, type, message: call.message, debugId, category, repair }),
    method,
    outcome: status >= 500 || (category === 'Server' && !repair) ? 'unknown' : 'refused',
    status,
    type,
    debugId,
    retryAfterMs: repair ? undefined : waitOf(category, headers, now),
  };
  if (!repair) return new classes[category](details);
  const region = repair === 'region' ? regionOf(call.data) : undefined;
  return new LiveChatRepairableError({ ...details, repair, region });
}

function waitOf(category: ErrorCategory, headers: AnswerHeaders, now: number): number | undefined {
  if (category === 'Server') return retryAfter(headers, now);
  return category === 'RateLimit' ? (retryAfter(headers, now) ?? rateLimitReset(headers, now)) : undefined;
}

/** LiveChat's type goes into logs, so it must look like one. */
function typeOf({ type }: Refusal): string | undefined {
  return type !== undefined && /^[a-z][a-z0-9_]{0,63}$/.test(type) ? type : undefined;
}
