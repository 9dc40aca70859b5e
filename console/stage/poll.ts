import { type Archived, list } from '../../core/outbound/dead-letters/store.ts';
import type { Activity, Subscribe } from '../flow.ts';
import { type ChangePoll, createHorizon, eventActivity, maxChangesPerPoll } from './changes.ts';
import { pollConversations } from './conversations.ts';
import { pollExecutions } from './executions.ts';

const pollMs = 2_000;

/**
 * Reports the activity of a deployed stage by polling its tables, because a laptop cannot subscribe to the bus. Each change
 * is reported once, as the domain event that caused it. `onError` receives the failure of a poll; polling continues.
 */
export function pollStage(onError: (message: string) => void): Subscribe {
  const listeners = new Set<(activity: Activity) => void>();
  const polls = [pollConversations(), pollDeadLetters(), pollExecutions()];
  const notify = (activity: Activity) => {
    for (const listener of listeners) listener(activity);
  };
  const pollAll = async (): Promise<void> => {
    const now = Date.now();
    const results = await Promise.allSettled(polls.map((poll) => poll(now)));
    for (const result of results) {
      if (result.status === 'rejected') onError(`Cannot read the stage: ${describeError(result.reason)}`);
      else for (const activity of result.value.found) notify(activity);
    }
    if (results.some((result) => result.status === 'fulfilled' && result.value.sampled)) {
      notify({ type: 'sampled', at: new Date(now).toISOString() });
    }
    setTimeout(pollAll, pollMs).unref();
  };
  void pollAll();

  return (listener) => {
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  };
}

function describeError(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

const pageSize = 100;

/** Reports new dead letters. A poll without any is one small query. */
export function pollDeadLetters(max = maxChangesPerPoll): ChangePoll {
  /** Creation times by id. */
  let known: ReadonlyMap<string, string> | undefined;
  const horizon = createHorizon();
  /** Whether the previous poll stopped before it had read everything. */
  let behind = false;

  /** Reads from the latest back to the known ones. */
  async function readNew(since: string): Promise<{ created: Archived[]; more: boolean }> {
    const created: Archived[] = [];
    let from: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof list>> = await list('open', { limit: pageSize, since, from });
      const unknown = page.letters.filter(({ id }) => !known?.has(id));
      created.push(...unknown);
      from = unknown.length > 0 || behind ? (page.next ?? null) : null;
    } while (from !== null && (!known || created.length < max));
    return { created, more: from !== null };
  }

  return async (now) => {
    const isFirst = !known;
    if (isFirst) horizon.record(creationTimes((await list('open', { limit: 1 })).letters), now);
    const since = horizon.since(now);
    const { created, more } = await readNew(since);
    horizon.record(creationTimes(created), now);
    const all = [...(known ?? []), ...created.map(({ id, createdAt }) => [id, createdAt] as const)];
    known = new Map(all.filter(([, createdAt]) => createdAt >= since));
    behind = more;
    return { found: isFirst ? [] : created.map(failedEvent), sampled: behind };
  };
}

const creationTimes = (deadLetters: readonly Archived[]) => deadLetters.map(({ createdAt }) => createdAt);

function failedEvent({ id, createdAt, conversationId }: Archived): Activity {
  return eventActivity(createdAt, 'message.failed', { conversationId, deadLetterId: id });
}
