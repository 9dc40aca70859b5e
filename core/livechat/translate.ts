import type * as z from 'zod/mini';
import type { AnyEvent } from '../events/event.ts';
import { contentHash, deriveId } from '../events/ids.ts';
import { eventVersion } from '../events/version.ts';
import { type Action, isAction, type Payload, payloads } from './schemas.ts';
import { chatTranslators } from './translate-chat.ts';
import {
  type BridgeIdentity,
  type EventDraft,
  messageTranslators,
  rejectedDraft,
  type Translators,
} from './translate-message.ts';

/** A verified webhook, secret removed. */
export interface Webhook {
  readonly organizationId: string;
  readonly action: string;
  readonly payload: unknown;
  /** ISO 8601, milliseconds. */
  readonly receivedAt: string;
}

const schemas: { readonly [A in Action]: z.ZodMiniType<Payload<A>> } = payloads;
const translators: Translators = { ...messageTranslators, ...chatTranslators };

/**
 * Translates one webhook to domain events: none for an action without a domain event, `webhook.rejected` for a body
 * that does not match its schema. Pure; does not throw for any JSON.
 */
export function translate(webhook: Webhook, identity: BridgeIdentity): AnyEvent[] {
  const { action } = webhook;
  return isAction(action) ? createEvents(webhook, translatePayload(action, webhook, identity)) : [];
}

function translatePayload<A extends Action>(
  action: A,
  { organizationId, payload }: Webhook,
  identity: BridgeIdentity,
): EventDraft[] {
  const schema: z.ZodMiniType<Payload<A>> = schemas[action];
  const parsed = schema.safeParse(payload);
  if (!parsed.success) return [rejectedDraft(action, 'payload', payload, parsed.error)];
  return translators[action](parsed.data, { organizationId, identity });
}

/**
 * Identical payloads received in the same interval get the same event id, since LiveChat retries for about a minute. An
 * identical payload in a later interval is a new event, because the same transfer or click can be repeated.
 */
const deduplicationIntervalMs = 120_000;

/** The correlation id of all events of a webhook; equal for equal webhooks. */
export function webhookCorrelationId({ organizationId, action, payload }: Omit<Webhook, 'receivedAt'>): string {
  return correlationIdOf(organizationId, action, contentHash(payload));
}

const correlationIdOf = (organizationId: string, action: string, payloadHash: string): string =>
  deriveId(organizationId, action, payloadHash);

/** Adds the metadata. The ids are derived from the content, so that a duplicate webhook has the same ids. */
export function createEvents(webhook: Webhook, drafts: readonly EventDraft[]): AnyEvent[] {
  const { organizationId, action, payload, receivedAt } = webhook;
  const hash = contentHash(payload);
  const correlationId = correlationIdOf(organizationId, action, hash);
  const interval = Math.floor(Date.parse(receivedAt) / deduplicationIntervalMs);
  return drafts.map(({ ids, part = '', occurredAt = receivedAt, ...event }) => ({
    ...event,
    metadata: {
      id: deriveId(event.type, organizationId, ...(ids ?? [action, hash, String(interval), part])),
      version: eventVersion(event.type),
      correlationId,
      organizationId,
      carrier: 'livechat',
      occurredAt,
      receivedAt,
    },
  }));
}
