/** Formats times, durations and counts. */

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium', hourCycle: 'h23' });
const day = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});
const withZone = {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
  timeZoneName: 'short',
} as const;
const zonedClock = new Intl.DateTimeFormat(undefined, withZone);
const full = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric', ...withZone });

/** The browser's time zone, such as `CET` or `GMT+2`, in which the page shows all times. */
export function timeZone(): string {
  return full.formatToParts().find(({ type }) => type === 'timeZoneName')?.value ?? 'UTC';
}

const dayMs = 86_400_000;

export function clockTime(iso: string): string {
  return clock.format(new Date(iso));
}

/** The time of day, with the date if it is more than a day ago. */
export function shortTime(iso: string, now = Date.now()): string {
  const at = new Date(iso);
  return now - at.getTime() < dayMs ? clock.format(at) : day.format(at);
}

/** With the date and the time zone. */
export function fullTime(iso: string): string {
  return full.format(new Date(iso));
}

/** The time of day, with the date if it is not the day of `first`. */
export function stepTime(iso: string, first = iso): string {
  return isSameDay(iso, first) ? clock.format(new Date(iso)) : full.format(new Date(iso));
}

/** A time in a sentence: with the time zone, and with the date if it is not the day of `now`. */
export function timeInText(iso: string, now = new Date().toISOString()): string {
  return isSameDay(iso, now) ? zonedClock.format(new Date(iso)) : full.format(new Date(iso));
}

const isSameDay = (a: string, b: string) => new Date(a).toDateString() === new Date(b).toDateString();

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
