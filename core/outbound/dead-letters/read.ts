import * as z from 'zod/mini';
import { deriveId } from '../../events/ids.ts';

/** What a dead letter is about: a send request that was given up, an event that no function could handle, or neither. */
export type Letter = SendLetter | EventLetter | UnreadLetter;

interface Common {
  /** The same failure told twice is one letter. */
  readonly id: string;
  readonly error: { readonly name: string; readonly message: string };
}

export interface SendLetter extends Common {
  readonly kind: 'send';
  /** The execution that ended. */
  readonly execution: string;
  /** The machine's state when it ended: EventBridge's event, and what was added. Undefined where it was left out. */
  readonly state: unknown;
}

export interface EventLetter extends Common {
  readonly kind: 'event';
  readonly event: BusEvent;
}

export interface UnreadLetter extends Common {
  readonly kind: 'unread';
  readonly body: unknown;
}

const busEvent = z.looseObject({
  id: z.string(),
  source: z.string(),
  'detail-type': z.string(),
  time: z.string(),
  detail: z.unknown(),
});
export type BusEvent = z.infer<typeof busEvent>;

const failure = z.looseObject({ Error: z.optional(z.string()), Cause: z.optional(z.string()) });
/** What the state machine's DeadLetter state sends. */
const ours = z.looseObject({
  kind: z.literal('send'),
  execution: z.string(),
  state: z.looseObject({ error: z.optional(failure) }),
});
/** Lambda's on-failure destination. Source: Lambda's developer guide, "Capturing records of asynchronous invocations". */
const onFailure = z.looseObject({
  requestContext: z.looseObject({ functionArn: z.string() }),
  requestPayload: z.unknown(),
  responsePayload: z.optional(
    z.looseObject({ errorType: z.optional(z.string()), errorMessage: z.optional(z.string()) }),
  ),
});
/** Step Functions' own event, for runs that ended without reaching DeadLetter. */
const ended = z.looseObject({
  source: z.literal('aws.states'),
  detail: z.looseObject({
    executionArn: z.string(),
    status: z.string(),
    /** Left out when it is too large for an event. */
    input: z.optional(z.nullable(z.string())),
    error: z.optional(z.nullable(z.string())),
    cause: z.optional(z.nullable(z.string())),
  }),
});
const lambdaCause = z.looseObject({ errorType: z.optional(z.string()), errorMessage: z.optional(z.string()) });

/** SQS message attributes by which EventBridge says why it gave up. */
export interface Reasons {
  readonly ERROR_CODE?: string | undefined;
  readonly ERROR_MESSAGE?: string | undefined;
}

/** Reads a message of the dead-letter queue, in whichever of its shapes. Never throws. */
export function readLetter(text: string, reasons: Reasons = {}): Letter {
  const body = parsed(text);
  return fromMachine(body) ?? fromStatus(body) ?? fromLambda(body) ?? fromBus(body, reasons) ?? unread(body, text);
}

/**
 * Whether it is the end of a run that has left its own letter here before it ended. What functions/send throws is always
 * caught, and the machine ends in the error that was caught only after its letter was taken; in that case the cause is
 * Lambda's JSON of just this error. Any other end, such as an error of the machine itself, left none.
 */
export function isToldByMachine(text: string): boolean {
  const { data } = ended.safeParse(parsed(text));
  if (data?.detail.status !== 'FAILED' || !data.detail.error) return false;
  return lambdaCause.safeParse(parsed(data.detail.cause ?? '')).data?.errorType === data.detail.error;
}

function fromMachine(body: unknown): Letter | undefined {
  const { data } = ours.safeParse(body);
  if (!data) return undefined;
  const { execution, state } = data;
  const { error, ...rest } = state;
  return send(execution, rest, error?.Error ?? 'Unknown', messageOf(error?.Cause));
}

function fromStatus(body: unknown): Letter | undefined {
  const { data } = ended.safeParse(body);
  if (!data) return undefined;
  const { executionArn, status, input, error, cause } = data.detail;
  return send(executionArn, parsed(input ?? ''), error ?? status, messageOf(cause ?? undefined));
}

/** Told by the machine and by its end, it is the same letter: an execution ends once. */
function send(execution: string, state: unknown, name: string, message: string): SendLetter {
  return { kind: 'send', id: letterIdOf(execution), execution, state, error: { name, message } };
}

/** The letter of a send request whose run gave it up. */
export function letterIdOf(execution: string): string {
  return deriveId('send', execution);
}

function fromLambda(body: unknown): Letter | undefined {
  const { data } = onFailure.safeParse(body);
  const event = busEvent.safeParse(data?.requestPayload);
  if (!data || !event.success) return undefined;
  const name = data.responsePayload?.errorType ?? 'Unknown';
  const message = data.responsePayload?.errorMessage ?? '';
  const id = deriveId('event', event.data.id, data.requestContext.functionArn);
  return { kind: 'event', id, event: event.data, error: { name, message } };
}

function fromBus(body: unknown, { ERROR_CODE, ERROR_MESSAGE }: Reasons): Letter | undefined {
  const event = busEvent.safeParse(body);
  if (!event.success) return undefined;
  const error = { name: ERROR_CODE ?? 'NotDelivered', message: ERROR_MESSAGE ?? '' };
  return { kind: 'event', id: deriveId('event', event.data.id), event: event.data, error };
}

function unread(body: unknown, text: string): Letter {
  const error = { name: 'Unread', message: 'expected a dead letter of the send machine, of Lambda or of EventBridge' };
  return { kind: 'unread', id: deriveId('unread', text), body: body ?? text, error };
}

/** Lambda's causes are JSON with the error's message in it. */
function messageOf(cause: string | undefined): string {
  return lambdaCause.safeParse(parsed(cause ?? '')).data?.errorMessage ?? cause ?? '';
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
