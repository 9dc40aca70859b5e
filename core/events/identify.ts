import * as z from 'zod/mini';
import { ifValid } from './schemas.ts';

// Apart from the events, so that functions which only publish create none of these schemas during a cold start.

const text = ifValid(z.string());
const subject = ifValid(z.object({ conversationId: text }));
const busEvent = z.object({
  id: z.string(),
  detail: ifValid(
    z.object({
      metadata: ifValid(z.object({ id: text, organizationId: text, correlationId: text, causationId: text })),
      data: ifValid(z.object({ organizationId: text, conversationId: text, message: subject, ids: subject })),
    }),
  ),
});

/**
 * Returns the ids of an event on the bus, even if the event is invalid. An event without metadata starts a new causation chain.
 */
export function identifyEvent(event: unknown) {
  const { id, detail } = busEvent.safeParse(event).data ?? {};
  const { metadata: from, data } = detail ?? {};
  return {
    eventId: from?.id ?? id,
    correlationId: from?.correlationId ?? id,
    causationId: from?.causationId,
    organizationId: from?.organizationId ?? data?.organizationId,
    conversationId: data?.conversationId ?? data?.message?.conversationId ?? data?.ids?.conversationId,
  };
}
