import { days, type OpeningHours } from './rules.ts';

const dayMs = 86_400_000;
const minutesPerDay = 1440;
const interval = /^(\d\d):(\d\d)-(\d\d):(\d\d)$/;

/** Where an interval begins and ends, in minutes since midnight; undefined for what is none. It may end before it begins. */
export function minutesOf(text: string): { from: number; to: number } | undefined {
  const [, ...digits] = interval.exec(text) ?? [];
  const [fromHour = 99, fromMinute = 0, toHour = 99, toMinute = 0] = digits.map(Number);
  const [from, to] = [fromHour * 60 + fromMinute, toHour * 60 + toMinute];
  const sound = fromMinute < 60 && toMinute < 60 && from < minutesPerDay && to <= minutesPerDay && from !== to;
  return sound ? { from, to } : undefined;
}

/**
 * Whether it is open at an instant; undefined for one that does not exist. What the clock on the wall shows decides, so
 * that daylight saving needs no care.
 */
export function isOpen(hours: OpeningHours, instant: Date): boolean | undefined {
  if (Number.isNaN(instant.getTime())) return undefined;
  const { day, minute } = onTheWall(instant, hours.timeZone);
  const today = beginningOn(day, hours).some(({ from, to }) => from <= minute && (minute < to || to < from));
  return today || beginningOn(day - dayMs, hours).some(({ from, to }) => to < from && minute < to);
}

/** The intervals that begin on a day, which is given as its midnight in UTC. */
function beginningOn(day: number, { open, closedOn = [] }: OpeningHours) {
  const date = new Date(day);
  if (closedOn.includes(date.toISOString().slice(0, 10))) return [];
  // Date counts from Sunday.
  const name = days[(date.getUTCDay() + 6) % 7];
  return (name === undefined ? [] : (open[name] ?? [])).flatMap((text) => minutesOf(text) ?? []);
}

/** A format takes a hundred times as long to make as to use. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known) return known;
  const fields = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' } as const;
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, hourCycle: 'h23', ...fields });
  formats.set(timeZone, format);
  return format;
}

export function isTimeZone(name: string): boolean {
  try {
    formatOf(name);
    return true;
  } catch {
    return false;
  }
}

/** What a clock and a calendar in the time zone show. */
function onTheWall(instant: Date, timeZone: string): { day: number; minute: number } {
  const parts = new Map(
    formatOf(timeZone)
      .formatToParts(instant)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const number = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? 0;
  return {
    day: Date.UTC(number('year'), number('month') - 1, number('day')),
    minute: number('hour') * 60 + number('minute'),
  };
}
