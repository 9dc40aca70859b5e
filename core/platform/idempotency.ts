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

/** EventBridge tries an event for 24 h; a record must outlive that. */
const expiresAfterSeconds = 25 * 3600;

/** Who waits for another run looks so often, and stops with so much time left. */
const pauseMs = 250;
const spareMs = 5_000;

const expiry = (now: number) => Math.floor(now / 1000) + expiresAfterSeconds;

type Response = IdempotencyRecord['responseData'];

const Record = new Entity(
  {
    model: { entity: 'idempotency', version: '1', service: 'livechat' },
    attributes: {
      id: { type: 'string', required: true },
      status: { type: CustomAttributeType<ReturnType<IdempotencyRecord['getStatus']>>('string'), required: true },
      /** When whoever is at work must have ended, ms since 1970; gone once the work is done. */
      leaseUntil: { type: 'number' },
      response: { type: CustomAttributeType<{ readonly value: Response }>('any') },
      /** Seconds since 1970. Checked here as well: DynamoDB removes expired items late. */
      expires: { type: 'number', required: true },
    },
    indexes: { primary: { pk: { field: 'pk', composite: ['id'], casing: 'none' } } },
  },
  { client: documents, table: required('CONTROL_TABLE', 'the name of the control table') },
);

/** Powertools' records as an ElectroDB entity in the control table. */
class ControlTable extends BasePersistenceLayer {
  protected override async _getRecord(id: string): Promise<IdempotencyRecord> {
    const { data } = await Record.get({ id }).go({ consistent: true });
    if (!data) throw new IdempotencyItemNotFoundError(`no idempotency record ${id}`);
    return new IdempotencyRecord({
      idempotencyKey: id,
      status: data.status,
      expiryTimestamp: data.expires,
      ...(data.leaseUntil !== undefined && { inProgressExpiryTimestamp: data.leaseUntil }),
      ...(data.response?.value !== undefined && { responseData: data.response.value }),
    });
  }

  /** Claims the key when nobody has it, when its record has expired, or when whoever claimed it is dead. */
  protected override async _putRecord({
    idempotencyKey: id,
    expiryTimestamp,
    inProgressExpiryTimestamp,
  }: IdempotencyRecord) {
    const now = Date.now();
    const claimed = await ifConditionHolds(
      Record.put({
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
    if (!claimed) throw new IdempotencyItemAlreadyExistsError(`claimed already: ${id}`);
  }

  protected override async _updateRecord({ idempotencyKey: id, expiryTimestamp, responseData }: IdempotencyRecord) {
    await Record.patch({ id })
      .set({
        status: IdempotencyRecordStatus.COMPLETED,
        expires: expiryTimestamp ?? expiry(Date.now()),
        response: { value: responseData },
      })
      .remove(['leaseUntil'])
      .go();
  }

  /** A release that fails must not hide why it came to it: the claim ends with its lease anyway. */
  protected override async _deleteRecord({ idempotencyKey: id }: IdempotencyRecord): Promise<void> {
    try {
      await Record.delete({ id }).go();
    } catch (error) {
      logger.warn('idempotency record not deleted; it expires with its lease', { idempotencyKey: id, error });
    }
  }
}

/**
 * Runs `effect` once for each event id, however often the event is delivered, and answers what it answered then. The
 * answer is stored: return ids, not content. A run that comes while another is under way waits for it, and throws
 * `IdempotencyAlreadyInProgressError`, which means later, when its own time is nearly over. A run that died is taken over when
 * its lease, the function's remaining time, has ended.
 */
export function withIdempotency<Answer extends NonNullable<Response>>(
  functionName: string,
  effect: (eventId: string) => Promise<Answer>,
): (eventId: string, remainingMs: () => number) => Promise<Answer> {
  return async (eventId, remainingMs) => {
    const config = new IdempotencyConfig({ expiresAfterSeconds, lambdaContext: remainingTimeContext(remainingMs) });
    const run = makeIdempotent(effect, { persistenceStore: new ControlTable(), config, keyPrefix: functionName });
    for (;;) {
      try {
        return await run(eventId);
      } catch (error) {
        if (!(error instanceof IdempotencyAlreadyInProgressError) || remainingMs() <= spareMs) throw error;
        await sleep(pauseMs);
      }
    }
  };
}
