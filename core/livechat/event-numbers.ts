/** An event of a thread, as far as its number goes. */
export interface NumberedEvent {
  readonly id: string;
  /** LiveChat's time; none for a tombstone whose event never came. */
  readonly at: string | undefined;
}

/** LiveChat tries a webhook again for about a minute: what is younger may still be on its way. */
const settledAfterMs = 60_000;

/**
 * How many numbers are missing among the ids `<thread>_<n>` by which LiveChat counts the events of a thread. It does so
 * where it was seen, and documents it nowhere: ids of any other form are left out. Only what lies between two events is
 * missed, and only before one of which the time has long come, at `now` (ms since 1970).
 */
export function missingNumbers(threadId: string, events: readonly NumberedEvent[], now: number): number {
  const known = new Map(
    events.flatMap(({ id, at }) => {
      const number = numberOf(id, threadId);
      return number === undefined ? [] : [[number, at] as const];
    }),
  );
  const settled = [...known].flatMap(([number, at]) => (at && Date.parse(at) <= now - settledAfterMs ? [number] : []));
  if (settled.length === 0) return 0;
  const last = Math.max(...settled);
  const before = [...known.keys()].filter((number) => number <= last);
  return last - Math.min(...before) + 1 - before.length;
}

function numberOf(id: string, threadId: string): number | undefined {
  const [, number] = id.startsWith(`${threadId}_`) ? (/^(\d{1,9})$/.exec(id.slice(threadId.length + 1)) ?? []) : [];
  return number === undefined ? undefined : Number(number);
}
