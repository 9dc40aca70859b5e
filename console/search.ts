import type { ConversationSummary } from '../core/conversations/queries.ts';

/** How many conversations one request examines, to bound its response time. */
const defaultBudget = 2_000;

interface SearchOptions {
  readonly text: string;
  /** Maximum number of matches to return. */
  readonly limit: number;
  /** Maximum number of conversations to examine. */
  readonly budget?: number;
  /** Aborted when the client disconnects. */
  readonly signal?: AbortSignal;
}

/**
 * Examines conversations until the limit or the budget is reached, or none are left. `searched`: how many were examined.
 * `searchedTo`: the last activity of the last one. Repeating it after `last` until there is no `last` returns each match once.
 */
export async function search(
  candidates: AsyncIterable<ConversationSummary>,
  { text, limit, budget = defaultBudget, signal }: SearchOptions,
) {
  const conversations: ConversationSummary[] = [];
  let searched = 0;
  let searchedTo: string | undefined;
  for await (const last of candidates) {
    searched += 1;
    searchedTo = last.lastActivityAt;
    if (matchesSearch(last, text)) conversations.push(last);
    if (searched === budget || conversations.length === limit || signal?.aborted) {
      return { conversations, searched, searchedTo, last };
    }
  }
  return { conversations, searched, searchedTo };
}

/** Whether the text is part of the conversation's id, or of a participant's name, e-mail or id, in any case. */
export function matchesSearch(
  { id, participants }: Pick<ConversationSummary, 'id' | 'participants'>,
  search: string,
): boolean {
  const text = search.trim().toLowerCase();
  const texts = [id, ...participants.flatMap(({ id: user, name, email }) => [user, name, email])];
  return texts.some((value) => value?.toLowerCase().includes(text));
}
