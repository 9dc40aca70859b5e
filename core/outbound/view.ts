import type { StoredMessage } from '../messages/queries.ts';
import type { Delivery } from './delivery.ts';

/** A delivery as an operator sees it. `seen` is what a read mark of the customer's says of a delivered one. */
export interface DeliveryView {
  readonly id: string;
  readonly requestId: string;
  readonly status: Delivery['status'] | 'seen';
  /** Failed calls since the last redrive. */
  readonly attempts: number;
  readonly redrive: number;
  readonly lastError?: string;
}

export interface Transcript {
  readonly messages: readonly (StoredMessage & { readonly delivery?: DeliveryView })[];
  /** Parts of requests that LiveChat has not shown yet. */
  readonly pending: readonly DeliveryView[];
}

/** Joins messages and deliveries. `seenUpTo` are the read marks of the customers. */
export function transcriptOf(
  messages: readonly StoredMessage[],
  deliveries: ReadonlyMap<string, Delivery>,
  seenUpTo: readonly string[],
): Transcript {
  const shown = new Set<string>();
  const withDelivery = messages.map((message) => {
    const { customId } = message.metadata;
    const delivery = typeof customId === 'string' ? deliveries.get(customId) : undefined;
    if (!delivery) return message;
    shown.add(delivery.id);
    const seen = delivery.status === 'delivered' && seenUpTo.some((mark) => mark >= message.timestamp);
    return { ...message, delivery: viewOf(delivery, seen) };
  });
  const pending = [...deliveries.values()].filter(({ id, status }) => !shown.has(id) && status !== 'delivered');
  return { messages: withDelivery, pending: pending.map((delivery) => viewOf(delivery, false)) };
}

function viewOf({ id, requestId, status, attempts, redrive, lastError }: Delivery, seen: boolean): DeliveryView {
  return { id, requestId, status: seen ? 'seen' : status, attempts, redrive, ...(lastError && { lastError }) };
}
