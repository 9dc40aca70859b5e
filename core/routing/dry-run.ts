import * as z from 'zod/mini';
import { beginningsOf, listConversations, statuses } from '../conversations/queries.ts';
import { formAnswer } from '../events/schemas.ts';
import { type StoredMessage, threadMessages } from '../messages/queries.ts';
import type { ConversationKey } from '../outbound/queue.ts';
import { factsOf, isToBeRouted, type RoutingFacts } from './facts.ts';
import { type DryRun, dryRun, isDifferent } from './plan.ts';
import type { RuleSet } from './rules.ts';

/** What rules would have done with a conversation's latest thread, beside what those in force do. */
export interface DryRunComparison {
  readonly conversationId: string;
  readonly threadId: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly inForce: DryRun;
  readonly candidate: DryRun;
  readonly differs: boolean;
}

export interface DryRunOptions {
  readonly organizationId: string;
  readonly inForce: RuleSet;
  readonly candidate: RuleSet;
  /** Those with the latest activity where they are left out. */
  readonly conversationIds?: readonly string[] | undefined;
  readonly limit: number;
  /** Called after each conversation. */
  readonly onTried?: (() => void) | undefined;
}

/** As many at a time as one process reads without getting in its own way. */
const together = 10;

/** Holds rules against stored conversations. One in which no thread was the customer's to begin is left out. */
export async function compareRules(options: DryRunOptions): Promise<DryRunComparison[]> {
  const { organizationId, conversationIds, limit } = options;
  const ids = conversationIds ?? (await listConversations(organizationId, statuses, limit)).map(({ id }) => id);
  const results: DryRunComparison[] = [];
  for (let first = 0; first < ids.length; first += together) {
    const some = ids.slice(first, first + together);
    const tried = await Promise.all(some.map((conversationId) => tryOn({ organizationId, conversationId }, options)));
    results.push(...tried.flatMap((trial) => trial ?? []));
  }
  return results;
}

async function tryOn(
  key: ConversationKey,
  { inForce, candidate, onTried }: DryRunOptions,
): Promise<DryRunComparison | undefined> {
  const started = (await beginningsOf(key)).findLast(isToBeRouted);
  const said = started ? await threadMessages({ ...key, threadId: started.threadId }) : [];
  onTried?.();
  if (!started) return undefined;
  const facts = withSaid(factsOf(started), said);
  const now = dryRun(inForce, facts);
  const then = dryRun(candidate, facts);
  const { conversationId, threadId, createdAt: startedAt } = started;
  return { conversationId, threadId, startedAt, inForce: now, candidate: then, differs: isDifferent(now, then) };
}

const filled = z.object({ answers: z.array(formAnswer) });

/** What the customer said is kept with the messages. */
function withSaid(facts: RoutingFacts, messages: readonly StoredMessage[]): RoutingFacts {
  const said = messages.filter(({ author }) => author.type === 'customer');
  const answers = said.flatMap(({ metadata }) => filled.safeParse(metadata).data?.answers ?? []);
  const message = said.flatMap(({ type, content }) => (type === 'text' && typeof content === 'string' ? content : []));
  return { ...facts, answers, message: message[0] };
}
