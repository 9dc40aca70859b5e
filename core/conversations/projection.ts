import type { EventData, EventType } from '../events/catalogue.ts';
import type { AnyEvent } from '../events/event.ts';
import type { EventMetadata, Participant, UserType } from '../events/schemas.ts';

/** The domain events that change a conversation. */
export type ChatEventType = Extract<EventType, `chat.${string}` | 'agent.changed' | 'participant.changed'>;
export type ChatEvent = Extract<AnyEvent, { type: ChatEventType }>;

/** A thread went idle at `at`, LiveChat's time. */
export interface ThreadIdleEvent {
  readonly type: 'idle';
  readonly metadata: EventMetadata;
  readonly data: { readonly conversationId: string; readonly threadId: string; readonly at: string };
}

/** A stored event of a conversation. Events are only added; the projection is computed from all of them. */
export type ConversationEvent = ChatEvent | ThreadIdleEvent;

/** The time of each thread's latest message, by thread id; LiveChat's times. */
export type ThreadActivity = Readonly<Record<string, string>>;

export const statuses = ['queued', 'open', 'idle', 'closed'] as const;
export type Status = (typeof statuses)[number];

export interface Thread {
  readonly id: string;
  readonly status: Status;
  /** Undefined until the thread's `chat.started` arrives. */
  readonly createdAt?: string | undefined;
  readonly previousThreadId?: string | undefined;
  readonly tags: readonly string[];
}

/** The assigned agents by id and groups by number. Closing a thread changes neither. */
export interface Assignment {
  readonly agents: readonly string[];
  readonly groups: readonly number[];
}

/** The current state of a conversation, computed from its events and the times of its messages. */
export interface ConversationProjection {
  readonly status: Status;
  readonly currentThreadId: string | undefined;
  /**
   * ISO 8601. LiveChat's time of the current thread's latest message or of its start, whichever is later, with microsecond
   * precision. If neither is known: the latest receipt of an event.
   */
  readonly lastActivityAt: string;
  /** Oldest first. */
  readonly threads: readonly Thread[];
  /** Customers, then agents, then bots. */
  readonly participants: readonly Participant[];
  readonly assigned: Assignment;
}

/**
 * Computes the projection of a conversation. The result does not depend on the order or number of deliveries: events are a
 * set, threads are ordered by their start, and within a thread the start comes first and the rest is ordered by receipt. An
 * observation of a thread is ordered by the time for which it holds.
 */
export function projectConversation(
  events: readonly ConversationEvent[],
  activity: ThreadActivity,
): ConversationProjection {
  const grouped = groupByThread(events, activity);
  const threads = grouped.flatMap(({ thread }) => thread ?? []);
  const current = threads.at(-1);
  const ordered = grouped.flatMap((thread) => thread.events);
  const lastActivity = current && latest([activity[current.id], current.createdAt]);
  return {
    status: current?.status ?? 'open',
    currentThreadId: current?.id,
    lastActivityAt: lastActivity ?? latest(events.map(({ metadata }) => metadata.receivedAt)) ?? '',
    threads,
    participants: projectParticipants(ordered),
    assigned: ordered.reduce(nextAssignment, { agents: [], groups: [] }),
  };
}

/** A thread and its events in the order they are applied (see {@link compareInThread}). `thread` is undefined for events that belong to no known thread. */
export interface ThreadEvents {
  readonly thread: Thread | undefined;
  readonly events: readonly ConversationEvent[];
}

/** Groups events by thread, oldest thread first. */
export function groupByThread(events: readonly ConversationEvent[], activity: ThreadActivity): ThreadEvents[] {
  const byThread = Map.groupBy(events, ({ data }) => data.threadId);
  const ids = new Set([...Object.keys(activity), ...[...byThread.keys()].flatMap((id) => id ?? [])]);
  const groups = [...ids].map((id) => {
    const own = byThread.get(id) ?? [];
    const createdAt = own.flatMap((event) => (event.type === 'chat.started' ? event.data.createdAt : [])).sort()[0];
    // Threads of one chat do not overlap: without a start time, the latest message orders them.
    return { id, events: own, createdAt, time: createdAt ?? activity[id] ?? '' };
  });
  groups.sort((a, b) => compare(a.time, b.time) || compare(a.id, b.id));
  const withoutThread: ConversationEvent[] = [];
  for (const event of byThread.get(undefined) ?? []) {
    // An event without a thread id belongs to the last thread that had started at its receipt, or whose start is unknown.
    const group = groups.findLast(({ createdAt = '' }) => createdAt <= event.metadata.receivedAt) ?? groups[0];
    (group?.events ?? withoutThread).push(event);
  }
  const threads = groups.map(({ id, createdAt, events: own }): ThreadEvents => {
    const ordered = own.sort(compareInThread);
    const started = ordered.flatMap((event) => (event.type === 'chat.started' ? [event.data] : []));
    const previousThreadId = started.find((data) => data.previousThreadId)?.previousThreadId;
    const status = threadStatus(ordered, activity[id]);
    return { thread: { id, status, createdAt, previousThreadId, tags: threadTags(ordered) }, events: ordered };
  });
  return [{ thread: undefined, events: withoutThread.sort(compareInThread) }, ...threads];
}

export function displayName({ id, name, email }: Pick<Participant, 'id' | 'name' | 'email'>): string {
  return name ?? email ?? id;
}

/** Undefined while no customer of the conversation is stored. */
export function findCustomerName(participants: readonly Participant[]): string | undefined {
  const customer = participants.find(({ type }) => type === 'customer');
  return customer && displayName(customer);
}

export function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** The start of a thread comes first, whenever it was received; everything else, transfers included, by time of receipt. */
function compareInThread(a: ConversationEvent, b: ConversationEvent): number {
  return (
    Number(startsThread(b)) - Number(startsThread(a)) ||
    compare(a.metadata.receivedAt, b.metadata.receivedAt) ||
    compare(a.metadata.id, b.metadata.id)
  );
}

function startsThread(event: ConversationEvent): boolean {
  return event.type === 'chat.started' && event.data.reason !== 'transferred';
}

function threadStatus(events: readonly ConversationEvent[], lastMessageAt: string | undefined): Status {
  if (events.some(closesThread)) return 'closed';
  const idleSince = latest(events.flatMap((event) => (event.type === 'idle' ? event.data.at : [])));
  if (idleSince !== undefined && !(lastMessageAt !== undefined && lastMessageAt > idleSince)) return 'idle';
  return events.reduce(nextQueued, false) ? 'queued' : 'open';
}

/** A closed thread stays closed, whatever arrives later. */
function closesThread(event: ConversationEvent): boolean {
  return (
    event.type === 'chat.deactivated' ||
    ((event.type === 'chat.started' || event.type === 'chat.observed') && !event.data.active)
  );
}

/** A thread is queued from the first queue position until an agent joins. */
function nextQueued(queued: boolean, event: ConversationEvent): boolean {
  if (event.type === 'chat.started' || event.type === 'chat.observed') return event.data.queue !== undefined;
  if (event.type === 'chat.transferred')
    return event.data.queue !== undefined || (queued && !event.data.to.agents?.length);
  if (event.type !== 'agent.changed' || event.data.change !== 'joined') return queued;
  return event.data.agent.type === 'agent' && !event.data.agent.hidden ? false : queued;
}

function threadTags(events: readonly ConversationEvent[]): string[] {
  const tags = new Set<string>();
  for (const event of events) {
    if (event.type === 'chat.observed') tags.clear();
    if (event.type === 'chat.started' || event.type === 'chat.observed')
      for (const tag of event.data.tags) tags.add(tag);
    if (event.type !== 'chat.updated') continue;
    if (event.data.tag !== undefined) tags.add(event.data.tag);
    if (event.data.untag !== undefined) tags.delete(event.data.untag);
  }
  return [...tags].sort();
}

function nextAssignment(current: Assignment, event: ConversationEvent): Assignment {
  switch (event.type) {
    case 'chat.started':
      return { agents: presentAgents(event.data.participants), groups: event.data.groups };
    case 'chat.transferred': {
      const { agents, groups } = event.data.to;
      // A transfer to a group alone leaves the chat without an agent until one is assigned.
      return { agents: agents ?? (groups ? [] : current.agents), groups: groups ?? current.groups };
    }
    case 'chat.observed': {
      const { agents = current.agents, groups } = event.data.access;
      return { agents, groups };
    }
    case 'chat.updated':
      return { agents: current.agents, groups: event.data.groups ?? current.groups };
    case 'agent.changed': {
      const { agent, replaces } = event.data;
      if (replaces === undefined) return current;
      return { ...current, agents: [...current.agents.filter((id) => id !== replaces && id !== agent.id), agent.id] };
    }
    default:
      return current;
  }
}

function presentAgents(participants: EventData<'chat.started'>['participants']): string[] {
  return participants.filter(({ type, present, hidden }) => type === 'agent' && present && !hidden).map(({ id }) => id);
}

const participantOrder: readonly UserType[] = ['customer', 'agent', 'bot', 'system', 'unknown'];

/** Merges the participants of events in the order they are applied. A later value replaces an earlier one. */
function projectParticipants(events: readonly ConversationEvent[]): Participant[] {
  const participants = new Map<string, Participant>();
  const authoritative = new Set<string>();
  for (const { participant, isTypeAuthoritative, isListed } of events.flatMap(participantMentions)) {
    const before = participants.get(participant.id);
    const type = before && authoritative.has(before.id) && !isTypeAuthoritative ? before.type : participant.type;
    if (isTypeAuthoritative) authoritative.add(participant.id);
    const [older, newer] = isListed ? [participant, before] : [before, participant];
    const fields = before?.fields && { fields: mergeFields(older?.fields ?? {}, newer?.fields ?? {}) };
    participants.set(participant.id, { ...before, ...participant, type, ...fields });
  }
  return [...participants.values()].sort(
    (a, b) => participantOrder.indexOf(a.type) - participantOrder.indexOf(b.type) || compare(a.id, b.id),
  );
}

/** A quarter of the 400 KB item limit of DynamoDB. A customer can set any number of session fields. */
const maxFieldsBytes = 100_000;

/** Merges session fields. Keeps the newest fields, up to 100 KB. */
export function mergeFields(
  older: Readonly<Record<string, string>>,
  newer: Readonly<Record<string, string>>,
): Record<string, string> {
  const unchanged = Object.entries(older).filter(([name]) => !Object.hasOwn(newer, name));
  let bytes = 0;
  const kept = [...unchanged, ...Object.entries(newer)].toReversed().filter((field) => {
    bytes += Buffer.byteLength(JSON.stringify(field));
    return bytes <= maxFieldsBytes;
  });
  return Object.fromEntries(kept.toReversed());
}

interface ParticipantMention {
  readonly participant: Participant;
  /** Whether the type comes from LiveChat; otherwise it is derived from the id. */
  readonly isTypeAuthoritative: boolean;
  /** Whether it comes from LiveChat's API. Its session fields can be stale, so known fields take precedence. */
  readonly isListed?: boolean;
}

function participantMentions(event: ConversationEvent): ParticipantMention[] {
  switch (event.type) {
    case 'chat.started':
      return event.data.participants.map((participant) => ({ participant, isTypeAuthoritative: true }));
    case 'chat.observed':
      return event.data.participants.map((participant) => ({ participant, isTypeAuthoritative: true, isListed: true }));
    case 'agent.changed':
      return [{ participant: event.data.agent, isTypeAuthoritative: event.data.change === 'joined' }];
    case 'participant.changed':
      return [{ participant: event.data.participant, isTypeAuthoritative: event.data.change === 'joined' }];
    default:
      return [];
  }
}

export function latest(times: readonly (string | undefined)[]): string | undefined {
  return times
    .filter((time) => time !== undefined)
    .toSorted()
    .at(-1);
}
