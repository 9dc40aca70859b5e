import { setTimeout as sleep } from 'node:timers/promises';
import type { DomainEvent } from '../events/event.ts';
import { canonicalJson } from '../events/ids.ts';
import type { EventMetadata, NormalizedMessage, Participant, UserType } from '../events/schemas.ts';
import { expiresAfter, ifConditionHolds } from '../platform/dynamodb.ts';
import { conversations } from './entities.ts';
import {
  type Assignment,
  type ChatEvent,
  type ConversationEvent,
  type ConversationProjection,
  projectConversation,
  type ThreadActivity,
} from './projection.ts';

export type { ChatEvent } from './projection.ts';

const { conversation, event: events, readMark, organization } = conversations.entities;

export interface ConversationKey {
  readonly organizationId: string;
  readonly conversationId: string;
}

/** Concurrent writers exceeded the retry limit. Lambda retries the event later. */
export class ContentionError extends Error {
  override readonly name = 'Contention';
}

const maxAttempts = 12;
const backoffMs = 15;
const expires = () => expiresAfter('CONVERSATIONS_RETENTION_DAYS');

/** The outcome of recording an event. */
export interface RecordedEvent {
  readonly conversation: ConversationKey;
  /** False for a duplicate. */
  readonly isNew: boolean;
  /** Users whose type is new or changed and differs from what their id suggests. */
  readonly identifiedUsers: ReadonlyMap<string, UserType>;
}

/** Stores an event of a conversation and updates the projection. Idempotent. */
export async function recordEvent(event: ChatEvent): Promise<RecordedEvent> {
  const key = { organizationId: event.metadata.organizationId, conversationId: event.data.conversationId };
  const isNew = await putEvent(key, withoutOpening(event));
  const { projection, before } = await updateProjection(key);
  const types = new Map(before.map(({ id, type }) => [id, type]));
  const identified = projection.participants.filter(
    ({ id, type, misleadingId }) => misleadingId && types.get(id) !== type,
  );
  return { conversation: key, isNew, identifiedUsers: new Map(identified.map(({ id, type }) => [id, type])) };
}

/** The opening messages are stored with the messages, where deleting a message removes them. */
function withoutOpening(event: ChatEvent): ChatEvent {
  return event.type === 'chat.started' ? { ...event, data: { ...event.data, opening: undefined } } : event;
}

/**
 * Moves the conversation's last activity forward and returns the participants. System messages do not count as activity,
 * except the one that marks a thread as idle.
 */
export async function recordMessage(
  message: NormalizedMessage,
  metadata: EventMetadata,
): Promise<readonly Participant[]> {
  const { organizationId, conversationId, threadId, timestamp: at } = message;
  const key: ConversationKey = { organizationId, conversationId };
  if (message.metadata.idle === true) {
    await putEvent(key, { type: 'idle', metadata, data: { conversationId, threadId, at } });
    return (await updateProjection(key)).projection.participants;
  }
  if (message.author.type === 'system') return [];
  const arrival = { threadId, at };
  return (
    (await advanceLastActivity(key, arrival)) ??
    (await participantsIfStale(key, arrival)) ??
    (await updateProjection(key, arrival)).projection.participants
  );
}

/** A message's thread and LiveChat's time. */
interface Arrival {
  readonly threadId: string;
  readonly at: string;
}

/**
 * One conditional write for a message in the current thread of an open conversation; returns the participants. Undefined if
 * the message is not the latest there, or if more than the time changes.
 */
async function advanceLastActivity(key: ConversationKey, arrival: Arrival) {
  const updated = await ifConditionHolds(
    conversation
      .patch(key)
      .set({ lastActivityAt: arrival.at, expires: expires() })
      .add({ version: 1 })
      .where(
        ({ currentThreadId, status, lastActivityAt }, op) =>
          `${op.eq(currentThreadId, arrival.threadId)} AND ${op.eq(status, 'open')} AND ${op.lt(lastActivityAt, arrival.at)}`,
      )
      .go({ response: 'all_new' }),
  );
  return updated?.data.participants;
}

/** The participants if a later message of the same open thread is already recorded: nothing needs to be written. */
async function participantsIfStale(key: ConversationKey, { threadId, at }: Arrival) {
  const stored = await readStored(key);
  const isStale = stored?.status === 'open' && stored.currentThreadId === threadId && stored.lastActivityAt >= at;
  return isStale ? stored.participants : undefined;
}

/** The participants and the assignment as currently stored; empty if the conversation is not stored yet. */
export async function readAssignment(
  key: ConversationKey,
): Promise<{ participants: readonly Participant[]; assigned: Assignment }> {
  const stored = await readStored(key);
  return { participants: stored?.participants ?? [], assigned: stored?.assigned ?? { agents: [], groups: [] } };
}

/** Moves a user's read mark forward, never back. A duplicate changes it only if it was received earlier. */
export async function recordRead({ metadata, data }: DomainEvent<'message.seen'>): Promise<void> {
  const { organizationId, receivedAt } = metadata;
  const { conversationId, seenUpTo } = data;
  await ifConditionHolds(
    readMark
      .upsert({ organizationId, conversationId, userId: data.by.id, seenUpTo, receivedAt, expires: expires() })
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

/** The stored projection and all events and read marks of a conversation, in one consistent query. */
export async function readTimeline(key: ConversationKey) {
  const { data } = await conversations.collections.timeline(key).go({ consistent: true, pages: 'all' });
  return { stored: data.conversation[0], events: data.event.map(({ event }) => event), readMarks: data.readMark };
}

type StoredProjection = NonNullable<Awaited<ReturnType<typeof readTimeline>>['stored']>;

async function readStored(key: ConversationKey): Promise<StoredProjection | undefined> {
  const { data } = await conversation.get(key).go({ consistent: true });
  return data ?? undefined;
}

/** The thread activity that the stored projection contains. */
export function threadActivity(stored: StoredProjection | undefined): ThreadActivity {
  if (!stored) return {};
  return stored.currentThreadId
    ? { ...stored.earlier, [stored.currentThreadId]: stored.lastActivityAt }
    : stored.earlier;
}

/** Stores an event once; a duplicate changes it only if it was received earlier. Returns false if nothing changed. */
async function putEvent(key: ConversationKey, event: ConversationEvent): Promise<boolean> {
  const { id: eventId, receivedAt } = event.metadata;
  const written = await ifConditionHolds(
    events
      .upsert({ ...key, eventId, receivedAt, event, expires: expires() })
      .where((stored, op) => `${op.notExists(stored.receivedAt)} OR ${op.gt(stored.receivedAt, receivedAt)}`)
      .go(),
  );
  return written !== undefined;
}

/**
 * Rebuilds the projection from the stored events and, if given, the arrival of a message. Returns the new projection and the
 * participants before. Optimistic concurrency: each write requires the version that was read, so no writer loses another's
 * change.
 *
 * @throws ContentionError
 */
async function updateProjection(
  key: ConversationKey,
  arrival?: Arrival,
): Promise<{ readonly projection: ConversationProjection; readonly before: readonly Participant[] }> {
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    if (attempt > 0) await sleep(Math.random() * backoffMs * attempt);
    const { stored, events } = await readTimeline(key);
    const activity = withArrival(threadActivity(stored), arrival);
    const projection = projectConversation(events, activity);
    const item = storedFields(projection, activity);
    const before = stored?.participants ?? [];
    if (stored && isUnchanged(item, stored)) return { projection, before };
    const written = await ifConditionHolds(
      conversation
        .put({ ...key, ...item, version: (stored?.version ?? 0) + 1, expires: expires() })
        .where(({ version }, op) => (stored ? op.eq(version, stored.version) : op.notExists(version)))
        .go(),
    );
    if (!written) continue;
    if (!stored) await putOrganization(key.organizationId);
    return { projection, before };
  }
  throw new ContentionError(`conversation ${key.conversationId}: too many concurrent writes; try again`);
}

/** The organizations that this process has stored: each is written once per process. */
const storedOrganizations = new Set<string>();

async function putOrganization(organizationId: string): Promise<void> {
  if (storedOrganizations.has(organizationId)) return;
  await organization.upsert({ organizationId }).go();
  storedOrganizations.add(organizationId);
}

/**
 * The attributes to store. The current thread's activity is `lastActivityAt`. The activity of a closed thread with a known
 * start no longer affects the projection and is dropped.
 */
function storedFields({ threads, ...projection }: ConversationProjection, activity: ThreadActivity) {
  const { status, currentThreadId, lastActivityAt, participants, assigned } = projection;
  const final = new Set(threads.flatMap((one) => (one.status === 'closed' && one.createdAt ? [one.id] : [])));
  const earlier = Object.entries(activity)
    .filter(([id]) => id !== currentThreadId && !final.has(id))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    status,
    ...(currentThreadId !== undefined && { currentThreadId }),
    lastActivityAt,
    participants,
    assigned,
    earlier: Object.fromEntries(earlier),
  };
}

function withArrival(activity: ThreadActivity, arrival: Arrival | undefined): ThreadActivity {
  const last = arrival && activity[arrival.threadId];
  return arrival && (last === undefined || arrival.at > last)
    ? { ...activity, [arrival.threadId]: arrival.at }
    : activity;
}

function isUnchanged(item: object, stored: StoredProjection): boolean {
  const before = new Map<string, unknown>(Object.entries(stored));
  // DynamoDB does not keep the order of map members.
  return Object.entries(item).every(([name, value]) => canonicalJson(before.get(name)) === canonicalJson(value));
}
