import { createHmac } from 'node:crypto';
import * as z from 'zod/mini';
import { InvalidSignatureError, isEqualSecret } from '../channel/webhook.ts';
import type { AnyEvent } from '../events/event.ts';
import { describeIssues } from '../events/issues.ts';
import type { Log } from '../platform/logger.ts';
import type { count, measure } from '../platform/metrics.ts';
import { isUuid } from './conventions.ts';
import type { Credentials, LiveChatCredentials, OrganizationCredentials } from './credentials.ts';
import { actionDimension, isAction } from './schemas.ts';
import { createEvents, translate, webhookCorrelationId } from './translate.ts';

export interface ReceiveOptions {
  readonly count: typeof count;
  readonly measure: typeof measure;
  readonly log: Log;
  /** ms since 1970 */
  readonly receivedAt: number;
}

/** Exactly `{"action":"ping"}`. */
const ping = z.strictObject({ action: z.literal('ping') });
/** Application installed, uninstalled or paid: an envelope without a secret. Source: LiveChat's app-webhooks guide. */
const applicationEvent = z.looseObject({
  applicationID: z.string(),
  event: z.string(),
  action: z.optional(z.undefined()),
});
const envelope = z.looseObject({
  organization_id: z.string().check(z.refine(isUuid, 'expected a UUID')),
  action: z.string().check(z.minLength(1)),
});

/** Pings and application events carry no secret. They publish nothing. */
export function requiresSecret(body: unknown): boolean {
  return !ping.safeParse(body).success && !applicationEvent.safeParse(body).success;
}

/**
 * Removes the secret from a parsed body that was verified with `credentials`, and returns its domain events. Throws
 * {@link InvalidSignatureError} without credentials if the body requires a secret.
 */
export function receiveWebhook(
  body: unknown,
  credentials: OrganizationCredentials | undefined,
  options: ReceiveOptions,
): AnyEvent[] {
  if (!requiresSecret(body)) {
    if (!ping.safeParse(body).success) options.count('WebhooksIgnored', { action: 'application' });
    return [];
  }
  if (!credentials) throw new InvalidSignatureError('the body was not verified');
  return translateBody(redact(body, acceptedSecrets(credentials)), credentials.current, options);
}

const chatId = z.string().check(z.regex(/^[\w-]{1,64}$/));
const chat = z.object({
  payload: z.object({
    chat_id: z.catch(z.optional(chatId), undefined),
    chat: z.catch(z.optional(z.object({ id: chatId })), undefined),
  }),
});

/** Returns the ids in a body, even if the body is not verified. None of these fields can contain message contents. */
export function identifyWebhook(body: unknown) {
  const parsed = envelope.safeParse(body).data;
  const ids = chat.safeParse(body).data?.payload;
  return {
    webhook: parsed ? actionDimension(parsed.action) : 'unknown',
    organizationId: parsed?.organization_id.toLowerCase(),
    conversationId: ids?.chat_id ?? ids?.chat?.id,
  };
}

/** The correlation id of the events of a verified body. */
export function readCorrelationId(body: unknown): string | undefined {
  const parsed = envelope.safeParse(body).data;
  if (!parsed) return undefined;
  const { action, payload } = parsed;
  return webhookCorrelationId({ organizationId: parsed.organization_id.toLowerCase(), action, payload });
}

function translateBody(body: unknown, credentials: LiveChatCredentials, options: ReceiveOptions): AnyEvent[] {
  const { count, measure, log } = options;
  const receivedAt = new Date(options.receivedAt).toISOString();
  const parsed = envelope.safeParse(body);
  if (!parsed.success) {
    // An invalid envelope has no trustworthy action, so its metrics use `unknown`.
    const action = 'unknown';
    count('WebhooksReceived', { action });
    count('WebhooksRejected', { reason: 'envelope', action });
    const webhook = { organizationId: 'unknown', action, payload: body, receivedAt };
    return createEvents(webhook, [{ type: 'webhook.rejected', data: { issues: describeIssues(parsed.error), body } }]);
  }
  const { action, payload } = parsed.data;
  const organizationId = parsed.data.organization_id.toLowerCase();
  count('WebhooksReceived', { action: actionDimension(action) });
  if (!isAction(action)) {
    count('WebhooksIgnored', { action: actionDimension(action) });
    log.debug('webhook ignored: the action has no domain event', { action, organizationId });
    return [];
  }
  const identity = { clientId: credentials.LIVECHAT_CLIENT_ID, agentId: credentials.LIVECHAT_AGENT_ID };
  const events = translate({ organizationId, action, payload, receivedAt }, identity);
  for (const { type, data } of events) {
    if (type === 'webhook.rejected') {
      count('WebhooksRejected', { reason: data.body === payload ? 'payload' : 'event', action });
    }
  }
  const [first] = events;
  // Other actions carry times of earlier events, such as the start of the chat.
  if (action === 'incoming_event' && first && first.type !== 'webhook.rejected') {
    // Clock skew can make the lag negative.
    const lagMs = Math.max(0, options.receivedAt - Date.parse(first.metadata.occurredAt));
    measure('WebhookLag', { organizationId }, lagMs);
  }
  return events;
}

/** The proof of authenticity: the `X-Signature` header if present, otherwise the body's `secret_key`. */
export type Proof =
  | { readonly signature: string; readonly rawBody: Uint8Array }
  | { readonly signature?: undefined; readonly bodySecret: unknown };

/**
 * Returns the organization's credentials if their webhook secret matches the proof. Throws {@link InvalidSignatureError}, or
 * a LookUpLimitError if too many look-ups of secrets failed.
 */
export async function verifyProof(
  proof: Proof,
  organizationId: string | undefined,
  credentials: Credentials,
): Promise<OrganizationCredentials> {
  const verified = await credentials.verify(organizationId, (one) => isAuthentic(proof, acceptedSecrets(one)));
  if (verified) return verified;
  throw new InvalidSignatureError(
    `${proof.signature === undefined ? 'secret_key' : 'X-Signature'} does not match the webhook secret`,
  );
}

/** The current webhook secret and, for 24 h after a rotation, the previous one. */
export function acceptedSecrets({ current, previous }: OrganizationCredentials): string[] {
  return [current, previous].flatMap((version) => (version ? [version.LIVECHAT_WEBHOOK_SECRET] : []));
}

/** Compares with every secret in constant time, independent of lengths and of which one matches. */
export function isAuthentic(proof: Proof, secrets: readonly string[]): boolean {
  const matches = secrets.map((secret) => {
    if (proof.signature === undefined)
      return typeof proof.bodySecret === 'string' && isEqualSecret(proof.bodySecret, secret);
    const expected = createHmac('sha256', secret).update(proof.rawBody).digest('hex');
    return isEqualSecret(proof.signature.toLowerCase(), expected);
  });
  return matches.includes(true);
}

/**
 * Removes the top-level `secret_key` and replaces every other occurrence of the secrets, in property names and in text. Also replaces
 * unpaired surrogates: they are not valid Unicode, and some services and subscribers reject them.
 */
export function redact(value: unknown, secrets: readonly string[]): unknown {
  const clean = (text: string) =>
    secrets.reduce((rest, secret) => rest.replaceAll(secret, '[redacted]'), text.toWellFormed());
  const redactValue = (inner: unknown, depth: number): unknown => {
    if (typeof inner === 'string') return clean(inner);
    if (Array.isArray(inner)) return inner.map((item) => redactValue(item, depth + 1));
    if (typeof inner !== 'object' || inner === null || JSON.isRawJSON(inner)) return inner;
    return Object.fromEntries(
      Object.entries(inner).flatMap(([name, item]) =>
        depth === 0 && name === 'secret_key' ? [] : [[clean(name), redactValue(item, depth + 1)]],
      ),
    );
  };
  return redactValue(value, 0);
}
