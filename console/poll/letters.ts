import { type Archived, list } from '../../core/outbound/dead-letters/store.ts';
import type { Activity } from '../stream.ts';
import { eventOf, later, mostInALook, type Watch, windowBefore } from './look.ts';

const pageSize = 50;

/** What becomes a dead letter. While nothing does, a look is one small query. */
export function watchLetters(most = mostInALook): Watch {
  /** When each was kept, by id. */
  let seen: ReadonlyMap<string, string> | undefined;
  let since = '0';

  /** From the latest back to those that are known. */
  async function unknown(known: ReadonlyMap<string, string>): Promise<{ fresh: Archived[]; more: boolean }> {
    const fresh: Archived[] = [];
    let from: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof list>> = await list('open', { limit: pageSize, since, from });
      const news = page.letters.filter(({ id }) => !known.has(id));
      fresh.push(...news);
      from = news.length > 0 ? (page.next ?? null) : null;
    } while (from !== null && fresh.length < most);
    return { fresh, more: from !== null };
  }

  return async (now) => {
    if (!seen) since = await beginning(now);
    const isFirst = !seen;
    const { fresh, more } = await unknown(seen ?? new Map());
    const [latest] = fresh;
    if (latest) since = later(since, windowBefore(latest.createdAt, now));
    const all = [...(seen ?? []), ...fresh.map(({ id, createdAt }) => [id, createdAt] as const)];
    seen = new Map(all.filter(([, createdAt]) => createdAt >= since));
    return isFirst ? { found: [], sampled: false } : { found: fresh.map(activityOf), sampled: more };
  };
}

async function beginning(now: number): Promise<string> {
  const [latest] = (await list('open', { limit: 1 })).letters;
  return latest ? windowBefore(latest.createdAt, now) : '0';
}

function activityOf({ id, createdAt, conversationId }: Archived): Activity {
  return eventOf(createdAt, 'message.failed', { conversationId, deadLetterId: id });
}
