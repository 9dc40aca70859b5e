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
