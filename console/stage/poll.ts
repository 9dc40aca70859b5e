import { type DeadLetterSummary, iterateDeadLetters } from '../../core/outbound/dead-letter.ts';
import type { Subscribe } from '../flow.ts';
import { findCause } from '../http.ts';
import { type ChangePoll, type Changes, eventActivity, pollRecent } from './changes.ts';
import { pollConversations } from './conversations.ts';
import { pollExecutions } from './executions.ts';

const pollMs = 2_000;

/**
 * Reports the activity of a deployed stage by polling its tables, because a laptop cannot subscribe to the bus. It reports
 * each change once, as the domain event that caused it, and each complete poll as `polled`. Calls `onError` only for a new
 * failure, because expired credentials fail every poll. Polling continues.
 */
export function pollStage(onError: (message: string) => void): Subscribe {
  const polls = [pollConversations(), pollDeadLetters(), pollExecutions()];
  let before: ReadonlySet<string> = new Set();
  const pollOnce = async (now: number): Promise<Changes[]> => {
    const failures = new Set<string>();
    const results = await Promise.all(
      polls.map((poll) => poll(now).catch((error) => void failures.add(describeError(error)))),
    );
    for (const failure of failures) if (!before.has(failure)) onError(`Cannot read the stage: ${failure}`);
    before = failures;
    return results.flatMap((changes) => changes ?? []);
  };
  return (listener) => {
    const pollAll = async (): Promise<void> => {
      const now = Date.now();
      const at = new Date(now).toISOString();
      const changes = await pollOnce(now);
      for (const activity of changes.flatMap(({ found }) => found)) listener(activity);
      if (changes.some(({ sampled }) => sampled)) listener({ type: 'sampled', at });
      if (changes.length === polls.length) listener({ type: 'polled', at });
      setTimeout(pollAll, pollMs).unref();
    };
    void pollAll();
  };
}

function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { name, message } = findCause(error);
  return `${name}: ${message}`;
}

/** Reports new dead letters. A poll without any is one small query. */
export function pollDeadLetters(max?: number): ChangePoll {
  return pollRecent<DeadLetterSummary, undefined>(
    {
      iterate: (query) => iterateDeadLetters('open', query),
      key: ({ id }) => id,
      time: ({ createdAt }) => createdAt,
      isReported: () => true,
      initial: () => undefined,
      read: async ({ id, createdAt, conversationId }) => ({
        found: [eventActivity(createdAt, 'message.failed', { conversationId, deadLetterId: id })],
        state: undefined,
      }),
    },
    max,
  );
}
