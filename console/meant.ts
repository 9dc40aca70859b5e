import type { ConversationSummary } from '../core/conversations/queries.ts';

/** Whether a conversation is the one somebody looks for: by its id, or a participant's name, address or id. */
export function isMeant({ id, participants }: ConversationSummary, wanted: string): boolean {
  const text = wanted.trim().toLowerCase();
  const texts = [id, ...participants.flatMap(({ id: user, name, email }) => [user, name, email])];
  return texts.some((one) => one?.toLowerCase().includes(text));
}
