/**
 * What the send step reads of a carrier's error. LiveChat's are core/livechat/errors.ts; another carrier's would say
 * the same.
 */
export interface CallFailure extends Error {
  readonly category: 'Repairable' | 'Authentication' | 'RateLimit' | 'Server' | 'Network' | 'Client';
  readonly outcome: 'refused' | 'unknown';
  readonly repair: 'resume' | 'join' | 'region' | 'transfer' | undefined;
  readonly region: string | undefined;
  readonly retryAfterMs: number | undefined;
  /** The HTTP code; undefined where no answer came. */
  readonly status: number | undefined;
  /** The carrier's own name for the error. */
  readonly type: string | undefined;
}

const categories: ReadonlySet<unknown> = new Set([
  'Repairable',
  'Authentication',
  'RateLimit',
  'Server',
  'Network',
  'Client',
]);

export function isCallFailure(error: unknown): error is CallFailure {
  return error instanceof Error && 'category' in error && categories.has(error.category);
}

/** Whether the carrier has answered and is done with the call; a time-out of its own says nothing of what goes on behind it. */
export function isAnswered({ status, type }: CallFailure): boolean {
  return status !== undefined && status !== 504 && type !== 'request_timeout';
}
