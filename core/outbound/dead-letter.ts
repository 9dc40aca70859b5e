import { Entity } from 'electrodb';
import * as z from 'zod/mini';
import { deriveId } from '../events/ids.ts';
import { required } from '../platform/configuration.ts';
import { documents, expiresAfter, ifConditionHolds, parseItemAddress, type StoredItem } from '../platform/dynamodb.ts';
import { parseJson } from '../platform/json.ts';
import { type ExecutionInput, executionName, parseExecutionInput } from './request.ts';

interface DeadLetterCommon {
  /** Derives from the failure, so a duplicate message of the queue is the same dead letter. */
  readonly id: string;
  readonly error: { readonly name: string; readonly message: string };
}

/** A message of the dead-letter queue: a failed send request, a rejected one, an event that a function failed to handle, or neither. */
export type DeadLetter =
  /** `wasStopped`: the execution ended while its function may have been running. */
  | (DeadLetterCommon & { readonly kind: 'send'; readonly request: ExecutionInput; readonly wasStopped: boolean })
  | (DeadLetterCommon & { readonly kind: 'rejected' | 'event'; readonly event: BusEvent })
  | (DeadLetterCommon & { readonly kind: 'unreadable'; readonly body: unknown });

export type DeadLetterKind = DeadLetter['kind'];

const busEvent = z.looseObject({
  id: z.string(),
  source: z.string(),
  'detail-type': z.string(),
  time: z.string(),
  detail: z.unknown(),
});
export type BusEvent = z.infer<typeof busEvent>;

const failure = z.looseObject({ Error: z.optional(z.string()), Cause: z.optional(z.string()) });
/** From the state `DeadLetter` of the state machine. */
const failedSend = z.looseObject({ kind: z.literal('send'), request: z.unknown(), error: z.optional(failure) });
/** From functions/send-requested, for an invalid or conflicting request. */
const rejectedRequest = z.looseObject({ kind: z.literal('rejected'), event: busEvent, error: z.optional(failure) });
/** Lambda's on-failure destination. Source: Lambda's developer guide, "Capturing records of asynchronous invocations". */
const onFailure = z.looseObject({
  requestContext: z.looseObject({ functionArn: z.string() }),
  requestPayload: z.unknown(),
  responsePayload: z.optional(
    z.looseObject({ errorType: z.optional(z.string()), errorMessage: z.optional(z.string()) }),
  ),
});
/** Step Functions' own event, for executions that end without the state `DeadLetter`. */
const statusChange = z.looseObject({
  source: z.literal('aws.states'),
  detail: z.looseObject({
    status: z.string(),
    input: z.optional(z.nullable(z.string())),
    error: z.optional(z.nullable(z.string())),
    cause: z.optional(z.nullable(z.string())),
  }),
});
const lambdaError = z.looseObject({ errorType: z.optional(z.string()), errorMessage: z.optional(z.string()) });

/** SQS message attributes with EventBridge's reason. */
export interface FailureAttributes {
  readonly ERROR_CODE?: string | undefined;
  readonly ERROR_MESSAGE?: string | undefined;
}

/** Parses a message of the dead-letter queue. Never throws. */
export function parseDeadLetter(text: string, attributes: FailureAttributes = {}): DeadLetter {
  const body = parseJson(text);
  return (
    fromStateMachine(body) ??
    fromStatusChange(body) ??
    fromRejection(body) ??
    fromLambda(body) ??
    fromEventBridge(body, attributes) ?? {
      kind: 'unreadable',
      id: deriveId('unreadable', text),
      body: body ?? text,
      error: { name: 'Unreadable', message: 'expected a message of the state machine, of Lambda or of EventBridge' },
    }
  );
}

/**
 * Whether a message is the status change of an execution whose dead letter the state machine has sent: the cause is Lambda's
 * JSON of the error that the execution failed with. An error of the state machine itself has another cause.
 */
export function isAlreadyReported(text: string): boolean {
  const { data } = statusChange.safeParse(parseJson(text));
  if (data?.detail.status !== 'FAILED' || !data.detail.error) return false;
  return lambdaError.safeParse(parseJson(data.detail.cause)).data?.errorType === data.detail.error;
}

function fromStateMachine(body: unknown): DeadLetter | undefined {
  const { data } = failedSend.safeParse(body);
  return data && failedRequest({ request: data.request }, data.error ?? {}, false);
}

function fromStatusChange(body: unknown): DeadLetter | undefined {
  const { data } = statusChange.safeParse(body);
  if (!data) return undefined;
  const { status, input, error, cause } = data.detail;
  return failedRequest(parseJson(input), { Error: error ?? status, ...(cause && { Cause: cause }) }, true);
}

function failedRequest(
  input: unknown,
  { Error: name = 'Unknown', Cause }: z.infer<typeof failure>,
  wasStopped: boolean,
): DeadLetter | undefined {
  const request = parseExecutionInput(input);
  if (!request) return undefined;
  const error = { name, message: causeMessage(Cause) };
  return { kind: 'send', id: sendDeadLetterId(executionName(request)), request, error, wasStopped };
}

/** The dead letter of an execution. */
export function sendDeadLetterId(execution: string): string {
  return deriveId('send', execution);
}

/** The dead letter of an event whose request is rejected. */
export function rejectedDeadLetterId(eventId: string): string {
  return deriveId('rejected', eventId);
}

function fromRejection(body: unknown): DeadLetter | undefined {
  const { data } = rejectedRequest.safeParse(body);
  if (!data) return undefined;
  const { event, error } = data;
  const message = causeMessage(error?.Cause);
  return {
    kind: 'rejected',
    id: rejectedDeadLetterId(event.id),
    event,
    error: { name: error?.Error ?? 'Unknown', message },
  };
}

function fromLambda(body: unknown): DeadLetter | undefined {
  const { data } = onFailure.safeParse(body);
  const event = busEvent.safeParse(data?.requestPayload);
  if (!data || !event.success) return undefined;
  const { errorType: name = 'Unknown', errorMessage: message = '' } = data.responsePayload ?? {};
  const id = deriveId('event', event.data.id, data.requestContext.functionArn);
  return { kind: 'event', id, event: event.data, error: { name, message } };
}

function fromEventBridge(body: unknown, { ERROR_CODE, ERROR_MESSAGE }: FailureAttributes): DeadLetter | undefined {
  const event = busEvent.safeParse(body);
  if (!event.success) return undefined;
  const error = { name: ERROR_CODE ?? 'NotDelivered', message: ERROR_MESSAGE ?? '' };
  return { kind: 'event', id: deriveId('event', event.data.id), event: event.data, error };
}

/** The cause of an error that Lambda reports is JSON with its message. */
function causeMessage(cause = ''): string {
  return lambdaError.safeParse(parseJson(cause)).data?.errorMessage ?? cause;
}

const text = { type: 'string', required: true } as const;
const number = { type: 'number', required: true } as const;
const statuses = ['open', 'redriven', 'resolved'] as const;

const DeadLetterEntity = new Entity(
  {
    model: { entity: 'deadLetter', version: '1', service: 'livechat' },
    attributes: {
      id: text,
      kind: { type: ['send', 'rejected', 'event', 'unreadable'] as const, required: true },
      status: { type: statuses, required: true },
      errorName: text,
      errorMessage: text,
      organizationId: text,
      conversationId: text,
      requestId: text,
      redrives: number,
      failedCalls: number,
      createdAt: text,
      /** The {@link DeadLetter}, as JSON. */
      deadLetter: text,
      expires: number,
    },
    indexes: {
      primary: {
        pk: { field: 'pk', composite: ['id'], casing: 'none' },
        sk: { field: 'sk', composite: [], casing: 'none' },
      },
      byStatus: {
        index: 'byTime',
        pk: { field: 'gsi1pk', composite: ['status'], casing: 'none' },
        sk: { field: 'gsi1sk', composite: ['createdAt', 'id'], casing: 'none' },
      },
    },
  },
  { client: documents, table: required('MESSAGES_TABLE') },
);

/** What a dead letter concerns; empty where it does not say. */
export interface DeadLetterSubject {
  readonly organizationId: string;
  readonly conversationId: string;
  readonly requestId: string;
  /** The number of the redrive that failed, 0 for the first execution. */
  readonly redrives: number;
  /** Failed calls to LiveChat, since the last redrive. */
  readonly failedCalls: number;
}

/** An archived dead letter, without its content. */
export interface DeadLetterSummary extends DeadLetterSubject {
  readonly id: string;
  readonly kind: DeadLetterKind;
  /** `resolved`: every message of it was sent after all. */
  readonly status: (typeof statuses)[number];
  readonly errorName: string;
  readonly errorMessage: string;
  /** ISO 8601 */
  readonly createdAt: string;
}

/** Archives a dead letter. Returns false if it exists. */
export async function archiveDeadLetter(
  deadLetter: DeadLetter,
  subject: DeadLetterSubject,
  status: 'open' | 'resolved',
  now: number,
): Promise<boolean> {
  const { id, kind, error } = deadLetter;
  const created = await ifConditionHolds(
    DeadLetterEntity.create({
      id,
      kind,
      status,
      errorName: error.name,
      errorMessage: error.message,
      ...subject,
      createdAt: new Date(now).toISOString(),
      deadLetter: JSON.stringify(deadLetter),
      expires: expiresAfter('MESSAGES_RETENTION_DAYS', now),
    }).go(),
  );
  return created !== undefined;
}

export async function findDeadLetter(
  id: string,
): Promise<{ readonly summary: DeadLetterSummary; readonly deadLetter: DeadLetter } | undefined> {
  const { data } = await DeadLetterEntity.get({ id }).go({ consistent: true });
  if (!data) return undefined;
  const { deadLetter, expires: _, ...summary } = data;
  return { summary, deadLetter: JSON.parse(deadLetter) as DeadLetter };
}

/** Marks an open dead letter as redriven. Returns false if it was not open. */
export async function markRedriven(id: string): Promise<boolean> {
  const marked = await ifConditionHolds(
    DeadLetterEntity.patch({ id })
      .set({ status: 'redriven' })
      .where(({ status }, op) => op.eq(status, 'open'))
      .go(),
  );
  return marked !== undefined;
}

/** A page of dead letters, newest first; with `since`, only those created then or later (ISO 8601). */
export async function listDeadLetters(
  status: DeadLetterSummary['status'],
  { limit, from = null, since }: { limit: number; from?: string | null; since?: string },
): Promise<{ deadLetters: DeadLetterSummary[]; next?: string }> {
  const all = DeadLetterEntity.query.byStatus({ status });
  const query = since === undefined ? all : all.gte({ createdAt: since });
  // Without `limit`, DynamoDB reads up to 1 MB per page.
  const { data, cursor } = await query.go({ count: limit, limit, cursor: from, order: 'desc' });
  const deadLetters = data.map(({ deadLetter: _letter, expires: _expires, ...summary }) => summary);
  return { deadLetters, ...(cursor !== null && { next: cursor }) };
}

/** Criteria of a search; undefined matches everything. */
export interface DeadLetterFilter {
  readonly kind?: DeadLetterKind | undefined;
  /** The name of the error. */
  readonly error?: string | undefined;
  readonly organization?: string | undefined;
  readonly conversation?: string | undefined;
  readonly request?: string | undefined;
  readonly maxAgeMs?: number | undefined;
}

function matches(deadLetter: DeadLetterSummary, filter: DeadLetterFilter): boolean {
  const pairs = [
    [filter.kind, deadLetter.kind],
    [filter.error, deadLetter.errorName],
    [filter.organization, deadLetter.organizationId],
    [filter.conversation, deadLetter.conversationId],
    [filter.request, deadLetter.requestId],
  ];
  return pairs.every(([wanted, actual]) => wanted === undefined || wanted === actual);
}

const pageSize = 200;

/** The dead letters of a status that match, newest first, at most `limit`. */
export async function searchDeadLetters(
  status: DeadLetterSummary['status'],
  filter: DeadLetterFilter,
  { limit, now }: { limit: number; now: number },
): Promise<DeadLetterSummary[]> {
  const since = filter.maxAgeMs === undefined ? undefined : new Date(now - filter.maxAgeMs).toISOString();
  const found: DeadLetterSummary[] = [];
  let from: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof listDeadLetters>> = await listDeadLetters(status, {
      limit: pageSize,
      from,
      ...(since !== undefined && { since }),
    });
    found.push(...page.deadLetters.filter((deadLetter) => matches(deadLetter, filter)));
    from = found.length >= limit ? null : (page.next ?? null);
  } while (from !== null);
  return found.slice(0, limit);
}

/** The items of the dead letters that contain one of the texts. Reads every dead letter. */
export async function findDeadLetterItems(texts: readonly string[]): Promise<StoredItem[]> {
  const found: StoredItem[] = [];
  for (const status of statuses) {
    const { data } = await DeadLetterEntity.query.byStatus({ status }).go({ pages: 'all' });
    for (const { id, deadLetter, conversationId } of data) {
      if (texts.some((text) => conversationId === text || deadLetter.includes(text))) {
        found.push(parseItemAddress(DeadLetterEntity.get({ id }).params(), 'deadLetter'));
      }
    }
  }
  return found;
}
