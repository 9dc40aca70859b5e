import { type Archived, list } from '../../core/outbound/dead-letters/store.ts';
import type { Activity } from '../stream.ts';
import { createHorizon, eventOf, mostInALook, type Watch } from './look.ts';

const pageSize = 100;

/** What becomes a dead letter. While nothing does, a look is one small query. */
export function watchLetters(most = mostInALook): Watch {
  /** When each was kept, by id. */
  let seen: ReadonlyMap<string, string> | undefined;
  const horizon = createHorizon();
  /** The look before has left something for this one. */
  let behind = false;

  /** From the latest back to those that are known. */
  async function unknown(
    known: ReadonlyMap<string, string> | undefined,
    since: string,
  ): Promise<{ fresh: Archived[]; more: boolean }> {
    const fresh: Archived[] = [];
    let from: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof list>> = await list('open', { limit: pageSize, since, from });
      const news = page.letters.filter(({ id }) => !known?.has(id));
      fresh.push(...news);
      from = news.length > 0 || behind ? (page.next ?? null) : null;
    } while (from !== null && (!known || fresh.length < most));
    return { fresh, more: from !== null };
  }

  return async (now) => {
    const isFirst = !seen;
    if (isFirst) horizon.note(timesOf((await list('open', { limit: 1 })).letters), now);
    const since = horizon.since(now);
    const { fresh, more } = await unknown(seen, since);
    horizon.note(timesOf(fresh), now);
    const all = [...(seen ?? []), ...fresh.map(({ id, createdAt }) => [id, createdAt] as const)];
    seen = new Map(all.filter(([, createdAt]) => createdAt >= since));
    behind = more;
    return { found: isFirst ? [] : fresh.map(activityOf), sampled: behind };
  };
}

const timesOf = (letters: readonly Archived[]) => letters.map(({ createdAt }) => createdAt);

function activityOf({ id, createdAt, conversationId }: Archived): Activity {
  return eventOf(createdAt, 'message.failed', { conversationId, deadLetterId: id });
}
