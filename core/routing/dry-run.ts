import pLimit from 'p-limit';
import * as z from 'zod/mini';
import { statuses } from '../conversations/projection.ts';
import { listConversations, listThreadStarts } from '../conversations/queries.ts';
import { canonicalJson } from '../events/ids.ts';
import { formAnswer } from '../events/schemas.ts';
import { listThreadMessages, type StoredMessage } from '../messages/queries.ts';
import { factsAtStart, isRoutable, type RoutingFacts } from './facts.ts';
import { type Evaluation, evaluateRules, type RuleSet } from './rules.ts';

/** What two rule sets would do with a thread. */
export interface DryRun {
  readonly active: Evaluation;
  readonly candidate: Evaluation;
  /** Whether the actions differ; names of rules do not count. */
  readonly differs: boolean;
}

/** Evaluates two rule sets without acting. Pure. */
export function compareRules(active: RuleSet, candidate: RuleSet, facts: RoutingFacts): DryRun {
  const [before, after] = [evaluateRules(active, facts), evaluateRules(candidate, facts)];
  const effect = ({ actions, waitsFrom }: Evaluation) =>
    canonicalJson([actions.map(({ rule: _, ...action }) => action), waitsFrom !== undefined]);
  return { active: before, candidate: after, differs: effect(before) !== effect(after) };
}

export interface ThreadDryRun extends DryRun {
  readonly conversationId: string;
  readonly threadId: string;
  /** ISO 8601. */
  readonly startedAt: string;
}

export interface DryRunOptions {
  readonly organizationId: string;
  readonly active: RuleSet;
  readonly candidate: RuleSet;
  /** Default: those with the latest activity. */
  readonly conversationIds?: readonly string[] | undefined;
  readonly limit: number;
  /** Called after each conversation. */
  readonly onProgress?: (() => void) | undefined;
}

/** Of conversations. */
const maxConcurrentReads = 10;

/** Compares two rule sets on the latest routable thread of each stored conversation; conversations without one are omitted. */
export async function dryRunConversations(options: DryRunOptions): Promise<ThreadDryRun[]> {
  const { organizationId, conversationIds, limit, active, candidate, onProgress } = options;
  const dryRunConversation = async (conversationId: string): Promise<ThreadDryRun[]> => {
    const key = { organizationId, conversationId };
    const started = (await listThreadStarts(key)).findLast(isRoutable);
    const messages = started ? await listThreadMessages({ ...key, threadId: started.threadId }) : [];
    onProgress?.();
    if (!started) return [];
    const { threadId, createdAt: startedAt } = started;
    const facts = withMessages(factsAtStart(started), messages);
    return [{ conversationId, threadId, startedAt, ...compareRules(active, candidate, facts) }];
  };
  const ids = conversationIds ?? (await listConversations(organizationId, statuses, limit)).map(({ id }) => id);
  return (await pLimit(maxConcurrentReads).map(ids, dryRunConversation)).flat();
}

const filledForm = z.object({ answers: z.array(formAnswer) });

/** Stored start events omit the customer's messages and answers, which are stored with the messages. */
function withMessages(facts: RoutingFacts, messages: readonly StoredMessage[]): RoutingFacts {
  const byCustomer = messages.filter(({ author }) => author.type === 'customer');
  const answers = byCustomer.flatMap(({ metadata }) => filledForm.safeParse(metadata).data?.answers ?? []);
  const texts = byCustomer.flatMap(({ type, content }) =>
    type === 'text' && typeof content === 'string' ? content : [],
  );
  return { ...facts, answers, message: texts[0] };
}
