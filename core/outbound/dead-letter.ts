import { Entity, type EntityItem } from 'electrodb';
import * as z from 'zod/mini';
import { deriveId } from '../events/ids.ts';
import {
  expiresAfter,
  ifConditionHolds,
  keys,
  number,
  parseItemAddress,
  type StoredItem,
  tableIn,
  text,
} from '../platform/dynamodb.ts';
import { parseJson } from '../platform/json.ts';
import { errorNames } from './errors.ts';
import { type ExecutionInput, executionInput, executionName } from './request.ts';

/**
 * A message of the dead-letter queue: a failed send request, a rejected one, an event that a function failed to handle, or
 * neither. `wasStopped`: the execution ended while its function may have been running.
 */
export type DeadLetter = {
  /** Derives from the failure, so a duplicate message of the queue is the same dead letter. */
  readonly id: string;
  readonly error: { readonly name: string; readonly message: string };
} & (
  | { readonly kind: 'send'; readonly request: ExecutionInput; readonly wasStopped: boolean }
  | { readonly kind: 'rejected' | 'event'; readonly event: BusEvent }
  | { readonly kind: 'unreadable'; readonly body: unknown }
);

export type DeadLetterKind = DeadLetter['kind'];

/** The order in which dead letters of one conversation must be redriven. 0 for a dead letter without a request. */
export const orderKeyOf = (deadLetter: DeadLetter | undefined): number =>
  deadLetter?.kind === 'send' ? deadLetter.request.orderKey : 0;

const busEvent = z.looseObject({
  id: z.string(),
  source: z.string(),
  'detail-type': z.string(),
  time: z.string(),
  detail: z.unknown(),
});
type BusEvent = z.infer<typeof busEvent>;

const json = z.pipe(
  z.string(),
  z.transform((text: string) => parseJson(text)),
);

/** The cause of an error that Lambda reports is JSON with its message. */
export const causeMessage = (cause: string): string =>
  z.object({ errorMessage: z.string() }).safeParse(parseJson(cause)).data?.errorMessage ?? cause;

/** An error of the state machine. */
const failure = z._default(
  z.pipe(
    z.object({ Error: z._default(z.string(), 'Unknown'), Cause: z._default(z.string(), '') }),
    z.transform(({ Error: name, Cause }) => ({ name, message: causeMessage(Cause) })),
  ),
  { name: 'Unknown', message: '' },
);

/** The id of a dead letter. It derives from the name of the execution (`send`), or from the id of the event. */
export const deriveDeadLetterId = (kind: DeadLetterKind, ...identity: readonly string[]) => deriveId(kind, ...identity);

const sendDeadLetter = (request: ExecutionInput, error: DeadLetter['error'], wasStopped: boolean): DeadLetter => {
  const id = deriveDeadLetterId('send', executionName(request));
  return { kind: 'send', id, request, error, wasStopped };
};

/** From the state `DeadLetter` of the state machine. */
const failedSend = z.pipe(
  z.object({ kind: z.literal('send'), request: executionInput, error: failure }),
  z.transform(({ request, error }) => sendDeadLetter(request, error, false)),
);
/** Step Functions' own event, for executions that end without the state `DeadLetter`. */
const endedExecution = z.pipe(
  z.object({
    source: z.literal('aws.states'),
    detail: z.object({
      status: z.string(),
      input: z.pipe(json, z.object({ request: executionInput })),
      error: z.nullish(z.string()),
      cause: z.nullish(z.string()),
    }),
  }),
  z.transform(({ detail: { status, input, error: name, cause } }) =>
    sendDeadLetter(input.request, { name: name ?? status, message: causeMessage(cause ?? '') }, true),
  ),
);
/** From functions/send-requested, for an invalid or conflicting request. */
const rejectedRequest = z.pipe(
  z.object({ kind: z.literal('rejected'), event: busEvent, error: failure }),
  z.transform((message): DeadLetter => ({ ...message, id: deriveDeadLetterId('rejected', message.event.id) })),
);
/** Lambda's on-failure destination. Source: Lambda's developer guide, "Capturing records of asynchronous invocations". */
const failedInvocation = z.pipe(
  z.object({
    requestContext: z.object({ functionArn: z.string() }),
    requestPayload: busEvent,
    responsePayload: z.optional(z.object({ errorType: z.optional(z.string()), errorMessage: z.optional(z.string()) })),
  }),
  z.transform(({ requestContext, requestPayload: event, responsePayload }): DeadLetter => {
    const { errorType: name = 'Unknown', errorMessage: message = '' } = responsePayload ?? {};
    const id = deriveDeadLetterId('event', event.id, requestContext.functionArn);
    return { kind: 'event', id, event, error: { name, message } };
  }),
);
const deadLetterMessage = z.union([failedSend, endedExecution, rejectedRequest, failedInvocation]);

/** Parses a message of the dead-letter queue. `attributes` hold EventBridge's reason. Never throws. */
export function parseDeadLetter(
  message: string,
  attributes: { readonly [Name in 'ERROR_CODE' | 'ERROR_MESSAGE']?: string | undefined } = {},
): DeadLetter {
  const body = parseJson(message);
  const deadLetter = deadLetterMessage.safeParse(body).data;
  if (deadLetter) return deadLetter;
  const event = busEvent.safeParse(body).data;
  if (event) {
    const error = { name: attributes.ERROR_CODE ?? 'NotDelivered', message: attributes.ERROR_MESSAGE ?? '' };
    return { kind: 'event', id: deriveDeadLetterId('event', event.id), event, error };
  }
  return {
    kind: 'unreadable',
    id: deriveDeadLetterId('unreadable', message),
    body: body ?? message,
    error: { name: 'Unreadable', message: 'expected a message of the state machine, of Lambda or of EventBridge' },
  };
}

const reportedFailure = z.object({
  source: z.literal('aws.states'),
  detail: z.object({
    status: z.literal('FAILED'),
    error: z.string(),
    cause: z.pipe(json, z.object({ errorType: z.string() })),
  }),
});

/**
 * Whether a message is the status change of an execution whose dead letter the state machine has sent: the cause is Lambda's
 * JSON of the error that the execution failed with. An error of the state machine itself has another cause.
 */
export function isAlreadyReported(message: string): boolean {
  const { data } = reportedFailure.safeParse(parseJson(message));
  return data !== undefined && data.detail.cause.errorType === data.detail.error;
}

export const deadLetterStatuses = ['open', 'redriven', 'dismissed', 'resolved'] as const;

const DeadLetterEntity = new Entity(
  {
    model: { entity: 'deadLetter', version: '1', service: 'livechat' },
    attributes: {
      id: text,
      kind: { type: ['send', 'rejected', 'event', 'unreadable'] as const, required: true },
      /** `dismissed`: an operator closed it without a redrive. `resolved`: all of its messages were sent later. */
      status: { type: deadLetterStatuses, required: true },
      errorName: text,
      errorMessage: text,
      /** What it concerns; empty where it does not say. */
      organizationId: text,
      conversationId: text,
      requestId: text,
      /** The number of the redrive that failed, 0 for the first execution. */
      redrives: number,
      /** Failed calls to LiveChat, since the last redrive. */
      failedCalls: number,
      /** When the last redrive started, ms since 1970. */
      redriveStartedAt: { type: 'number' },
      /** Why and when (ISO 8601) it was dismissed. */
      dismissReason: { type: 'string' },
      dismissedAt: { type: 'string' },
      /** ISO 8601 */
      createdAt: text,
      /** The {@link DeadLetter}, as JSON. */
      deadLetter: text,
      expires: number,
    },
    indexes: {
      primary: keys(['id'], []),
      byStatus: { index: 'byStatus', ...keys(['status'], ['createdAt', 'id'], 'gsi1') },
    },
  },
  tableIn('MESSAGES_TABLE'),
);

/** An archived dead letter, without its content. */
export type DeadLetterSummary = Omit<
  EntityItem<typeof DeadLetterEntity>,
  'deadLetter' | 'expires' | 'redriveStartedAt'
>;

function summarize({
  deadLetter: _,
  expires: __,
  redriveStartedAt: ___,
  ...summary
}: EntityItem<typeof DeadLetterEntity>): DeadLetterSummary {
  return summary;
}

/** What a dead letter concerns, and what remains to be done. */
export type DeadLetterSubject = Pick<
  DeadLetterSummary,
  'status' | 'organizationId' | 'conversationId' | 'requestId' | 'redrives' | 'failedCalls'
>;

/** Archives a dead letter. Returns false if it exists. */
export async function archiveDeadLetter(
  deadLetter: DeadLetter,
  subject: DeadLetterSubject,
  now: number,
): Promise<boolean> {
  const { id, kind, error } = deadLetter;
  const created = await ifConditionHolds(
    DeadLetterEntity.create({
      id,
      kind,
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
  return data ? { summary: summarize(data), deadLetter: JSON.parse(data.deadLetter) as DeadLetter } : undefined;
}

/** Starts the redrive of an open dead letter, which cannot be dismissed meanwhile. Returns false if it is not open. */
export async function startRedrive(id: string, now: number): Promise<boolean> {
  const started = await ifConditionHolds(
    DeadLetterEntity.patch({ id })
      .set({ redriveStartedAt: now })
      .where(({ status }, op) => op.eq(status, 'open'))
      .go(),
  );
  return started !== undefined;
}

/**
 * Marks a dead letter as redriven if it is open, or if it was dismissed because its redrive took too long. Returns false for
 * another status.
 */
export async function markRedriven(id: string): Promise<boolean> {
  const marked = await ifConditionHolds(
    DeadLetterEntity.patch({ id })
      .set({ status: 'redriven' })
      .where(({ status }, op) => `${op.eq(status, 'open')} OR ${op.eq(status, 'dismissed')}`)
      .go(),
  );
  return marked !== undefined;
}

/** A redrive that started longer ago counts as interrupted, so its dead letter can be dismissed. */
const maxRedriveMs = 60_000;

/** Marks an open dead letter as dismissed. Returns undefined if it is not open or is being redriven. */
export async function markDismissed(id: string, reason: string, now: number): Promise<DeadLetterSummary | undefined> {
  const marked = await ifConditionHolds(
    DeadLetterEntity.patch({ id })
      .set({ status: 'dismissed', dismissReason: reason, dismissedAt: new Date(now).toISOString() })
      .where(({ status, redriveStartedAt }, op) => {
        const notRedriven = `${op.notExists(redriveStartedAt)} OR ${op.lt(redriveStartedAt, now - maxRedriveMs)}`;
        return `${op.eq(status, 'open')} AND (${notRedriven})`;
      })
      .go({ response: 'all_new' }),
  );
  return marked?.data && summarize(marked.data);
}

/** Undefined matches everything. */
export interface DeadLetterFilter {
  readonly kind?: DeadLetterKind | undefined;
  /** The name of the error. */
  readonly error?: string | undefined;
  /** As {@link deadLetterCategory} assigns it. */
  readonly category?: string | undefined;
  readonly organization?: string | undefined;
  readonly conversation?: string | undefined;
  readonly request?: string | undefined;
}

interface DeadLetterPage {
  readonly limit: number;
  /** The `next` of the previous page. */
  readonly from?: string | null;
  /** Only those created then or later, ISO 8601. */
  readonly since?: string | undefined;
  readonly filter?: DeadLetterFilter | undefined;
}

const maxPageSize = 200;

/** The conditions that {@link deadLetterCategory} tests, as filter expressions. */
function categoryConditions(
  category: string,
  {
    isKind,
    isError,
    isNotError,
  }: {
    readonly isKind: (kind: DeadLetterKind) => string;
    readonly isError: (name: string) => string;
    readonly isNotError: (name: string) => string;
  },
): string[] {
  if (category === 'Event') return [isKind('event')];
  if (category === 'Unreadable') return [isKind('unreadable')];
  const found = errorNames(category);
  const ofKind = `(${isKind('send')} OR ${isKind('rejected')})`;
  return 'except' in found
    ? [ofKind, ...found.except.map(isNotError)]
    : [ofKind, `(${found.names.map(isError).join(' OR ')})`];
}

/** The dead letters of a status that match, newest first. Reads a page at a time. */
export async function* iterateDeadLetters(
  status: DeadLetterSummary['status'],
  { pageSize, ...query }: { readonly pageSize: number } & Pick<DeadLetterPage, 'since' | 'filter'>,
): AsyncGenerator<DeadLetterSummary> {
  let from: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof listDeadLetters>> = await listDeadLetters(status, {
      ...query,
      limit: pageSize,
      from,
    });
    yield* page.deadLetters;
    from = page.next ?? null;
  } while (from !== null);
}

/** A page of the dead letters of a status that match, newest first. */
export async function listDeadLetters(
  status: DeadLetterSummary['status'],
  { limit, from = null, since = '', filter }: DeadLetterPage,
): Promise<{ deadLetters: DeadLetterSummary[]; next?: string }> {
  const { kind, error, category, organization, conversation, request } = filter ?? {};
  const { data, cursor } = await DeadLetterEntity.query
    .byStatus({ status })
    .gte({ createdAt: since })
    .where((stored, { eq, ne }) =>
      [
        kind && eq(stored.kind, kind),
        error && eq(stored.errorName, error),
        ...(category === undefined
          ? []
          : categoryConditions(category, {
              isKind: (one) => eq(stored.kind, one),
              isError: (name) => eq(stored.errorName, name),
              isNotError: (name) => ne(stored.errorName, name),
            })),
        organization && eq(stored.organizationId, organization),
        conversation && eq(stored.conversationId, conversation),
        request && eq(stored.requestId, request),
      ]
        .filter(Boolean)
        .join(' AND '),
    )
    // DynamoDB filters a page after its limit. Without one, it reads up to 1 MB.
    .go({ count: limit, limit: filter ? maxPageSize : Math.min(limit, maxPageSize), cursor: from, order: 'desc' });
  return { deadLetters: data.map(summarize), ...(cursor !== null && { next: cursor }) };
}

/** The latest dead letters of each status that match. */
export async function listDeadLettersOfEveryStatus(query: Omit<DeadLetterPage, 'from'>): Promise<DeadLetterSummary[]> {
  const pages = await Promise.all(deadLetterStatuses.map((status) => listDeadLetters(status, query)));
  return pages.flatMap(({ deadLetters }) => deadLetters);
}

/** The items of the organizations' dead letters that contain one of the texts. Reads every dead letter. */
export async function findDeadLetterItems(
  organizationIds: readonly string[],
  texts: readonly string[],
): Promise<StoredItem[]> {
  const found: StoredItem[] = [];
  for (const status of deadLetterStatuses) {
    const { data } = await DeadLetterEntity.query.byStatus({ status }).go({ pages: 'all' });
    for (const { id, deadLetter, organizationId, conversationId } of data) {
      if (!organizationIds.includes(organizationId)) continue;
      if (texts.some((part) => conversationId === part || deadLetter.includes(part))) {
        found.push(parseItemAddress(DeadLetterEntity.get({ id }).params(), 'deadLetter'));
      }
    }
  }
  return found;
}
