/** The maximum delay of Node's timers. A timer with a longer delay fires immediately. */
const maxTimerMs = 2 ** 31 - 1;

/** At most 24 days, longer than any engine runs. */
export function timerMs(ms: number): number {
  return Math.min(Math.max(0, ms), maxTimerMs);
}
