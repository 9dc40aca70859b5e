import type { ConversationDetail } from '../conversations/queries.ts';
import { listMessages, type StoredMessage } from '../messages/queries.ts';
import { deliveriesOf } from './delivery-store.ts';
import { type Transcript, transcriptOf } from './view.ts';

/** What was said in a conversation, with the delivery of what was sent. */
export interface LoadedTranscript extends Transcript {
  /** Oldest first. */
  readonly notes: readonly StoredMessage[];
  /** Hand it back to read on; left out on the last page. */
  readonly next?: string | undefined;
}

/** A page of a conversation's messages, at most `limit` notes, and what LiveChat has not shown yet. */
export async function loadTranscript(
  { id: conversationId, organizationId, participants }: ConversationDetail,
  { limit, from = null }: { limit: number; from?: string | null },
): Promise<LoadedTranscript> {
  const key = { organizationId, conversationId };
  const [page, { messages: notes }, deliveries] = await Promise.all([
    listMessages(key, 'all', { limit, from }),
    listMessages(key, 'agents', { limit }),
    deliveriesOf(key),
  ]);
  const marks = participants.flatMap(({ id, type, seenUpTo, seenAt }) =>
    seenUpTo ? [{ id, isCustomer: type === 'customer', seenUpTo, seenAt }] : [],
  );
  return { ...transcriptOf(page.messages, deliveries, marks, Date.now()), notes, next: page.next };
}
