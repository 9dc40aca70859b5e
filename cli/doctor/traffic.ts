import { type Finding, fault, note, ok, problemsOr, warning } from '../../core/channel/finding.ts';
import { readRateLimit } from '../../core/channel/rate-limit-store.ts';
import { channelName } from '../../core/channel/spec.ts';
import { listDeadLetters } from '../../core/outbound/dead-letter.ts';
import { wholeNumber } from '../../core/platform/configuration.ts';
import type { ReconciliationView } from '../../core/reconciliation/report.ts';
import { readReconciliation } from '../../core/reconciliation/state.ts';

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

const maxCounted = 1000;

/** Nothing waits for an operator: paused organizations, open circuit breakers, dead letters. */
export async function checkSending(organizationIds: readonly string[], now: number): Promise<readonly Finding[]> {
  const limits = await Promise.all(organizationIds.map((id) => readRateLimit(id, now)));
  const { length } = (await listDeadLetters('open', { limit: maxCounted })).deadLetters;
  const resume = 'Resume it: livechat limits resume.';
  const closeBreaker = (channel: string) =>
    `Fix the errors of ${channel} (see the check of the credentials above), or wait: a successful probe call closes the circuit breaker. To close it now, run livechat limits resume.`;
  const number = length === maxCounted ? `${maxCounted} or more` : `${length}`;
  const fix = 'List them: livechat dead-letters list. Then: livechat dead-letters redrive.';
  const problems = limits.flatMap(({ organizationId, paused, breaker, reason }) => {
    if (paused) return [warning(`${organizationId} is paused: nothing is sent.`, resume)];
    if (breaker === 'closed') return [];
    return [
      warning(
        `The circuit breaker of ${organizationId} is open: ${reason || 'failures'}.`,
        closeBreaker(channelName(organizationId)),
      ),
    ];
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
    return ok(`${channelName(organizationId)} and the bridge were reconciled up to ${upTo} (${organizationId}).`);
  }
  return warning(`The watermark of ${organizationId} is ${formatAge(age)} old (${upTo}).${error ?? ''}`, fix);
}

function formatAge(ms: number): string {
  const minutes = Math.round(ms / minuteMs);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 72 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}
