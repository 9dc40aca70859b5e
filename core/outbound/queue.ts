import { Entity } from 'electrodb';
import { required } from '../platform/configuration.ts';
import { documents, ifConditionHolds, parseItemAddress, type StoredItem } from '../platform/dynamodb.ts';

export interface ConversationKey {
  readonly organizationId: string;
  readonly conversationId: string;
}

/** Who may send in a conversation: the execution ids in order of arrival, of which the first may. */
export interface QueueStore {
  /** Joins at the end, once. Answers the queue, the one who joined included. */
  enter(key: ConversationKey, run: string): Promise<readonly string[]>;
  read(key: ConversationKey): Promise<readonly string[]>;
  leave(key: ConversationKey, run: string): Promise<void>;
}

const Item = new Entity(
  {
    model: { entity: 'queue', version: '1', service: 'livechat' },
    attributes: {
      organizationId: { type: 'string', required: true },
      conversationId: { type: 'string', required: true },
      waiting: { type: 'list', items: { type: 'string' } },
      expires: { type: 'number' },
    },
    indexes: { primary: { pk: { field: 'pk', composite: ['organizationId', 'conversationId'], casing: 'none' } } },
  },
  { client: documents, table: required('CONTROL_TABLE', 'the name of the control table') },
);

/** The queue as an item to be deleted, where there is one. */
export async function queueItem(key: ConversationKey): Promise<StoredItem[]> {
  const { data } = await Item.get(key).go({ consistent: true });
  return data ? [parseItemAddress(Item.get(key).params(), 'queue')] : [];
}

/** Longer than any run: two days for the state machine, and one to spare. */
const keptSeconds = 3 * 86_400;

/** Queues in the control table: one list a conversation. */
export const queueStore: QueueStore = {
  async enter(key, run) {
    const expires = Math.floor(Date.now() / 1000) + keptSeconds;
    const entered = await ifConditionHolds(
      Item.upsert({ ...key, expires })
        .append({ waiting: [run] })
        .where(({ waiting }, op) => `${op.notExists(waiting)} OR NOT ${op.contains(waiting, run)}`)
        .go({ response: 'all_new' }),
    );
    return entered ? (entered.data.waiting ?? []) : queueStore.read(key);
  },

  async read(key) {
    return (await Item.get(key).go({ consistent: true })).data?.waiting ?? [];
  },

  async leave(key, run) {
    // The one who leaves is the first, save when an operator or a dead letter removes another.
    for (let place = 0; place >= 0; place = (await queueStore.read(key)).indexOf(run)) {
      const left = await ifConditionHolds(
        Item.patch(key)
          .data(({ waiting }, op) => {
            const entry = waiting[place];
            if (entry) op.remove(entry);
          })
          .where(({ waiting }, op) => {
            const entry = waiting[place];
            return entry ? op.eq(entry, run) : '';
          })
          .go(),
      );
      if (left) return;
    }
  },
};
