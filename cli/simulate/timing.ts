import { type Clock, systemClock } from '../../core/platform/clock.ts';

/** Allows calls at even intervals without bursts: resolves when the next call is allowed. Without a rate it never waits. */
export const createThrottle = (
  perSecond: number | undefined,
  { now, sleep }: Pick<Clock, 'now' | 'sleep'> = systemClock,
) => {
  if (perSecond === undefined) return async () => {};
  let next = now();
  return async () => {
    const at = Math.max(next, now());
    next = at + 1000 / perSecond;
    const wait = at - now();
    if (wait > 0) await sleep(wait);
  };
};

/** The nearest-rank percentile; 0 for an empty list. */
export const percentile = (values: readonly number[], percent: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
  return sorted[rank - 1] ?? 0;
};

/** Rounds to one decimal place. */
export const round1 = (value: number): number => Math.round(value * 10) / 10;

/** The median and the 99th percentile of call times in ms. */
export const latency = (times: readonly number[]) => ({
  p50Ms: round1(percentile(times, 50)),
  p99Ms: round1(percentile(times, 99)),
});
