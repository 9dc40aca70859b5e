/** Formats times, durations and counts. */

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium', hourCycle: 'h23' });
const day = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' });

const dayMs = 86_400_000;

export function clockTime(iso: string): string {
  return clock.format(new Date(iso));
}

/** The time of day, with the date if it is more than a day ago. */
export function shortTime(iso: string, now = Date.now()): string {
  const at = new Date(iso);
  return now - at.getTime() < dayMs ? clock.format(at) : day.format(at);
}

export function fullTime(iso: string): string {
  return full.format(new Date(iso));
}

/** The time of day, with the date if it is not the day of `first`. */
export function stepTime(iso: string, first = iso): string {
  const at = new Date(iso);
  const sameDay = at.toDateString() === new Date(first).toDateString();
  return sameDay ? clock.format(at) : full.format(at);
}

export function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 1) return `${Math.round(ms)} ms`;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

export function ago(iso: string, now = Date.now()): string {
  const ms = now - Date.parse(iso);
  return ms < 1_000 ? 'just now' : `${duration(ms)} ago`;
}

/** "1 message", "2,000 messages". */
export function count(number: number, noun: string): string {
  return `${number.toLocaleString()} ${noun}${number === 1 ? '' : 's'}`;
}
