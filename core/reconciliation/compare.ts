import {
  type ConversationEvent,
  type ConversationProjection,
  latest,
  projectConversation,
  type ThreadActivity,
} from '../conversations/projection.ts';
import type { AnyEvent, DomainEvent } from '../events/event.ts';
import { contentHash, deriveId } from '../events/ids.ts';
import type { NormalizedMessage, Participant } from '../events/schemas.ts';
import type { ListedEvent, ListedThread, ReconciliationChannel } from './source.ts';

/** What is stored of a message. A tombstone has `deletedAt`. */
export interface StoredItem {
  /** When the message's own event was received; undefined if only its edit or its deletion is stored. */
  readonly receivedAt?: string | undefined;
  readonly timestamp?: string | undefined;
  readonly deletedAt?: string | undefined;
  /** If edited: the time of receipt, `#` and the event id. */
  readonly revision?: string | undefined;
  readonly content?: unknown;
  /** Whether the content is too large for the item. */
  readonly isOversize: boolean;
}

/** What is stored of a thread and its conversation. */
export interface StoredThread {
  /** Of the whole conversation. */
  readonly events: readonly ConversationEvent[];
  readonly activity: ThreadActivity;
  /** How far users have read, by user id. */
  readonly readMarks: ReadonlyMap<string, string>;
  /** Of the thread, by message id. */
  readonly messages: ReadonlyMap<string, StoredItem>;
}

export interface Comparison {
  /** The events that make what is stored equal to what is listed. */
  readonly missing: readonly AnyEvent[];
  /** The state differs, but a webhook changed it after the observation. */
  readonly isChanging: boolean;
}

export interface CompareOptions {
  readonly isSameContent: ReconciliationChannel['isSameContent'];
  /** What happened later is left out: its webhooks may still be in flight. */
  readonly until: string;
  /** Messages before this time have expired, so they are not missing. */
  readonly expiredBefore: string;
}

/** The types whose `occurredAt` is LiveChat's timestamp. */
export const timestampedTypes: ReadonlySet<string> = new Set([
  'chat.started',
  'message.received',
  'note.received',
  'message.delivered',
]);

/** Compares a thread as listed with what is stored. Pure. */
export function compareThread(listed: ListedThread, stored: StoredThread, options: CompareOptions): Comparison {
  const { started, threadId } = listed;
  const { until, expiredBefore } = options;
  if (started.data.createdAt > until) return { missing: [], isChanging: false };
  const isStarted = stored.events.some(({ type, data }) => type === 'chat.started' && data.threadId === threadId);
  const listedEvents = listed.events ?? [];
  const changes = listedEvents
    .filter((event) => eventTime(event) <= until && eventTime(event) >= expiredBefore)
    .map((event) => compareEvent(event, listed, stored, options.isSameContent));
  const missing = [...(isStarted ? [] : [started]), ...changes.flatMap(({ event }) => event ?? [])];
  const isEdited = changes.some(({ isChanging }) => isChanging);
  const observation = observe(listed, stored, missing);
  if (!observation) return { missing, isChanging: isEdited };
  // A state that belongs to an event which is left out would be published without that event.
  const isSettled = observation.isSettled && listedEvents.every((event) => eventTime(event) <= until);
  return isSettled ? { missing: [...missing, observation.event], isChanging: isEdited } : { missing, isChanging: true };
}

/** The stored threads of a conversation, other than `threadId`, that are not closed. */
export function otherOpenThreads({ events, activity }: StoredThread, threadId: string): string[] {
  const { threads } = projectConversation(events, activity);
  return threads.flatMap(({ id, status }) => (id !== threadId && status !== 'closed' ? [id] : []));
}

/** When the latest thread of a conversation started, in LiveChat's time, and when a webhook of the thread was last received. */
export function threadTimes({ events, messages }: StoredThread) {
  const items = [...messages.values()].flatMap(({ receivedAt, revision, deletedAt }) => [
    receivedAt,
    revision,
    deletedAt,
  ]);
  const starts = events.flatMap((event) => (event.type === 'chat.started' ? event.data.createdAt : []));
  return {
    startedAt: latest(starts),
    changedAt: latest([...events.map(({ metadata }) => metadata.receivedAt), ...items]) ?? '',
  };
}

/** Whether the events of a thread that a summary lists must be read: something is new since `since`, or differs. */
export function needsRead(listed: ListedThread, stored: StoredThread, since: string): boolean {
  const { latestEvents, threadId } = listed;
  if (!latestEvents || latestEvents.some(({ id, at }) => at >= since || !stored.messages.has(id))) return true;
  const isStarted = stored.events.some(({ type, data }) => type === 'chat.started' && data.threadId === threadId);
  return !isStarted || observe(listed, stored, []) !== undefined;
}

function eventTime(event: ListedEvent): string {
  if (event.type === 'message.deleted') return event.data.header?.timestamp ?? event.metadata.occurredAt;
  // The occurrence of the others is LiveChat's time.
  return event.metadata.occurredAt;
}

function compareEvent(
  event: ListedEvent,
  listed: ListedThread,
  stored: StoredThread,
  isSameContent: CompareOptions['isSameContent'],
): { readonly event?: AnyEvent; readonly isChanging?: boolean } {
  const item = stored.messages.get('messageId' in event.data ? event.data.messageId : event.data.id);
  if (event.type === 'message.deleted') return item?.deletedAt && item.timestamp ? {} : { event };
  const isStored = item?.receivedAt !== undefined || item?.deletedAt !== undefined;
  if (!isStored) return { event };
  const message = event.type === 'message.delivered' ? event.data.message : event.data;
  if (!message || item.deletedAt || item.isOversize || isSameContent(message, item.content)) return {};
  if ((item.revision ?? '') > listed.observedAt) return { isChanging: true };
  return { event: createRevision(message, event, item.revision) };
}

/** How much the clocks of this process and of the webhook's function may differ, in ms. */
const clockMarginMs = 120_000;

/**
 * The time of receipt that an observation gets: just after what it replaces, so that a webhook received later wins, whatever
 * the clock of this process shows.
 */
function receiptAfter(replaced: string | undefined, observedAt: string): string {
  const earliest = Date.parse(observedAt) - clockMarginMs;
  return new Date(replaced ? Math.max(Date.parse(replaced) + 1, earliest) : earliest).toISOString();
}

/** The id includes the revision that is replaced, since the same content can be restored twice. */
function createRevision(message: NormalizedMessage, { metadata }: ListedEvent, replaced = ''): AnyEvent {
  const type = message.visibility === 'agents' ? 'note.updated' : 'message.updated';
  const { id, organizationId, conversationId, threadId, content } = message;
  const identity = [conversationId, threadId, id, contentHash(content), replaced];
  const receivedAt = receiptAfter(replaced.split('#')[0], metadata.receivedAt);
  return {
    type,
    metadata: { ...metadata, id: deriveId(type, organizationId, ...identity), receivedAt },
    data: message,
  };
}

interface Observation {
  readonly event: DomainEvent<'chat.observed'>;
  /** Whether no webhook was received after the observation. */
  readonly isSettled: boolean;
}

/** The thread as listed, the projection of what is stored and missing, and the stored events that can concern the thread. */
interface ThreadContext {
  readonly listed: ListedThread;
  readonly projection: ConversationProjection;
  readonly own: readonly ConversationEvent[];
}

/** The state of the thread as listed; undefined if it equals the projection of what is stored and missing. */
function observe(listed: ListedThread, stored: StoredThread, missing: readonly AnyEvent[]): Observation | undefined {
  const { threadId, conversationId, observedAt, started } = listed;
  const projection = projectConversation(
    [...stored.events, ...missing.flatMap(toConversationEvent)],
    missing.reduce(addActivity, stored.activity),
  );
  const own = stored.events.filter(({ data }) => data.threadId === undefined || data.threadId === threadId);
  const thread = projection.threads.find(({ id }) => id === threadId);
  const tags = listed.tags ?? thread?.tags ?? [];
  const isCurrent = listed.isLatest && projection.currentThreadId === threadId;
  const current = isCurrent ? observeCurrent({ listed, projection, own }, stored) : undefined;
  const isOpen = thread?.status !== 'closed';
  const isEqual = (listed.active || !isOpen) && isSameSet(tags, thread?.tags ?? []) && !current?.differs;
  if (isEqual) return undefined;
  const state = {
    conversationId,
    threadId,
    active: listed.active,
    participants: listed.participants.map((one) => (listed.active ? one : withoutPresence(one))),
    access: { groups: [...listed.groups], agents: current?.agents && [...current.agents] },
    queue: listed.queue,
    tags: [...tags],
    seenUpTo: current?.seenUpTo ?? [],
    lastMessageAt: current?.lastMessageAt,
  };
  const receivedLast = latest(own.map(({ metadata }) => metadata.receivedAt)) ?? '';
  // The id includes the last event that is replaced, since the same state can be restored twice.
  const identity = [conversationId, threadId, contentHash(state), receivedLast];
  const id = deriveId('chat.observed', started.metadata.organizationId, ...identity);
  const receivedAt = receiptAfter(receivedLast, observedAt);
  return {
    event: {
      type: 'chat.observed',
      metadata: { ...started.metadata, id, occurredAt: receivedAt, receivedAt },
      data: { ...state, observedAt: receivedAt },
    },
    isSettled: receivedLast <= observedAt,
  };
}

/** The state that LiveChat keeps by chat, which is that of its latest thread. */
function observeCurrent(comparand: ThreadContext, stored: StoredThread) {
  const { listed, projection } = comparand;
  const agents = assignedAgents(comparand);
  const seenUpTo = missingReadMarks(listed, stored);
  const lastMessageAt = laterMessageAt(listed, projection);
  const { assigned, participants } = projection;
  const known = new Map(participants.map((one) => [one.id, one]));
  const differs =
    seenUpTo.length > 0 ||
    lastMessageAt !== undefined ||
    (agents !== undefined && !isSameSet(agents, assigned.agents)) ||
    !isSameSet(listed.groups, assigned.groups) ||
    listed.participants.some((one) => differsFromKnown(one, known.get(one.id), listed.active)) ||
    isQueueDifferent(listed, projection);
  return { differs, agents, seenUpTo, lastMessageAt };
}

function toConversationEvent(event: AnyEvent): ConversationEvent[] {
  if (event.type === 'chat.started') return [event];
  if (event.type !== 'message.received' || event.data.metadata.idle !== true) return [];
  const { conversationId, threadId, timestamp: at } = event.data;
  return [{ type: 'idle', metadata: event.metadata, data: { conversationId, threadId, at } }];
}

function addActivity(activity: ThreadActivity, event: AnyEvent): ThreadActivity {
  const message =
    event.type === 'message.delivered' ? event.data.message : event.type === 'message.received' && event.data;
  if (!message || message.author.type === 'system') return activity;
  const { threadId, timestamp } = message;
  return timestamp > (activity[threadId] ?? '') ? { ...activity, [threadId]: timestamp } : activity;
}

function isSameSet<T>(one: readonly T[], other: readonly T[]): boolean {
  return new Set(one).symmetricDifference(new Set(other)).size === 0;
}

/** LiveChat reports the users of a closed thread as absent, without a webhook. */
function withoutPresence({ present: _, ...participant }: Participant): Participant {
  return participant;
}

/** Whether the queue state differs. Always false for a summary, which omits the queue. */
function isQueueDifferent(listed: ListedThread, { status }: ConversationProjection): boolean {
  if (!listed.active || listed.events === undefined) return false;
  const isAttended = visibleAgents(listed).length > 0;
  if (status === 'queued') return !listed.queue && isAttended;
  return status === 'open' && listed.queue !== undefined && !isAttended;
}

/**
 * The name, the address and the fields of a customer become known during a chat without a webhook, so they are published with
 * another difference only. An agent known only from a leave webhook has no name.
 */
function differsFromKnown(listed: Participant, known: Participant | undefined, isActive: boolean): boolean {
  if (!known) return true;
  if (listed.type === 'customer') return false;
  if (listed.name && !known.name) return true;
  return (
    isActive &&
    (['present', 'hidden'] as const).some(
      (field) => listed[field] !== undefined && listed[field] !== (known[field] ?? false),
    )
  );
}

function visibleAgents({ participants }: ListedThread): string[] {
  return participants.filter(({ type, present, hidden }) => type === 'agent' && present && !hidden).map(({ id }) => id);
}

/** Maximum delay between the system message of a transfer and its webhook, in ms. A later assignment is another one. */
const transferLagMs = 5_000;

/**
 * The agents to whom the chat is assigned. LiveChat lists who is present, not who is assigned, so they follow from the last
 * transfer, or from who has replaced the assigned agents. Undefined if nothing contradicts what is stored.
 */
function assignedAgents(comparand: ThreadContext): readonly string[] | undefined {
  const { listed, own } = comparand;
  const { transfer, observedAt } = listed;
  const storedAt = latest(own.filter(setsAssignment).map(({ metadata }) => metadata.receivedAt));
  const isStored = (at: string) => storedAt !== undefined && Date.parse(storedAt) > Date.parse(at) + transferLagMs;
  if (transfer && transfer.at <= observedAt && !isStored(transfer.at)) {
    if (transfer.agents.length > 0) return transfer.agents;
    // A name that no user has: a group, or an agent whom LiveChat does not list.
    return storedAt === undefined && visibleAgents(listed).length === 0 ? [] : undefined;
  }
  const isStarted = storedAt !== undefined || own.some(({ type }) => type === 'chat.started');
  return isStarted ? replacingAgents(comparand) : firstAgents(listed);
}

/** The agents of a thread of which nothing is stored. */
function firstAgents(listed: ListedThread): readonly string[] | undefined {
  const present = visibleAgents(listed);
  if (listed.active || present.length > 0) return present;
  const members = listed.participants.filter(({ id, type }) => type === 'agent' && listed.memberIds.includes(id));
  return members.length === 1 ? members.map(({ id }) => id) : undefined;
}

/** The agents who joined while the assigned ones left, if no transfer explains it. */
function replacingAgents({ listed, projection }: ThreadContext): readonly string[] | undefined {
  const assigned = new Set(projection.assigned.agents);
  const presentBefore = new Set(projection.participants.flatMap(({ id, present }) => (present ? [id] : [])));
  const present = new Set(visibleAgents(listed));
  const hasLeft = !assigned.isDisjointFrom(presentBefore) && assigned.isDisjointFrom(present);
  const newcomers = [...present.difference(presentBefore)];
  return listed.active && hasLeft && newcomers.length > 0 ? newcomers : undefined;
}

function setsAssignment(event: ConversationEvent): boolean {
  if (event.type === 'chat.transferred') return true;
  if (event.type === 'chat.observed') return event.data.access.agents !== undefined;
  return event.type === 'agent.changed' && event.data.replaces !== undefined;
}

/** How far users have read the messages of others, if that is not stored. LiveChat moves the mark of an author without a webhook. */
function missingReadMarks({ seenUpTo, events = [], started }: ListedThread, { readMarks }: StoredThread) {
  const written = events.flatMap((event) => {
    const author = listedAuthor(event);
    return author && author.type !== 'system' ? [{ author: author.id, at: eventTime(event) }] : [];
  });
  return seenUpTo.filter(({ userId, at }) => {
    const own = written.filter(({ author }) => author === userId).map((one) => one.at);
    const known = latest([readMarks.get(userId), started.data.createdAt, ...own]) ?? '';
    return written.some((one) => one.author !== userId && one.at > known && one.at <= at);
  });
}

/** Undefined for a deleted message of which only the id is known. */
function listedAuthor(event: ListedEvent): NormalizedMessage['author'] | undefined {
  if (event.type === 'message.deleted') return event.data.header?.author;
  return event.type === 'message.delivered' ? event.data.message?.author : event.data.author;
}

/** The time of the thread's latest message if it is later than the projection has it, such as that of a deleted one. */
function laterMessageAt({ events = [], observedAt }: ListedThread, { lastActivityAt }: ConversationProjection) {
  const times = events.flatMap((event) => {
    const author = listedAuthor(event);
    const isNote =
      event.type === 'note.received' ||
      (event.type === 'message.deleted' && event.data.header?.visibility === 'agents');
    return author && author.type !== 'system' && !isNote ? [eventTime(event)] : [];
  });
  const last = latest(times.filter((at) => at <= observedAt));
  return last !== undefined && last > lastActivityAt ? last : undefined;
}
