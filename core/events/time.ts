/** RFC 3339, as LiveChat and this bridge write it. */
export const rfc3339 = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})$/;

/**
 * The same instant in UTC with exactly six decimals, so that times compare as strings.
 * Digits past the microsecond are cut. The input must match {@link rfc3339}.
 */
export function toUtcMicroseconds(time: string): string {
  const [, seconds, fraction = '', offset] = rfc3339.exec(time) ?? [];
  const utc = offset === 'Z' ? seconds : new Date(`${seconds}${offset}`).toISOString().slice(0, 19);
  return `${utc}.${fraction.slice(0, 6).padEnd(6, '0')}Z`;
}

/** Whether a string is a time that exists: `Date` itself would take 30 February for 2 March. */
export function isRfc3339(text: string): boolean {
  const [, seconds] = rfc3339.exec(text) ?? [];
  if (seconds === undefined) return false;
  const date = new Date(`${seconds}Z`);
  const exists = !Number.isNaN(date.getTime()) && date.toISOString().slice(0, 19) === seconds;
  const instant = Date.parse(text);
  return exists && instant >= earliest && instant <= latest;
}

// Years of four digits in UTC as well.
const earliest = Date.parse('0000-01-01T00:00:00Z');
const latest = Date.parse('9999-12-31T23:59:59.999Z');
