import * as z from 'zod/mini';
import type { AnyEvent } from '../events/event.ts';
import { describeIssues } from '../events/event.ts';
import type { Publish } from '../events/publish.ts';
import type { Log } from '../platform/logger.ts';
import type { count, measure } from '../platform/metrics.ts';
import { isUuid } from './conventions.ts';
import type { Credentials, OrganizationSecret } from './credentials.ts';
import { countedName, isAction } from './schemas.ts';
import { EventFactory, translate } from './translate.ts';
import { acceptedSecrets, type Proof, proves, redact, TooDeepError } from './verify.ts';

/** One call of the webhook, as far as HTTP goes. */
export interface Call {
  /** The body's exact bytes, which a signature covers. */
  readonly raw: Uint8Array;
  /** The `X-Signature` header, when there is one. */
  readonly signature: string | undefined;
  /** The parsed body; undefined when it is no JSON. */
  readonly body: unknown;
}

export type Answer = 'accepted' | 'invalid signature' | 'invalid JSON';

export interface Receiving {
  readonly credentials: Credentials;
  readonly publish: Publish;
  readonly count: typeof count;
  readonly measure: typeof measure;
  readonly log: Log;
  readonly now?: () => number;
}

/** `{"action":"ping"}`: needs no secret, does nothing. */
const ping = z.strictObject({ action: z.literal('ping') });
/** Installed, uninstalled, payment: another envelope, without a secret. Source: LiveChat's app-webhooks guide. */
const lifeCycle = z.looseObject({ applicationID: z.string(), event: z.string(), action: z.optional(z.undefined()) });
const envelope = z.looseObject({
  organization_id: z.string().check(z.refine(isUuid, 'expected a UUID')),
  action: z.string().check(z.minLength(1)),
});
const named = z.looseObject({ organization_id: z.string() });
const secretHolder = z.looseObject({ secret_key: z.unknown() });

/**
 * Verifies a call and puts what it says on the bus. Accepted means that the bus has taken every event; an error that is
 * thrown means that LiveChat should try again.
 */
export async function receive(call: Call, receiving: Receiving): Promise<Answer> {
  const { count, now = Date.now } = receiving;
  const { body } = call;
  const proof = { raw: call.raw, signature: call.signature, bodySecret: secretHolder.safeParse(body).data?.secret_key };
  const organizationId = named.safeParse(body).data?.organization_id;
  const verify = () => verified(proof, organizationId, receiving, now);

  const signer = call.signature === undefined ? undefined : await verify();
  if (call.signature !== undefined && !signer) return 'invalid signature';
  if (body === undefined) return 'invalid JSON';
  if (ping.safeParse(body).success) return 'accepted';
  if (lifeCycle.safeParse(body).success) {
    count('WebhooksIgnored', { action: 'application' });
    return 'accepted';
  }
  const secret = signer ?? (await verify());
  if (!secret) return 'invalid signature';
  try {
    const clean = redact(body, acceptedSecrets(secret, now()));
    const events = eventsOf(clean, secret, new Date(now()).toISOString(), receiving);
    if (events.length > 0) await receiving.publish(events);
    return 'accepted';
  } catch (error) {
    if (error instanceof TooDeepError) return 'invalid JSON';
    throw error;
  }
}

/** The secret that the proof fits. A proof that fails is tried once more against the secret read afresh. */
async function verified(
  proof: Proof,
  organizationId: string | undefined,
  { credentials }: Receiving,
  now: () => number,
): Promise<OrganizationSecret | undefined> {
  const known = await credentials.of(organizationId);
  if (proves(proof, acceptedSecrets(known, now()))) return known;
  const fresh = await credentials.reread(organizationId);
  return fresh && proves(proof, acceptedSecrets(fresh, now())) ? fresh : undefined;
}

function eventsOf(
  body: unknown,
  secret: OrganizationSecret,
  receivedAt: string,
  { count, measure, log }: Receiving,
): AnyEvent[] {
  const parsed = envelope.safeParse(body);
  if (!parsed.success) {
    count('WebhooksReceived', { action: 'other' });
    count('WebhooksRejected', { reason: 'envelope', action: 'unknown' });
    const unknown = new EventFactory({ organizationId: 'unknown', action: 'unknown', payload: body, receivedAt }, {});
    return [unknown.fromContent('webhook.rejected', { issues: describeIssues(parsed.error), body })];
  }
  const { action, organization_id: organizationId } = parsed.data;
  count('WebhooksReceived', { action: countedName(action) });
  if (!isAction(action)) {
    count('WebhooksIgnored', { action: countedName(action) });
    log.info('webhook without a domain event', { action, organizationId });
    return [];
  }
  const self = { clientId: secret.current.LIVECHAT_CLIENT_ID, agentId: secret.current.LIVECHAT_AGENT_ID };
  const webhook = { organizationId: organizationId.toLowerCase(), action, payload: parsed.data.payload, receivedAt };
  const events = translate(webhook, self);
  for (const event of events) {
    if (event.type === 'webhook.rejected') {
      count('WebhooksRejected', { reason: event.data.body === webhook.payload ? 'payload' : 'event', action });
    } else if (action === 'incoming_event') {
      measure('WebhookLag', { organizationId: webhook.organizationId }, lagOf(event));
    }
  }
  return events;
}

/**
 * How late an event has come, in ms. Of an `incoming_event` alone: it has just happened, while what other actions bring
 * has the time of something older, such as a chat's beginning. LiveChat's clock may be ahead of ours.
 */
function lagOf({ metadata }: AnyEvent): number {
  return Math.max(0, Date.parse(metadata.receivedAt) - Date.parse(metadata.occurredAt));
}
