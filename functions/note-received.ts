import { storeNote } from '../core/messages/messages.ts';
import { count } from '../core/platform/metrics.ts';
import { onEvent } from './middleware/on-event.ts';

export const handler = onEvent('note.received', async ({ data, metadata, type }) => {
  if (!(await storeNote(data, metadata))) count('DuplicateEvents', { type });
});
