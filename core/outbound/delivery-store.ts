import { CustomAttributeType, Entity, type EntityItem } from 'electrodb';
import { required } from '../platform/configuration.ts';
import { documents, expiresAfter, ifConditionHolds } from '../platform/dynamodb.ts';
import type { ConversationKey, SentMessage } from './channel.ts';
import {
  type AttemptLog,
  type Delivery,
  type DeliveryAttempt,
  type DeliveryKey,
  type DeliveryStore,
  sentStatuses,
  startAttempt,
  unattempted,
  wasSent,
} from './delivery.ts';

const text = { type: 'string', required: true } as const;
const number = { type: 'number', required: true } as const;
const optionalText = { type: 'string' } as const;
const optionalNumber = { type: 'number' } as const;

/** In the partition of the conversation's messages, so that erasing a conversation finds both. */
const DeliveryEntity = new Entity(
  {
    model: { entity: 'delivery', version: '1', service: 'livechat' },
    attributes: {
      id: text,
      organizationId: text,
      conversationId: text,
      requestId: text,
      status: { type: ['queued', 'sending', 'sent', 'delivered', 'failed'] as const, required: true },
      content: optionalText,
      hash: text,
      orderKey: optionalNumber,
      requestedAt: number,
      acceptedAt: number,
      leaseUntil: optionalNumber,
      unknown: { type: ['no', 'yes'] as const },
      settledAt: optionalNumber,
      firstAttemptAt: optionalNumber,
      failedCalls: optionalNumber,
      redrive: number,
      redrivenAt: optionalNumber,
      lastError: optionalText,
      threadId: optionalText,
      messageId: optionalText,
      attempts: { type: CustomAttributeType<readonly DeliveryAttempt[]>('any') },
      omittedAttempts: optionalNumber,
      sentAt: optionalNumber,
      deliveredAt: optionalNumber,
      failedAt: optionalNumber,
      deadLetterId: optionalText,
      expires: number,
    },
    indexes: {
      primary: {
        pk: { field: 'pk', composite: ['organizationId', 'conversationId'], casing: 'none' },
        sk: { field: 'sk', composite: ['id'], casing: 'none' },
      },
    },
  },
  { client: documents, table: required('MESSAGES_TABLE', 'the name of the messages table') },
);

const primaryKey = ({ organizationId, conversationId, id }: DeliveryKey): DeliveryKey => ({
  organizationId,
  conversationId,
  id,
});

async function read(key: DeliveryKey): Promise<Delivery | undefined> {
  const { data } = await DeliveryEntity.get(primaryKey(key)).go({ consistent: true });
  return data ? toDelivery(data) : undefined;
}

type DeliveryItem = EntityItem<typeof DeliveryEntity>;

function toDelivery(item: DeliveryItem): Delivery {
  return { ...unattempted, ...item, orderKey: item.orderKey ?? item.acceptedAt };
}

/** Records the end of an attempt whose delivery was delivered or failed meanwhile. */
async function recordLate(
  key: DeliveryKey,
  fields: AttemptLog & { readonly sentAt?: number },
  leaseUntil: number,
): Promise<void> {
  await ifConditionHolds(
    DeliveryEntity.patch(primaryKey(key))
      .set(fields)
      .where((stored, op) => op.eq(stored.leaseUntil, leaseUntil))
      .go(),
  );
}

/** Deliveries in the messages table. */
export const deliveryStore: DeliveryStore = {
  read,

  async create({ orderKey, ...delivery }) {
    const created = await ifConditionHolds(
      DeliveryEntity.create({
        ...delivery,
        ...(orderKey !== delivery.acceptedAt && { orderKey }),
        status: 'queued',
        redrive: 0,
        expires: expiresAfter('MESSAGES_RETENTION_DAYS', delivery.acceptedAt),
      }).go(),
    );
    return created ? undefined : read(delivery);
  },

  async claim(key, claim) {
    const { leaseUntil, redrive, redrivenAt, now } = claim;
    const claimed = await ifConditionHolds(
      DeliveryEntity.patch(primaryKey(key))
        .set({ status: 'sending', leaseUntil, redrive, ...(redrivenAt !== undefined && { redrivenAt }) })
        // If the function crashes, this is the only record of the attempt.
        .append({ attempts: [startAttempt(claim)] })
        .data((stored, op) => op.ifNotExists(stored.firstAttemptAt, now))
        .where((stored, op) =>
          [
            `(${op.eq(stored.status, 'queued')} AND ${op.lte(stored.redrive, redrive)})`,
            `(${op.eq(stored.status, 'sending')} AND ${op.lt(stored.leaseUntil, now)})`,
            `(${op.eq(stored.status, 'failed')} AND ${op.lt(stored.redrive, redrive)})`,
          ].join(' OR '),
        )
        .go({ response: 'all_old' }),
    );
    return claimed?.data
      ? { claimed: true, before: toDelivery(claimed.data as DeliveryItem) }
      : { claimed: false, current: await read(key) };
  },

  async release(key, state, leaseUntil) {
    const released = await ifConditionHolds(
      DeliveryEntity.patch(primaryKey(key))
        .set({ status: 'queued', leaseUntil: 0, ...state })
        .where((stored, op) => `${op.eq(stored.status, 'sending')} AND ${op.eq(stored.leaseUntil, leaseUntil)}`)
        .go(),
    );
    const { attempts, omittedAttempts } = state;
    if (!released) await recordLate(key, { attempts, ...(omittedAttempts && { omittedAttempts }) }, leaseUntil);
  },

  async recordSent(key, sent, leaseUntil) {
    const recorded = await ifConditionHolds(
      DeliveryEntity.patch(primaryKey(key))
        .set({ status: 'sent', unknown: 'no', ...sent })
        .where(({ status }, op) => op.eq(status, 'sending'))
        .go(),
    );
    const { sentAt, attempts, omittedAttempts } = sent;
    if (!recorded) await recordLate(key, { sentAt, attempts, ...(omittedAttempts && { omittedAttempts }) }, leaseUntil);
  },

  async fail(key, { redrive, error, at, deadLetterId }) {
    const failed = await ifConditionHolds(
      DeliveryEntity.patch(primaryKey(key))
        .set({ status: 'failed', redrive, lastError: error, failedAt: at, deadLetterId })
        .where((stored, op) =>
          [...sentStatuses.map((status) => op.ne(stored.status, status)), op.lte(stored.redrive, redrive)].join(
            ' AND ',
          ),
        )
        .go({ response: 'all_new' }),
    );
    if (failed) return { wasSent: false, failedCalls: failed.data?.failedCalls ?? 0 };
    const current = await read(key);
    return {
      wasSent: current !== undefined && wasSent(current),
      failedCalls: current?.failedCalls ?? 0,
    };
  },
};

/**
 * Records that the channel's webhook showed a message of ours, whatever its status was. A duplicate changes it only if it
 * was received earlier. Does nothing if the id is not one of our deliveries.
 */
export async function markDelivered(
  key: DeliveryKey,
  delivered: SentMessage & { readonly deliveredAt: number },
): Promise<void> {
  await ifConditionHolds(
    DeliveryEntity.patch(primaryKey(key))
      .set({ status: 'delivered', unknown: 'no', ...delivered })
      .remove(['content'])
      .where(({ deliveredAt }, op) => `${op.notExists(deliveredAt)} OR ${op.gt(deliveredAt, delivered.deliveredAt)}`)
      .go(),
  );
}

/** The deliveries of a conversation, by id. */
export async function listDeliveries(key: ConversationKey): Promise<ReadonlyMap<string, Delivery>> {
  const { organizationId, conversationId } = key;
  const { data } = await DeliveryEntity.query.primary({ organizationId, conversationId }).go({ pages: 'all' });
  return new Map(data.map((delivery) => [delivery.id, toDelivery(delivery)]));
}
