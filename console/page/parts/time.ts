/** Times and durations as people read them. */

const clock = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const day = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' });

const dayMs = 86_400_000;

export function clockOf(iso: string): string {
  return clock.format(new Date(iso));
}

/** The clock for what is less than a day old, else the day too. */
export function shortTime(iso: string, now = Date.now()): string {
  const at = new Date(iso);
  return now - at.getTime() < dayMs ? clock.format(at) : day.format(at);
}

export function wholeTime(iso: string): string {
  return whole.format(new Date(iso));
}

/** The clock, with its day where that is not the day of `first`. */
export function stepTime(iso: string, first = iso): string {
  const at = new Date(iso);
  const sameDay = at.toDateString() === new Date(first).toDateString();
  return sameDay ? clock.format(at) : whole.format(at);
}

const units = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
] as const;

export function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 1) return `${Math.round(ms)} ms`;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  for (const [unit, size] of units) if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  return '';
}

export function ago(iso: string, now = Date.now()): string {
  const ms = now - Date.parse(iso);
  return ms < 1_000 ? 'just now' : `${duration(ms)} ago`;
}
