import type { ConversationKey } from '../channel/channel.ts';
import { compare } from '../conversations/projection.ts';
import type { ConversationDetail } from '../conversations/queries.ts';
import { listMessages, listMessagesSince, type MessagePage, type StoredMessage } from '../messages/queries.ts';
import { executionArn, executionStatus } from '../platform/step-functions.ts';
import { type DeadLetterSummary, deriveDeadLetterId, findDeadLetter } from './dead-letter.ts';
import { type Delivery, type DeliveryAttempt, getDeliveries, listDeliveries } from './delivery.ts';
import { deadLetterCategory } from './errors.ts';
import { listGroupItems } from './message-group.ts';
import { comparePlaces, executionName, parsePartPlace, type SendRequest } from './request.ts';

export type Reader = Pick<ConversationDetail['participants'][number], 'id' | 'type' | 'seenUpTo' | 'seenAt'>;

/**
 * Joins messages, notes, deliveries and read marks. `pending` are the parts that the channel has not shown yet, in the order of
 * the requests and of their parts, with what they send in the channel's form.
 */
export function buildTranscript(
  stored: readonly StoredMessage[],
  deliveries: ReadonlyMap<string, Delivery>,
  participants: readonly Reader[],
  now: number,
) {
  const shown = new Set<string>();
  const readers = participants.toSorted((a, b) => ((a.seenUpTo ?? '') < (b.seenUpTo ?? '') ? -1 : 1));
  const withDelivery = stored.map((message) => {
    const { customId } = message.metadata;
    const delivery = typeof customId === 'string' ? deliveries.get(customId) : undefined;
    const seen = findSeen(message, readers);
    if (delivery) shown.add(delivery.id);
    return {
      ...message,
      ...(seen && { seen }),
      ...(delivery && { delivery: deliveryView(delivery, now, seen !== undefined) }),
    };
  });
  const pending = [...deliveries.values()]
    .filter(({ id, status }) => !shown.has(id) && status !== 'delivered')
    .sort(compareRequests)
    .map((delivery) => {
      const part = parsePartPlace(delivery.id);
      return {
        ...deliveryView(delivery, now),
        ...(delivery.content !== undefined && { content: JSON.parse(delivery.content) as unknown }),
        ...(part && { part }),
      };
    });
  const { all: messages = [], agents: notes = [] } = Object.groupBy(withDelivery, ({ visibility }) => visibility);
  return { messages, notes, pending };
}

/**
 * Sorts deliveries by the order and the time of their requests, then by their places in the request. The parts of one request
 * stay together.
 */
function compareRequests(a: Delivery, b: Delivery): number {
  return (
    a.orderKey - b.orderKey ||
    a.requestedAt - b.requestedAt ||
    compare(a.requestId, b.requestId) ||
    comparePlaces(a.id, b.id)
  );
}

/**
 * The first read mark that covers a message. Customers mark messages of others as seen, and the other way round. Nobody marks
 * notes and system messages. `upTo`: the channel's time up to which they have read.
 */
function findSeen({ author, timestamp, visibility }: StoredMessage, readers: readonly Reader[]) {
  if (author.type === 'system' || visibility !== 'all') return undefined;
  const byCustomer = author.type !== 'customer';
  for (const { id: by, type, seenUpTo: upTo = '', seenAt } of readers) {
    const isOtherSide = (type === 'customer') === byCustomer;
    if (isOtherSide && upTo >= timestamp) return { by, upTo, ...(seenAt !== undefined && { at: seenAt }) };
  }
  return undefined;
}

const iso = (ms: number) => new Date(ms).toISOString();

/** A delivery as the API, the console and the command line show it. Times are ISO 8601. */
export type DeliveryView = ReturnType<typeof deliveryView>;

function deliveryView(delivery: Delivery, now: number, isSeen = false) {
  const { id, requestId, status, failedCalls, redrive, lastError, attempts, omittedAttempts } = delivery;
  const { requestedAt, acceptedAt, redrivenAt, sentAt, deliveredAt, failedAt, deadLetterId } = delivery;
  return {
    id,
    requestId,
    status: isSeen && status === 'delivered' ? ('seen' as const) : status,
    failedCalls,
    redrive,
    ...(lastError && { lastError }),
    /** When the request was published, in whole seconds. */
    requestedAt: iso(requestedAt),
    acceptedAt: iso(acceptedAt),
    ...(redrivenAt !== undefined && { redrivenAt: iso(redrivenAt) }),
    ...(sentAt !== undefined && { sentAt: iso(sentAt) }),
    ...(deliveredAt !== undefined && { deliveredAt: iso(deliveredAt) }),
    // Stored of the last failure, also after a redrive.
    ...(status === 'failed' && failedAt !== undefined && { failedAt: iso(failedAt) }),
    ...(status === 'failed' && deadLetterId !== undefined && { deadLetterId }),
    /** The latest attempts, oldest first. Deferrals before any failure are not recorded. */
    attempts: attempts.map((attempt, index) => attemptView(attempt, attempts[index + 1], delivery, now)),
    ...(omittedAttempts !== undefined && { omittedAttempts }),
    /** The ARN of the latest execution. */
    execution: executionArn(executionName(delivery)),
  };
}

export type AttemptView = ReturnType<typeof attemptView>;

function attemptView(attempt: DeliveryAttempt, next: DeliveryAttempt | undefined, delivery: Delivery, now: number) {
  const { startedAt, endedAt, outcome, error, cause, repairs, redrive = 0, redrivenAt } = attempt;
  const execution = executionName({ ...delivery, redrive });
  // A redrive follows a dead letter.
  const hasDeadLetter = (next ? (next.redrive ?? 0) : delivery.redrive) > redrive;
  const isInProgress = !next && delivery.status === 'sending' && delivery.leaseUntil >= now;
  return {
    startedAt: iso(startedAt),
    ...(endedAt !== undefined && { endedAt: iso(endedAt) }),
    /** `lost`: its function ended without recording an outcome. */
    outcome: outcome ?? (isInProgress ? ('in progress' as const) : ('lost' as const)),
    ...(error && { error, category: deadLetterCategory('send', error) }),
    ...(cause && { cause }),
    ...(repairs && { repairs }),
    execution: executionArn(execution),
    redrive,
    ...(redrivenAt !== undefined && { redrivenAt: iso(redrivenAt) }),
    ...(hasDeadLetter && { deadLetterId: deriveDeadLetterId('send', execution) }),
  };
}

export type LoadedTranscript = Awaited<ReturnType<typeof loadTranscript>>;

/**
 * Loads a page of messages and notes with their deliveries, oldest first, and everything that is pending. `from`: the `next` of
 * the previous page. `since`: only messages and notes after this time of the channel.
 */
export async function loadTranscript(
  conversation: ConversationDetail,
  { limit, from = null, since }: { limit: number; from?: string | null; since?: string | undefined },
) {
  const { id: conversationId, organizationId, participants } = conversation;
  const loadMessages = async (): Promise<MessagePage> =>
    since === undefined
      ? listMessages(conversation, { limit, from })
      : { messages: await listMessagesSince(conversation, since, limit) };
  const [{ messages, next }, deliveries] = await Promise.all([
    loadMessages(),
    listDeliveries({ organizationId, conversationId }),
  ]);
  return { ...buildTranscript(messages, deliveries, participants, Date.now()), next };
}

const order = ['requested', 'queued', 'sending', 'sent', 'delivered'] as const;

export interface RequestProgress {
  /** That of the least advanced part. `conflict`: an earlier request has the same id. */
  readonly status: (typeof order)[number] | 'failed' | 'conflict';
  readonly parts: readonly ReturnType<typeof partProgress>[];
  /** The dead letter of a failed or conflicting request; of a conflict, as soon as it is archived. */
  readonly deadLetter?: DeadLetterSummary;
}

/** The progress of a request that was published as the event `eventId`. */
export async function requestProgress(request: SendRequest<unknown>, eventId: string): Promise<RequestProgress> {
  const { organizationId, conversationId } = request;
  const [deliveries, rejected] = await Promise.all([
    getDeliveries(request.parts.map(({ id }) => ({ organizationId, conversationId, id }))),
    findDeadLetter(deriveDeadLetterId('rejected', eventId)),
  ]);
  if (rejected) {
    const { summary } = rejected;
    const status = summary.errorName === 'RequestConflict' ? 'conflict' : 'failed';
    return { status, parts: [], deadLetter: summary };
  }
  const found = request.parts.flatMap(({ id }) => deliveries.get(id) ?? []);
  if (found.some(({ hash }) => hash !== request.hash)) return { status: 'conflict', parts: [] };
  const parts = found.map(partProgress);
  const failed = found.find(({ status }) => status === 'failed');
  const deadLetter = failed?.deadLetterId && (await findDeadLetter(failed.deadLetterId))?.summary;
  if (deadLetter && deadLetter.status !== 'redriven') return { status: 'failed', parts, deadLetter };
  if (found.length < request.parts.length) return { status: 'requested', parts };
  // A failed part is not archived yet, or is redriven.
  const statuses = found.map(({ status }) => (status === 'failed' ? 'sending' : status));
  return { status: order.find((status) => statuses.some((one) => one === status)) ?? 'requested', parts };
}

function partProgress({ id, status, failedCalls, lastError, messageId, threadId }: Delivery) {
  return {
    /** The `custom_id` at the channel. */
    id,
    status,
    failedCalls,
    ...(lastError && { lastError }),
    /** The channel's ids, once known. */
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
