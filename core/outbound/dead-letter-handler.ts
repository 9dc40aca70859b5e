import pLimit from 'p-limit';
import * as z from 'zod/mini';
import type { Cause } from '../events/event.ts';
import { putEvent } from '../events/publish.ts';
import { count } from '../platform/metrics.ts';
import { sendToDeadLetterQueue } from '../platform/queue.ts';
import { type AcceptPorts, redriveRequest } from './accept.ts';
import {
  archiveDeadLetter,
  type DeadLetter,
  type DeadLetterSubject,
  type DeadLetterSummary,
  findDeadLetter,
  markRedriven,
} from './dead-letter.ts';
import { deadLetterCategory } from './errors.ts';
import { MessageGroup } from './message-group.ts';
import { publishFailed, publishSent, raiseAlert } from './ports.ts';
import type { ExecutionInput } from './request.ts';
import { retriedErrors } from './state-machine.ts';

/** Failures that may be temporary are redriven once, after ten minutes. */
const redrivenErrors: ReadonlySet<string> = new Set([...retriedErrors, 'RequestExpired']);
const redriveDelaySeconds = 600;
/** The specification's rule for an alert: three failed calls, or the third execution of a request. */
const alertFailedCalls = 3;
const alertRedrives = 2;

/**
 * Archives a dead letter. For a send request it first marks the deliveries as failed, leaves the message group, and
 * publishes `message.failed`. Idempotent: the archive comes last.
 */
export async function handleDeadLetter(deadLetter: DeadLetter, ports: AcceptPorts): Promise<void> {
  if (await findDeadLetter(deadLetter.id)) return;
  if (deadLetter.kind === 'send') await handleFailedRequest(deadLetter, ports);
  else await handleOther(deadLetter, ports.clock.now());
}

async function handleFailedRequest(
  deadLetter: Extract<DeadLetter, { kind: 'send' }>,
  ports: AcceptPorts,
): Promise<void> {
  const { request, error } = deadLetter;
  const now = ports.clock.now();
  const { organizationId, conversationId, requestId, redrive: redrives } = request;
  const results = await Promise.all(
    request.deliveries.map(async ({ id }) => {
      const failure = { redrive: redrives, error: error.name, at: now, deadLetterId: deadLetter.id };
      return { id, ...(await ports.deliveries.fail({ organizationId, conversationId, id }, failure)) };
    }),
  );
  await leaveGroup(request, deadLetter.wasStopped, ports);
  const sentParts = results.flatMap(({ id, sent }, part) => (sent ? [{ ...sent, deliveryId: id, part }] : []));
  // A request publishes after its last part, so that nothing was published before it failed.
  if (sentParts.length > 0) await publishSent(request, sentParts);
  const failed = results.filter(({ sent }) => !sent);
  const failedCalls = Math.max(0, ...failed.map((one) => one.failedCalls));
  const subject = { organizationId, conversationId, requestId, redrives, failedCalls };
  if (failed.length === 0) {
    await archive(deadLetter, subject, 'resolved', now);
    return;
  }
  const deliveryIds = failed.map(({ id }) => id);
  await publishFailed(
    { conversationId, requestId, deliveryIds, error, deadLetterId: deadLetter.id, redrives },
    request,
  );
  if (failedCalls >= alertFailedCalls || redrives >= alertRedrives)
    await alertRepeatedFailure(deadLetter, subject, request);
  if (redrives === 0 && redrivenErrors.has(error.name)) {
    await sendToDeadLetterQueue({ kind: 'redrive', id: deadLetter.id }, redriveDelaySeconds);
  }
  const isNew = await archive(deadLetter, subject, 'open', now);
  if (isNew) count('SendsFailed', { category: deadLetterCategory(deadLetter), organizationId });
}

/** SQS's maximum. */
const maxDelaySeconds = 900;

/**
 * A stopped execution may leave its function running. The lock expires with its lease, or after the announced deferral; the
 * next request is woken then.
 */
async function leaveGroup(request: ExecutionInput, wasStopped: boolean, ports: AcceptPorts): Promise<void> {
  const lockedUntil = await new MessageGroup(request, ports).abandon({ wasStopped });
  if (lockedUntil === undefined) return;
  const seconds = Math.ceil((lockedUntil - ports.clock.now()) / 1000) + 1;
  await sendToDeadLetterQueue({ kind: 'wake', request }, Math.min(maxDelaySeconds, Math.max(1, seconds)));
}

async function archive(
  deadLetter: DeadLetter,
  subject: DeadLetterSubject,
  status: 'open' | 'resolved',
  now: number,
): Promise<boolean> {
  const isNew = await archiveDeadLetter(deadLetter, subject, status, now);
  if (isNew)
    count('DeadLetters', {
      category: deadLetterCategory(deadLetter),
      kind: deadLetter.kind,
      error: deadLetter.error.name,
    });
  return isNew;
}

async function alertRepeatedFailure(
  { id: deadLetterId, error }: DeadLetter,
  { organizationId, conversationId, requestId, redrives, failedCalls }: DeadLetterSubject,
  cause: Cause,
): Promise<void> {
  const title = `A message could not be sent: ${error.name} (${failedCalls} failed calls, ${redrives} redrives)`;
  const ids = { organizationId, conversationId, requestId, deadLetterId };
  await raiseAlert({ severity: 'critical', title, ids }, cause, [deadLetterId]);
}

const text = z.optional(z.string());
/** The fields of an event that identify its subject, as far as it has them. */
const eventDetail = z.looseObject({
  metadata: z.optional(z.looseObject({ organizationId: text, correlationId: text, id: text })),
  data: z.optional(z.looseObject({ organizationId: text, conversationId: text, requestId: text })),
});

/** A rejected request, an event that no function could handle, or an unreadable message: an operator has to act. */
async function handleOther(deadLetter: Exclude<DeadLetter, { kind: 'send' }>, now: number): Promise<void> {
  const detail = deadLetter.kind === 'unreadable' ? undefined : eventDetail.safeParse(deadLetter.event.detail).data;
  const organizationId = detail?.metadata?.organizationId ?? detail?.data?.organizationId ?? 'unknown';
  const conversationId = detail?.data?.conversationId ?? '';
  const requestId = detail?.data?.requestId ?? '';
  const eventId = deadLetter.kind === 'unreadable' ? deadLetter.id : (detail?.metadata?.id ?? deadLetter.event.id);
  const cause = { organizationId, correlationId: detail?.metadata?.correlationId ?? eventId, causationId: eventId };
  if (deadLetter.kind === 'rejected') {
    if (conversationId && requestId) {
      const { error, id: deadLetterId } = deadLetter;
      await publishFailed({ conversationId, requestId, deliveryIds: [], error, deadLetterId, redrives: 0 }, cause);
    }
    count('SendsFailed', { category: deadLetterCategory(deadLetter), organizationId });
  } else {
    const what =
      deadLetter.kind === 'event'
        ? `An event could not be processed (${deadLetter.event['detail-type']})`
        : 'A message of the dead-letter queue is unreadable';
    const ids = { organizationId, deadLetterId: deadLetter.id };
    await raiseAlert({ severity: 'warning', title: `${what}: ${deadLetter.error.name}`, ids }, cause, [deadLetter.id]);
  }
  await archive(deadLetter, { organizationId, conversationId, requestId, redrives: 0, failedCalls: 0 }, 'open', now);
}

/** A dead letter cannot be redriven. */
export class NotRedrivable extends Error {
  override readonly name = 'NotRedrivable';
}

/** Why a redrive of the dead letter cannot succeed; undefined if it may. */
export function redriveObstacle({ status, kind, errorName }: DeadLetterSummary): string | undefined {
  if (status !== 'open') return `it is ${status}`;
  if (kind === 'unreadable') return 'it is unreadable';
  if (kind === 'rejected') return `${errorName}: send a corrected request with a new requestId`;
  if (errorName === 'DeliveryMissing') return `${errorName}: its content does not exist any more; send a new request`;
  return undefined;
}

/** Why a redrive is useless unless the cause was removed; undefined if it may succeed. */
export function redriveWarning({ kind, errorName }: DeadLetterSummary): string | undefined {
  const isRepeatable =
    kind === 'send' && !['ChannelClientError', 'ChannelRepairableError', 'FileRefused'].includes(errorName);
  return kind !== 'send' || isRepeatable
    ? undefined
    : `${errorName}: the same request fails again unless its cause was removed`;
}

/**
 * Redrives an open dead letter: a send request by a new execution with the same deliveries, an event by publishing it
 * again. The dead letter is marked last, so that a crash leaves none without its execution.
 *
 * @throws NotRedrivable
 */
export async function redrive(
  id: string,
  ports: AcceptPorts,
  { force = false }: { readonly force?: boolean } = {},
): Promise<DeadLetterSummary> {
  const found = await findDeadLetter(id);
  if (!found) throw new NotRedrivable(`dead letter ${id} does not exist`);
  const { summary, deadLetter } = found;
  const obstacle = redriveObstacle(summary) ?? (force ? undefined : redriveWarning(summary));
  if (obstacle !== undefined) throw new NotRedrivable(`dead letter ${id} is not redriven: ${obstacle}`);
  if (deadLetter.kind === 'send') await redriveRequest(deadLetter.request, ports);
  else if (deadLetter.kind === 'event') {
    const { source, detail, 'detail-type': detailType } = deadLetter.event;
    await putEvent({ source, detailType, detail });
  }
  if (!(await markRedriven(id))) throw new NotRedrivable(`dead letter ${id} was redriven concurrently`);
  return summary;
}

export interface RedriveResult {
  readonly id: string;
  /** Why it was not redriven. */
  readonly refused?: string;
}

const maxConcurrentRedrives = 5;

/** Redrives dead letters, oldest first. One that cannot be redriven does not stop the others. */
export function redriveAll(
  deadLetters: readonly DeadLetterSummary[],
  ports: AcceptPorts,
  options: { readonly force?: boolean; readonly onDone: (result: RedriveResult) => void },
): Promise<RedriveResult[]> {
  const limit = pLimit(maxConcurrentRedrives);
  const redriveOne = async (id: string): Promise<RedriveResult> => {
    try {
      await redrive(id, ports, options);
      return { id };
    } catch (error) {
      if (error instanceof NotRedrivable) return { id, refused: error.message };
      throw error;
    }
  };
  return Promise.all(
    deadLetters.toReversed().map(({ id }) =>
      limit(async () => {
        const result = await redriveOne(id);
        options.onDone(result);
        return result;
      }),
    ),
  );
}
