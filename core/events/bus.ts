import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { required } from '../platform/configuration.ts';
import { busOptions, createPublisher, type Publish, PublishError, type PublishOptions } from './publish.ts';

const client = new EventBridgeClient({
  // Of a failed call.
  maxAttempts: 2,
  requestHandler: { connectionTimeout: 1000, requestTimeout: 2000, throwOnRequestTimeout: true },
});

const putEvents: PublishOptions['putEvents'] = async (entries) => {
  const { Entries } = await client.send(new PutEventsCommand({ Entries: [...entries] }));
  return entries.map((_entry, index) => Entries?.[index]?.EventId);
};

/** Creates a publisher for the bus in `BUS_NAME`. */
export function createBusPublisher(): Publish {
  return createPublisher({ ...busOptions(), putEvents });
}

/** Puts an event of any source on the bus without changes. Returns EventBridge's id of the event. */
export async function putEvent(event: { source: string; detailType: string; detail: unknown }): Promise<string> {
  const { source: Source, detailType: DetailType } = event;
  const Detail = JSON.stringify(event.detail);
  const [eventId] = await putEvents([{ Source, DetailType, Detail, EventBusName: required('BUS_NAME') }]);
  if (eventId === undefined) throw new PublishError(1, 1);
  return eventId;
}
