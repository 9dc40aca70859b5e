import type { ConversationAnswer } from '../../answers.ts';
import type { ShownMessage } from './content.tsx';

/** A line of a transcript. */
export type Line =
  | { readonly kind: 'thread'; readonly key: string; readonly threadId: string; readonly at: string }
  | { readonly kind: 'message' | 'note'; readonly key: string; readonly message: ShownMessage }
  | { readonly kind: 'pending'; readonly key: string; readonly delivery: ConversationAnswer['pending'][number] };

/** Messages and notes by time, with a line where a thread begins; last what LiveChat has not shown yet. */
export function linesOf({
  messages,
  notes,
  pending,
}: Pick<ConversationAnswer, 'messages' | 'notes' | 'pending'>): Line[] {
  const said = [
    ...messages.map((message) => ({ kind: 'message' as const, message })),
    ...notes.map((message) => ({ kind: 'note' as const, message })),
  ].toSorted((a, b) => (a.message.timestamp < b.message.timestamp ? -1 : 1));
  const lines = said.flatMap((one, index): Line[] => {
    const { threadId, id, timestamp } = one.message;
    const line: Line = { ...one, key: `${one.kind}-${threadId}-${id}` };
    if (threadId === said[index - 1]?.message.threadId) return [line];
    return [{ kind: 'thread', key: `thread-${threadId}-${id}`, threadId, at: timestamp }, line];
  });
  const waiting = pending.map((delivery): Line => ({ kind: 'pending', key: `pending-${delivery.id}`, delivery }));
  return [...lines, ...waiting];
}
