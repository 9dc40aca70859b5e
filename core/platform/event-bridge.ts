import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import type { DataRef } from '../events/event.ts';
import { largeEventKey } from '../events/event-key.ts';
import { createPublisher, type Publish, type PublishOptions } from '../events/publish.ts';
import { required, wholeNumber } from './configuration.ts';

const client = new EventBridgeClient({
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 1000, requestTimeout: 2000, throwOnRequestTimeout: true },
});

const putEvents: PublishOptions['putEvents'] = async (entries) => {
  const answer = await client.send(new PutEventsCommand({ Entries: [...entries] }));
  return entries.map((_entry, index) => answer.Entries?.[index]?.EventId !== undefined);
};

/** Large events are rare: their client is loaded when the first one comes, to keep the cold start short. */
const keep: PublishOptions['keep'] = async (event, json): Promise<DataRef> => {
  const { putObject } = await import('./objects.ts');
  const bucket = required('MEDIA_BUCKET', 'the name of the media bucket');
  const key = largeEventKey(event.metadata);
  await putObject({ bucket, key, body: json, contentType: 'application/json' });
  return { bucket, key, bytes: Buffer.byteLength(json) };
};

/** Publishes to the bus that the environment names. */
export function createBusPublisher(): Publish {
  return createPublisher({
    bus: required('BUS_NAME', 'the name of the event bus'),
    putEvents,
    keep,
    maxBytes: wholeNumber('EVENT_MAX_BYTES', 240_000, 1_000),
  });
}

/** Puts an event on the bus as it was, whoever it came from. */
export async function putEvent(event: { source: string; detailType: string; detail: unknown }): Promise<void> {
  const entry = {
    Source: event.source,
    DetailType: event.detailType,
    Detail: JSON.stringify(event.detail),
    EventBusName: required('BUS_NAME', 'the name of the event bus'),
  };
  const [taken] = await putEvents([entry]);
  if (!taken) throw new Error('the bus did not take the event; try again');
}
