import * as z from 'zod/mini';
import { required } from '../platform/configuration.ts';
import { parseJson } from '../platform/json.ts';
import { deleteKeys, putObject, readObject } from '../platform/objects.ts';
import type { DomainEvent } from './event.ts';
import { type EventMetadata, metadata } from './schemas.ts';

/** The data of an event that exceeds the size limit of the bus is stored in the media bucket; the detail refers to it. */
const claimCheck = z.object({
  metadata,
  dataRef: z.object({ bucket: z.string(), key: z.string(), bytes: z.number() }),
});
export type DataRef = z.infer<typeof claimCheck>['dataRef'];

/** The S3 key for the data of an event. */
export function largeEventKey({ organizationId, id }: EventMetadata): string {
  return `events/${organizationId}/${id}.json`;
}

/** Stores the data of an event. */
export async function storeEventData({ metadata, data }: DomainEvent): Promise<DataRef> {
  const bucket = required('MEDIA_BUCKET');
  const key = largeEventKey(metadata);
  const body = JSON.stringify(data);
  await putObject({ bucket, key, body, contentType: 'application/json' });
  return { bucket, key, bytes: Buffer.byteLength(body) };
}

/** Removes the stored data of an event, if there is any. */
export async function removeEventData(key: string): Promise<void> {
  await deleteKeys(required('MEDIA_BUCKET'), [key]);
}

/** Parses a claim check: a detail with a reference in place of its data. Undefined if it is none. */
export function parseClaimCheck(detail: unknown): z.infer<typeof claimCheck> | undefined {
  return claimCheck.safeParse(detail).data;
}

/** The stored data of an event does not exist. It is removed when the message is edited or deleted. */
export class EventDataRemovedError extends Error {
  override readonly name = 'EventDataRemoved';
}

/**
 * The detail of an event, with the stored data if it is a claim check. Validation rejects stored data that is not JSON.
 *
 * @throws EventDataRemovedError
 */
export async function loadEventData(detail: unknown): Promise<unknown> {
  const claim = parseClaimCheck(detail);
  if (!claim) return detail;
  const { metadata, dataRef } = claim;
  const json = await readObject(dataRef).catch((cause: unknown) => {
    if (!(cause instanceof Error) || cause.name !== 'NoSuchKey') throw cause;
    throw new EventDataRemovedError('the data of the event does not exist: its message was edited or deleted', {
      cause,
    });
  });
  return { metadata, data: parseJson(json) };
}
