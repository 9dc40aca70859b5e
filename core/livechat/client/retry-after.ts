import { type AnswerHeaders, header } from './headers.ts';

const second = 1000;
/** No send request lives longer, so a later time means no more than "not today". */
const longestMs = 86_400 * second;
const seconds = /^\d{1,15}(?:\.\d{1,9})?$/;
const httpDate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** How long (ms, at most a day) `Retry-After` asks to wait, given in seconds or as an HTTP date. `now` is in ms. */
export function retryAfter(headers: AnswerHeaders, now: number): number | undefined {
  const value = header(headers, 'retry-after');
  if (value === undefined) return undefined;
  if (seconds.test(value)) return within(Number(value) * second);
  return httpDate.test(value) ? within(Date.parse(value) - now) : undefined;
}

/**
 * How long (ms, at most a day) until a used-up limit is reset, by `RateLimit-Reset`, `RateLimit` (both of the IETF's
 * drafts) or `X-RateLimit-Reset`. LiveChat documents none of them; they count if they should appear.
 */
export function rateLimitReset(headers: AnswerHeaders, now: number): number | undefined {
  const remaining = header(headers, 'ratelimit-remaining') ?? header(headers, 'x-ratelimit-remaining');
  if (remaining !== undefined && Number(remaining) > 0) return undefined;
  const value =
    header(headers, 'ratelimit-reset') ??
    /\b(?:reset|t)\s*=\s*(\d+)/i.exec(header(headers, 'ratelimit') ?? '')?.[1] ??
    header(headers, 'x-ratelimit-reset');
  return value !== undefined && seconds.test(value) ? within(resetMs(Number(value), now)) : undefined;
}

/** Some servers give the seconds left, some the time as seconds or milliseconds since 1970. */
function resetMs(value: number, now: number): number {
  if (value > 1e12) return value - now;
  return value > 1e9 ? value * second - now : value * second;
}

function within(ms: number): number | undefined {
  return Number.isNaN(ms) ? undefined : Math.round(Math.min(Math.max(ms, 0), longestMs));
}
