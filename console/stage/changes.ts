import { take } from '../../core/conversations/queries.ts';
import type { Activity } from '../flow.ts';

/** The changes that one poll of the stage found. */
export interface Changes {
  readonly found: readonly Activity[];
  /** Whether there were more than one poll reads; `found` then holds the latest of them. */
  readonly sampled: boolean;
}

/**
 * Polls the stage and returns each change once. The first poll only records what exists already.
 *
 * @param now ms since 1970
 */
export type ChangePoll = (now: number) => Promise<Changes>;

/** Maximum number of changes of one kind per poll: as many as a laptop reads within two seconds. */
export const maxChangesPerPoll = 1_000;

/** The longest delay between an item's own time and the moment it appears in an index. */
const maxIndexDelayMs = 60_000;
/** Times further ahead than this are ignored as wrong, because one of them would hide all later items. */
const maxClockErrorMs = 3_600_000;

interface Mark {
  /** ms since 1970 */
  readonly seenAt: number;
  readonly latest: string;
}

/**
 * Tracks how far back a poll must read, by stored times (ISO 8601): to the latest item known a minute ago. Older items have
 * been reported, or are older than the longest index delay. A poll of an idle stage therefore reads almost nothing.
 */
export function createHorizon() {
  let marks: readonly Mark[] = [];

  return {
    /** Records the times of the items found, latest first. The first call records what existed before. */
    record(times: readonly string[], now: number): void {
      const latest = times.find((time) => Date.parse(time) <= now + maxClockErrorMs);
      const known = marks.at(-1)?.latest;
      if (latest !== undefined && (known === undefined || latest > known)) marks = [...marks, { seenAt: now, latest }];
    },
    since(now: number): string {
      const current = marks.findLastIndex(({ seenAt }) => seenAt <= now - maxIndexDelayMs);
      if (current >= 0) marks = marks.slice(current);
      const [first] = marks;
      if (!first) return '0';
      return current >= 0 ? first.latest : new Date(Date.parse(first.latest) - maxIndexDelayMs).toISOString();
    },
  };
}

interface RecentItems<Item, State> {
  /** Iterates from the latest item back to `since` (ISO 8601), or over all without it. `now`: ms since 1970. */
  iterate(query: { since?: string; pageSize: number; now: number }): AsyncIterable<Item>;
  key(item: Item): string;
  /** ISO 8601. */
  time(item: Item): string;
  isReported(item: Item, state: State): boolean;
  /** The state of an item that existed before the first poll, which is not reported. */
  initial(item: Item): State;
  /** Reads what has changed since `state`; since the given time if the item has no state. */
  read(item: Item, state: State | undefined, since: string): Promise<Change<State>>;
}

interface Change<State> {
  readonly found: readonly Activity[];
  readonly state: State;
}

const pageSize = 100;

/** Polls a list of items in order of time. A poll without changes reads about one item. */
export function pollRecent<Item, State>(items: RecentItems<Item, State>, max = maxChangesPerPoll): ChangePoll {
  const { iterate, key, time, isReported, initial, read } = items;
  const horizon = createHorizon();
  let states: ReadonlyMap<string, { readonly at: string; readonly state: State }> | undefined;
  /** Whether the previous poll stopped before it had read everything. */
  let behind = false;

  /** Reads from the latest back, until `max` items in a row are reported already. The first poll reads the whole horizon. */
  async function readChanged(since: string, now: number): Promise<Item[]> {
    const changed: Item[] = [];
    let reportedInARow = 0;
    for await (const item of iterate({ since, pageSize, now })) {
      const known = states?.get(key(item));
      const reported = known !== undefined && isReported(item, known.state);
      reportedInARow = reported ? reportedInARow + 1 : 0;
      if (!reported) changed.push(item);
      if (states && (changed.length === max || (reportedInARow === max && !behind))) break;
    }
    return changed;
  }

  return async (now) => {
    const before = states;
    if (!before) horizon.record((await take(iterate({ pageSize: 1, now }), 1)).map(time), now);
    const since = horizon.since(now);
    const changed = await readChanged(since, now);
    const changes = await Promise.all(
      changed.map(async (item) => {
        const known = before?.get(key(item))?.state;
        const change = before ? await read(item, known, since) : { found: [], state: initial(item) };
        return { ...change, key: key(item), at: time(item) };
      }),
    );
    horizon.record(changed.map(time), now);
    const all = [...(before ?? []), ...changes.map(({ key: id, at, state }) => [id, { at, state }] as const)];
    states = new Map(all.filter(([, { at }]) => at >= since));
    behind = before !== undefined && changed.length === max;
    return { found: changes.flatMap(({ found }) => found), sampled: behind };
  };
}

/** A domain event as published on the bus, without its content. */
export const eventActivity = (
  at: string,
  detailType: string,
  data: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, unknown>> = {},
): Activity => ({ type: 'event', at, detailType, detail: { data }, ...more });

interface StorageTimes {
  readonly receivedAt?: string | undefined;
  readonly storedAt?: string | undefined;
}

/** The time in ms from the receipt of a message's webhook until the message was stored; undefined if it is not recorded. */
export function storageDelayMs({ receivedAt, storedAt }: StorageTimes): number | undefined {
  if (receivedAt === undefined || storedAt === undefined) return undefined;
  const ms = Date.parse(storedAt) - Date.parse(receivedAt);
  return ms >= 0 ? ms : undefined;
}
