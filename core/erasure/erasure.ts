import pLimit from 'p-limit';
import {
  type CustomerConversations,
  conversationItems,
  findCustomerConversations,
  type KnownCustomer,
} from '../conversations/queries.ts';
import { listConversationFiles, listOutboundFiles, mediaBucket } from '../media/media.ts';
import { messageItems } from '../messages/queries.ts';
import { findDeadLetterItems } from '../outbound/dead-letter.ts';
import { listGroupItems } from '../outbound/message-group.ts';
import { runningExecutions } from '../outbound/read-model.ts';
import { deleteItems } from '../platform/dynamodb.ts';
import { deleteKeys, listKeys, readObject } from '../platform/objects.ts';
import { countQueuedDeadLetters } from '../platform/queue.ts';

/** Everything stored about one or more customers. */
export type StoredData = Awaited<ReturnType<typeof findStoredData>>;

export interface ErasureTarget {
  readonly organizationId: string;
  /** Customers, by ids or e-mail addresses. */
  readonly customers: readonly string[];
  /** A conversation to erase regardless of its participants. */
  readonly conversationId?: string | undefined;
}

/**
 * Finds everything stored about the target. Reads every conversation, dead letter and large event of the organization, and the
 * keys of its outbound files.
 *
 * @param earlier the result of an earlier call. Deleted conversations no longer identify their customers.
 */
export async function findStoredData(
  { organizationId, customers: wanted, conversationId }: ErasureTarget,
  earlier: CustomerConversations = { customers: [], conversationIds: [] },
) {
  const wantedOrFound = [...wanted, ...earlier.customers.map(({ id }) => id)];
  const current = await findCustomerConversations(organizationId, wantedOrFound);
  const customers = [
    ...new Map(
      [...earlier.customers, ...current.customers].map((one): [string, KnownCustomer] => [one.id, one]),
    ).values(),
  ];
  const given = conversationId === undefined ? [] : [conversationId];
  const conversationIds = [...new Set([...earlier.conversationIds, ...current.conversationIds, ...given])];
  const perConversation = await Promise.all(
    conversationIds.map(async (id) => {
      const key = { organizationId, conversationId: id };
      const [messages, groupItems, conversation, media, running] = await Promise.all([
        messageItems(key),
        listGroupItems(key),
        conversationItems(key),
        listConversationFiles(key),
        runningExecutions(key),
      ]);
      return { items: [...messages, ...groupItems.map(({ item }) => item), ...conversation], media, running };
    }),
  );
  const ids = [...conversationIds, ...customers.map(({ id }) => id)];
  const outboundFiles = ids.length > 0 ? await listOutboundFiles(organizationId, ids) : [];
  // Events that match no schema are stored under the organization id `unknown`.
  const organizationIds = [organizationId, 'unknown'];
  const deadLetters = ids.length > 0 ? await findDeadLetterItems(organizationIds, ids) : [];
  const large = ids.length > 0 ? await findLargeEvents(mediaBucket(), organizationIds, ids) : [];
  return {
    organizationId,
    customers,
    conversationIds,
    items: [...deadLetters, ...perConversation.flatMap(({ items }) => items)],
    /** Keys in the bucket. */
    media: [...perConversation.flatMap(({ media }) => media), ...outboundFiles],
    largeEvents: large,
    /** Executions that are sending; they would write again. */
    runningExecutions: perConversation.flatMap(({ running }) => running),
    /** Dead letters of any organization that are still in the queue; reading one stores it. */
    queuedDeadLetters: await countQueuedDeadLetters(),
  };
}

export function isEmpty({ items, media, largeEvents: events }: StoredData): boolean {
  return items.length + media.length + events.length === 0;
}

/** New data was stored during each round. */
export class ConcurrentWritesError extends Error {
  override readonly name = 'ConcurrentWrites';
  constructor() {
    super('New data was stored during the erasure: erase again after the chat has ended.');
  }
}

const maxRounds = 3;

/**
 * Deletes everything that was found, then anything that arrived meanwhile. Safe to re-run after a crash.
 *
 * @throws ConcurrentWritesError
 */
export async function erase(first: StoredData, target: ErasureTarget, onDeleted: () => void): Promise<void> {
  let remaining = first;
  for (let round = 0; round < maxRounds; round += 1) {
    await eraseOnce(remaining, onDeleted);
    remaining = await findStoredData(target, remaining);
    if (isEmpty(remaining)) return;
  }
  throw new ConcurrentWritesError();
}

async function eraseOnce(stored: StoredData, onDeleted: () => void): Promise<void> {
  await deleteKeys(mediaBucket(), [...stored.media, ...stored.largeEvents]);
  for (const _ of [...stored.media, ...stored.largeEvents]) onDeleted();
  // Last, because an erasure that is run again after a crash finds the rest by the conversations.
  const { conversation = [], other = [] } = Object.groupBy(stored.items, ({ entity }) =>
    entity === 'conversation' ? 'conversation' : 'other',
  );
  await deleteItems(other, onDeleted);
  await deleteItems(conversation, onDeleted);
}

const concurrentReads = 8;

/**
 * Finds the events in the bucket, too large for the bus, that contain any of the ids. Each event is read, because its key does
 * not name the conversation; they are few.
 */
async function findLargeEvents(
  bucket: string,
  organizationIds: readonly string[],
  ids: readonly string[],
): Promise<string[]> {
  const limit = pLimit(concurrentReads);
  const found: string[] = [];
  for (const organizationId of organizationIds) {
    for await (const keys of listKeys(bucket, `events/${organizationId}/`)) {
      const named = keys.map((key) =>
        limit(async () => {
          const text = await readObject({ bucket, key });
          return ids.some((id) => text.includes(id)) ? [key] : [];
        }),
      );
      found.push(...(await Promise.all(named)).flat());
    }
  }
  return found;
}
