import { storeMessage } from '../core/messages/messages.ts';
import { markDelivered } from '../core/outbound/delivery.ts';
import { onEvent } from './middleware/on-event.ts';

/** Marks the delivery as delivered and stores the message that LiveChat returned. */
export const handler = onEvent('message.delivered', async ({ data, metadata }) => {
  const { conversationId, deliveryId: id, threadId, messageId } = data;
  const { organizationId } = metadata;
  const deliveredAt = Date.parse(metadata.receivedAt);
  await markDelivered({ organizationId, conversationId, id }, { threadId, messageId, deliveredAt });
  return data.message ? storeMessage(data.message, metadata) : 'stored';
});
