import { setTimeout as sleep } from 'node:timers/promises';
import {
  IdempotencyAlreadyInProgressError,
  IdempotencyConfig,
  IdempotencyItemAlreadyExistsError,
  IdempotencyItemNotFoundError,
  IdempotencyRecordStatus,
  makeIdempotent,
} from '@aws-lambda-powertools/idempotency';
import { BasePersistenceLayer, IdempotencyRecord } from '@aws-lambda-powertools/idempotency/persistence';
import { CustomAttributeType, Entity } from 'electrodb';
import { remainingTimeContext } from './clock.ts';
import { required } from './configuration.ts';
import { documents, ifConditionHolds } from './dynamodb.ts';
import { logger } from './logger.ts';

/** How long a result is stored: longer than the 24 h for which EventBridge retries the delivery of an event. */
const expiresAfterSeconds = 25 * 3600;

/** How often a concurrent invocation polls the record. */
const pollIntervalMs = 250;
/** A concurrent invocation stops polling when less than this remains of its own time. */
const minRemainingMs = 5_000;

const expiry = (now: number) => Math.floor(now / 1000) + expiresAfterSeconds;

/** What Powertools stores of an effect: its result, as JSON. */
type Result = IdempotencyRecord['responseData'];

const IdempotencyRecordEntity = new Entity(
  {
    model: { entity: 'idempotency', version: '1', service: 'livechat' },
    attributes: {
      id: { type: 'string', required: true },
      status: { type: CustomAttributeType<ReturnType<IdempotencyRecord['getStatus']>>('string'), required: true },
      /** Powertools' `inProgressExpiryTimestamp`: when the invocation times out, ms since 1970. Removed on completion. */
      leaseUntil: { type: 'number' },
      response: { type: CustomAttributeType<{ readonly value: Result }>('any') },
      /** Seconds since 1970. Checked here as well: DynamoDB removes expired items late. */
      expires: { type: 'number', required: true },
    },
    indexes: { primary: { pk: { field: 'pk', composite: ['id'], casing: 'none' } } },
  },
  { client: documents, table: required('CONTROL_TABLE', 'the name of the control table') },
);

/** A Powertools persistence layer over an ElectroDB entity in the control table. */
class ElectroDbPersistenceLayer extends BasePersistenceLayer {
  protected override async _getRecord(id: string): Promise<IdempotencyRecord> {
    const { data } = await IdempotencyRecordEntity.get({ id }).go({ consistent: true });
    if (!data) throw new IdempotencyItemNotFoundError(`no idempotency record ${id}`);
    return new IdempotencyRecord({
      idempotencyKey: id,
      status: data.status,
      expiryTimestamp: data.expires,
      ...(data.leaseUntil !== undefined && { inProgressExpiryTimestamp: data.leaseUntil }),
      ...(data.response?.value !== undefined && { responseData: data.response.value }),
    });
  }

  /** Creates an INPROGRESS record, unless a valid one exists. Replaces an expired record and one whose invocation timed out. */
  protected override async _putRecord({
    idempotencyKey: id,
    expiryTimestamp,
    inProgressExpiryTimestamp,
  }: IdempotencyRecord) {
    const now = Date.now();
    const claimed = await ifConditionHolds(
      IdempotencyRecordEntity.put({
        id,
        status: IdempotencyRecordStatus.INPROGRESS,
        expires: expiryTimestamp ?? expiry(now),
        ...(inProgressExpiryTimestamp !== undefined && { leaseUntil: inProgressExpiryTimestamp }),
      })
        .where(
          ({ status, leaseUntil, expires }, op) =>
            `${op.notExists(status)} OR ${op.lt(expires, Math.floor(now / 1000))} OR ${op.lt(leaseUntil, now)}`,
        )
        .go(),
    );
    if (!claimed) throw new IdempotencyItemAlreadyExistsError(`idempotency record exists: ${id}`);
  }

  protected override async _updateRecord({ idempotencyKey: id, expiryTimestamp, responseData }: IdempotencyRecord) {
    await IdempotencyRecordEntity.patch({ id })
      .set({
        status: IdempotencyRecordStatus.COMPLETED,
        expires: expiryTimestamp ?? expiry(Date.now()),
        response: { value: responseData },
      })
      .remove(['leaseUntil'])
      .go();
  }

  /** Only logs: a failed delete must not replace the handler's error, and the record can be claimed again after `leaseUntil`. */
  protected override async _deleteRecord({ idempotencyKey: id }: IdempotencyRecord): Promise<void> {
    try {
      await IdempotencyRecordEntity.delete({ id }).go();
    } catch (error) {
      logger.warn('idempotency record not deleted; another invocation can claim it after leaseUntil', {
        idempotencyKey: id,
        error,
      });
    }
  }
}

/**
 * Makes `effect` idempotent by event id: a duplicate delivery returns the stored result. Return ids, not content. While a
 * concurrent invocation is in progress, the call polls its record, and throws `IdempotencyAlreadyInProgressError` (retry
 * later) when its own time is nearly over. The record of a crashed invocation is replaced once the remaining time
 * of that invocation has passed.
 *
 * @param keyPrefix distinguishes the records of different effects of one event
 */
export function withIdempotency<T extends NonNullable<Result>>(
  keyPrefix: string,
  effect: (eventId: string) => Promise<T>,
): (eventId: string, remainingMs: () => number) => Promise<T> {
  return async (eventId, remainingMs) => {
    const config = new IdempotencyConfig({ expiresAfterSeconds, lambdaContext: remainingTimeContext(remainingMs) });
    const persistenceStore = new ElectroDbPersistenceLayer();
    const idempotentEffect = makeIdempotent(effect, { persistenceStore, config, keyPrefix });
    for (;;) {
      try {
        return await idempotentEffect(eventId);
      } catch (error) {
        if (!(error instanceof IdempotencyAlreadyInProgressError) || remainingMs() <= minRemainingMs) throw error;
        await sleep(pollIntervalMs);
      }
    }
  };
}
