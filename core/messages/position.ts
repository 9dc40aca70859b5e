/**
 * Where a message stands in its thread, by its id alone: an edit or a deletion names nothing else. Most ids have the form
 * `<thread>_<number>`.
 */

const digits = 9;
const numberedId = /^(?<threadId>.+)_(?<number>0|[1-9]\d{0,8})$/s;

/** The number in an id of that form; undefined for another. */
export function messageNumber(threadId: string, messageId: string): number | undefined {
  const parsed = parseMessageId(messageId);
  return parsed?.threadId === threadId ? parsed.number : undefined;
}

/** The thread and the number in an id of that form. */
export function parseMessageId(messageId: string): { readonly threadId: string; readonly number: number } | undefined {
  const { threadId, number } = numberedId.exec(messageId)?.groups ?? {};
  return threadId === undefined ? undefined : { threadId, number: Number(number) };
}

/** Sorts the messages of a thread by number, those without one last. Different ids have different positions. */
export function messagePosition(threadId: string, messageId: string): string {
  const number = messageNumber(threadId, messageId);
  return number === undefined ? `~${messageId}` : String(number).padStart(digits, '0');
}

export function isNumbered(position: string): boolean {
  return !position.startsWith('~');
}

/** An event id of a thread, and its time. */
export interface EventIdAndTime {
  readonly id: string;
  /** The carrier's time; undefined for the tombstone of an event that was never received. */
  readonly at: string | undefined;
}

/** A carrier retries a webhook for a minute or more, so a missing event may still arrive within this time. */
const maxDelayMs = 60_000;

/**
 * Counts the numbers that are missing from a thread's event ids, which have the form `<thread>_<n>`. Ids of another form are
 * ignored. A missing number counts only between two received events, and only if the later event is more than a minute older
 * than `now` (ms since 1970).
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
