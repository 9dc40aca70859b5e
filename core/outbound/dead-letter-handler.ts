import pLimit from 'p-limit';
import * as z from 'zod/mini';
import { normalizeOrganizationId } from '../channel/spec.ts';
import { putEvent } from '../events/bus.ts';
import { id, ifValid } from '../events/schemas.ts';
import { count } from '../platform/metrics.ts';
import { sendToDeadLetterQueue } from '../platform/queue.ts';
import { type AcceptPorts, redriveRequest } from './accept.ts';
import {
  archiveDeadLetter,
  type DeadLetter,
  type DeadLetterSubject,
  type DeadLetterSummary,
  findDeadLetter,
  markDismissed,
  markRedriven,
  orderKeyOf,
  startRedrive,
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
  const now = ports.clock.now();
  const { kind, error } = deadLetter;
  const subject =
    deadLetter.kind === 'send' ? await failRequest(deadLetter, ports, now) : await reportOther(deadLetter);
  const isNew = await archiveDeadLetter(deadLetter, subject, now);
  if (!isNew) return;
  const { organizationId, status } = subject;
  const category = deadLetterCategory(kind, error.name);
  count('DeadLetters', { category, kind, error: error.name });
  if (kind === 'rejected' || (kind === 'send' && status === 'open')) count('SendsFailed', { category, organizationId });
}

/** Returns the status `resolved` if every part was sent after all. */
async function failRequest(
  { id: deadLetterId, request, error, wasStopped }: Extract<DeadLetter, { kind: 'send' }>,
  ports: AcceptPorts,
  now: number,
): Promise<DeadLetterSubject> {
  const { organizationId, conversationId, requestId, redrive: redrives } = request;
  const results = await Promise.all(
    request.deliveries.map(async ({ id }) => {
      const failure = { redrive: redrives, error: error.name, at: now, deadLetterId };
      return { id, ...(await ports.deliveries.fail({ organizationId, conversationId, id }, failure)) };
    }),
  );
  await leaveGroup(request, wasStopped, ports);
  const sentParts = results.flatMap(({ id, sent }, part) => (sent ? [{ ...sent, deliveryId: id, part }] : []));
  // `message.sent` is published only after the last part, so nothing has been published yet for the parts that were sent.
  if (sentParts.length > 0) await publishSent(request, sentParts);
  const failed = results.filter(({ sent }) => !sent);
  const failedCalls = Math.max(0, ...failed.map((one) => one.failedCalls));
  const subject = { organizationId, conversationId, requestId, redrives, failedCalls };
  if (failed.length === 0) return { ...subject, status: 'resolved' };
  const deliveryIds = failed.map(({ id }) => id);
  await publishFailed({ conversationId, requestId, deliveryIds, error, deadLetterId, redrives }, request);
  if (failedCalls >= alertFailedCalls || redrives >= alertRedrives) {
    const title = `A message could not be sent: ${error.name} (${failedCalls} failed calls, ${redrives} redrives)`;
    const ids = { organizationId, conversationId, requestId, deadLetterId };
    await raiseAlert({ severity: 'critical', title, ids }, request, [deadLetterId]);
  }
  if (redrives === 0 && redrivenErrors.has(error.name)) {
    await sendToDeadLetterQueue({ kind: 'redrive', id: deadLetterId }, redriveDelaySeconds);
  }
  return { ...subject, status: 'open' };
}

/**
 * A stopped execution may leave its function running. The lock expires with its lease, or after the announced deferral; the
 * next request is woken then.
 */
async function leaveGroup(request: ExecutionInput, wasStopped: boolean, ports: AcceptPorts): Promise<void> {
  const lockedUntil = await new MessageGroup(request, ports).abandon({ wasStopped });
  if (lockedUntil === undefined) return;
  const seconds = Math.ceil((lockedUntil - ports.clock.now()) / 1000) + 1;
  await sendToDeadLetterQueue({ kind: 'wake', request }, Math.max(1, seconds));
}

/** The valid fields still identify the request in `message.failed`. */
const text = ifValid(id);
/** The fields of an event that identify its subject, as far as it has them. */
const eventDetail = z.object({
  metadata: ifValid(z.object({ organizationId: text, correlationId: text, id: text })),
  data: ifValid(z.object({ organizationId: text, conversationId: text, requestId: text })),
});

/** A rejected request, an event that no function could handle, or an unreadable message: an operator has to act. */
async function reportOther(deadLetter: Exclude<DeadLetter, { kind: 'send' }>): Promise<DeadLetterSubject> {
  const { id: deadLetterId, kind, error } = deadLetter;
  const event = deadLetter.kind === 'unreadable' ? undefined : deadLetter.event;
  const { metadata, data } = eventDetail.safeParse(event?.detail).data ?? {};
  const organizationId = normalizeOrganizationId(metadata?.organizationId ?? data?.organizationId ?? 'unknown');
  const { conversationId = '', requestId = '' } = data ?? {};
  const causationId = metadata?.id ?? event?.id ?? deadLetterId;
  const cause = { organizationId, correlationId: metadata?.correlationId ?? causationId, causationId };
  if (kind !== 'rejected') {
    const what = event
      ? `An event could not be processed (${event['detail-type']})`
      : 'A message of the dead-letter queue is unreadable';
    const ids = { organizationId, deadLetterId };
    await raiseAlert({ severity: 'warning', title: `${what}: ${error.name}`, ids }, cause, [deadLetterId]);
  } else if (conversationId && requestId) {
    await publishFailed({ conversationId, requestId, deliveryIds: [], error, deadLetterId, redrives: 0 }, cause);
  }
  return { status: 'open', organizationId, conversationId, requestId, redrives: 0, failedCalls: 0 };
}

/** Why a redrive of the dead letter cannot succeed; undefined if it may. */
export function redriveObstacle({ status, kind, errorName }: DeadLetterSummary): string | undefined {
  if (status !== 'open') return `it is already ${status}`;
  if (kind === 'unreadable') return 'it is unreadable';
  if (kind === 'rejected') return `${errorName}: send a corrected request with a new requestId`;
  if (errorName === 'DeliveryMissing') return `${errorName}: its content does not exist any more; send a new request`;
  return undefined;
}

/** Why a redrive is useless unless the cause has been fixed; undefined if it may succeed. */
export function redriveWarning({ kind, errorName }: DeadLetterSummary): string | undefined {
  const failsAgain =
    kind === 'send' && ['ChannelClientError', 'ChannelRepairableError', 'FileRefused'].includes(errorName);
  return failsAgain ? `${errorName}: the same request will fail again unless the cause has been fixed` : undefined;
}

export interface RedriveResult {
  readonly id: string;
  readonly redriven?: DeadLetterSummary;
  /** Why it was not redriven. */
  readonly refused?: string;
}

/**
 * Redrives an open dead letter: a send request by a new execution with the same deliveries, an event by publishing it
 * again. The dead letter is marked last, so that a crash leaves none without its execution.
 */
export async function redrive(
  id: string,
  ports: AcceptPorts,
  { force = false }: { readonly force?: boolean } = {},
): Promise<RedriveResult> {
  const refuse = (reason: string) => ({ id, refused: `dead letter ${id} ${reason}` });
  const found = await findDeadLetter(id);
  if (!found) return refuse('does not exist');
  const { summary, deadLetter } = found;
  const obstacle = redriveObstacle(summary) ?? (force ? undefined : redriveWarning(summary));
  if (obstacle !== undefined) return refuse(`cannot be redriven: ${obstacle}`);
  if (!(await startRedrive(id, ports.clock.now()))) return refuse('was redriven or dismissed concurrently');
  if (deadLetter.kind === 'send') await redriveRequest(deadLetter.request, ports);
  else if (deadLetter.kind === 'event') {
    const { source, detail, 'detail-type': detailType } = deadLetter.event;
    await putEvent({ source, detailType, detail });
  }
  return (await markRedriven(id)) ? { id, redriven: summary } : refuse('was redriven concurrently');
}

const maxConcurrent = 5;

/**
 * Redrives dead letters, oldest first. Redrives the dead letters of one conversation sequentially, in the order of their requests.
 * A redrive that fails does not stop the others.
 */
export async function redriveAll(
  deadLetters: readonly DeadLetterSummary[],
  ports: AcceptPorts,
  options: { readonly force?: boolean; readonly onDone: (result: RedriveResult) => void },
): Promise<RedriveResult[]> {
  const groups = Map.groupBy(deadLetters.toReversed(), ({ kind, id, organizationId, conversationId }) =>
    kind === 'send' ? `${organizationId} ${conversationId}` : id,
  );
  const results = await pLimit(maxConcurrent).map([...groups.values()], async (group) => {
    const redriven: RedriveResult[] = [];
    for (const id of await sortByOrder(group)) {
      const result = await redrive(id, ports, options);
      options.onDone(result);
      redriven.push(result);
    }
    return redriven;
  });
  return results.flat();
}

/** Sorts the ids by the order of the requests. Requests that expire in the same second can be archived in any order. */
async function sortByOrder(deadLetters: readonly DeadLetterSummary[]): Promise<string[]> {
  if (deadLetters.length === 1) return deadLetters.map(({ id }) => id);
  const ordered = await Promise.all(
    deadLetters.map(async ({ id }) => ({ id, orderKey: orderKeyOf((await findDeadLetter(id))?.deadLetter) })),
  );
  return ordered.sort((a, b) => a.orderKey - b.orderKey).map(({ id }) => id);
}

/** Why a dead letter is dismissed. */
export const dismissReason = z.string().check(z.trim(), z.minLength(1), z.maxLength(500));

export interface DismissResult {
  readonly id: string;
  readonly dismissed?: DeadLetterSummary;
  /** Why it was not dismissed. */
  readonly refused?: string;
}

/**
 * Dismisses an open dead letter: sends nothing, and stores the reason. Idempotent: a second call does not replace the reason.
 * Of a concurrent redrive and dismissal, only one succeeds.
 */
export async function dismiss(id: string, reason: string, now: number): Promise<DismissResult> {
  const dismissed = await markDismissed(id, reason, now);
  if (dismissed) return { id, dismissed };
  const refuse = (why: string) => ({ id, refused: `dead letter ${id} ${why}` });
  const summary = (await findDeadLetter(id))?.summary;
  if (!summary) return refuse('does not exist');
  if (summary.status === 'dismissed') return { id, dismissed: summary };
  return refuse(summary.status === 'open' ? 'is being redriven' : `is already ${summary.status}`);
}

/** Dismisses dead letters. Continues after one that cannot be dismissed. */
export function dismissAll(
  deadLetters: readonly Pick<DeadLetterSummary, 'id'>[],
  reason: string,
  { now, onDone }: { readonly now: number; readonly onDone: (result: DismissResult) => void },
): Promise<DismissResult[]> {
  return pLimit(maxConcurrent).map(deadLetters, async ({ id }) => {
    const result = await dismiss(id, reason, now);
    onDone(result);
    return result;
  });
}
