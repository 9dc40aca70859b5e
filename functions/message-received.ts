import { storeMessage } from '../core/messages/messages.ts';
import { count } from '../core/platform/metrics.ts';
import { onEvent } from './middleware/on-event.ts';

export const handler = onEvent('message.received', async ({ data, metadata, type }) => {
  if (!(await storeMessage(data, metadata))) count('DuplicateEvents', { type });
});
