import { CustomAttributeType, Entity } from 'electrodb';
import { required } from '../platform/configuration.ts';
import { documents, expiresAfter, ifConditionHolds } from '../platform/dynamodb.ts';
import type { Claim, Claimed, Delivery, DeliveryKey, DeliveryStatus, DeliveryStore } from './delivery.ts';
import type { ConversationKey } from './queue.ts';
import { type Tries, type Try, tryOf } from './tries.ts';

const text = { type: 'string', required: true } as const;
const number = { type: 'number', required: true } as const;
const time = { type: 'number' } as const;

const Item = new Entity(
  {
    model: { entity: 'delivery', version: '1', service: 'livechat' },
    attributes: {
      id: text,
      organizationId: text,
      conversationId: text,
      requestId: text,
      status: { type: ['unsent', 'sending', 'sent', 'delivered', 'failed'] as const, required: true },
      fingerprint: text,
      leaseUntil: number,
      unknown: { type: ['no', 'yes'] as const, required: true },
      settledAt: number,
      firstAttemptAt: number,
      attempts: number,
      redrive: number,
      lastError: text,
      threadId: text,
      messageId: text,
      requestedAt: time,
      redrivenAt: time,
      run: { type: 'string' },
      tries: { type: CustomAttributeType<readonly Try[]>('any') },
      untold: { type: 'number' },
      sentAt: time,
      deliveredAt: time,
      failedAt: time,
      deadLetterId: { type: 'string' },
      expires: number,
    },
    indexes: {
      // Not by conversation: one request is one, wherever it says that it belongs.
      primary: {
        pk: { field: 'pk', composite: ['organizationId', 'id'], casing: 'none' },
        sk: { field: 'sk', composite: [], casing: 'none' },
      },
      byConversation: {
        index: 'byTime',
        pk: { field: 'gsi1pk', composite: ['organizationId', 'conversationId'], casing: 'none' },
        sk: { field: 'gsi1sk', composite: ['id'], casing: 'none' },
      },
    },
  },
  { client: documents, table: required('MESSAGES_TABLE', 'the name of the messages table') },
);

const expires = () => expiresAfter('MESSAGES_RETENTION_DAYS');
type Primary = Pick<DeliveryKey, 'organizationId' | 'id'>;
const primary = ({ organizationId, id }: Primary): Primary => ({ organizationId, id });
/** What the carrier has shown outranks what we think. */
const arrived: readonly DeliveryStatus[] = ['sent', 'delivered'];

async function find(key: Primary): Promise<Delivery | undefined> {
  return (await Item.get(primary(key)).go({ consistent: true })).data ?? undefined;
}

/** How an attempt ended, where the carrier has shown the message meanwhile, or a stopped run's was given up. */
async function tellLate(key: Primary, told: Tries & { sentAt?: number }, leaseUntil: number): Promise<void> {
  await ifConditionHolds(
    Item.patch(primary(key))
      .set(told)
      .where((kept, op) => op.eq(kept.leaseUntil, leaseUntil))
      .go(),
  );
}

/** Deliveries in the messages table. */
export const deliveryStore: DeliveryStore = {
  async claim(key, claim: Claim): Promise<Claimed> {
    const { fingerprint, leaseUntil, redrive, now, requestedAt, redrivenAt, run } = claim;
    const claimed = await ifConditionHolds(
      Item.upsert({
        ...primary(key),
        conversationId: key.conversationId,
        requestId: key.requestId,
        fingerprint,
        status: 'sending',
        leaseUntil,
        redrive,
        run,
        ...(redrivenAt !== undefined && { redrivenAt }),
        expires: expires(),
      })
        // Were the function to die, this is all that tells of the attempt.
        .append({ tries: [tryOf(claim)] })
        .ifNotExists({
          unknown: 'no',
          settledAt: 0,
          firstAttemptAt: now,
          attempts: 0,
          lastError: '',
          threadId: '',
          messageId: '',
          requestedAt,
        })
        .where((kept, op) => {
          const free = [
            op.eq(kept.status, 'unsent'),
            `(${op.eq(kept.status, 'sending')} AND ${op.lt(kept.leaseUntil, now)})`,
            `(${op.eq(kept.status, 'failed')} AND ${op.lt(kept.redrive, redrive)})`,
          ].join(' OR ');
          return `${op.notExists(kept.status)} OR (${op.eq(kept.fingerprint, fingerprint)} AND (${free}))`;
        })
        .go({ response: 'all_old' }),
    );
    if (claimed) return { claimed: true, before: claimed.data ?? undefined };
    const current = await find(key);
    if (!current) throw new Error(`delivery ${key.id} refused a claim and is not there`);
    return { claimed: false, current };
  },

  async release(key, release, leaseUntil) {
    const released = await ifConditionHolds(
      Item.patch(primary(key))
        .set({ status: 'unsent', leaseUntil: 0, ...release })
        .where((kept, op) => `${op.eq(kept.status, 'sending')} AND ${op.eq(kept.leaseUntil, leaseUntil)}`)
        .go(),
    );
    const { tries, untold } = release;
    if (!released) await tellLate(key, { tries, ...(untold !== undefined && { untold }) }, leaseUntil);
  },

  async sent(key, sending, leaseUntil) {
    const recorded = await ifConditionHolds(
      Item.patch(primary(key))
        .set({ status: 'sent', unknown: 'no', ...sending })
        // The attempts name their runs, and a plain message's item stays within one write unit.
        .remove(['run'])
        .where(({ status }, op) => op.eq(status, 'sending'))
        .go(),
    );
    const { sentAt, tries, untold } = sending;
    if (!recorded) await tellLate(key, { sentAt, tries, ...(untold !== undefined && { untold }) }, leaseUntil);
  },

  async giveUp(key, { fingerprint, redrive, error, at, deadLetterId }) {
    const given = await ifConditionHolds(
      Item.patch(primary(key))
        .set({ status: 'failed', lastError: error, failedAt: at, deadLetterId })
        .where((kept, op) =>
          [
            ...arrived.map((one) => op.ne(kept.status, one)),
            op.eq(kept.fingerprint, fingerprint),
            op.lte(kept.redrive, redrive),
          ].join(' AND '),
        )
        .go(),
    );
    if (given) return 'given up';
    // One that was never claimed leaves nothing to mark; one of other content is another request's.
    const current = await find(key);
    return current?.fingerprint === fingerprint && arrived.includes(current.status) ? 'arrived' : 'given up';
  },
};

/**
 * The carrier has shown one of our messages: it was delivered, whatever we thought. Told again, only an earlier time of
 * receipt changes it. What is no delivery of ours stays none.
 */
export async function markDelivered(
  key: Primary,
  at: { threadId: string; messageId: string; deliveredAt: number },
): Promise<void> {
  await ifConditionHolds(
    Item.patch(primary(key))
      .set({ status: 'delivered', unknown: 'no', ...at })
      .where(({ deliveredAt }, op) => `${op.notExists(deliveredAt)} OR ${op.gt(deliveredAt, at.deliveredAt)}`)
      .go(),
  );
}

/** All deliveries of a conversation, by id. */
export async function deliveriesOf({
  organizationId,
  conversationId,
}: ConversationKey): Promise<ReadonlyMap<string, Delivery>> {
  const { data } = await Item.query.byConversation({ organizationId, conversationId }).go({ pages: 'all' });
  return new Map(data.map((delivery) => [delivery.id, delivery]));
}

/** Where a delivery lies, for whoever deletes it. */
export function addressOf(key: Primary): unknown {
  return Item.get(primary(key)).params();
}
