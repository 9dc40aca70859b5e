import type { OutboundRequest } from './carrier.ts';
import { type Archived, list } from './dead-letters/store.ts';
import type { Delivery, DeliveryStatus } from './delivery.ts';
import { deliveriesOf } from './delivery-store.ts';

/** How far a request has come: as far as the part that is furthest behind. `dead` is the end of one that was given up. */
export type RequestStatus = 'waiting' | 'sending' | 'sent' | 'delivered' | 'dead';

export interface RequestProgress {
  readonly status: RequestStatus;
  readonly parts: readonly PartProgress[];
  /** Where a dead one waits to be redriven. */
  readonly deadLetter?: Archived;
}

export interface PartProgress {
  /** The `custom_id` at the carrier. */
  readonly id: string;
  readonly status: DeliveryStatus;
  /** Failed calls. */
  readonly attempts: number;
  readonly lastError?: string;
  /** The carrier's, once known. */
  readonly messageId?: string;
  readonly threadId?: string;
}

const order = ['waiting', 'sending', 'sent', 'delivered'] as const;

/** What is known of a request that was put on the bus at `since` (ms since 1970). */
export async function progressOf(request: OutboundRequest<unknown>, since: number): Promise<RequestProgress> {
  const [deliveries, deadLetter] = await Promise.all([deliveriesOf(request), letterOf(request.requestId, since)]);
  const found = request.parts.map(({ id }) => deliveries.get(id));
  const parts = found.flatMap((delivery) => (delivery ? [viewOf(delivery)] : []));
  const ranks = found.map((delivery) => order.indexOf(stageOf(delivery)));
  const status = deadLetter ? 'dead' : (order[Math.min(...ranks)] ?? 'waiting');
  return { status, parts, ...(deadLetter && { deadLetter }) };
}

function stageOf(delivery: Delivery | undefined): (typeof order)[number] {
  if (!delivery || delivery.status === 'unsent') return 'waiting';
  // Given up, but the letter that says why is not kept yet.
  return delivery.status === 'failed' ? 'sending' : delivery.status;
}

function viewOf({ id, status, attempts, lastError, messageId, threadId }: Delivery): PartProgress {
  return {
    id,
    status,
    attempts,
    ...(lastError && { lastError }),
    ...(messageId && { messageId }),
    ...(threadId && { threadId }),
  };
}

/** Letters are listed newest first: those before the request cannot be about it. */
async function letterOf(requestId: string, since: number): Promise<Archived | undefined> {
  const earliest = new Date(since).toISOString();
  let from: string | null = null;
  do {
    const { letters, next }: Awaited<ReturnType<typeof list>> = await list('open', { limit: 100, from });
    const found = letters.find((letter) => letter.requestId === requestId);
    if (found) return found;
    from = (letters.at(-1)?.createdAt ?? '') >= earliest ? (next ?? null) : null;
  } while (from !== null);
  return undefined;
}
