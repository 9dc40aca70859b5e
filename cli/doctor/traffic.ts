import { readRateLimit } from '../../core/channel/rate-limit-store.ts';
import { readTimeline } from '../../core/conversations/conversations.ts';
import { type ConversationEvent, statuses } from '../../core/conversations/projection.ts';
import { listConversations } from '../../core/conversations/queries.ts';
import { supportedActions } from '../../core/livechat/registration-plan.ts';
import type { Action } from '../../core/livechat/schemas.ts';
import { readLatestChanges } from '../../core/messages/queries.ts';
import { listDeadLetters } from '../../core/outbound/dead-letter.ts';
import { wholeNumber } from '../../core/platform/configuration.ts';
import type { ReconciliationView } from '../../core/reconciliation/report.ts';
import { readReconciliation } from '../../core/reconciliation/state.ts';
import { type Finding, fault, note, ok, problemsOr, warning } from './finding.ts';

/** LiveChat's own time limit for a webhook. */
const timeoutMs = 10_000;

/** The webhook responds to a ping, which needs no secret and has no effect. */
export async function checkWebhookEndpoint(url: string): Promise<Finding[]> {
  const fix = 'See the log of functions/webhook. If its address has changed, run `livechat webhooks sync`.';
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"action":"ping"}',
      signal: AbortSignal.timeout(timeoutMs),
    });
    await response.arrayBuffer();
    const message = `${url} responds with ${response.status}.`;
    return [response.status === 200 ? ok(message) : fault(message, fix)];
  } catch {
    return [fault(`${url} does not respond.`, fix)];
  }
}

/** How many conversations of each organization are read. */
const maxConversations = 20;

/** The webhook that a stored event came from. Undefined for an event that reconciliation published. */
function webhookAction(event: ConversationEvent): Action | undefined {
  if (event.metadata.recovered) return undefined;
  switch (event.type) {
    case 'chat.started':
      return 'incoming_chat';
    case 'chat.observed':
      return undefined;
    case 'chat.deactivated':
      return 'chat_deactivated';
    case 'chat.transferred':
      return 'chat_transferred';
    case 'chat.updated':
      if (event.data.tag !== undefined) return 'thread_tagged';
      return event.data.untag === undefined ? 'chat_access_updated' : 'thread_untagged';
    case 'agent.changed':
      return event.data.change === 'joined' ? 'user_added_to_chat' : 'user_removed_from_chat';
    case 'participant.changed':
      if (event.data.change === 'fields') return 'customer_session_fields_updated';
      return event.data.change === 'joined' ? 'user_added_to_chat' : 'user_removed_from_chat';
    case 'idle':
      return 'incoming_event';
  }
}

/** When each webhook last changed what is stored of the latest conversations. Duplicates change nothing, so they do not count. */
async function readLatestWebhooks(organizationIds: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const times = new Map<string, string>();
  const keepLatest = (action: Action | undefined, time: string | undefined) => {
    if (action !== undefined && time !== undefined && time > (times.get(action) ?? '')) times.set(action, time);
  };
  for (const organizationId of organizationIds) {
    const latest = await listConversations(organizationId, statuses, maxConversations);
    await Promise.all(
      latest.map(async ({ id: conversationId }) => {
        const key = { organizationId, conversationId };
        const [{ events, readMarks }, messages] = await Promise.all([readTimeline(key), readLatestChanges(key)]);
        for (const event of events) keepLatest(webhookAction(event), event.metadata.receivedAt);
        for (const { receivedAt } of readMarks) keepLatest('events_marked_as_seen', receivedAt);
        keepLatest('incoming_event', messages.received);
        keepLatest('event_updated', messages.edited);
        keepLatest('event_deleted', messages.deleted);
        keepLatest('incoming_rich_message_postback', messages.clicked);
      }),
    );
  }
  return times;
}

/** When each webhook last arrived. Whether one is overdue cannot be known. */
export async function checkLatestWebhooks(
  organizationIds: readonly string[],
  isSimulator: boolean,
): Promise<Finding[]> {
  const times = await readLatestWebhooks(organizationIds);
  if (times.size > 0) {
    // Of the latest API version; earlier versions lack a few.
    return supportedActions('v3.6').map((action) =>
      note(`${action.padEnd(32)} ${times.get(action)?.slice(0, 19) ?? 'none in the latest conversations'}`),
    );
  }
  return isSimulator
    ? [note('None has arrived yet. Start a chat with `livechat simulate chat`.')]
    : [warning('None has arrived yet.', 'Start a chat, then run this again; see the metric WebhookErrorResponses.')];
}

const maxCounted = 1000;

/** Nothing waits for an operator: paused organizations, open circuit breakers, dead letters. */
export async function checkSending(organizationIds: readonly string[], now: number): Promise<readonly Finding[]> {
  const limits = await Promise.all(organizationIds.map((id) => readRateLimit(id, now)));
  const { length } = (await listDeadLetters('open', { limit: maxCounted })).deadLetters;
  const resume = 'Resume it: livechat limits resume.';
  const closeBreaker =
    'Fix what LiveChat reports (see the credentials above), or wait: a successful probe call closes it. To close it now: livechat limits resume.';
  const number = length === maxCounted ? `${maxCounted} or more` : `${length}`;
  const fix = 'List them: livechat dead-letters list. Then: livechat dead-letters redrive.';
  const problems = limits.flatMap(({ organizationId, paused, breaker, reason }) => {
    if (paused) return [warning(`${organizationId} is paused: nothing is sent.`, resume)];
    if (breaker === 'closed') return [];
    return [warning(`The circuit breaker of ${organizationId} is open: ${reason || 'failures'}.`, closeBreaker)];
  });
  if (length > 0) problems.push(warning(`Open dead letters: ${number}.`, fix));
  return problemsOr(
    problems,
    'No organization is paused, no circuit breaker is open, and there is no open dead letter.',
  );
}

/** LiveChat and the bridge were compared recently. */
export async function checkReconciliation(
  organizationIds: readonly string[],
  now: number,
): Promise<readonly Finding[]> {
  const minutes = wholeNumber('RECONCILIATION_MINUTES', 15);
  const views = await Promise.all(organizationIds.map((id) => readReconciliation(id, 1)));
  return views.length === 0
    ? [note('No organization has a conversation yet.')]
    : views.map((view) => reconciliationFinding(view, minutes, now));
}

const minuteMs = 60_000;
/** As the alarm `reconciliation-late` allows. */
const maxAgeMinutes = (interval: number) => Math.max(120, 4 * interval);

/** @param minutes the interval of the scheduled runs; 0 if there are none */
export function reconciliationFinding(
  { organizationId, watermark, running, last }: ReconciliationView,
  minutes: number,
  now: number,
): Finding {
  const upTo = watermark?.slice(0, 19);
  if (minutes === 0) {
    const reconciled = upTo === undefined ? 'has never been reconciled' : `was reconciled up to ${upTo}`;
    const message = `Scheduled reconciliation is off: ${organizationId} ${reconciled}. Lost webhooks are not detected.`;
    return warning(message, 'Set RECONCILIATION_MINUTES and deploy, or run livechat backfill after each outage.');
  }
  const error = last?.error && ` The last run did not complete: ${last.error.message}`;
  const fix = error
    ? 'Fix what the last run reports. Then: livechat backfill --since 24h.'
    : 'See the log of functions/reconcile and the schedule. Then: livechat backfill --since 24h.';
  if (watermark === undefined) {
    if (error) return warning(`No reconciliation of ${organizationId} has completed.${error}`, fix);
    return note(`No reconciliation of ${organizationId} has ${running ? 'completed' : 'begun'} yet.`);
  }
  const age = now - Date.parse(watermark);
  if (age <= maxAgeMinutes(minutes) * minuteMs) {
    return ok(`LiveChat and the bridge were reconciled up to ${upTo} (${organizationId}).`);
  }
  return warning(`The watermark of ${organizationId} is ${formatAge(age)} old (${upTo}).${error ?? ''}`, fix);
}

function formatAge(ms: number): string {
  const minutes = Math.round(ms / minuteMs);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 72 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}
