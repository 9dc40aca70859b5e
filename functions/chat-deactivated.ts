import { applyChatEvent, storeChatEvent } from '../core/messages/changes.ts';
import { countMissingEvents } from '../core/messages/position.ts';
import { listMessageIds } from '../core/messages/queries.ts';
import { count } from '../core/platform/metrics.ts';
import { onEvent } from './middleware/on-event.ts';

/** Records the end of a thread. Counts missing event numbers on the first delivery only, before any step that may fail and be retried. */
export const handler = onEvent('chat.deactivated', async (event) => {
  const { organizationId, receivedAt } = event.metadata;
  const thread = { organizationId, conversationId: event.data.conversationId, threadId: event.data.threadId };
  const missing = countMissingEvents(thread.threadId, await listMessageIds(thread), Date.parse(receivedAt));
  const outcome = await storeChatEvent(event);
  if (outcome === 'stored' && missing > 0) count('EventNumberGaps', thread, missing);
  await applyChatEvent(event);
  return outcome;
});
