import pLimit from 'p-limit';
import {
  type ConversationSummary,
  iterateConversations,
  organizations,
  statuses,
  take,
} from '../../core/conversations/queries.ts';
import { listMessagesSince, type StoredMessage } from '../../core/messages/queries.ts';
import type { Activity } from '../flow.ts';
import { type ChangePoll, createHorizon, eventActivity, maxChangesPerPoll, storageDelayMs } from './changes.ts';

/** How far the activity of a conversation has been reported. */
interface Progress {
  /** The conversation's last activity, as read. */
  readonly lastActivityAt: string;
  /** The time of the latest reported message. */
  readonly reportedTo: string;
  /** How many polls found the conversation changed but no new message, whose index entry may appear later. */
  readonly emptyReads: number;
}

const maxEmptyReads = 3;
/** Messages of one conversation that a poll reads; the next poll continues after them. */
const maxMessages = 200;
const pageSize = 100;
const maxConcurrentQueries = 10;
const organizationsTtlMs = 30_000;

/** Reports messages as they are stored. A poll of an idle stage is one small query for each organization and status. */
export function pollConversations(max = maxChangesPerPoll): ChangePoll {
  let progress: ReadonlyMap<string, Progress> | undefined;
  const horizon = createHorizon();
  let cached: { readonly ids: readonly string[]; readonly expiresAt: number } = { ids: [], expiresAt: 0 };
  /** Whether the previous poll stopped before it had read everything. */
  let behind = false;
  const limit = pLimit(maxConcurrentQueries);

  async function organizationIds(now: number): Promise<readonly string[]> {
    // An empty list is not cached: the first organization may appear at any time.
    if (cached.ids.length === 0 || now >= cached.expiresAt)
      cached = { ids: await organizations(), expiresAt: now + organizationsTtlMs };
    return cached.ids;
  }

  /** Reads from the latest back, until `max` conversations in a row are reported already. The first poll reads the whole horizon. */
  async function readChanged(ids: readonly string[], since: string): Promise<ConversationSummary[]> {
    const changed: ConversationSummary[] = [];
    let reportedInARow = 0;
    const latestFirst = iterateConversations({ organizationIds: ids, statuses, pageSize, from: { since } });
    for await (const conversation of latestFirst) {
      const reported = isReported(progress?.get(conversationKey(conversation)), conversation);
      reportedInARow = reported ? reportedInARow + 1 : 0;
      if (!reported) changed.push(conversation);
      if (progress && (changed.length === max || (reportedInARow === max && !behind))) break;
    }
    return changed;
  }

  return async (now) => {
    const ids = await organizationIds(now);
    const isFirst = !progress;
    if (isFirst) {
      const latest = await take(iterateConversations({ organizationIds: ids, statuses, pageSize: 1 }), 1);
      horizon.record(activityTimes(latest), now);
    }
    const since = horizon.since(now);
    const before = progress ?? new Map<string, Progress>();
    const changed = await readChanged(ids, since);
    const changes = await Promise.all(
      changed.map((conversation) =>
        isFirst
          ? recordExisting(conversation)
          : limit(() => readChanges(conversation, before.get(conversationKey(conversation)), since)),
      ),
    );
    horizon.record(activityTimes(changed), now);
    const all = [...before, ...changes.map((change) => [change.key, change.progress] as const)];
    progress = new Map(all.filter(([, { lastActivityAt }]) => lastActivityAt >= since));
    behind = !isFirst && changed.length === max;
    return { found: changes.flatMap(({ found }) => found), sampled: behind };
  };
}

/** True if the conversation is unchanged and its message has been reported, or does not exist. */
function isReported(progress: Progress | undefined, { lastActivityAt: at }: ConversationSummary): boolean {
  return progress?.lastActivityAt === at && (progress.reportedTo >= at || progress.emptyReads >= maxEmptyReads);
}

const activityTimes = (list: readonly ConversationSummary[]) => list.map(({ lastActivityAt }) => lastActivityAt);

function conversationKey({ organizationId, id }: ConversationSummary): string {
  return `${organizationId}/${id}`;
}

interface ConversationChanges {
  readonly key: string;
  readonly progress: Progress;
  readonly found: readonly Activity[];
}

function recordExisting(conversation: ConversationSummary): ConversationChanges {
  const { lastActivityAt } = conversation;
  const progress = { lastActivityAt, reportedTo: lastActivityAt, emptyReads: 0 };
  return { key: conversationKey(conversation), progress, found: [] };
}

async function readChanges(
  conversation: ConversationSummary,
  before: Progress | undefined,
  since: string,
): Promise<ConversationChanges> {
  const { id: conversationId, organizationId, lastActivityAt } = conversation;
  const key = conversationKey(conversation);
  // A conversation without recorded progress had no activity before `since`.
  const reportedTo = before?.reportedTo ?? since;
  const messages = await listMessagesSince({ organizationId, conversationId }, reportedTo, maxMessages);
  const last = messages.at(-1);
  if (last) {
    const progress = { lastActivityAt, reportedTo: last.timestamp, emptyReads: 0 };
    return { key, progress, found: messages.flatMap(messageEvents) };
  }
  const emptyReads = before?.lastActivityAt === lastActivityAt ? before.emptyReads + 1 : 1;
  const found = emptyReads === 1 ? [eventActivity(lastActivityAt, 'chat.updated', { conversationId })] : [];
  return { key, progress: { lastActivityAt, reportedTo, emptyReads }, found };
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
