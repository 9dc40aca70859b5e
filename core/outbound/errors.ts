import { channelErrorCategories, channelErrorName } from './channel.ts';

/**
 * Why a request waits: the rate limit (`rate`), a 429 (`limited`), a pause or an open circuit breaker (`blocked`), failed
 * calls (`failing`), a message whose outcome is unknown and not settled (`unknown`), a claim of another invocation
 * (`claimed`), or the function's own time (`time`).
 */
export type DeferralReason = 'rate' | 'limited' | 'blocked' | 'failing' | 'unknown' | 'claimed' | 'time';

/** A reserved slot that is carried over a wait of the state machine. */
export interface HeldSlot {
  /** ms since 1970 */
  readonly at: number;
  readonly epoch: number;
  /** How many slots the request has missed before. */
  readonly missed?: number | undefined;
}

const separator = '|';

/**
 * The message of an error that the state machine reads: `reason|until|seconds|at|epoch|missed|`. The state machine splits the
 * error's Cause at `|`, because an intrinsic function of Step Functions cannot read a field of another's result.
 */
function turnMessage(text: string, until: number, seconds: number, slot: HeldSlot | undefined): string {
  const fields = [new Date(until).toISOString(), seconds, slot?.at ?? 0, slot?.epoch ?? 0, slot?.missed ?? 0];
  return [text, ...fields, ''].join(separator);
}

const msPerSecond = 1000;

/** When to continue for a slot: up to 1.45 s before it, since Step Functions waits in whole seconds. */
export function slotWakeUp(at: number): number {
  return Math.floor((at - 450) / msPerSecond) * msPerSecond;
}

/** The state machine waits until `until`, in whole seconds, and runs the step again. */
export class Deferred extends Error {
  override readonly name = 'Deferred';
  /** ms since 1970. Step Functions truncates milliseconds, so the time is in whole seconds. */
  readonly until: number;
  readonly reason: DeferralReason;
  readonly slot: HeldSlot | undefined;

  /** @param at ms since 1970. @param options the failure that caused the deferral, as `cause` */
  constructor(at: number, reason: DeferralReason, options: ErrorOptions & { readonly slot?: HeldSlot } = {}) {
    const until = Math.ceil(at / msPerSecond) * msPerSecond;
    super(
      turnMessage(reason, until, 1, options.slot),
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.until = until;
    this.reason = reason;
    this.slot = options.slot;
  }
}

/** The request is not first in its message group. The state machine waits for its turn, for at most `maxWaitMs`. */
export class NotFirst extends Error {
  override readonly name = 'NotFirst';

  constructor(now: number, maxWaitMs: number) {
    super(turnMessage('turn', now, Math.max(1, Math.ceil(maxWaitMs / msPerSecond)), undefined));
  }
}

/** The request does not match its schema. The message names the fields, never their contents. */
export class RequestInvalid extends Error {
  override readonly name = 'RequestInvalid';
}

/** A requestId was used again with other content. */
export class RequestConflict extends Error {
  override readonly name = 'RequestConflict';
  constructor(requestId: string) {
    super(`request ${requestId} was accepted before with other content; use a new requestId`);
  }
}

/** The request was not delivered within `expiresInSeconds`. */
export class RequestExpired extends Error {
  override readonly name = 'RequestExpired';
  /** @param options the failure after which no time is left, as `cause` */
  constructor(requestId: string, lastError: string, options?: ErrorOptions) {
    super(
      `request ${requestId} was not delivered in time${lastError ? `; last failure: ${lastError}` : ''}; redrive it if it still matters`,
      options,
    );
  }
}

/** A delivery of the request is not in the messages table: it was erased or has expired. */
export class DeliveryMissing extends Error {
  override readonly name = 'DeliveryMissing';
  constructor(deliveryId: string) {
    super(`delivery ${deliveryId} does not exist: it was erased or has expired; send a new request`);
  }
}

/** An AWS call of the step failed. The state machine retries it. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed';
  constructor(cause: unknown) {
    super(
      `the send step failed (${cause instanceof Error ? cause.name : typeof cause}); the state machine retries it`,
      {
        cause,
      },
    );
  }
}

const expected: ReadonlySet<string> = new Set([
  'RequestInvalid',
  'Deferred',
  'NotFirst',
  'RequestExpired',
  'DeliveryMissing',
]);

/** Whether the state machine handles the error by its name. */
export function isExpected(error: unknown): boolean {
  return error instanceof Error && expected.has(error.name);
}

/** The category of a dead letter by the name of its error. */
const categories: ReadonlyMap<string, string> = new Map([
  ...channelErrorCategories.map((category) => [channelErrorName(category), category] as const),
  ['ConfigurationError', 'Configuration'],
  ['DeliveryMissing', 'Expired'],
  ['FileRefused', 'Invalid'],
  ['FileUnavailable', 'Network'],
  ['RequestConflict', 'Invalid'],
  ['RequestInvalid', 'Invalid'],
  ['RequestExpired', 'Expired'],
  ['ABORTED', 'Stopped'],
  ['TIMED_OUT', 'Stopped'],
]);

export const deadLetterCategories: readonly string[] = [
  ...new Set(categories.values()),
  'Event',
  'Unreadable',
  'Internal',
];

/** The category under which a dead letter is counted. The runbook has a section for each. */
export function deadLetterCategory({
  kind,
  error,
}: {
  readonly kind: 'send' | 'rejected' | 'event' | 'unreadable';
  readonly error: { readonly name: string };
}): string {
  if (kind === 'event') return 'Event';
  return kind === 'unreadable' ? 'Unreadable' : (categories.get(error.name) ?? 'Internal');
}
