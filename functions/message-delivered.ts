import { storeMessage } from '../core/messages/messages.ts';
import { onEvent } from './middleware/on-event.ts';

/** Our own message has come back: part of the conversation like any other. */
export const handler = onEvent('message.delivered', async ({ data, metadata }) => {
  if (data.message) await storeMessage(data.message, metadata);
});
