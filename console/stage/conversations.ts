import pLimit from 'p-limit';
import { statuses } from '../../core/conversations/projection.ts';
import {
  type ConversationSummary,
  iterateConversations,
  loadConversation,
  organizations,
} from '../../core/conversations/queries.ts';
import { listMessagesSince, type StoredMessage } from '../../core/messages/queries.ts';
import type { Activity } from '../flow.ts';
import { type ChangePoll, eventActivity, pollRecent, storageDelayMs } from './changes.ts';

/** How far the activity of a conversation has been reported. */
interface Progress {
  /** The conversation's last activity, as read. */
  readonly lastActivityAt: string;
  /** The time of the latest reported message. */
  readonly reportedTo: string;
  /** How many polls found the conversation changed but no new message, which may appear later. */
  readonly emptyReads: number;
}

const maxEmptyReads = 3;
/** Messages of one conversation that a poll reads; the next poll continues after them. */
const maxMessages = 200;
const maxConcurrentQueries = 10;
const organizationsTtlMs = 30_000;

/** Reports messages as they are stored. A poll of an idle stage is one small query for each organization and status. */
export function pollConversations(max?: number): ChangePoll {
  const limit = pLimit(maxConcurrentQueries);
  const organizationIds = cacheOrganizations();

  return pollRecent<ConversationSummary, Progress>(
    {
      async *iterate({ since, pageSize, now }) {
        const from = since === undefined ? undefined : { since };
        yield* iterateConversations({ organizationIds: await organizationIds(now), statuses, pageSize, from });
      },
      key: ({ organizationId, id }) => `${organizationId}/${id}`,
      time: ({ lastActivityAt }) => lastActivityAt,
      // The message of the last activity has been reported, or does not exist.
      isReported: ({ lastActivityAt: at }, { lastActivityAt, reportedTo, emptyReads }) =>
        lastActivityAt === at && (reportedTo >= at || emptyReads >= maxEmptyReads),
      initial: ({ lastActivityAt }) => ({ lastActivityAt, reportedTo: lastActivityAt, emptyReads: 0 }),
      read: (conversation, progress, since) => limit(() => readChanges(conversation, progress, since)),
    },
    max,
  );
}

/** Returns the organizations, which are read again after a while. */
function cacheOrganizations(): (now: number) => Promise<readonly string[]> {
  let ids: readonly string[] = [];
  let expiresAt = 0;
  return async (now) => {
    // An empty list is not cached: the first organization may appear at any time.
    if (ids.length > 0 && now < expiresAt) return ids;
    ids = await organizations();
    expiresAt = now + organizationsTtlMs;
    return ids;
  };
}

async function readChanges(conversation: ConversationSummary, before: Progress | undefined, horizon: string) {
  const { id: conversationId, organizationId, lastActivityAt } = conversation;
  // A conversation without recorded progress had no activity before the horizon.
  const reportedTo = before?.reportedTo ?? horizon;
  const stored = await loadConversation({ organizationId, conversationId });
  const since = stored ? await listMessagesSince(stored, reportedTo, maxMessages) : [];
  const messages = since.filter(({ visibility }) => visibility === 'all');
  const last = messages.at(-1);
  if (last) {
    const state = { lastActivityAt, reportedTo: last.timestamp, emptyReads: 0 };
    return { state, found: messages.flatMap(messageEvents) };
  }
  const emptyReads = before?.lastActivityAt === lastActivityAt ? before.emptyReads + 1 : 1;
  const found = emptyReads === 1 ? [eventActivity(lastActivityAt, 'chat.updated', { conversationId })] : [];
  return { state: { lastActivityAt, reportedTo, emptyReads }, found };
}

/** A message with a `custom_id` of this bridge was sent and is now delivered. The send time is approximate: deliveries are not read. */
function messageEvents(message: StoredMessage): Activity[] {
  const { timestamp, conversationId, metadata } = message;
  const { customId } = metadata;
  const data = { conversationId };
  const ms = storageDelayMs(message);
  const stored = { stored: true, ...(ms !== undefined && { ms }) };
  if (typeof customId !== 'string' || !customId.startsWith('out-')) {
    return [eventActivity(timestamp, 'message.received', data, stored)];
  }
  return [eventActivity(timestamp, 'message.sent', data), eventActivity(timestamp, 'message.delivered', data, stored)];
}
