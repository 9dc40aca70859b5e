import { CustomAttributeType, Entity, type EntityItem } from 'electrodb';
import type { ConversationKey, SentMessage } from '../channel/channel.ts';
import { expiresAfter, ifConditionHolds, keys, number, tableIn, text, uniqueKeys } from '../platform/dynamodb.ts';

/** `queued` also after a failed attempt; `failed` once its request is a dead letter; `delivered` once the channel's webhook shows it. */
export type DeliveryStatus = 'queued' | 'sending' | 'sent' | 'delivered' | 'failed';

/** What an attempt did besides sending, in this order. */
export type AttemptRepair = 'resumed' | 'appended' | 'joined' | 'took over' | 'changed region' | 'new credentials';

/** One attempt. Without an outcome it is in progress, or its function ended without recording it. Times are ms since 1970. */
export interface DeliveryAttempt extends Partial<AttemptEnd> {
  readonly startedAt: number;
  /** The number of its execution's redrive, and when that was requested; absent for the first execution. */
  readonly redrive?: number;
  readonly redrivenAt?: number;
}

export interface AttemptEnd {
  readonly endedAt: number;
  /** `found`: an earlier attempt had sent the message. */
  readonly outcome: 'sent' | 'found' | 'failed';
  /** The name of the error, and the codes of the channel; never its texts. */
  readonly error?: string;
  readonly cause?: string;
  readonly repairs?: readonly AttemptRepair[];
}

/** The latest attempts, oldest first. */
export interface AttemptLog {
  readonly attempts: readonly DeliveryAttempt[];
  /** How many earlier attempts are no longer stored. */
  readonly omittedAttempts?: number;
}

/** One part of a send request. Times are ms since 1970. */
export interface Delivery extends ConversationKey, AttemptLog {
  /** The `custom_id` at the channel. */
  readonly id: string;
  readonly requestId: string;
  readonly status: DeliveryStatus;
  /** JSON. Removed once the message is delivered. */
  readonly content?: string | undefined;
  /** A hash of the whole request: a request with the same id must be the same. */
  readonly hash: string;
  /** The order key of the first execution. */
  readonly orderKey: number;
  readonly requestedAt: number;
  readonly acceptedAt: number;
  /** Until when the function that claimed it may be running. */
  readonly leaseUntil: number;
  /** Whether an attempt may have sent the message. */
  readonly unknown: 'no' | 'yes';
  /** From when a probe that finds nothing proves that the message was not sent. */
  readonly settledAt: number;
  /** When the first attempt started. An older thread cannot hold the message. */
  readonly firstAttemptAt?: number | undefined;
  /** Failed calls since the last redrive. */
  readonly failedCalls: number;
  /** The number of the redrive that it is in. */
  readonly redrive: number;
  readonly redrivenAt?: number | undefined;
  /** The name of the last error. */
  readonly lastError: string;
  readonly threadId: string;
  /** The channel's id of the message, once known. */
  readonly messageId: string;
  /** When the channel's response to the call was received. */
  readonly sentAt?: number | undefined;
  /** When the channel's webhook for the message was first received. */
  readonly deliveredAt?: number | undefined;
  /** When it last became a dead letter, and which. */
  readonly failedAt?: number | undefined;
  readonly deadLetterId?: string | undefined;
}

export type DeliveryKey = ConversationKey & Pick<Delivery, 'id'>;

export type NewDelivery = DeliveryKey &
  Pick<Delivery, 'requestId' | 'hash' | 'orderKey' | 'requestedAt' | 'acceptedAt'> & { readonly content: string };

/** The fields of a delivery without an attempt. Most are stored from the first attempt on: a new item of a short text fits one write unit. */
export const unattempted = {
  status: 'queued',
  leaseUntil: 0,
  unknown: 'no',
  settledAt: 0,
  failedCalls: 0,
  redrive: 0,
  lastError: '',
  threadId: '',
  messageId: '',
  attempts: [],
} as const satisfies Partial<Delivery>;

export const sentStatuses: readonly DeliveryStatus[] = ['sent', 'delivered'];

/** Whether the channel has the message. */
export function wasSent({ status }: Pick<Delivery, 'status'>): boolean {
  return sentStatuses.includes(status);
}

/** The message of a delivery that was sent. */
export function sentMessage(delivery: Delivery): SentMessage | undefined {
  const { threadId, messageId } = delivery;
  return wasSent(delivery) ? { threadId, messageId } : undefined;
}

export interface Claim {
  readonly leaseUntil: number;
  readonly redrive: number;
  readonly redrivenAt: number | undefined;
  readonly now: number;
}

/** `before`: the delivery before the claim. `current`: the delivery that prevents it; undefined if it does not exist. */
export type ClaimResult =
  | { readonly claimed: true; readonly before: Delivery }
  | { readonly claimed: false; readonly current: Delivery | undefined };

/** What a failed attempt leaves for the next. */
export type AttemptState = Pick<Delivery, 'unknown' | 'settledAt' | 'failedCalls' | 'lastError'>;

/** What a successful attempt records. */
export type SentRecord = SentMessage & AttemptLog & Pick<Delivery, 'failedCalls'> & { readonly sentAt: number };

export interface Failure {
  readonly redrive: number;
  /** The name of the error. */
  readonly error: string;
  readonly at: number;
  readonly deadLetterId: string;
}

/** What an attempt must know of earlier ones. */
export interface AttemptHistory {
  readonly failedCalls: number;
  /** Whether to look for the message before sending it. */
  readonly unknown: boolean;
  readonly settledAt: number;
  readonly firstAttemptAt: number;
  readonly lastError: string;
}

/** A claim whose function crashed or timed out, and a redrive, may hide a message that was sent. */
export function attemptHistory(before: Delivery, { redrive, now }: Pick<Claim, 'redrive' | 'now'>): AttemptHistory {
  const wasAttempted = before.firstAttemptAt !== undefined;
  const isRedriven = before.redrive < redrive;
  const isAbandoned = before.status === 'sending';
  const mayBeSent = wasAttempted && (isAbandoned || isRedriven);
  return {
    failedCalls: isRedriven ? 0 : before.failedCalls,
    unknown: mayBeSent || before.unknown === 'yes',
    // The function that held the lease may still be running.
    settledAt: Math.max(before.settledAt, mayBeSent ? before.leaseUntil : 0),
    firstAttemptAt: before.firstAttemptAt ?? now,
    lastError: before.lastError,
  };
}

/** The initial state of an attempt, before any call. */
export function attemptState({ unknown, settledAt, failedCalls, lastError }: AttemptHistory): AttemptState {
  return { unknown: unknown ? 'yes' : 'no', settledAt, failedCalls, lastError };
}

/** Every attempt is stored in the delivery's item, whose size each write pays for. */
export const maxAttempts = 20;

/** The attempt that a claim starts. */
export function startAttempt({ now, redrive, redrivenAt }: Omit<Claim, 'leaseUntil'>): DeliveryAttempt {
  const redriven = redrive > 0 && { redrive, ...(redrivenAt !== undefined && { redrivenAt }) };
  return { startedAt: now, ...redriven };
}

/** Adds an attempt. Without an end, as after a deferral before any failure, it is not recorded. */
export function addAttempt(
  before: Pick<Delivery, 'attempts' | 'omittedAttempts'>,
  attempt: DeliveryAttempt,
  end: AttemptEnd | undefined,
): AttemptLog {
  const all = [...before.attempts, ...(end ? [{ ...attempt, ...end }] : [])];
  const attempts = all.slice(-maxAttempts);
  const omittedAttempts = (before.omittedAttempts ?? 0) + all.length - attempts.length;
  return { attempts, ...(omittedAttempts > 0 && { omittedAttempts }) };
}

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
      primary: keys(['organizationId', 'conversationId'], ['id']),
    },
  },
  tableIn('MESSAGES_TABLE'),
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
async function recordLate(key: DeliveryKey, end: AttemptLog & Partial<SentRecord>, leaseUntil: number): Promise<void> {
  const { attempts, omittedAttempts, sentAt } = end;
  await ifConditionHolds(
    DeliveryEntity.patch(primaryKey(key))
      .set({ attempts, ...(omittedAttempts && { omittedAttempts }), ...(sentAt !== undefined && { sentAt }) })
      .where((stored, op) => op.eq(stored.leaseUntil, leaseUntil))
      .go(),
  );
}

/** Deliveries in the messages table. Each method is one conditional write, and a read where its condition fails. */
export const deliveryStore = {
  read,

  /** Creates a delivery with status `queued`, or returns the one that exists. */
  async create({ orderKey, ...delivery }: NewDelivery): Promise<Delivery | undefined> {
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

  /** Claims a delivery that is queued, whose lease is over, or that failed before this redrive. */
  async claim(key: DeliveryKey, claim: Claim): Promise<ClaimResult> {
    const { leaseUntil, redrive, redrivenAt, now } = claim;
    let isRetried = false;
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
      () => {
        isRetried = true;
      },
    );
    if (claimed?.data) return { claimed: true, before: toDelivery(claimed.data as DeliveryItem) };
    const current = await read(key);
    const isOwn = isRetried && current?.status === 'sending' && current.leaseUntil === leaseUntil;
    // The claim of a later attempt overwrote the state of the earlier attempts, so this attempt waits until its lease expires.
    return isOwn && current.firstAttemptAt === now
      ? { claimed: true, before: { ...current, ...unattempted, firstAttemptAt: undefined } }
      : { claimed: false, current };
  },

  /** Ends a claim, which its lease identifies. If the delivery has changed meanwhile, only the attempts are recorded. */
  async release(key: DeliveryKey, state: AttemptState & AttemptLog, leaseUntil: number): Promise<void> {
    const released = await ifConditionHolds(
      DeliveryEntity.patch(primaryKey(key))
        .set({ status: 'queued', leaseUntil: 0, ...state })
        .where((stored, op) => `${op.eq(stored.status, 'sending')} AND ${op.eq(stored.leaseUntil, leaseUntil)}`)
        .go(),
    );
    if (!released) await recordLate(key, state, leaseUntil);
  },

  /** Records that the message was sent, unless it is already known as delivered or failed. */
  async recordSent(key: DeliveryKey, sent: SentRecord, leaseUntil: number): Promise<void> {
    const recorded = await ifConditionHolds(
      DeliveryEntity.patch(primaryKey(key))
        .set({ status: 'sent', unknown: 'no', ...sent })
        .where(({ status }, op) => op.eq(status, 'sending'))
        .go(),
    );
    if (!recorded) await recordLate(key, sent, leaseUntil);
  },

  /** Marks a delivery as failed, unless it was sent or a later redrive has begun. `sent`: the message, if it was sent. */
  async fail(
    key: DeliveryKey,
    { redrive, error, at, deadLetterId }: Failure,
  ): Promise<{ readonly sent: SentMessage | undefined; readonly failedCalls: number }> {
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
    if (failed) return { sent: undefined, failedCalls: failed.data?.failedCalls ?? 0 };
    const current = await read(key);
    return { sent: current && sentMessage(current), failedCalls: current?.failedCalls ?? 0 };
  },
};

export type DeliveryStore = typeof deliveryStore;

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

/** The deliveries with these keys that are stored, by id. */
export async function getDeliveries(deliveryKeys: readonly DeliveryKey[]): Promise<ReadonlyMap<string, Delivery>> {
  const { data } = await DeliveryEntity.get(uniqueKeys(deliveryKeys.map(primaryKey))).go();
  return new Map(data.map((delivery) => [delivery.id, toDelivery(delivery)]));
}

/** The deliveries of a conversation, by id. */
export async function listDeliveries(key: ConversationKey): Promise<ReadonlyMap<string, Delivery>> {
  const { organizationId, conversationId } = key;
  const { data } = await DeliveryEntity.query.primary({ organizationId, conversationId }).go({ pages: 'all' });
  return new Map(data.map((delivery) => [delivery.id, toDelivery(delivery)]));
}
