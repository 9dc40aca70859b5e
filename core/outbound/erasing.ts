import { parseItemAddress, type StoredItem } from '../platform/dynamodb.ts';
import { isRunning } from '../platform/step-functions.ts';
import { addressOf as letterAddress, mentioning } from './dead-letters/store.ts';
import { deliveriesOf, addressOf as deliveryAddress } from './delivery-store.ts';
import { type ConversationKey, queueItem, queueStore } from './queue.ts';

/** What sending has left behind of a conversation: deliveries and its queue. */
export async function outboundItems(key: ConversationKey): Promise<StoredItem[]> {
  const deliveries = [...(await deliveriesOf(key)).values()].map((one) =>
    parseItemAddress(deliveryAddress(one), 'delivery'),
  );
  return [...deliveries, ...(await queueItem(key))];
}

/** The dead letters that name any of these ids, wherever in them. */
export async function letterItems(ids: readonly string[]): Promise<StoredItem[]> {
  return (await mentioning(ids)).map((id) => parseItemAddress(letterAddress({ id }), 'deadLetter'));
}

/** Requests that are being sent, by the ARNs of their executions. */
export async function underWay(key: ConversationKey): Promise<string[]> {
  const runs = await queueStore.read(key);
  const running = await Promise.all(runs.map(async (run) => ((await isRunning(run)) ? [run] : [])));
  return running.flat();
}
