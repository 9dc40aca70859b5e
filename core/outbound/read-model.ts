import type { ConversationKey } from '../channel/channel.ts';
import type { ConversationDetail } from '../conversations/queries.ts';
import { listMessages, listMessagesSince, type MessagePage, type StoredMessage } from '../messages/queries.ts';
import { executionArn, executionStatus } from '../platform/step-functions.ts';
import { type DeadLetterSummary, findDeadLetter, rejectedDeadLetterId, sendDeadLetterId } from './dead-letter.ts';
import type { AttemptRepair, Delivery, DeliveryAttempt, DeliveryStatus } from './delivery.ts';
import { listDeliveries } from './delivery.ts';
import { deadLetterCategory } from './errors.ts';
import { listGroupItems } from './message-group.ts';
import { executionName, findPartPlace, type PartPlace, type SendRequest } from './request.ts';

/** A delivery as the API, the console and the command line show it. Times are ISO 8601. */
export interface DeliveryView {
  readonly id: string;
  readonly requestId: string;
  readonly status: DeliveryStatus | 'seen';
  /** Failed calls since the last redrive. */
  readonly failedCalls: number;
  readonly redrive: number;
  readonly lastError?: string;
  /** When the request was published, in whole seconds, and accepted. */
  readonly requestedAt: string;
  readonly acceptedAt: string;
  readonly redrivenAt?: string;
  /** The latest attempts, oldest first. Deferrals before any failure are not recorded. */
  readonly attempts: readonly AttemptView[];
  readonly omittedAttempts?: number;
  readonly sentAt?: string;
  readonly deliveredAt?: string;
  /** Only while the delivery is failed. */
  readonly failedAt?: string;
  readonly deadLetterId?: string;
  /** The ARN of the latest execution. */
  readonly execution: string;
}

export interface AttemptView {
  readonly startedAt: string;
  readonly endedAt?: string;
  /** `lost`: its function ended without recording an outcome. */
  readonly outcome: 'in progress' | 'sent' | 'found' | 'failed' | 'lost';
  readonly error?: string;
  readonly category?: string;
  /** The HTTP status and the codes of the channel. */
  readonly cause?: string;
  readonly repairs?: readonly AttemptRepair[];
  readonly execution: string;
  readonly redrive: number;
  readonly redrivenAt?: string;
  /** The dead letter of its execution, if that was redriven. */
  readonly deadLetterId?: string;
}

/** The first read mark that covers a message. */
export interface Seen {
  readonly by: string;
  /** The channel's time up to which they have read. */
  readonly upTo: string;
  readonly at?: string;
}

export interface ReadMark {
  readonly id: string;
  readonly isCustomer: boolean;
  readonly seenUpTo: string;
  readonly seenAt?: string | undefined;
}

/** A part that the channel has not shown yet. */
export interface PendingPart extends DeliveryView {
  /** What it sends, in the channel's form. */
  readonly content?: unknown;
  readonly part?: PartPlace;
}

export interface Transcript {
  readonly messages: readonly (StoredMessage & { readonly delivery?: DeliveryView; readonly seen?: Seen })[];
  /** In the order of the requests and of their parts. */
  readonly pending: readonly PendingPart[];
}

/** Joins messages, deliveries and read marks. */
export function buildTranscript(
  messages: readonly StoredMessage[],
  deliveries: ReadonlyMap<string, Delivery>,
  readMarks: readonly ReadMark[],
  now: number,
): Transcript {
  const shown = new Set<string>();
  const marks = readMarks.toSorted((a, b) => (a.seenUpTo < b.seenUpTo ? -1 : 1));
  const withDelivery = messages.map((message) => {
    const { customId } = message.metadata;
    const delivery = typeof customId === 'string' ? deliveries.get(customId) : undefined;
    const seen = findSeen(message, marks);
    if (!delivery) return { ...message, ...seen };
    shown.add(delivery.id);
    const view = deliveryView(delivery, now);
    const status = seen && view.status === 'delivered' ? 'seen' : view.status;
    return { ...message, ...seen, delivery: { ...view, status } };
  });
  const pending = [...deliveries.values()]
    .filter(({ id, status }) => !shown.has(id) && status !== 'delivered')
    .map((delivery) => ({ delivery, part: findPartPlace(delivery.id, delivery.organizationId, delivery.requestId) }))
    .sort((a, b) => a.delivery.orderKey - b.delivery.orderKey || comparePlaces(a.part, b.part))
    .map(({ delivery, part }) => ({
      ...deliveryView(delivery, now),
      ...(delivery.content !== undefined && { content: JSON.parse(delivery.content) as unknown }),
      ...(part && { part }),
    }));
  return { messages: withDelivery, pending };
}

function comparePlaces(a: PartPlace | undefined, b: PartPlace | undefined): number {
  if (!a || !b) return 0;
  return a.messageIndex - b.messageIndex || a.splitIndex - b.splitIndex;
}

/** Customers mark messages of others as seen, and the other way round. Nobody marks notes and system messages. */
function findSeen(
  { author, timestamp, visibility }: StoredMessage,
  marks: readonly ReadMark[],
): { seen: Seen } | undefined {
  if (author.type === 'system' || visibility !== 'all') return undefined;
  const byCustomer = author.type !== 'customer';
  const mark = marks.find(({ isCustomer, seenUpTo }) => isCustomer === byCustomer && seenUpTo >= timestamp);
  if (!mark) return undefined;
  const { id: by, seenUpTo: upTo, seenAt } = mark;
  return { seen: { by, upTo, ...(seenAt !== undefined && { at: seenAt }) } };
}

const iso = (ms: number) => new Date(ms).toISOString();

function deliveryView(delivery: Delivery, now: number): DeliveryView {
  const { id, requestId, status, failedCalls, redrive, lastError, attempts, omittedAttempts } = delivery;
  const { requestedAt, acceptedAt, redrivenAt, sentAt, deliveredAt, failedAt, deadLetterId } = delivery;
  return {
    id,
    requestId,
    status,
    failedCalls,
    redrive,
    ...(lastError && { lastError }),
    requestedAt: iso(requestedAt),
    acceptedAt: iso(acceptedAt),
    ...(redrivenAt !== undefined && { redrivenAt: iso(redrivenAt) }),
    ...(sentAt !== undefined && { sentAt: iso(sentAt) }),
    ...(deliveredAt !== undefined && { deliveredAt: iso(deliveredAt) }),
    ...(status === 'failed' && failedAt !== undefined && { failedAt: iso(failedAt) }),
    ...(status === 'failed' && deadLetterId !== undefined && { deadLetterId }),
    attempts: attempts.map((attempt, index) => attemptView(attempt, attempts[index + 1], delivery, now)),
    ...(omittedAttempts !== undefined && { omittedAttempts }),
    execution: executionArn(executionName(delivery)),
  };
}

function attemptView(
  attempt: DeliveryAttempt,
  next: DeliveryAttempt | undefined,
  delivery: Delivery,
  now: number,
): AttemptView {
  const { startedAt, endedAt, outcome, error, cause, repairs, redrive = 0, redrivenAt } = attempt;
  const execution = executionName({ ...delivery, redrive });
  // A redrive follows a dead letter.
  const hasDeadLetter = (next ? (next.redrive ?? 0) : delivery.redrive) > redrive;
  const isInProgress = !next && delivery.status === 'sending' && delivery.leaseUntil >= now;
  return {
    startedAt: iso(startedAt),
    ...(endedAt !== undefined && { endedAt: iso(endedAt) }),
    outcome: outcome ?? (isInProgress ? 'in progress' : 'lost'),
    ...(error && { error, category: deadLetterCategory({ kind: 'send', error: { name: error } }) }),
    ...(cause && { cause }),
    ...(repairs && { repairs }),
    execution: executionArn(execution),
    redrive,
    ...(redrivenAt !== undefined && { redrivenAt: iso(redrivenAt) }),
    ...(hasDeadLetter && { deadLetterId: sendDeadLetterId(execution) }),
  };
}

/** The messages of a conversation with their deliveries. */
export interface LoadedTranscript extends Transcript {
  /** Oldest first. */
  readonly notes: readonly StoredMessage[];
  /** The cursor of the next page; absent on the last. */
  readonly next?: string | undefined;
}

export interface TranscriptPage {
  readonly limit: number;
  /** The `next` of the previous page. */
  readonly from?: string | null;
  /** Only messages after this time of the channel. */
  readonly since?: string | undefined;
}

/** Loads a page of messages, at most `limit` notes, and everything that is pending. */
export async function loadTranscript(
  { id: conversationId, organizationId, participants }: ConversationDetail,
  { limit, from = null, since }: TranscriptPage,
): Promise<LoadedTranscript> {
  const key = { organizationId, conversationId };
  const loadMessages = async (): Promise<MessagePage> =>
    since === undefined
      ? listMessages(key, 'all', { limit, from })
      : { messages: await listMessagesSince(key, since, limit) };
  const [page, { messages: notes }, deliveries] = await Promise.all([
    loadMessages(),
    listMessages(key, 'agents', { limit }),
    listDeliveries(key),
  ]);
  const marks = participants.flatMap(({ id, type, seenUpTo, seenAt }) =>
    seenUpTo ? [{ id, isCustomer: type === 'customer', seenUpTo, seenAt }] : [],
  );
  return { ...buildTranscript(page.messages, deliveries, marks, Date.now()), notes, next: page.next };
}

/** The status of a request is that of its least advanced part. `conflict`: an earlier request has the same id. */
export type RequestStatus = 'requested' | 'queued' | 'sending' | 'sent' | 'delivered' | 'failed' | 'conflict';

export interface RequestProgress {
  readonly status: RequestStatus;
  readonly parts: readonly PartProgress[];
  /** The dead letter of a failed or conflicting request; of a conflict, as soon as it is archived. */
  readonly deadLetter?: DeadLetterSummary;
}

export interface PartProgress {
  /** The `custom_id` at the channel. */
  readonly id: string;
  readonly status: DeliveryStatus;
  readonly failedCalls: number;
  readonly lastError?: string;
  /** The channel's ids, once known. */
  readonly messageId?: string;
  readonly threadId?: string;
}

const order = ['requested', 'queued', 'sending', 'sent', 'delivered'] as const;

/** The progress of a request that was published as the event `eventId`. */
export async function requestProgress(request: SendRequest<unknown>, eventId: string): Promise<RequestProgress> {
  const [deliveries, rejected] = await Promise.all([
    listDeliveries(request),
    findDeadLetter(rejectedDeadLetterId(eventId)),
  ]);
  if (rejected) {
    const { summary } = rejected;
    const status = summary.errorName === 'RequestConflict' ? 'conflict' : 'failed';
    return { status, parts: [], deadLetter: summary };
  }
  const found = request.parts.map(({ id }) => deliveries.get(id));
  if (found.some((delivery) => delivery && delivery.hash !== request.hash)) return { status: 'conflict', parts: [] };
  const parts = found.flatMap((delivery) => (delivery ? [partProgress(delivery)] : []));
  const failed = found.find((delivery) => delivery?.status === 'failed');
  const deadLetter =
    failed?.deadLetterId === undefined ? undefined : (await findDeadLetter(failed.deadLetterId))?.summary;
  if (deadLetter?.status === 'open') return { status: 'failed', parts, deadLetter };
  // A failed part is not archived yet, or is redriven.
  const ranks = found.map((delivery) =>
    order.indexOf(delivery === undefined ? 'requested' : delivery.status === 'failed' ? 'sending' : delivery.status),
  );
  return { status: order[Math.min(...ranks)] ?? 'requested', parts };
}

function partProgress({ id, status, failedCalls, lastError, messageId, threadId }: Delivery): PartProgress {
  return {
    id,
    status,
    failedCalls,
    ...(lastError && { lastError }),
    ...(messageId && { messageId }),
    ...(threadId && { threadId }),
  };
}

/** The running executions of a conversation, by ARN: they would write again after an erasure. */
export async function runningExecutions(key: ConversationKey): Promise<string[]> {
  const executions = [...new Set((await listGroupItems(key)).map(({ execution }) => execution))];
  const running = await Promise.all(
    executions.map(async (name) => ((await executionStatus(name)) === 'running' ? [executionArn(name)] : [])),
  );
  return running.flat();
}
