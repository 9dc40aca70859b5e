import { channelErrorCategories, channelErrorName } from '../channel/channel.ts';
import { Deferred, turnMessage } from '../channel/deferred.ts';
import type { DeadLetterKind } from './dead-letter.ts';

/** The request is not first in its message group. The state machine waits for its turn, for at most `maxWaitMs`. */
export class NotFirst extends Error {
  override readonly name = 'NotFirst';

  constructor(now: number, maxWaitMs: number) {
    super(turnMessage('turn', now, Math.max(1, Math.ceil(maxWaitMs / 1000)), undefined));
  }
}

/** The request does not match its schema. The message names the fields, never their contents. */
export class RequestInvalid extends Error {
  override readonly name = 'RequestInvalid';
}

/** A requestId is reused with different content, or after its deliveries expire while Step Functions stores its execution. */
export class RequestConflict extends Error {
  override readonly name = 'RequestConflict';
  constructor(requestId: string) {
    super(
      `request ${requestId} conflicts with an earlier request: the content differs, or its deliveries have expired; use a new requestId`,
    );
  }
}

/** The request was not delivered within `expiresInSeconds`. */
export class RequestExpired extends Error {
  override readonly name = 'RequestExpired';
  /** @param options the failure after which no time is left, as `cause`; the name of an earlier one, as `lastError` */
  constructor(requestId: string, { lastError, ...options }: ErrorOptions & { readonly lastError?: string } = {}) {
    const last = lastError ? `; last failure: ${lastError}` : '';
    super(`request ${requestId} was not delivered in time${last}; redrive it if it still matters`, options);
  }
}

/** A delivery of the request is not in the messages table: it was erased or has expired. */
export class DeliveryMissing extends Error {
  override readonly name = 'DeliveryMissing';
  constructor(deliveryId: string) {
    super(`delivery ${deliveryId} does not exist: it was erased or has expired; send a new request`);
  }
}

/** An AWS call of the step failed. The state machine retries it. The message names the error of AWS, also inside one of ElectroDB. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed';
  constructor(cause: unknown) {
    const source = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
    const name = source instanceof Error ? source.name : typeof source;
    super(`the send step failed (${name}); the state machine retries it`, { cause });
  }
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

/** Whether the state machine or the dead-letter handler knows the error by its name. */
export function isKnown(error: unknown): boolean {
  return (
    error instanceof Deferred || error instanceof NotFirst || (error instanceof Error && categories.has(error.name))
  );
}

export const deadLetterCategories: readonly string[] = [
  ...new Set(categories.values()),
  'Event',
  'Unreadable',
  'Internal',
];

/** The category under which a dead letter is counted. The runbook has a section for each. */
export function deadLetterCategory(kind: DeadLetterKind, errorName: string): string {
  if (kind === 'event') return 'Event';
  return kind === 'unreadable' ? 'Unreadable' : (categories.get(errorName) ?? 'Internal');
}

/** The names of the errors in a category. `Internal` has all names that no other category has. */
export function errorNames(
  category: string,
): { readonly names: readonly string[] } | { readonly except: readonly string[] } {
  if (category === 'Internal') return { except: [...categories.keys()] };
  return { names: [...categories].flatMap(([name, other]) => (other === category ? [name] : [])) };
}
