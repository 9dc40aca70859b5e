import type { AnyEvent } from '../../events/event.ts';
import type { NormalizedMessage } from '../../events/schemas.ts';
import { inMicroseconds } from '../../events/time.ts';
import { normalize } from '../normalize.ts';
import type { LiveChatEvent, Payload } from '../schemas.ts';
import { author } from '../users.ts';
import type { Translate, Translation } from './context.ts';

/** How this bridge names what it sends; see the send step. */
const ownCustomId = /^out-/;

interface Place {
  readonly conversationId: string;
  readonly threadId: string;
}

const placeOf = (payload: { chat_id: string; thread_id: string }): Place => ({
  conversationId: payload.chat_id,
  threadId: payload.thread_id,
});

/** A LiveChat event that has appeared in a thread, whichever webhook brought it. */
export function appeared(event: LiveChatEvent, place: Place, translation: Translation): AnyEvent[] {
  if (event.deleted) return [deleted(event.id, place, translation)];
  const message = normalize(event, { organizationId: translation.organizationId, ...place });
  const identity = [place.conversationId, place.threadId, event.id];
  const deliveryId = ownDelivery(event, message);
  const note = message.visibility === 'agents';
  const events: AnyEvent[] = [];
  if (note) events.push(translation.event('note.received', message, identity, message.timestamp));
  if (deliveryId) {
    const data = { ...place, messageId: event.id, deliveryId, message: note ? undefined : message };
    events.push(translation.event('message.delivered', data, identity, message.timestamp));
  }
  if (!note && !deliveryId) events.push(translation.event('message.received', message, identity, message.timestamp));
  return events;
}

/** Our own message coming back; a customer cannot forge one by choosing such a `custom_id`. */
function ownDelivery(event: LiveChatEvent, message: NormalizedMessage): string | undefined {
  return event.custom_id && ownCustomId.test(event.custom_id) && message.author.type !== 'customer'
    ? event.custom_id
    : undefined;
}

function deleted(messageId: string, place: Place, translation: Translation): AnyEvent {
  return translation.event('message.deleted', { ...place, messageId }, [
    place.conversationId,
    place.threadId,
    messageId,
  ]);
}

export const incomingEvent: Translate<Payload<'incoming_event'>> = (payload, translation) =>
  appeared(payload.event, placeOf(payload), translation);

export const eventUpdated: Translate<Payload<'event_updated'>> = (payload, translation) => {
  if (payload.event.deleted) return [deleted(payload.event.id, placeOf(payload), translation)];
  const message = normalize(payload.event, { organizationId: translation.organizationId, ...placeOf(payload) });
  return [translation.happening(message.visibility === 'agents' ? 'note.updated' : 'message.updated', message)];
};

export const eventDeleted: Translate<Payload<'event_deleted'>> = (payload, translation) => [
  deleted(payload.event_id, placeOf(payload), translation),
];

export const postback: Translate<Payload<'incoming_rich_message_postback'>> = (payload, translation) => [
  translation.happening('postback.received', {
    ...placeOf(payload),
    messageId: payload.event_id,
    button: {
      id: payload.postback.id,
      toggled: payload.postback.toggled ?? true,
      type: payload.postback.button_type ?? undefined,
      value: payload.postback.button_value ?? undefined,
    },
    user: author(payload.user_id),
  }),
];

export const seen: Translate<Payload<'events_marked_as_seen'>> = (payload, translation) => {
  const seenUpTo = inMicroseconds(payload.seen_up_to);
  const data = {
    conversationId: payload.chat_id,
    threadId: payload.thread_id || undefined,
    by: author(payload.user_id),
    seenUpTo,
  };
  return [translation.happening('message.seen', data, { occurredAt: seenUpTo })];
};
