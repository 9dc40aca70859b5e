import { recordObservedReads } from '../core/conversations/conversations.ts';
import { recordChatEvent } from '../core/messages/changes.ts';
import { onEvent } from './middleware/on-event.ts';

/** Applies the state of a thread as LiveChat lists it. */
export const handler = onEvent('chat.observed', async (event) => {
  await recordObservedReads(event);
  return recordChatEvent(event);
});
