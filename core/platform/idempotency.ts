import { setTimeout as sleep } from 'node:timers/promises';
import {
  IdempotencyAlreadyInProgressError,
  IdempotencyConfig,
  IdempotencyItemAlreadyExistsError,
  IdempotencyRecordStatus,
  makeIdempotent,
} from '@aws-lambda-powertools/idempotency';
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';
import type { IdempotencyRecord } from '@aws-lambda-powertools/idempotency/persistence';
import type { Context } from 'aws-lambda';
import { required } from './configuration.ts';
import { dynamodb } from './dynamodb.ts';
import { logger } from './logger.ts';

/** How long a result is stored: longer than the 24 h for which EventBridge retries the delivery of an event. */
const expiresAfterSeconds = 25 * 3600;

/** How often a concurrent invocation polls the record. */
const pollIntervalMs = 250;
/** A concurrent invocation stops polling when less than this remains of its own time. */
const minRemainingMs = 5_000;

/** Powertools' records in the control table. */
class ControlTableRecords extends DynamoDBPersistenceLayer {
  constructor() {
    const tableName = required('CONTROL_TABLE');
    super({ tableName, keyAttr: 'pk', expiryAttr: 'expires', awsSdkV3Client: dynamodb });
  }

  /** One partition per record: Powertools' own composite key has one partition for all of them. */
  protected override getKey(idempotencyKey: string) {
    return { pk: { S: idempotencyKey }, sk: { S: 'idempotency' } };
  }

  /** After a lost response, the SDK retries the write, and the retry fails its condition against the record of the first attempt. */
  protected override async _putRecord(record: IdempotencyRecord): Promise<void> {
    try {
      await super._putRecord(record);
    } catch (error) {
      const existing = error instanceof IdempotencyItemAlreadyExistsError ? error.existingRecord : undefined;
      const isInProgress = existing?.getStatus() === IdempotencyRecordStatus.INPROGRESS;
      if (!isInProgress || existing.inProgressExpiryTimestamp !== record.inProgressExpiryTimestamp) throw error;
    }
  }

  /** Only logs: a failed delete must not replace the handler's error, and the record can be claimed again after its lease. */
  protected override async _deleteRecord(record: IdempotencyRecord): Promise<void> {
    try {
      await super._deleteRecord(record);
    } catch (error) {
      const { idempotencyKey } = record;
      logger.warn('idempotency record not deleted; another invocation can claim it later', { idempotencyKey, error });
    }
  }
}

/**
 * A Lambda context with only the remaining time, which is all that Powertools Idempotency reads. A random fraction of a millisecond
 * distinguishes the records of invocations that start at the same time.
 */
function remainingTimeContext(remainingMs: () => number): Context {
  const getRemainingTimeInMillis = () => remainingMs() + Math.random();
  const unused = { functionName: '', functionVersion: '', invokedFunctionArn: '', memoryLimitInMB: '' };
  const alsoUnused = { awsRequestId: '', logGroupName: '', logStreamName: '', callbackWaitsForEmptyEventLoop: false };
  return { ...unused, ...alsoUnused, getRemainingTimeInMillis, done() {}, fail() {}, succeed() {} };
}

export interface IdempotencyOptions {
  /** Distinguishes the records of different effects of one event. */
  readonly keyPrefix: string;
  /** What must be the same in a duplicate, such as a hash. Another value throws `IdempotencyValidationError`. */
  readonly payload?: string;
  /** How long duplicates are recognized. Default: 25 h. */
  readonly retentionSeconds?: number;
}

/**
 * Makes `effect` idempotent by key: a duplicate returns the stored result. Return ids, not content. While a concurrent
 * invocation is in progress, the call polls its record, and throws `IdempotencyAlreadyInProgressError` (retry later) when
 * its own time is nearly over. The record of a crashed invocation is replaced once the remaining time of that invocation has
 * passed.
 */
export function withIdempotency<T extends NonNullable<IdempotencyRecord['responseData']>>(
  { keyPrefix, payload = '', retentionSeconds = expiresAfterSeconds }: IdempotencyOptions,
  effect: () => Promise<T>,
): (key: string, remainingMs: () => number) => Promise<T> {
  return async (key, remainingMs) => {
    const config = new IdempotencyConfig({
      expiresAfterSeconds: retentionSeconds,
      lambdaContext: remainingTimeContext(remainingMs),
      eventKeyJmesPath: 'key',
      payloadValidationJmesPath: 'payload',
    });
    const persistenceStore = new ControlTableRecords();
    const idempotentEffect = makeIdempotent((_input: { key: string; payload: string }) => effect(), {
      persistenceStore,
      config,
      keyPrefix,
    });
    for (;;) {
      try {
        return await idempotentEffect({ key, payload });
      } catch (error) {
        if (!(error instanceof IdempotencyAlreadyInProgressError) || remainingMs() <= minRemainingMs) throw error;
        await sleep(pollIntervalMs);
      }
    }
  };
}
