import type { ConversationEvent } from './facts.ts';

/** When each thread last had a message, by thread id; LiveChat's times. */
export type Activity = Readonly<Record<string, string>>;

export interface Thread {
  readonly id: string;
  readonly status: 'queued' | 'open' | 'idle' | 'closed';
  /** Unknown until the thread's beginning is told. */
  readonly createdAt?: string | undefined;
  readonly previousThreadId?: string | undefined;
  readonly tags: readonly string[];
}

/** One thread with its facts in the order in which they count. `thread` is left out for facts that no thread can claim. */
export interface ThreadFacts {
  readonly thread: Thread | undefined;
  readonly facts: readonly ConversationEvent[];
}

interface Open {
  readonly id: string;
  readonly facts: ConversationEvent[];
  readonly createdAt: string | undefined;
  /** Orders the threads: when it began, or else its latest message, since threads of one chat do not overlap. */
  readonly time: string;
}

/** The threads in the order in which they began, each with its facts. */
export function threadsOf(facts: readonly ConversationEvent[], activity: Activity): ThreadFacts[] {
  const ids = new Set([...Object.keys(activity), ...facts.flatMap(({ data }) => data.threadId ?? [])]);
  const open = [...ids].map((id): Open => {
    const own = facts.filter(({ data }) => data.threadId === id);
    const createdAt = own.flatMap((fact) => (fact.type === 'chat.started' ? fact.data.createdAt : [])).sort()[0];
    return { id, facts: own, createdAt, time: createdAt ?? activity[id] ?? '' };
  });
  open.sort((a, b) => compare(a.time, b.time) || compare(a.id, b.id));
  const unclaimed: ConversationEvent[] = [];
  for (const fact of facts.filter(({ data }) => data.threadId === undefined)) {
    // Without a thread it is about whichever thread there was when it was received.
    const claimant = open.findLast(({ time }) => time <= fact.metadata.receivedAt) ?? open[0];
    (claimant?.facts ?? unclaimed).push(fact);
  }
  const threads = open.map((one) => {
    const ordered = one.facts.sort(inThread);
    return { thread: threadOf(one, ordered, activity[one.id]), facts: ordered };
  });
  return [{ thread: undefined, facts: unclaimed.sort(inThread) }, ...threads];
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** How a thread began comes first, whenever it was received; a transfer into it goes by arrival like the rest. */
function inThread(a: ConversationEvent, b: ConversationEvent): number {
  return (
    Number(begins(b)) - Number(begins(a)) ||
    compare(a.metadata.receivedAt, b.metadata.receivedAt) ||
    compare(a.metadata.id, b.metadata.id)
  );
}

function begins(fact: ConversationEvent): boolean {
  return fact.type === 'chat.started' && fact.data.reason !== 'transferred';
}

function threadOf(
  { id, createdAt }: Open,
  facts: readonly ConversationEvent[],
  lastMessageAt: string | undefined,
): Thread {
  const started = facts.flatMap((fact) => (fact.type === 'chat.started' ? [fact.data] : []));
  return {
    id,
    status: statusOf(facts, lastMessageAt),
    createdAt,
    previousThreadId: started.find((data) => data.previousThreadId)?.previousThreadId,
    tags: tagsOf(facts),
  };
}

function statusOf(facts: readonly ConversationEvent[], lastMessageAt: string | undefined): Thread['status'] {
  if (facts.some(closes)) return 'closed';
  const idleSince = facts
    .flatMap((fact) => (fact.type === 'idle' ? fact.data.at : []))
    .sort()
    .at(-1);
  if (idleSince !== undefined && !(lastMessageAt !== undefined && lastMessageAt > idleSince)) return 'idle';
  return facts.reduce(queuedAfter, false) ? 'queued' : 'open';
}

/** Closing is for good, whatever else arrives later. */
function closes(fact: ConversationEvent): boolean {
  return fact.type === 'chat.deactivated' || (fact.type === 'chat.started' && !fact.data.active);
}

/** Queued from when a queue is given until an agent comes. */
function queuedAfter(queued: boolean, fact: ConversationEvent): boolean {
  if (fact.type === 'chat.started') return fact.data.queue !== undefined;
  if (fact.type === 'chat.transferred')
    return fact.data.queue !== undefined || (queued && !fact.data.to.agents?.length);
  if (fact.type !== 'agent.changed' || fact.data.change !== 'joined') return queued;
  return fact.data.agent.type === 'agent' && !fact.data.agent.hidden ? false : queued;
}

function tagsOf(facts: readonly ConversationEvent[]): string[] {
  const tags = new Set<string>();
  for (const fact of facts) {
    if (fact.type === 'chat.started') for (const tag of fact.data.tags) tags.add(tag);
    if (fact.type !== 'chat.updated') continue;
    if (fact.data.tag !== undefined) tags.add(fact.data.tag);
    if (fact.data.untag !== undefined) tags.delete(fact.data.untag);
  }
  return [...tags].sort();
}
