import { setTimeout as sleep } from 'node:timers/promises';
import { CustomAttributeType, Entity, type EntityItem, Service } from 'electrodb';
import type { ConversationKey } from '../channel/channel.ts';
import type { EventData } from '../events/catalogue.ts';
import type { DomainEvent, StoreOutcome } from '../events/event.ts';
import { canonicalJson } from '../events/ids.ts';
import type { EventMetadata, NormalizedMessage, Participant } from '../events/schemas.ts';
import { expiresAfter, ifConditionHolds, keys, number, tableIn, text } from '../platform/dynamodb.ts';
import {
  type Assignment,
  type ConversationEvent,
  type ConversationProjection,
  projectConversation,
  statuses,
  type ThreadActivity,
} from './projection.ts';

const table = tableIn('CONVERSATIONS_TABLE');
const service = 'livechat';
/** Attributes of every item in a conversation's partition. */
const itemAttributes = { organizationId: text, conversationId: text, expires: number } as const;
const itemKeys = <const S extends readonly string[]>(sortKey: S) => keys(['organizationId', 'conversationId'], sortKey);

/** The stored projection of a conversation, for lists and fast reads. */
export const Conversation = new Entity(
  {
    model: { entity: 'conversation', version: '1', service },
    attributes: {
      ...itemAttributes,
      status: { type: statuses, required: true },
      currentThreadId: { type: 'string' },
      /** The current thread while its start is not stored, to find it by its id; else empty. */
      unstartedThreadId: text,
      /** See {@link ConversationProjection}. Messages of the current thread move it forward without a rebuild. */
      lastActivityAt: text,
      /** See {@link activityBucket}. */
      activityBucket: text,
      /** The {@link Participant}s as JSON: a DynamoDB map does not allow empty names, such as of a session field. */
      participants: text,
      assigned: { type: CustomAttributeType<Assignment>('any'), required: true },
      /** The current thread's latest message, as in {@link LatestMessages}. Undefined if the thread has no message. */
      lastMessage: { type: 'string' },
      /** The latest messages of other threads, where they can still affect the projection. */
      otherThreads: { type: CustomAttributeType<LatestMessages>('any'), required: true },
      /** Incremented with each write, for optimistic concurrency. */
      version: number,
    },
    indexes: {
      primary: { collection: 'timeline', ...itemKeys([]) },
      byActivity: {
        index: 'byActivity',
        ...keys(['organizationId', 'status'], ['activityBucket', 'conversationId'], 'gsi1'),
      },
      byThread: {
        index: 'byThread',
        condition: ({ unstartedThreadId }) => unstartedThreadId !== '',
        ...keys(['unstartedThreadId'], ['organizationId', 'conversationId'], 'gsi2'),
      },
    },
  },
  table,
);

/**
 * The latest message of each thread, by thread id: LiveChat's time, a space and the message's id, such as
 * `2026-11-27T12:05:00.000000Z T1_3`. An observed thread has only the time. The strings sort by time, then by message id.
 */
export type LatestMessages = Readonly<Record<string, string>>;

const messageTime = (latest: string) => latest.split(' ')[0] ?? latest;

const bucketMinutes = 5;

/**
 * The five minutes of a time, such as `2026-11-27T12:05`. The index orders conversations by it: it contains keys only, so that
 * a message in the same five minutes does not write to it.
 */
export function activityBucket(at: string): string {
  const minute = Number(at.slice(14, 16));
  return `${at.slice(0, 14)}${String(minute - (minute % bucketMinutes)).padStart(2, '0')}`;
}

/** An event of a conversation. Stored once per event id, with the earliest `receivedAt`. */
export const StoredEvent = new Entity(
  {
    model: { entity: 'event', version: '1', service },
    attributes: {
      ...itemAttributes,
      eventId: text,
      /** ISO 8601. */
      receivedAt: text,
      /** The {@link ConversationEvent} as JSON, because a DynamoDB map does not allow empty names. */
      event: text,
      /** The thread that a `chat.started` starts; empty for other events, which are not in the index. */
      startedThreadId: text,
    },
    indexes: {
      primary: { collection: 'timeline', ...itemKeys(['eventId']) },
      byThread: {
        index: 'byThread',
        condition: ({ startedThreadId }) => startedThreadId !== '',
        ...keys(['startedThreadId'], ['organizationId', 'conversationId'], 'gsi2'),
      },
    },
  },
  table,
);

/** How far a user has read. `seenUpTo` is a LiveChat timestamp; `receivedAt` is when the bridge first received it. */
export const ReadMark = new Entity(
  {
    model: { entity: 'readMark', version: '1', service },
    attributes: { ...itemAttributes, userId: text, seenUpTo: text, receivedAt: text },
    indexes: { primary: { collection: 'timeline', ...itemKeys(['userId']) } },
  },
  table,
);

/** An organization that has a conversation, for listing organizations. */
export const Organization = new Entity(
  {
    model: { entity: 'organization', version: '1', service },
    attributes: { organizationId: text },
    indexes: { primary: keys([], ['organizationId']) },
  },
  table,
);

/** Organizations that this process has already written. */
const storedOrganizations = new Set<string>();

async function putOrganization(organizationId: string): Promise<void> {
  if (storedOrganizations.has(organizationId)) return;
  await Organization.upsert({ organizationId }).go();
  storedOrganizations.add(organizationId);
}

const { timeline } = new Service({ conversation: Conversation, event: StoredEvent, readMark: ReadMark }).collections;

type StoredProjection = EntityItem<typeof Conversation>;

export function parseParticipants({ participants }: Pick<StoredProjection, 'participants'>): Participant[] {
  return JSON.parse(participants);
}

/** The stored projection and all events and read marks of a conversation, in one consistent query. */
export async function readTimeline(key: ConversationKey) {
  const { data } = await timeline(key).go({ consistent: true, pages: 'all' });
  const events = data.event.map(({ event }): ConversationEvent => JSON.parse(event));
  return { stored: data.conversation[0], events, readMarks: data.readMark };
}

/** The thread activity that the stored projection contains. */
export function threadActivity(stored: StoredProjection | undefined): ThreadActivity {
  return activityTimes(latestMessages(stored));
}

function activityTimes(messages: LatestMessages): ThreadActivity {
  return Object.fromEntries(Object.entries(messages).map(([threadId, latest]) => [threadId, messageTime(latest)]));
}

function latestMessages(stored: StoredProjection | undefined): LatestMessages {
  const { currentThreadId, lastMessage, otherThreads = {} } = stored ?? {};
  return currentThreadId && lastMessage ? { ...otherThreads, [currentThreadId]: lastMessage } : otherThreads;
}

/** The latest message of the current thread; undefined if there is none or only its time is known. */
export function lastMessageIds({
  currentThreadId: threadId,
  lastMessage = '',
}: Pick<StoredProjection, 'currentThreadId' | 'lastMessage'>): { threadId: string; id: string } | undefined {
  const id = lastMessage.slice(messageTime(lastMessage).length + 1);
  return threadId && id ? { threadId, id } : undefined;
}

/** The participants and the assignment as currently stored; empty if the conversation is not stored yet. */
export async function readProjection(
  key: ConversationKey,
): Promise<Pick<ConversationProjection, 'participants' | 'assigned'>> {
  const { data } = await Conversation.get(key).go({ consistent: true });
  if (!data) return { participants: [], assigned: { agents: [], groups: [] } };
  return { participants: parseParticipants(data), assigned: data.assigned };
}

const expiry = () => expiresAfter('CONVERSATIONS_RETENTION_DAYS');

/**
 * Moves the conversation's last activity forward and returns the participants. A system message changes nothing and
 * returns an empty list, except the one that marks a thread as idle.
 */
export async function recordMessage(
  message: NormalizedMessage,
  metadata: EventMetadata,
): Promise<readonly Participant[]> {
  const { organizationId, conversationId, threadId, timestamp: at } = message;
  const key: ConversationKey = { organizationId, conversationId };
  if (message.metadata.idle === true) {
    await putEvent(key, { type: 'idle', metadata, data: { conversationId, threadId, at } });
    return (await updateProjection(key)).participants;
  }
  if (message.author.type === 'system') return [];
  const latest = `${at} ${message.id}`;
  const advanced = await advanceLastActivity(key, threadId, latest);
  return advanced ?? (await updateProjection(key, { [threadId]: latest })).participants;
}

/**
 * Fast path: one conditional write if the thread is current, the conversation is open and the message is the latest. Returns
 * the participants, or undefined if the condition does not hold: then the caller rebuilds the projection.
 */
async function advanceLastActivity(key: ConversationKey, threadId: string, lastMessage: string) {
  const at = messageTime(lastMessage);
  const updated = await ifConditionHolds(
    Conversation.patch(key)
      .set({ lastActivityAt: at, activityBucket: activityBucket(at), lastMessage, expires: expiry() })
      .add({ version: 1 })
      .where(
        ({ currentThreadId, status, lastActivityAt }, op) =>
          `${op.eq(currentThreadId, threadId)} AND ${op.eq(status, 'open')} AND ${op.lt(lastActivityAt, at)}`,
      )
      .go({ response: 'all_new' }),
  );
  return updated && parseParticipants(updated.data);
}

/** Stores an event once. Keeps the copy with the earliest `receivedAt`. */
export async function putEvent(key: ConversationKey, event: ConversationEvent): Promise<StoreOutcome> {
  const { id: eventId, receivedAt } = event.metadata;
  const startedThreadId = event.type === 'chat.started' ? event.data.threadId : '';
  const written = await ifConditionHolds(
    StoredEvent.upsert({
      ...key,
      eventId,
      receivedAt,
      startedThreadId,
      event: JSON.stringify(event),
      expires: expiry(),
    })
      .where((stored, op) => `${op.notExists(stored.receivedAt)} OR ${op.gt(stored.receivedAt, receivedAt)}`)
      .go({ response: 'all_old' }),
  );
  return written && !written.data?.receivedAt ? 'stored' : 'duplicate';
}

/** Stores how far a user has read. */
export function recordRead({ metadata, data }: DomainEvent<'message.seen'>): Promise<void> {
  return moveReadMark(metadata, data.conversationId, { userId: data.by.id, at: data.seenUpTo });
}

/** Stores how far users have read, as the channel lists it. */
export async function recordObservedReads({ metadata, data }: DomainEvent<'chat.observed'>): Promise<void> {
  await Promise.all(data.seenUpTo.map((seen) => moveReadMark(metadata, data.conversationId, seen)));
}

/** Moves a user's read mark forward, never back. A duplicate changes it only if it was received earlier. */
async function moveReadMark(
  { organizationId, receivedAt }: EventMetadata,
  conversationId: string,
  { userId, at: seenUpTo }: EventData<'chat.observed'>['seenUpTo'][number],
): Promise<void> {
  await ifConditionHolds(
    ReadMark.upsert({ organizationId, conversationId, userId, seenUpTo, receivedAt, expires: expiry() })
      .where((stored, op) =>
        [
          op.notExists(stored.seenUpTo),
          op.lt(stored.seenUpTo, seenUpTo),
          `(${op.eq(stored.seenUpTo, seenUpTo)} AND ${op.gt(stored.receivedAt, receivedAt)})`,
        ].join(' OR '),
      )
      .go(),
  );
}

/** Concurrent writers exceeded the retry limit. Lambda retries the event later. */
export class ContentionError extends Error {
  override readonly name = 'ContentionError';
}

const maxAttempts = 12;
const backoffMs = 15;

/**
 * Rebuilds the projection from the stored events, the stored latest messages and, if given, a new one.
 * Optimistic concurrency: each write requires the version that was read, so no update is lost.
 *
 * @throws ContentionError
 */
export async function updateProjection(
  key: ConversationKey,
  newMessages: LatestMessages = {},
): Promise<ConversationProjection> {
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    if (attempt > 0) await sleep(Math.random() * backoffMs * attempt);
    const { stored, events } = await readTimeline(key);
    const latest = mergeMessages(latestMessages(stored), newMessages);
    const projection = projectConversation(events, activityTimes(latest));
    const item = toItem(projection, latest);
    if (stored && isUnchanged(item, stored)) return projection;
    if (!stored) await putOrganization(key.organizationId);
    const written = await ifConditionHolds(
      Conversation.put({ ...key, ...item, version: (stored?.version ?? 0) + 1, expires: expiry() })
        .where(({ version }, op) => (stored ? op.eq(version, stored.version) : op.notExists(version)))
        .go(),
    );
    if (written) return projection;
  }
  throw new ContentionError(`conversation ${key.conversationId}: too many concurrent writes; Lambda retries the event`);
}

/** Keeps the later message of each thread. */
function mergeMessages(stored: LatestMessages, added: LatestMessages): LatestMessages {
  const later = Object.entries(added).filter(([threadId, latest]) => latest > (stored[threadId] ?? ''));
  return { ...stored, ...Object.fromEntries(later) };
}

/**
 * Returns the attributes to store. Drops the latest message of a closed thread if the start times of that thread and of the
 * current thread are known: the message can no longer affect the projection.
 */
function toItem(
  { threads, currentThreadId, participants, ...projection }: ConversationProjection,
  latest: LatestMessages,
) {
  const { ...otherThreads }: Record<string, string> = latest;
  const isStartKnown = threads.at(-1)?.createdAt !== undefined;
  for (const { id, status, createdAt } of threads)
    if (id === currentThreadId || (isStartKnown && status === 'closed' && createdAt)) delete otherThreads[id];
  const lastMessage = currentThreadId && latest[currentThreadId];
  return {
    ...projection,
    activityBucket: activityBucket(projection.lastActivityAt),
    participants: canonicalJson(participants),
    ...(currentThreadId && { currentThreadId }),
    unstartedThreadId: isStartKnown ? '' : (currentThreadId ?? ''),
    ...(lastMessage && { lastMessage }),
    otherThreads,
  };
}

function isUnchanged(item: object, stored: StoredProjection): boolean {
  const before = new Map<string, unknown>(Object.entries(stored));
  // DynamoDB does not keep the order of map members.
  return Object.entries(item).every(([name, value]) => canonicalJson(before.get(name)) === canonicalJson(value));
}
