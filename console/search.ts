import type { ConversationSummary } from '../core/conversations/queries.ts';

/** How many conversations one request looks through: more would keep the reader waiting. */
export const mostSearched = 2_000;

export interface Found {
  /** In the order of the walk. */
  readonly conversations: readonly ConversationSummary[];
  /** How many were looked at. */
  readonly searched: number;
  /** The time of activity of the last of them. */
  readonly searchedTo?: string;
  /** The last one that was looked at, after which the search goes on; left out where all have been. */
  readonly last?: ConversationSummary;
}

export interface Search {
  readonly wanted: string;
  /** How many hits are enough. */
  readonly most: number;
  /** How many to look through at most. */
  readonly budget?: number;
  /** Nobody waits for the answer any more. */
  readonly signal?: AbortSignal;
}

/**
 * Looks through conversations until enough are found, the budget is spent, or there are no more. Whoever goes on after
 * `last` until there is none meets each hit once.
 */
export async function search(
  walk: AsyncIterable<ConversationSummary>,
  { wanted, most, budget = mostSearched, signal }: Search,
): Promise<Found> {
  const conversations: ConversationSummary[] = [];
  let searched = 0;
  let searchedTo: Pick<Found, 'searchedTo'> = {};
  for await (const last of walk) {
    searched += 1;
    searchedTo = { searchedTo: last.lastActivityAt };
    if (isMeant(last, wanted)) conversations.push(last);
    if (searched === budget || conversations.length === most || signal?.aborted) {
      return { conversations, searched, ...searchedTo, last };
    }
  }
  return { conversations, searched, ...searchedTo };
}

/** Whether a conversation is the one somebody looks for: by its id, or a participant's name, address or id. */
export function isMeant({ id, participants }: ConversationSummary, wanted: string): boolean {
  const text = wanted.trim().toLowerCase();
  const texts = [id, ...participants.flatMap(({ id: user, name, email }) => [user, name, email])];
  return texts.some((one) => one?.toLowerCase().includes(text));
}
