import {
  IdempotencyAlreadyInProgressError,
  IdempotencyConfig,
  IdempotencyItemAlreadyExistsError,
  IdempotencyItemNotFoundError,
  IdempotencyRecordStatus,
  makeIdempotent,
} from '@aws-lambda-powertools/idempotency';
import { BasePersistenceLayer, IdempotencyRecord } from '@aws-lambda-powertools/idempotency/persistence';
import type { Clock } from '../platform/clock.ts';
import { remainingTimeContext } from '../platform/clock.ts';
import { logger } from '../platform/logger.ts';
import type { OutboundPart, Sent } from './carrier.ts';
import type { Claim, Delivery, DeliveryStore, Release } from './delivery.ts';
import { Deferred, RequestConflict } from './errors.ts';
import { type Did, failureOf, type TryEnd, triesAfter, tryOf } from './tries.ts';

/** An attempt as the delivery's record needs to see it. */
export interface Attempting {
  run(): Promise<Sent>;
  readonly release: Release;
  /** Whether an earlier attempt turned out to have arrived. */
  readonly found: boolean;
  readonly did: readonly Did[];
}

export interface DeliverOptions<Content> {
  readonly part: OutboundPart<Content>;
  readonly claim: Claim;
  readonly store: DeliveryStore;
  readonly clock: Clock;
  /** Makes the attempt once the part is claimed, from what was known of it before. */
  readonly attempt: (before: Delivery | undefined) => Attempting;
}

/**
 * Sends a part once, however many runs try: Powertools' idempotency, whose record is the delivery itself. Undefined for
 * a part that was given up before and waits for a redrive.
 */
export async function deliver<Content>(options: DeliverOptions<Content>): Promise<Sent | undefined> {
  const { part, claim } = options;
  const record = new DeliveryRecord(options);
  const config = new IdempotencyConfig({ lambdaContext: remainingTimeContext(() => claim.leaseUntil - claim.now) });
  const send = makeIdempotent(async (_id: string): Promise<Sent> => record.run(), {
    persistenceStore: record,
    config,
    keyPrefix: 'send',
  });
  try {
    return await send(part.id);
  } catch (error) {
    if (!(error instanceof IdempotencyAlreadyInProgressError) || !record.current) throw error;
    return inTheWay(record.current, options);
  }
}

function inTheWay<Content>(current: Delivery, { part, claim }: DeliverOptions<Content>): undefined {
  if (current.fingerprint !== claim.fingerprint) throw new RequestConflict(part.requestId);
  if (current.status === 'failed') return undefined;
  throw new Deferred(Math.max(current.leaseUntil, claim.now) + 100, 'claimed');
}

const known: ReadonlySet<string> = new Set(['sent', 'delivered']);
/** Powertools expires records by the clock on the wall; a delivery expires with its table's items. */
const never = 4_102_444_800;

class DeliveryRecord<Content> extends BasePersistenceLayer {
  readonly #options: DeliverOptions<Content>;
  #before: Delivery | undefined;
  #attempt: Attempting | undefined;
  #end: TryEnd | undefined;
  /** Who stands in the way of the claim. */
  current: Delivery | undefined;

  constructor(options: DeliverOptions<Content>) {
    super();
    this.#options = options;
  }

  /** Makes the attempt, and remembers how it ended: where Powertools has its record written it does not say why. */
  async run(): Promise<Sent> {
    const attempt = this.#options.attempt(this.#before);
    this.#attempt = attempt;
    try {
      const sent = await attempt.run();
      this.#end = this.#ended(attempt, attempt.found ? 'found' : 'sent');
      return sent;
    } catch (error) {
      const failure = failureOf(error);
      this.#end = failure && { ...this.#ended(attempt, 'failed'), ...failure };
      throw error;
    }
  }

  #ended({ did }: Attempting, outcome: TryEnd['outcome']): TryEnd {
    return { ended: this.#options.clock.now(), outcome, ...(did.length > 0 && { did }) };
  }

  #tries() {
    return triesAfter(this.#before, tryOf(this.#options.claim), this.#end);
  }

  protected override async _putRecord(): Promise<void> {
    const { store, part, claim } = this.#options;
    const claimed = await store.claim(part, claim);
    if (claimed.claimed) {
      this.#before = claimed.before;
      return;
    }
    this.current = claimed.current;
    throw new IdempotencyItemAlreadyExistsError(`${part.id} is claimed`, this.#recordOf(claimed.current));
  }

  protected override async _getRecord(): Promise<IdempotencyRecord> {
    if (!this.current) throw new IdempotencyItemNotFoundError(`${this.#options.part.id} is not claimed`);
    return this.#recordOf(this.current);
  }

  /** A delivery of other content is never an answer to this request, however well it went. */
  #recordOf({ id, status, fingerprint, threadId, messageId }: Delivery): IdempotencyRecord {
    const done = known.has(status) && fingerprint === this.#options.claim.fingerprint;
    return new IdempotencyRecord({
      idempotencyKey: id,
      status: done ? IdempotencyRecordStatus.COMPLETED : IdempotencyRecordStatus.INPROGRESS,
      expiryTimestamp: never,
      responseData: { threadId, messageId },
    });
  }

  protected override async _updateRecord({ responseData }: IdempotencyRecord): Promise<void> {
    const { store, part, claim, clock } = this.#options;
    const sentAt = this.#end?.ended ?? clock.now();
    await store.sent(part, { ...sentOf(responseData), ...this.#tries(), sentAt }, claim.leaseUntil);
  }

  /** Released, never deleted. A release that fails must not hide why it came to it: the claim ends with its lease. */
  protected override async _deleteRecord(): Promise<void> {
    const { store, part, claim } = this.#options;
    try {
      if (this.#attempt) await store.release(part, { ...this.#attempt.release, ...this.#tries() }, claim.leaseUntil);
    } catch (error) {
      logger.warn('claim not released, it ends with its lease', { deliveryId: part.id, error });
    }
  }
}

function sentOf(data: unknown): Sent {
  const fields = typeof data === 'object' && data !== null ? data : {};
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  return {
    threadId: 'threadId' in fields ? text(fields.threadId) : '',
    messageId: 'messageId' in fields ? text(fields.messageId) : '',
  };
}
