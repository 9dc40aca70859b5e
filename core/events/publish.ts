import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { required, wholeNumber } from '../platform/configuration.ts';
import { eventSource } from './catalogue.ts';
import { type AnyEvent, type DataRef, largeEventKey } from './event.ts';

/** One entry of PutEvents. */
export interface BusEntry {
  readonly Source: string;
  readonly DetailType: string;
  readonly Detail: string;
  readonly EventBusName: string;
}

export interface PublishOptions {
  readonly bus: string;
  /** Puts up to 10 entries and answers, in their order, which were taken. */
  readonly putEvents: (entries: readonly BusEntry[]) => Promise<readonly boolean[]>;
  /** Keeps what is too large for the bus. Called only when needed. */
  readonly keep: (event: AnyEvent, json: string) => Promise<DataRef>;
  /** From how many bytes of detail on an event goes by reference. EventBridge takes 256 KB a call in every region. */
  readonly maxBytes: number;
  readonly wait?: (ms: number) => Promise<void>;
}

export type Publish = (events: readonly AnyEvent[]) => Promise<void>;

/** The bus did not take every event, so the caller must not say that it did. */
export class PublishError extends Error {
  override readonly name = 'PublishError';
  constructor(refused: number, of: number) {
    super(`the bus refused ${refused} of ${of} events after ${attempts} attempts; send them again`);
  }
}

const mostEntries = 10;
const attempts = 3;
const firstPauseMs = 100;

/** Puts events on the bus, all or with {@link PublishError}. Those not taken are sent again on their own. */
export function createPublisher(options: PublishOptions): Publish {
  const wait = options.wait ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms)));
  return async (events) => {
    const entries = await Promise.all(events.map((event) => entryOf(event, options)));
    let refused = await putAll(entries, options);
    for (let attempt = 1; refused.length > 0 && attempt < attempts; attempt += 1) {
      await wait(firstPauseMs * 2 ** (attempt - 1));
      refused = await putAll(refused, options);
    }
    if (refused.length > 0) throw new PublishError(refused.length, entries.length);
  };
}

async function entryOf(event: AnyEvent, options: PublishOptions): Promise<BusEntry> {
  const inline = JSON.stringify({ metadata: event.metadata, data: event.data });
  const large = Buffer.byteLength(inline) > options.maxBytes;
  const detail = large
    ? JSON.stringify({ metadata: event.metadata, dataRef: await options.keep(event, JSON.stringify(event.data)) })
    : inline;
  return { Source: eventSource, DetailType: event.type, Detail: detail, EventBusName: options.bus };
}

/** Puts all entries; answers those that were not taken. */
async function putAll(entries: readonly BusEntry[], options: PublishOptions): Promise<BusEntry[]> {
  const outcomes = await Promise.all(
    batches(entries, options.maxBytes).map(async (batch) => {
      const taken = await options.putEvents(batch);
      return batch.filter((_entry, index) => !taken[index]);
    }),
  );
  return outcomes.flat();
}

/** A call's size limit holds for all its entries together, so a batch is bound by bytes as well as by number. */
function batches(entries: readonly BusEntry[], maxBytes: number): BusEntry[][] {
  const all: BusEntry[][] = [];
  let bytes = 0;
  for (const entry of entries) {
    const size = Buffer.byteLength(entry.Detail);
    const last = all.at(-1);
    if (last && last.length < mostEntries && bytes + size <= maxBytes) {
      last.push(entry);
      bytes += size;
    } else {
      all.push([entry]);
      bytes = size;
    }
  }
  return all;
}

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
  const { putObject } = await import('../platform/objects.ts');
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
