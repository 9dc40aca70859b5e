import * as z from 'zod/mini';
import { organizationIdFor } from '../../core/channel/carrier.ts';
import { secretPrefix } from '../../core/channel/secrets.ts';
import { InvalidSignatureError, isEqualSecret } from '../../core/channel/webhook.ts';
import type { EventData, EventType } from '../../core/events/catalogue.ts';
import { type AnyEvent, createEvent } from '../../core/events/event.ts';
import { deriveId } from '../../core/events/ids.ts';
import { describeIssues } from '../../core/events/issues.ts';
import { toUtcMicroseconds } from '../../core/events/schemas.ts';
import { parseJson } from '../../core/platform/json.ts';
import type { ReadSecret } from '../../core/platform/secrets-manager.ts';

const carrier = 'echo';
/** Echo has no threads: every conversation has a single thread. */
const threadId = 'only';

const envelope = z.looseObject({ organization: z.uuid() });
const body = z.object({
  organization: z.uuid(),
  conversation: z.string(),
  customer: z.string(),
  message: z.object({ id: z.string(), at: z.iso.datetime(), text: z.string() }),
});

/** Verifies a webhook and translates it to domain events. Throws {@link InvalidSignatureError}. */
export async function receiveEcho(
  text: string,
  secret: string,
  { readSecret, now }: { readonly readSecret: ReadSecret; readonly now: number },
): Promise<readonly AnyEvent[]> {
  const json = parseJson(text);
  const { data: known } = envelope.safeParse(json);
  const stored = known && (await readSecret(`${secretPrefix(carrier)}/${known.organization}`, 'AWSCURRENT'));
  if (!known || !stored || !isEqualSecret(secret, stored.text)) throw new InvalidSignatureError('the secret differs');
  return translate(json, organizationIdFor(carrier, known.organization), now);
}

function translate(json: unknown, organizationId: string, now: number): readonly AnyEvent[] {
  const { data, error } = body.safeParse(json);
  const correlationId = deriveId(organizationId, JSON.stringify(json));
  const cause = { organizationId, correlationId, causationId: correlationId };
  if (error) {
    return [
      createEvent('webhook.rejected', { issues: describeIssues(error), body: json }, cause, [correlationId], now),
    ];
  }
  const { conversation: conversationId, customer, message } = data;
  const thread = { conversationId, threadId };
  const author = { id: customer, type: 'customer' } as const;
  const timestamp = toUtcMicroseconds(message.at);
  const at = { occurredAt: timestamp, receivedAt: new Date(now).toISOString() };
  const create = <T extends EventType>(type: T, eventData: EventData<T>, ...identity: readonly string[]) => {
    const event = createEvent(type, eventData, cause, identity, now);
    return { ...event, metadata: { ...event.metadata, ...at } };
  };
  return [
    create(
      'chat.started',
      {
        ...thread,
        ...{ reason: 'new', createdAt: timestamp, active: true, causedByUs: false },
        ...{ participants: [{ ...author, present: true }], groups: [], tags: [] },
      },
      conversationId,
    ),
    create(
      'message.received',
      {
        ...{ ...thread, id: message.id, organizationId, carrier, direction: 'inbound', visibility: 'all' },
        ...{ type: 'text', content: message.text, timestamp, author, metadata: {}, rawPayload: message },
      },
      conversationId,
      message.id,
    ),
  ];
}
