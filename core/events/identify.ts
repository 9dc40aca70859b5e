import * as z from 'zod/mini';

// Apart from the events, so that functions which only publish create none of these schemas during a cold start.

/** A malformed field does not hide the other ids. */
const text = z.catch(z.optional(z.string()), undefined);
const busEvent = z.object({
  id: z.string(),
  detail: z.optional(
    z.object({
      metadata: z.optional(z.object({ id: text, organizationId: text, correlationId: text, causationId: text })),
      data: z.optional(
        z.object({
          organizationId: text,
          conversationId: text,
          message: z.optional(z.object({ conversationId: text })),
          ids: z.optional(z.object({ conversationId: text })),
        }),
      ),
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
