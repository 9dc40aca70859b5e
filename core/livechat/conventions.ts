import type { UserType } from '../events/schemas.ts';
import { messageNumber } from '../messages/position.ts';

/** Formats of LiveChat's ids and URLs. Undocumented; observed in webhooks and API responses. */

const botId = /^[0-9a-f]{32}$/i;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Hosts of the files in LiveChat's events. LiveChat accepts a `file` event only with a URL on one of them. */
export const liveChatFileHosts: readonly string[] = ['cdn.livechat-files.com', 'cdn.files-text.com'];

export function isUuid(id: string): boolean {
  return uuid.test(id);
}

/** Derives the user type from the id format. LiveChat's events have no author type. */
export function userTypeFromId(id: string | null | undefined): UserType {
  if (!id) return 'system';
  if (id.includes('@')) return 'agent';
  if (botId.test(id)) return 'bot';
  return uuid.test(id) ? 'customer' : 'unknown';
}

/** The user type from LiveChat's `type`, otherwise from the id. LiveChat declares bots as agents. */
export function userType(id: string, declared: string | null | undefined): UserType {
  if (declared === 'customer') return 'customer';
  if (declared === 'agent') return botId.test(id) ? 'bot' : 'agent';
  return userTypeFromId(id);
}

export function authorFromId(id: string | null | undefined): { id: string; type: UserType } {
  return { id: id ?? '', type: userTypeFromId(id) };
}

/** An event id of a thread, and its time. */
export interface EventIdAndTime {
  readonly id: string;
  /** LiveChat's time; undefined for the tombstone of an event that was never received. */
  readonly at: string | undefined;
}

/** LiveChat retries a webhook for about a minute, so later events may still arrive. */
const maxDelayMs = 60_000;

/**
 * Counts the gaps in the event numbers of a thread, whose ids have the form `<thread>_<n>`. Ids of another form are
 * ignored. A gap counts only between two received events, the later of which is older than a minute at `now`
 * (ms since 1970).
 */
export function countMissingEvents(threadId: string, events: readonly EventIdAndTime[], now: number): number {
  const timeByNumber = new Map(
    events.flatMap(({ id, at }) => {
      const number = messageNumber(threadId, id);
      return number === undefined ? [] : [[number, at] as const];
    }),
  );
  const overdue = [...timeByNumber].flatMap(([number, at]) =>
    at && Date.parse(at) <= now - maxDelayMs ? [number] : [],
  );
  if (overdue.length === 0) return 0;
  const last = Math.max(...overdue);
  const received = [...timeByNumber.keys()].filter((number) => number <= last);
  return last - Math.min(...received) + 1 - received.length;
}
