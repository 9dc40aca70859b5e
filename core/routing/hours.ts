export const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Day = (typeof days)[number];

export interface OpeningHours {
  /** IANA name, such as Europe/Warsaw. */
  readonly timeZone: string;
  /** Intervals such as `09:00-17:00` in local time. An interval that ends before it starts continues into the next day. */
  readonly open: Readonly<Partial<Record<Day, readonly string[]>>>;
  /** Dates, as YYYY-MM-DD, on which no interval starts. */
  readonly closedOn?: readonly string[] | undefined;
}

const dayMs = 86_400_000;
const minutesPerDay = 1440;
const intervalPattern = /^(\d\d):(\d\d)-(\d\d):(\d\d)$/;

/** Parses an interval into minutes since midnight; undefined if it is invalid. `to` may be less than `from`. */
export function parseInterval(text: string): { from: number; to: number } | undefined {
  const [, ...digits] = intervalPattern.exec(text) ?? [];
  const [fromHour = 99, fromMinute = 0, toHour = 99, toMinute = 0] = digits.map(Number);
  const [from, to] = [fromHour * 60 + fromMinute, toHour * 60 + toMinute];
  const valid = fromMinute < 60 && toMinute < 60 && from < minutesPerDay && to <= minutesPerDay && from !== to;
  return valid ? { from, to } : undefined;
}

/** Whether the hours include an instant; undefined for an invalid date. Compares local times, so daylight saving needs no special case. */
export function isOpen(hours: OpeningHours, instant: Date): boolean | undefined {
  if (Number.isNaN(instant.getTime())) return undefined;
  const { day, minute } = localTime(instant, hours.timeZone);
  const today = intervalsStartingOn(day, hours).some(({ from, to }) => from <= minute && (minute < to || to < from));
  return today || intervalsStartingOn(day - dayMs, hours).some(({ from, to }) => to < from && minute < to);
}

/** @param day the day's midnight in UTC, ms since 1970 */
function intervalsStartingOn(day: number, { open, closedOn = [] }: OpeningHours) {
  const date = new Date(day);
  if (closedOn.includes(date.toISOString().slice(0, 10))) return [];
  // getUTCDay counts from Sunday.
  const name = days[(date.getUTCDay() + 6) % 7];
  return (name === undefined ? [] : (open[name] ?? [])).flatMap((text) => parseInterval(text) ?? []);
}

/** Creating a format takes about a hundred times as long as using it. */
const formats = new Map<string, Intl.DateTimeFormat>();

function dateFormat(timeZone: string): Intl.DateTimeFormat {
  const cached = formats.get(timeZone);
  if (cached) return cached;
  const fields = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' } as const;
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, hourCycle: 'h23', ...fields });
  formats.set(timeZone, format);
  return format;
}

export function isTimeZone(name: string): boolean {
  try {
    dateFormat(name);
    return true;
  } catch {
    return false;
  }
}

/** The local date, as its midnight in UTC, and the minute of that day. */
function localTime(instant: Date, timeZone: string): { day: number; minute: number } {
  const parts = new Map(
    dateFormat(timeZone)
      .formatToParts(instant)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const number = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? 0;
  return {
    day: Date.UTC(number('year'), number('month') - 1, number('day')),
    minute: number('hour') * 60 + number('minute'),
  };
}
