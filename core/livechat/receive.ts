import * as z from 'zod/mini';
import type { AnyEvent } from '../events/event.ts';
import { describeIssues } from '../events/event.ts';
import type { Log } from '../platform/logger.ts';
import type { count, measure } from '../platform/metrics.ts';
import { isUuid } from './conventions.ts';
import type { OrganizationSecret } from './credentials.ts';
import { countedName, isAction } from './schemas.ts';
import { EventFactory, translate } from './translate.ts';
import { acceptedSecrets, InvalidSignatureError, redact } from './verify.ts';

export interface ReceiveOptions {
  readonly count: typeof count;
  readonly measure: typeof measure;
  readonly log: Log;
  /** ms since 1970 */
  readonly now: number;
}

/** `{"action":"ping"}` and nothing else. */
const ping = z.strictObject({ action: z.literal('ping') });
/** Application installed, uninstalled, payment: another envelope without a secret. Source: LiveChat's app-webhooks guide. */
const applicationEvent = z.looseObject({
  applicationID: z.string(),
  event: z.string(),
  action: z.optional(z.undefined()),
});
const envelope = z.looseObject({
  organization_id: z.string().check(z.refine(isUuid, 'expected a UUID')),
  action: z.string().check(z.minLength(1)),
});

/** Whether the body is accepted without a secret. Nothing is published for it. */
export function needsNoSecret(body: unknown): boolean {
  return ping.safeParse(body).success || applicationEvent.safeParse(body).success;
}

/**
 * The domain events of a parsed body that was verified with `secret`. Throws {@link InvalidSignatureError} if it was not
 * verified, unless it needs no secret, and TooDeepError for excessive nesting.
 */
export function receive(body: unknown, secret: OrganizationSecret | undefined, options: ReceiveOptions): AnyEvent[] {
  if (needsNoSecret(body)) {
    if (!ping.safeParse(body).success) options.count('WebhooksIgnored', { action: 'application' });
    return [];
  }
  if (!secret) throw new InvalidSignatureError('the body was not verified');
  return translateBody(redact(body, acceptedSecrets(secret, options.now)), secret, options);
}

function translateBody(body: unknown, secret: OrganizationSecret, options: ReceiveOptions): AnyEvent[] {
  const { count, measure, log, now } = options;
  const receivedAt = new Date(now).toISOString();
  const parsed = envelope.safeParse(body);
  if (!parsed.success) {
    count('WebhooksReceived', { action: 'other' });
    count('WebhooksRejected', { reason: 'envelope', action: 'unknown' });
    const create = new EventFactory({ organizationId: 'unknown', action: 'unknown', payload: body, receivedAt }, {});
    return [create.fromContent('webhook.rejected', { issues: describeIssues(parsed.error), body })];
  }
  const { action, organization_id: organizationId, payload } = parsed.data;
  count('WebhooksReceived', { action: countedName(action) });
  if (!isAction(action)) {
    count('WebhooksIgnored', { action: countedName(action) });
    log.info('webhook ignored: its action has no domain event', { action, organizationId });
    return [];
  }
  const identity = { clientId: secret.current.LIVECHAT_CLIENT_ID, agentId: secret.current.LIVECHAT_AGENT_ID };
  const webhook = { organizationId: organizationId.toLowerCase(), action, payload, receivedAt };
  const events = translate(webhook, identity);
  for (const event of events) {
    if (event.type === 'webhook.rejected') {
      count('WebhooksRejected', { reason: event.data.body === payload ? 'payload' : 'event', action });
    } else if (action === 'incoming_event') {
      // Other actions carry times of earlier events, such as the start of the chat.
      measure('WebhookLag', { organizationId: webhook.organizationId }, lagMs(event));
    }
  }
  return events;
}

/** The delay from LiveChat's time to ours. LiveChat's clock may be ahead. */
function lagMs({ metadata }: AnyEvent): number {
  return Math.max(0, Date.parse(metadata.receivedAt) - Date.parse(metadata.occurredAt));
}
