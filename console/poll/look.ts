import type { Activity } from '../stream.ts';

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
