import { type Archived, list } from '../../core/outbound/dead-letters/store.ts';
import type { Activity, Subscribe } from '../live-stream.ts';
import { watchConversations } from './conversations.ts';
import { watchRuns } from './executions.ts';

const pollMs = 2_000;

/**
 * What happens on a deployed stage, from its tables: a laptop cannot receive the bus. Tells of each change once, in the
 * terms of the bus. `report` is told when a look fails, and the next one is tried all the same.
 */
export function pollStage(report: (message: string) => void): Subscribe {
  const listeners = new Set<(activity: Activity) => void>();
  const watches = [watchConversations(), watchLetters(), watchRuns()];

  const turn = async (): Promise<void> => {
    const now = Date.now();
    const looks = await Promise.allSettled(watches.map((watch) => watch(now)));
    for (const look of looks) {
      if (look.status === 'rejected') report(`The stage could not be read: ${wordsOf(look.reason)}`);
      else for (const activity of look.value.found) tell(activity);
    }
    if (looks.some((look) => look.status === 'fulfilled' && look.value.sampled)) {
      tell({ type: 'sampled', at: new Date(now).toISOString() });
    }
    setTimeout(turn, pollMs).unref();
  };
  const tell = (activity: Activity) => {
    for (const listener of listeners) listener(activity);
  };
  void turn();

  return (listener) => {
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  };
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

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

/** What one look at the stage has brought. */
export interface Look {
  readonly found: readonly Activity[];
  /** There was more than a look takes in: what was found is the latest of it. */
  readonly sampled: boolean;
}

/** Looks at the stage; each change is found once. The first look only learns what has been there before. Times are ms since 1970. */
export type Watch = (now: number) => Promise<Look>;

/** As much as one look takes in of each kind: what a laptop reads in two seconds without getting behind. */
export const mostInALook = 1_000;

/** What is stored late, or shows in an index late, is late by no more than this. */
const lateMs = 60_000;
/** A date further ahead is wrong, whatever the clock of this machine says; one such must not hide everything else. */
const wrongMs = 3_600_000;

interface Mark {
  /** ms since 1970 */
  readonly seenAt: number;
  readonly latest: string;
}

/**
 * How far back a look must go, by the times that are stored (ISO 8601): to what was the latest a minute ago, since what is
 * older than that has been seen, or is too late. So a look reads the last minute's, and next to nothing while nothing happens.
 */
export function createHorizon() {
  let marks: readonly Mark[] = [];

  return {
    /** What was found, the latest first. The first of these are what has been there before. */
    note(times: readonly string[], now: number): void {
      const latest = times.find((time) => Date.parse(time) <= now + wrongMs);
      const known = marks.at(-1)?.latest;
      if (latest !== undefined && (known === undefined || latest > known)) marks = [...marks, { seenAt: now, latest }];
    },
    since(now: number): string {
      const settled = marks.findLastIndex(({ seenAt }) => seenAt <= now - lateMs);
      if (settled >= 0) marks = marks.slice(settled);
      const [first] = marks;
      if (!first) return '0';
      return settled >= 0 ? first.latest : new Date(Date.parse(first.latest) - lateMs).toISOString();
    },
  };
}

/** An event as the bus would have told it, without its content. */
export const eventOf = (
  at: string,
  detailType: string,
  data: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, unknown>> = {},
): Activity => ({ type: 'event', at, detailType, detail: { data }, ...more });
