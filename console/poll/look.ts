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

/** What is stored late, or shows in an index late, is dated up to this long before what has been seen already. */
const overlapMs = 60_000;

/** From when on the next look must look, where `latest` is the time of the latest that is known; ISO 8601. */
export function windowBefore(latest: string, now: number): string {
  const at = Date.parse(latest);
  // One wrong date, far ahead, must not hide everything else.
  return new Date(Math.min(Number.isNaN(at) ? now : at, now) - overlapMs).toISOString();
}

export function later(a: string, b: string): string {
  return a > b ? a : b;
}

/** An event as the bus would have told it, without its content. */
export const eventOf = (
  at: string,
  detailType: string,
  data: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, unknown>> = {},
): Activity => ({ type: 'event', at, detailType, detail: { data }, ...more });
