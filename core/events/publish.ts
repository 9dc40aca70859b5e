import { setTimeout as sleep } from 'node:timers/promises';
import { required, wholeNumber } from '../platform/configuration.ts';
import { recordPublished } from '../platform/invocations.ts';
import { type DataRef, storeEventData } from './claim-check.ts';
import type { AnyEvent } from './event.ts';
import { eventSource, eventsWithoutHandler } from './version.ts';

/** An entry of PutEvents. */
export type BusEntry = Readonly<Record<'Source' | 'DetailType' | 'Detail' | 'EventBusName', string>>;

export interface PublishOptions {
  readonly bus: string;
  /** Puts up to 10 entries and returns, in the same order, the id of each event; undefined for a rejected one. */
  readonly putEvents: (entries: readonly BusEntry[]) => Promise<readonly (string | undefined)[]>;
  /** Stores the data of an event that exceeds `maxBytes`. */
  readonly storeData: (event: AnyEvent) => Promise<DataRef>;
  /** The maximum size of the details of one call, in bytes. A larger detail is stored and replaced by a reference. */
  readonly maxBytes: number;
  readonly wait?: (ms: number) => Promise<unknown>;
}

export type Publish = (events: readonly AnyEvent[]) => Promise<void>;

/** The bus did not accept every event. The caller must not acknowledge them. */
export class PublishError extends Error {
  override readonly name = 'PublishError';
  constructor(rejected: number, total: number) {
    super(`the bus rejected ${rejected} of ${total} events: retry`);
  }
}

const maxEntriesPerCall = 10;
/** A successful call may reject some of its entries; those are put again. Failed calls are retried by the SDK. */
const maxAttemptsPerEntry = 3;
const initialBackoffMs = 100;

/** Creates a function that publishes events. It throws {@link PublishError} if the bus rejects an event three times. */
export function createPublisher(options: PublishOptions): Publish {
  const wait = options.wait ?? sleep;
  return async (events) => {
    const entries = await Promise.all(events.map((event) => toBusEntry(event, options)));
    let rejected = await putAll(entries, options);
    for (let attempt = 1; rejected.length > 0 && attempt < maxAttemptsPerEntry; attempt += 1) {
      await wait(initialBackoffMs * 2 ** (attempt - 1));
      rejected = await putAll(rejected, options);
    }
    if (rejected.length > 0) throw new PublishError(rejected.length, entries.length);
    for (const event of events) if (eventsWithoutHandler.has(event.type)) record(event);
  };
}

function record({ type, metadata, data }: AnyEvent): void {
  const { id, correlationId, causationId: eventId, organizationId } = metadata;
  const conversationId = 'conversationId' in data ? data.conversationId : undefined;
  recordPublished(type, id, { eventId, correlationId, organizationId, conversationId });
}

async function toBusEntry(event: AnyEvent, options: PublishOptions): Promise<BusEntry> {
  const { type, metadata, data } = event;
  let Detail = JSON.stringify({ metadata, data });
  if (Buffer.byteLength(Detail) > options.maxBytes) {
    Detail = JSON.stringify({ metadata, dataRef: await options.storeData(event) });
  }
  return { Source: eventSource, DetailType: type, Detail, EventBusName: options.bus };
}

/** Puts all entries and returns the rejected ones. */
async function putAll(entries: readonly BusEntry[], options: PublishOptions): Promise<BusEntry[]> {
  const outcomes = await Promise.all(
    batches(entries, options.maxBytes).map(async (batch) => {
      const eventIds = await options.putEvents(batch);
      return batch.filter((_entry, index) => eventIds[index] === undefined);
    }),
  );
  return outcomes.flat();
}

/** The size limit applies to the sum of the entries of a call, so batches are limited by bytes as well as by number. */
function batches(entries: readonly BusEntry[], maxBytes: number): BusEntry[][] {
  const all: BusEntry[][] = [];
  let bytes = 0;
  for (const entry of entries) {
    const size = Buffer.byteLength(entry.Detail);
    const last = all.at(-1);
    if (last && last.length < maxEntriesPerCall && bytes + size <= maxBytes) {
      last.push(entry);
      bytes += size;
    } else {
      all.push([entry]);
      bytes = size;
    }
  }
  return all;
}

/** EventBridge accepts 256 KB (262,144 bytes) per call in every region. The rest is for the other fields of ten entries. */
const defaultMaxBytes = 240_000;

/** The maximum size of an event that is published whole, in bytes. */
export const maxEventBytes = () => wholeNumber('EVENT_MAX_BYTES', defaultMaxBytes, 1_000);

/** The options of a publisher for the bus in `BUS_NAME`. */
export function busOptions() {
  return { bus: required('BUS_NAME'), storeData: storeEventData, maxBytes: maxEventBytes() };
}
