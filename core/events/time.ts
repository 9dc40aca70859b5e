/** RFC 3339, as LiveChat and this bridge write it. */
export const rfc3339 = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})$/;

/**
 * The same instant in UTC with exactly six decimals, so that times compare as strings.
 * Digits past the microsecond are cut. The input must match {@link rfc3339}.
 */
export function inMicroseconds(time: string): string {
  const [, seconds, fraction = '', offset] = rfc3339.exec(time) ?? [];
  const utc = offset === 'Z' ? seconds : new Date(`${seconds}${offset}`).toISOString().slice(0, 19);
  return `${utc}.${fraction.slice(0, 6).padEnd(6, '0')}Z`;
}

/** Whether a string is a time that exists. */
export function isTime(text: string): boolean {
  return rfc3339.test(text) && !Number.isNaN(Date.parse(text));
}
