import { conversationItems, findCustomerConversations, type KnownCustomer } from '../conversations/erasing.ts';
import { listConversationFiles, listOutboundFiles, mediaBucket } from '../media/media.ts';
import { messageItems } from '../messages/erasing.ts';
import { letterItems, outboundItems, underWay } from '../outbound/erasing.ts';
import { deleteItems, type StoredItem } from '../platform/dynamodb.ts';
import { deleteKeys } from '../platform/objects.ts';
import { countQueuedDeadLetters } from '../platform/queue.ts';
import { largeEvents } from './large-events.ts';

/** Everything that is stored of one customer. */
export interface StoredData {
  readonly organizationId: string;
  readonly customers: readonly KnownCustomer[];
  readonly conversationIds: readonly string[];
  /** In the order in which they may go: what the rest is found by comes last. */
  readonly items: readonly StoredItem[];
  /** Keys in the bucket. */
  readonly media: readonly string[];
  readonly largeEvents: readonly string[];
  /** Requests that are being sent just now; they would write again. */
  readonly runningExecutions: readonly string[];
  /** Dead letters that nobody has read yet, whosever: reading one stores it. */
  readonly countQueuedDeadLetters: number;
}

export interface ErasureTarget {
  readonly organizationId: string;
  /** Customers, by ids or e-mail addresses. */
  readonly customers: readonly string[];
  /** A conversation that is meant whoever takes part in it. */
  readonly conversationId?: string | undefined;
}

/**
 * What is stored of those who are meant. Reads every conversation, dead letter and large event of
 * the organization, and the keys of its files to be sent.
 */
export async function findStoredData({
  organizationId,
  customers: wanted,
  conversationId,
}: ErasureTarget): Promise<StoredData> {
  const { customers, conversationIds: theirs } = await findCustomerConversations(organizationId, wanted);
  const conversationIds = [...new Set([...theirs, ...(conversationId === undefined ? [] : [conversationId])])];
  const perConversation = await Promise.all(
    conversationIds.map(async (id) => {
      const key = { organizationId, conversationId: id };
      const [messages, outbound, conversation, media, running] = await Promise.all([
        messageItems(key),
        outboundItems(key),
        conversationItems(key),
        listConversationFiles(key),
        underWay(key),
      ]);
      return { first: [...messages, ...outbound], last: conversation, media, running };
    }),
  );
  const ids = [...conversationIds, ...customers.map(({ id }) => id)];
  const toSend = ids.length > 0 ? await listOutboundFiles(organizationId, ids) : [];
  const letters = ids.length > 0 ? await letterItems(ids) : [];
  // A webhook that fits no schema is not known to be anybody's.
  const large = ids.length > 0 ? await largeEvents(mediaBucket(), [organizationId, 'unknown'], ids) : [];
  return {
    organizationId,
    customers,
    conversationIds,
    items: [
      ...letters,
      ...perConversation.flatMap(({ first }) => first),
      ...perConversation.flatMap(({ last }) => last),
    ],
    media: [...perConversation.flatMap(({ media }) => media), ...toSend],
    largeEvents: large,
    runningExecutions: perConversation.flatMap(({ running }) => running),
    countQueuedDeadLetters: await countQueuedDeadLetters(),
  };
}

export function isEmpty({ items, media, largeEvents: events }: StoredData): boolean {
  return items.length + media.length + events.length === 0;
}

/** Something new was stored each time. */
export class ConcurrentWritesError extends Error {
  override readonly name = 'ConcurrentWritesError';
  constructor() {
    super('Something new was stored each time: erase again when the chat is over.');
  }
}

const mostRounds = 3;

/**
 * Deletes everything that an inventory lists, and what a webhook has brought meanwhile. Broken off, the next inventory
 * lists the rest. Throws {@link ConcurrentWritesError}.
 */
export async function erase(first: StoredData, meant: ErasureTarget, onDeleted: () => void): Promise<void> {
  let left = first;
  for (let round = 0; round < mostRounds; round += 1) {
    await eraseOnce(left, onDeleted);
    left = await findStoredData(meant);
    if (isEmpty(left)) return;
  }
  throw new ConcurrentWritesError();
}

async function eraseOnce(inventory: StoredData, onDeleted: () => void): Promise<void> {
  await deleteKeys(mediaBucket(), [...inventory.media, ...inventory.largeEvents]);
  for (const _ of [...inventory.media, ...inventory.largeEvents]) onDeleted();
  const found = inventory.items.filter(({ entity }) => entity === 'conversation');
  await deleteItems(
    inventory.items.filter((item) => !found.includes(item)),
    onDeleted,
  );
  await deleteItems(found, onDeleted);
}
