import { record } from '../core/conversations/conversations.ts';
import { correctAuthors } from '../core/messages/messages.ts';
import { onEvent } from './middleware/on-event.ts';

export const handler = onEvent('chat.deactivated', async (event) => {
  await correctAuthors(await record(event));
});
