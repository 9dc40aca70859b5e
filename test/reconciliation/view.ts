import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import * as z from 'zod/mini';
import { latest } from '../../core/conversations/projection.ts';
import type { ConversationDetail } from '../../core/conversations/queries.ts';
import type { StoredMessage } from '../../core/messages/queries.ts';

/** A webhook of a chat. */
export interface SentWebhook {
  readonly at: string;
  readonly action: string;
  readonly threadId: string | undefined;
  /** The bridges that received it. */
  readonly receivedBy: readonly string[];
}

export type View = ReturnType<typeof toView>;

/** What of a conversation must be the same whether webhooks were lost or not. */
export function toView(
  { status, threads, participants, assigned, lastActivityAt }: ConversationDetail,
  messages: readonly StoredMessage[],
  notes: readonly StoredMessage[],
) {
  const isActive = status !== 'closed';
  return {
    status,
    threads,
    lastActivityAt,
    assigned: { agents: assigned.agents.toSorted(), groups: assigned.groups },
    participants: participants.map(({ id, type, name, present, seenUpTo }) => ({
      id,
      type,
      name,
      // Without the session fields: LiveChat lists only those of the last visit. Nor who was in a closed chat last.
      ...(isActive && type !== 'customer' && { present }),
      lastRead: lastRead(id, seenUpTo, messages),
    })),
    messages: messages.map(toMessageView),
    notes: notes.map(toMessageView),
  };
}

/** The last message of others that a user has read. Whoever writes has read what came before. Read marks over system messages are not restored. */
function lastRead(userId: string, seenUpTo: string | undefined, messages: readonly StoredMessage[]) {
  const own = messages.filter(({ author }) => author.id === userId);
  const readUpTo = latest([seenUpTo, ...own.map(({ timestamp }) => timestamp)]) ?? '';
  return messages.findLast(
    ({ author, timestamp }) => author.type !== 'system' && author.id !== userId && timestamp <= readUpTo,
  )?.id;
}

/** Without `edited`: an edit before the recovery of its message arrives as the message. */
function toMessageView({
  id,
  type,
  content,
  author,
  direction,
  visibility,
  timestamp,
  deleted,
  metadata,
}: StoredMessage) {
  const { media } = metadata;
  return {
    id,
    type,
    direction,
    visibility,
    timestamp,
    author,
    deleted,
    content: type === 'interactive' && !deleted ? withoutClicks(content) : content,
    ...(media && { file: media.error ? media.error.name : 'stored' }),
  };
}

/** Clicks have no event in a list: a button lists who has clicked it. */
function withoutClicks(content: unknown): unknown {
  return JSON.parse(String(content), (name, value) => (name === 'user_ids' ? [] : value));
}

/** Compares what a bridge stored with what a bridge stored that lost nothing. */
export function expectSame(
  world: { history(chatId: string): readonly SentWebhook[] },
  bridge: string,
  stored: Readonly<Record<string, View>>,
  complete: Readonly<Record<string, View>>,
  /** Names of fields that may differ. */
  except: readonly string[] = [],
): void {
  const ids = [...new Set([...Object.keys(complete), ...Object.keys(stored)])];
  const differences = ids.flatMap((id) => {
    const expected = complete[id];
    const isUnknown = expected && !isAssignmentKnown(world.history(id), bridge, expected);
    const ignored = isUnknown &&
      stored[id] && { ...stored[id], assigned: { ...stored[id].assigned, agents: expected.assigned.agents } };
    const found = listDifferences(ignored || stored[id], expected, id);
    return found.filter((difference) => !except.some((name) => difference.includes(`.${name}: `)));
  });
  const chats = [...new Set(differences.map((path) => path.split('.')[0] ?? ''))];
  const histories = chats
    .slice(0, 3)
    .map((id) => [
      id,
      ...world
        .history(id)
        .map(({ at, action, receivedBy }) => `${at} ${action}${receivedBy.includes(bridge) ? '' : ' (lost)'}`),
    ]);
  expect(differences, JSON.stringify(histories, null, 1)).toEqual([]);
}

/**
 * LiveChat lists who is in a chat, not to whom it is assigned. That can be known from the last transfer to an agent, which a
 * system message describes, or from the webhooks. Otherwise it is one of what cannot be recovered: earlier transfers, joins
 * and departures.
 */
function isAssignmentKnown(
  history: readonly SentWebhook[],
  bridge: string,
  { threads, messages, participants }: View,
): boolean {
  const current = threads.at(-1)?.id ?? '';
  const transfer = messages.findLast(
    ({ id, type, content }) => id.startsWith(current) && type === 'system' && /transferred/.test(String(content)),
  );
  const names = participants.flatMap(({ name, type }) => (type === 'agent' && name ? [name] : []));
  if (names.some((name) => String(transfer?.content).endsWith(`to ${name}`))) return true;
  const setsAgents = ['incoming_chat', 'chat_transferred', 'user_added_to_chat', 'user_removed_from_chat'];
  return !history.some(
    ({ action, threadId, receivedBy }) =>
      threadId === current && setsAgents.includes(action) && !receivedBy.includes(bridge),
  );
}

/** Where two values differ: `path: value instead of other`. The elements of a list are compared by their id. */
function listDifferences(value: unknown, other: unknown, path: string): string[] {
  const [ours, theirs] = [byName(value), byName(other)];
  if (ours && theirs) {
    const names = new Set([...Object.keys(ours), ...Object.keys(theirs)]);
    return [...names].flatMap((name) => listDifferences(ours[name], theirs[name], `${path}.${name}`));
  }
  if (isDeepStrictEqual(value, other)) return [];
  return [`${path}: ${JSON.stringify(value)} instead of ${JSON.stringify(other)}`];
}

const identified = z.array(z.looseObject({ id: z.string() })).check(z.minLength(1));

/** The members of an object, or the elements of a list with ids and `order`, the ids in order. */
function byName(value: unknown): Record<string, unknown> | undefined {
  const { success, data } = identified.safeParse(value);
  if (!success) return isObject(value) && !Array.isArray(value) ? value : undefined;
  return { ...Object.fromEntries(data.map((one) => [one.id, one])), order: data.map(({ id }) => id) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
