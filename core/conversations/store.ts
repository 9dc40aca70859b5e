import { setTimeout as sleep } from 'node:timers/promises';
import { canonicalJson } from '../events/ids.ts';
import type { Participant } from '../events/schemas.ts';
import { expiresAfter, ifConditionHolds } from '../platform/dynamodb.ts';
import { conversations } from './entities.ts';
import type { ConversationEvent } from './facts.ts';
import { type ConversationState, projectConversation } from './projection.ts';
import type { Activity } from './threads.ts';

const { conversation, event: events, readMark, organization } = conversations.entities;

export interface ConversationKey {
  readonly organizationId: string;
  readonly conversationId: string;
}

/** A conversation as it was stored and as it is now. */
export interface Change {
  readonly state: ConversationState;
  readonly before: readonly Participant[];
}

/** Two writers of one conversation kept getting in each other's way. Lambda's own retries come later and at another time. */
export class ContentionError extends Error {
  override readonly name = 'Contention';
}

const mostAttempts = 12;
const pauseMs = 15;
const expires = () => expiresAfter('CONVERSATIONS_RETENTION_DAYS');

/** Keeps a fact. Told again, only an earlier time of receipt changes it. Answers false where nothing changed. */
export async function keepEvent(key: ConversationKey, event: ConversationEvent): Promise<boolean> {
  const { id: eventId, receivedAt } = event.metadata;
  const kept = await ifConditionHolds(
    events
      .upsert({ ...key, eventId, receivedAt, event, expires: expires() })
      .where((kept, op) => `${op.notExists(kept.receivedAt)} OR ${op.gt(kept.receivedAt, receivedAt)}`)
      .go(),
  );
  return kept !== undefined;
}

/** Everything there is of one conversation, in one consistent query. */
export async function read(key: ConversationKey) {
  const { data } = await conversations.collections.timeline(key).go({ consistent: true, pages: 'all' });
  return { stored: data.conversation[0], events: data.event.map(({ event }) => event), readMarks: data.readMark };
}

type Stored = NonNullable<Awaited<ReturnType<typeof read>>['stored']>;

/** When each thread last had a message, as far as the stored conversation knows. */
export function activityOf(stored: Stored | undefined): Activity {
  if (!stored) return {};
  return stored.currentThreadId
    ? { ...stored.earlier, [stored.currentThreadId]: stored.lastActivityAt }
    : stored.earlier;
}

/**
 * Brings the stored conversation up to its facts, and to a message at `seen` when given. Whoever writes last has read
 * everything that was there before, so nothing is lost between two writers.
 */
export async function settle(key: ConversationKey, seen?: { threadId: string; at: string }): Promise<Change> {
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    if (attempt > 0) await sleep(Math.random() * pauseMs * attempt);
    const { stored, events } = await read(key);
    const activity = later(activityOf(stored), seen);
    const state = projectConversation(events, activity);
    const next = { ...summaryOf(state), earlier: earlierOf(state, activity) };
    const before = stored?.participants ?? [];
    if (stored && same(next, stored)) return { state, before };
    const written = await ifConditionHolds(
      conversation
        .put({ ...key, ...next, version: (stored?.version ?? 0) + 1, expires: expires() })
        .where(({ version }, op) => (stored ? op.eq(version, stored.version) : op.notExists(version)))
        .go(),
    );
    if (!written) continue;
    if (!stored) await keepOrganization(key.organizationId);
    return { state, before };
  }
  throw new ContentionError(`conversation ${key.conversationId} is written too often at once; try again`);
}

/** Those that this process has kept, to write each but once. */
const keptOrganizations = new Set<string>();

async function keepOrganization(organizationId: string): Promise<void> {
  if (keptOrganizations.has(organizationId)) return;
  await organization.upsert({ organizationId }).go();
  keptOrganizations.add(organizationId);
}

function summaryOf({ status, currentThreadId, lastActivityAt, participants, assigned }: ConversationState) {
  return { status, ...(currentThreadId !== undefined && { currentThreadId }), lastActivityAt, participants, assigned };
}

/** The current thread's time is `lastActivityAt`; of a closed thread that told its beginning, the time decides nothing any more. */
function earlierOf(state: ConversationState, activity: Activity): Activity {
  const settled = new Set(
    state.threads.filter(({ status, createdAt }) => status === 'closed' && createdAt).map(({ id }) => id),
  );
  return Object.fromEntries(
    Object.entries(activity)
      .filter(([id]) => id !== state.currentThreadId && !settled.has(id))
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

function later(activity: Activity, seen: { threadId: string; at: string } | undefined): Activity {
  const known = seen && activity[seen.threadId];
  return seen && (known === undefined || seen.at > known) ? { ...activity, [seen.threadId]: seen.at } : activity;
}

function same(next: object, stored: Stored): boolean {
  return Object.entries(next).every(([name, value]) => {
    const now = new Map<string, unknown>(Object.entries(stored)).get(name);
    // DynamoDB keeps maps in no order.
    return canonicalJson(now) === canonicalJson(value);
  });
}

/**
 * A message in an open conversation's current thread, in one write: who takes part comes back with it. Undefined when
 * the message is not the latest there, or changes more than the time.
 */
export async function touchCurrent(
  key: ConversationKey,
  seen: { threadId: string; at: string },
): Promise<readonly Participant[] | undefined> {
  const touched = await ifConditionHolds(
    conversation
      .patch(key)
      .set({ lastActivityAt: seen.at, expires: expires() })
      .add({ version: 1 })
      .where(
        ({ currentThreadId, status, lastActivityAt }, op) =>
          `${op.eq(currentThreadId, seen.threadId)} AND ${op.eq(status, 'open')} AND ${op.lt(lastActivityAt, seen.at)}`,
      )
      .go({ response: 'all_new' }),
  );
  return touched?.data.participants;
}

/** The conversation as stored now, without its facts. */
export async function standing(key: ConversationKey) {
  const { data } = await conversation.get(key).go({ consistent: true });
  return data ?? undefined;
}

/** Moves a read mark forward, never back. The same mark told again, only an earlier time of receipt changes it. */
export async function markRead(
  key: ConversationKey,
  mark: { userId: string; seenUpTo: string; receivedAt: string },
): Promise<void> {
  const { seenUpTo, receivedAt } = mark;
  await ifConditionHolds(
    readMark
      .upsert({ ...key, ...mark, expires: expires() })
      .where((kept, op) =>
        [
          op.notExists(kept.seenUpTo),
          op.lt(kept.seenUpTo, seenUpTo),
          `(${op.eq(kept.seenUpTo, seenUpTo)} AND ${op.gt(kept.receivedAt, receivedAt)})`,
        ].join(' OR '),
      )
      .go(),
  );
}
