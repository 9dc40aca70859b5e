import { type ConversationSummary, findConversations, latestFirst } from '../core/conversations/queries.ts';

/** How many conversations one request looks through: more would keep the reader waiting. */
export const mostSearched = 2_000;

/** Whether a conversation is the one somebody looks for: by its id, or a participant's name, address or id. */
export function isMeant({ id, participants }: ConversationSummary, wanted: string): boolean {
  const text = wanted.trim().toLowerCase();
  const texts = [id, ...participants.flatMap(({ id: user, name, email }) => [user, name, email])];
  return texts.some((one) => one?.toLowerCase().includes(text));
}

export interface Found {
  readonly conversations: readonly ConversationSummary[];
  /** The last one that was looked at, where there are more. */
  readonly last: ConversationSummary | undefined;
}

type Page = (after: ConversationSummary | undefined, most: number) => Promise<readonly ConversationSummary[]>;

/** Looks through the conversations by latest activity until enough are found. One whose id is given whole comes first. */
export async function search(wanted: string, most: number, isFirst: boolean, page: Page): Promise<Found> {
  const exact = isFirst ? await findConversations(wanted.trim()) : [];
  const found: ConversationSummary[] = [];
  let last: ConversationSummary | undefined;
  for (let searched = 0; searched < mostSearched; ) {
    const some = await page(last, 500);
    for (const one of some) {
      last = one;
      if (!isMeant(one, wanted) || exact.some(({ id }) => id === one.id)) continue;
      found.push(one);
      if (found.length === most) return { conversations: latestFirst([...exact, ...found]), last };
    }
    searched += some.length;
    if (some.length < 500) return { conversations: latestFirst([...exact, ...found]), last: undefined };
  }
  return { conversations: latestFirst([...exact, ...found]), last };
}
