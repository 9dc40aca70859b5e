import * as z from 'zod/mini';
import type { EventType } from '../core/events/catalogue.ts';
import { type DataRef, parseClaimCheck } from '../core/events/claim-check.ts';
import { type DomainEvent, InvalidEventError, parseEvent } from '../core/events/event.ts';
import { describeIssues } from '../core/events/issues.ts';
import { parseJson } from '../core/platform/json.ts';
import { type EventOf, envelope } from './events.ts';

export type { DataRef } from '../core/events/claim-check.ts';

export interface SubscribeOptions {
  /**
   * Whether to handle the events that reconciliation published because their webhooks were lost. They have
   * `metadata.recovered: true` and can be hours old. Default: false.
   */
  readonly includeRecovered?: boolean | undefined;
  /**
   * Reads the data of a large event, as text, from the bucket of the bridge. Default: `GetObject` of `@aws-sdk/client-s3` with
   * the region and credentials of the environment.
   */
  readonly readObject?: ((object: DataRef) => Promise<string>) | undefined;
}

/** The package `@aws-sdk/client-s3`, which reads the data of large events, is not installed. */
export class MissingS3ClientError extends Error {
  override readonly name = 'MissingS3Client';
  constructor(options: ErrorOptions) {
    super('the event is stored in S3: install @aws-sdk/client-s3, or pass readObject', options);
  }
}

/**
 * Creates a Lambda handler for the events of one or more types. It loads the data of large events and validates each event. It
 * ignores other types, and recovered events unless `includeRecovered` is set. It rethrows the errors of `handle`, and throws
 * `InvalidEventError` for an invalid event, so that Lambda retries.
 *
 * EventBridge delivers at least once: `metadata.id` is the same for duplicates.
 */
export function onLiveChatEvent<T extends EventType>(
  types: T | readonly T[],
  handle: (event: EventOf<T>) => unknown,
  options?: SubscribeOptions,
): (event: unknown) => Promise<void>;
export function onLiveChatEvent(
  types: EventType | readonly EventType[],
  handle: (event: DomainEvent) => unknown,
  { includeRecovered = false, readObject = readFromS3 }: SubscribeOptions = {},
) {
  return async (event: unknown) => {
    const { data, error } = envelope.safeParse(event);
    if (error) throw new InvalidEventError('event', describeIssues(error));
    const type = [types].flat().find((one) => one === data['detail-type']);
    if (type === undefined) return;
    if (!includeRecovered && recoveredDetail.safeParse(data.detail).success) return;
    const claim = parseClaimCheck(data.detail);
    const detail = claim ? { metadata: claim.metadata, data: parseJson(await readObject(claim.dataRef)) } : data.detail;
    await handle(parseEvent(type, detail));
  };
}

const recoveredDetail = z.object({ metadata: z.object({ recovered: z.literal(true) }) });

/** Loads the S3 client on first use, because large events are rare. */
async function loadS3() {
  try {
    const { GetObjectCommand, S3Client } = await import('@aws-sdk/client-s3');
    return { GetObjectCommand, client: new S3Client({}) };
  } catch (cause) {
    throw new MissingS3ClientError({ cause });
  }
}
let s3: ReturnType<typeof loadS3> | undefined;

async function readFromS3({ bucket, key }: DataRef): Promise<string> {
  s3 ??= loadS3();
  const { GetObjectCommand, client } = await s3;
  const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  return (await Body?.transformToString()) ?? '';
}
