import type { ConversationDetail } from '../conversations/queries.ts';
import { listMessages, listMessagesSince, type MessagePage, type StoredMessage } from '../messages/queries.ts';
import { deliveriesOf } from './delivery-store.ts';
import { type Transcript, transcriptOf } from './view.ts';

/** What was said in a conversation, with the delivery of what was sent. */
export interface LoadedTranscript extends Transcript {
  /** Oldest first. */
  readonly notes: readonly StoredMessage[];
  /** Hand it back to read on; left out on the last page. */
  readonly next?: string | undefined;
}

export interface TranscriptPage {
  readonly limit: number;
  /** The `next` of the page before. */
  readonly from?: string | null;
  /** Only what was said after this time of the carrier's: what is new, for whoever has read the rest. */
  readonly since?: string | undefined;
}

/** A page of a conversation's messages, at most `limit` notes, and what LiveChat has not shown yet. */
export async function loadTranscript(
  { id: conversationId, organizationId, participants }: ConversationDetail,
  { limit, from = null, since }: TranscriptPage,
): Promise<LoadedTranscript> {
  const key = { organizationId, conversationId };
  const said = async (): Promise<MessagePage> =>
    since === undefined
      ? listMessages(key, 'all', { limit, from })
      : { messages: await listMessagesSince(key, since, limit) };
  const [page, { messages: notes }, deliveries] = await Promise.all([
    said(),
    listMessages(key, 'agents', { limit }),
    deliveriesOf(key),
  ]);
  const marks = participants.flatMap(({ id, type, seenUpTo, seenAt }) =>
    seenUpTo ? [{ id, isCustomer: type === 'customer', seenUpTo, seenAt }] : [],
  );
  return { ...transcriptOf(page.messages, deliveries, marks, Date.now()), notes, next: page.next };
}
