import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rules } from '../../stacks/topology.ts';
import { organizationId } from '../../test/arbitraries.ts';
import { propertyRuns } from '../../test/depth.ts';
import { catalogue } from './catalogue.ts';
import type { AnyEvent } from './event.ts';
import { type BusEntry, createPublisher, PublishError, type PublishOptions } from './publish.ts';
import { eventsWithoutHandler } from './version.ts';

const maxBytes = 2_000;
const at = '2026-03-11T09:14:30.000Z';

/** An event whose size is determined by the message id. */
function createEvent(id: string, messageId = 'm'): AnyEvent {
  const metadata = {
    id,
    version: '1',
    correlationId: 'c',
    organizationId,
    carrier: 'livechat',
    occurredAt: at,
  } as const;
  return {
    type: 'message.deleted',
    metadata: { ...metadata, receivedAt: at },
    data: { conversationId: 'C', threadId: 'T', messageId },
  };
}

function events(count: number, size = 1): AnyEvent[] {
  return Array.from({ length: count }, (_item, index) => createEvent(`e${index}`, 'm'.repeat(size)));
}

const entryId = ({ Detail }: BusEntry): string => JSON.parse(Detail).metadata.id;

/** A bus that accepts an entry if `accepts` returns true. `attempt` counts the attempts of the same event from 0. */
function createBus(accepts: (id: string, attempt: number) => boolean = () => true, limit = maxBytes) {
  const calls: BusEntry[][] = [];
  const accepted: string[] = [];
  const stored: string[] = [];
  const waits: number[] = [];
  const attempts = new Map<string, number>();
  const putEvents: PublishOptions['putEvents'] = async (entries) => {
    calls.push([...entries]);
    return entries.map((entry) => {
      const id = entryId(entry);
      const attempt = attempts.get(id) ?? 0;
      attempts.set(id, attempt + 1);
      if (accepts(id, attempt)) accepted.push(id);
      return accepts(id, attempt) ? id : undefined;
    });
  };
  const publish = createPublisher({
    bus: 'omnichannel',
    putEvents,
    storeData: async (event) => {
      const json = JSON.stringify(event.data);
      stored.push(json);
      return { bucket: 'media', key: event.metadata.id, bytes: json.length };
    },
    maxBytes: limit,
    wait: async (ms) => {
      waits.push(ms);
    },
  });
  return { publish, calls, accepted, stored, waits, attempts };
}

describe('publishing', () => {
  it('sets the source, the detail-type and the bus name', async () => {
    const { publish, calls } = createBus();
    const event = createEvent('e');
    await publish([event]);
    const Detail = JSON.stringify({ metadata: event.metadata, data: event.data });
    const entry = {
      Source: 'omnichannel.livechat',
      DetailType: 'message.deleted',
      EventBusName: 'omnichannel',
      Detail,
    };
    expect(calls).toEqual([[entry]]);
  });

  it('makes no call without events', async () => {
    const { publish, calls } = createBus();
    await publish([]);
    expect(calls).toEqual([]);
  });

  it.each([
    ['10 small events in one call', events(10), 100_000, [10]],
    ['11 small events in two calls', events(11), 100_000, [10, 1]],
    ['25 small events in three calls', events(25), 100_000, [10, 10, 5]],
    ['as many events per call as the size limit allows', events(5, 500), maxBytes, [2, 2, 1]],
    ['one large event per call', events(3, 1_500), maxBytes, [1, 1, 1]],
  ])('puts %s', async (_what, list, limit, sizes) => {
    const { publish, calls, accepted } = createBus(undefined, limit);
    await publish(list);
    expect(calls.map((entries) => entries.length)).toEqual(sizes);
    expect(accepted).toEqual(list.map(({ metadata }) => metadata.id));
  });

  it('counts bytes, not characters', async () => {
    const { publish, calls } = createBus();
    const wide = '😀'.repeat(300);
    await publish([createEvent('e', wide), createEvent('f', wide)]);
    expect(calls).toHaveLength(2);
  });
});

describe('retries', () => {
  const storeData = () => Promise.reject(new Error('unused'));
  const options = { bus: 'b', maxBytes, storeData, wait: async () => undefined };

  it('retries a rejected event alone, with exponential backoff', async () => {
    const { publish, calls, waits, attempts } = createBus((id, attempt) => id !== 'e3' || attempt === 2);
    await publish(events(5));
    expect(calls.map((entries) => entries.map(entryId))).toEqual([['e0', 'e1', 'e2', 'e3', 'e4'], ['e3'], ['e3']]);
    expect(waits).toEqual([100, 200]);
    expect(attempts.get('e0')).toBe(1);
  });

  it('throws PublishError with the number of events after three attempts', async () => {
    const { publish, calls } = createBus((id) => id !== 'e3' && id !== 'e11', 100_000);
    const error = new PublishError(2, 12);
    await expect(publish(events(12))).rejects.toThrow(error);
    expect(error.message).toBe('the bus rejected 2 of 12 events: retry');
    expect(calls.map((entries) => entries.length)).toEqual([10, 2, 2, 2]);
  });

  it('treats a missing result as a rejection', async () => {
    await expect(createPublisher({ ...options, putEvents: async () => [] })(events(2))).rejects.toThrow(PublishError);
  });

  it('throws the error of a failed call', async () => {
    const putEvents = () => Promise.reject(new Error('no network'));
    await expect(createPublisher({ ...options, putEvents })(events(2))).rejects.toThrow('no network');
  });
});

describe('large events', () => {
  it('are stored and published as a reference, in one call with other events', async () => {
    const { publish, calls, stored } = createBus();
    const large = createEvent('large', 'm'.repeat(maxBytes));
    await publish([createEvent('small'), large]);
    expect(stored).toEqual([JSON.stringify(large.data)]);
    const bytes = JSON.stringify(large.data).length;
    expect(calls.flat().map(({ Detail }): unknown => JSON.parse(Detail))).toMatchObject([
      { data: { messageId: 'm' } },
      { metadata: large.metadata, dataRef: { bucket: 'media', key: 'large', bytes } },
    ]);
    expect(calls.flat()[1]?.Detail).not.toContain('mmm');
  });

  it('are those at least one byte over the limit', async () => {
    const event = createEvent('e', 'm'.repeat(100));
    const size = Buffer.byteLength(JSON.stringify({ metadata: event.metadata, data: event.data }));
    for (const [limit, count] of [
      [size, 0],
      [size - 1, 1],
    ] as const) {
      const { publish, stored } = createBus(undefined, limit);
      await publish([event]);
      expect(stored).toHaveLength(count);
    }
  });

  it('publish nothing if storing one fails', async () => {
    const calls: unknown[] = [];
    const storeData = () => Promise.reject(new Error('no bucket'));
    const putEvents = async (entries: readonly BusEntry[]) => entries.map((entry) => `${calls.push(entry)}`);
    const publish = createPublisher({ bus: 'b', maxBytes, storeData, putEvents });
    await expect(publish([createEvent('small'), createEvent('large', 'm'.repeat(maxBytes))])).rejects.toThrow(
      'no bucket',
    );
    expect(calls).toEqual([]);
  });
});

describe('for any sizes and rejections', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 2_500 }), { maxLength: 40 });
  const rejections = fc.func(fc.boolean());

  it('accepts every event or throws PublishError, and no call exceeds the limits', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.integer({ min: 300, max: 3_000 }), rejections, async (given, limit, accepts) => {
        const list = given.map((size, index) => createEvent(`e${index}`, 'm'.repeat(size)));
        const { publish, calls, accepted, attempts } = createBus((id, attempt) => accepts(id, attempt), limit);
        const error = await publish(list).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        if (error === undefined)
          expect(accepted.toSorted()).toEqual(list.map(({ metadata }) => metadata.id).toSorted());
        else expect(error).toBeInstanceOf(PublishError);
        expect(new Set(accepted).size).toBe(accepted.length);
        expect(Math.max(0, ...attempts.values())).toBeLessThanOrEqual(3);
        for (const entries of calls) {
          const bytes = entries.reduce((sum, { Detail }) => sum + Buffer.byteLength(Detail), 0);
          expect(entries.length).toBeLessThanOrEqual(10);
          expect(entries.length === 1 || bytes <= limit).toBe(true);
        }
      }),
      propertyRuns(300),
    );
  });
});

it('records the events that no rule routes to a function', () => {
  const handled = new Set(Object.values(rules).flatMap(({ pattern }) => pattern['detail-type'] ?? []));
  expect(eventsWithoutHandler).toEqual(new Set(Object.keys(catalogue).filter((type) => !handled.has(type))));
});
