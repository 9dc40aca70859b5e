/**
 * Why a request comes back later: others are before it in its conversation (`order`), the pace makes it wait (`pace`),
 * LiveChat said too many requests (`limited`), the gate is paused or its breaker open (`closed`), LiveChat is not well
 * (`failing`), a message that may have arrived is looked for once it must have (`unknown`), another run has claimed it
 * (`claimed`), or the function's own time is too short (`time`).
 */
export type DeferralReason = 'order' | 'pace' | 'limited' | 'closed' | 'failing' | 'unknown' | 'claimed' | 'time';

/** Come back later: the state machine reads the message as the time, ISO 8601, and waits until then. */
export class Deferred extends Error {
  override readonly name = 'Deferred';
  readonly until: number;
  readonly reason: DeferralReason;
  /** @param until ms since 1970. @param options the failure after which it comes back, as `cause` */
  constructor(until: number, reason: DeferralReason, options?: ErrorOptions) {
    super(new Date(Math.ceil(until)).toISOString(), options);
    this.until = until;
    this.reason = reason;
  }
}

/** The request does not fit its schema; the message names fields, never contents. Send a corrected one. */
export class RequestInvalid extends Error {
  override readonly name = 'RequestInvalid';
}

/** The run was started by a newer deployment than the code that is asked to send. */
export class InputUnsupported extends Error {
  override readonly name = 'InputUnsupported';
  constructor(version: number, known: readonly number[]) {
    super(
      `version ${version} of the send step's input: expected ${known.join(' or ')}; deploy the newer code again, then redrive the request`,
    );
  }
}

/** The same requestId came with other content. Use a new requestId for a new message. */
export class RequestConflict extends Error {
  override readonly name = 'RequestConflict';
  constructor(requestId: string) {
    super(`request ${requestId} was sent before with other content; use a new requestId`);
  }
}

/** The request's time is over. Redrive it from the dead letters if it still matters. */
export class RequestExpired extends Error {
  override readonly name = 'RequestExpired';
  /** @param options the failure after which no time is left, as `cause` */
  constructor(requestId: string, last: string, options?: ErrorOptions) {
    super(
      `request ${requestId} was not delivered in time${last ? `; last failure: ${last}` : ''}; redrive it if it still matters`,
      options,
    );
  }
}

/** Something of our own failed: a table, the bus, a secret. The state machine tries again. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed';
  constructor(cause: unknown) {
    super(
      `the send step could not do its work (${cause instanceof Error ? cause.name : typeof cause}); it is tried again`,
    );
  }
}

const meant: ReadonlySet<string> = new Set([
  'Deferred',
  'InputUnsupported',
  'RequestInvalid',
  'RequestConflict',
  'RequestExpired',
]);

/** Whether the error is the step's own word on the request, which the state machine must hear as it is. */
export function isMeant(error: unknown): boolean {
  return error instanceof Error && meant.has(error.name);
}
