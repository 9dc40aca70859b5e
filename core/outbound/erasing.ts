import { Entity } from 'electrodb';
import { required } from '../platform/configuration.ts';
import { documents } from '../platform/dynamodb.ts';
import { itemAt, type StoredItem } from '../platform/partition.ts';
import { isRunning } from '../platform/step-functions.ts';
import { addressOf as letterAddress, mentioning } from './dead-letters/store.ts';
import { deliveriesOf, addressOf as deliveryAddress } from './delivery-store.ts';
import { type ConversationKey, queueStore } from './queue.ts';

/** The key of a conversation's queue; all else of it is queue.ts's. */
const Queue = new Entity(
  {
    model: { entity: 'queue', version: '1', service: 'livechat' },
    attributes: {
      organizationId: { type: 'string', required: true },
      conversationId: { type: 'string', required: true },
    },
    indexes: { primary: { pk: { field: 'pk', composite: ['organizationId', 'conversationId'], casing: 'none' } } },
  },
  { client: documents, table: required('CONTROL_TABLE', 'the name of the control table') },
);

/** What sending has left behind of a conversation: deliveries and its queue. */
export async function outboundItems(key: ConversationKey): Promise<StoredItem[]> {
  const deliveries = [...(await deliveriesOf(key)).values()].map((one) => itemAt(deliveryAddress(one), 'delivery'));
  const { data: queue } = await Queue.get(key).go({ consistent: true });
  return queue ? [...deliveries, itemAt(Queue.get(key).params(), 'queue')] : deliveries;
}

/** The dead letters that name any of these ids, wherever in them. */
export async function letterItems(ids: readonly string[]): Promise<StoredItem[]> {
  return (await mentioning(ids)).map((id) => itemAt(letterAddress({ id }), 'deadLetter'));
}

/** Requests that are being sent, by the ARNs of their executions. */
export async function underWay(key: ConversationKey): Promise<string[]> {
  const runs = await queueStore.read(key);
  const running = await Promise.all(runs.map(async (run) => ((await isRunning(run)) ? [run] : [])));
  return running.flat();
}
