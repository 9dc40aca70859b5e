import { createBusPublisher } from '../core/events/bus.ts';
import { createEvent, type DomainEvent } from '../core/events/event.ts';
import { storeMessage } from '../core/messages/messages.ts';
import { cachedMayWait } from '../core/routing/active.ts';
import { onEvent } from './middleware/on-event.ts';

const mayWait = cachedMayWait();

/** Stores a message. A customer's text then requests routing if rules of its organization wait for the first one. */
export const handler = onEvent('message.received', async (event, _log, _remainingMs, isReplayed) => {
  const { data, metadata } = event;
  const isCustomersText = data.type === 'text' && data.author.type === 'customer';
  const isRoutable = isCustomersText && !metadata.recovered && !isReplayed;
  const [outcome, isNeeded] = await Promise.all([
    storeMessage(data, metadata),
    isRoutable && mayWait(metadata.organizationId),
  ]);
  if (isNeeded) await requestRouting(event);
  return outcome;
});

async function requestRouting({ data, metadata }: DomainEvent<'message.received'>): Promise<void> {
  const { conversationId, threadId, id: messageId, timestamp: at } = data;
  const { organizationId, correlationId, id: causationId } = metadata;
  const cause = { organizationId, correlationId, causationId };
  const identity = [conversationId, threadId, messageId];
  const request = { conversationId, threadId, messageId, at };
  await createBusPublisher()([createEvent('routing.requested', request, cause, identity, Date.now())]);
}
