import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { organizationId } from '../../test/arbitraries.ts';
import { propertyRuns } from '../../test/depth.ts';
import type { AnyEvent } from './event.ts';
import { type BusEntry, createPublisher, PublishError, type PublishOptions } from './publish.ts';

const maxBytes = 2_000;
const at = '2026-03-11T09:14:30.000Z';

/** An event whose detail is about as large as the text in it. */
function eventOf(id: string, messageId = 'm'): AnyEvent {
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
  return Array.from({ length: count }, (_item, index) => eventOf(`e${index}`, 'm'.repeat(size)));
}

const idOf = ({ Detail }: BusEntry): string => JSON.parse(Detail).metadata.id;

/** A bus that takes what `takes` says, counting from 0 how often it was asked for the same event. */
function bus(takes: (id: string, attempt: number) => boolean = () => true, limit = maxBytes) {
  const calls: BusEntry[][] = [];
  const taken: string[] = [];
  const kept: string[] = [];
  const waits: number[] = [];
  const asked = new Map<string, number>();
  const putEvents: PublishOptions['putEvents'] = async (entries) => {
    calls.push([...entries]);
    return entries.map((entry) => {
      const id = idOf(entry);
      const attempt = asked.get(id) ?? 0;
      asked.set(id, attempt + 1);
      if (takes(id, attempt)) taken.push(id);
      return takes(id, attempt);
    });
  };
  const publish = createPublisher({
    bus: 'omnichannel',
    putEvents,
    keep: async (event, json) => {
      kept.push(json);
      return { bucket: 'media', key: event.metadata.id, bytes: json.length };
    },
    maxBytes: limit,
    wait: async (ms) => {
      waits.push(ms);
    },
  });
  return { publish, calls, taken, kept, waits, asked };
}

describe('publishing', () => {
  it('puts each event under the bridge’s source, its detail-type and the bus’s name', async () => {
    const { publish, calls } = bus();
    const event = eventOf('e');
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

  it('of nothing calls nobody', async () => {
    const { publish, calls } = bus();
    await publish([]);
    expect(calls).toEqual([]);
  });

  it.each([
    ['10 small ones in one call', events(10), 100_000, [10]],
    ['11 in two', events(11), 100_000, [10, 1]],
    ['25 in three', events(25), 100_000, [10, 10, 5]],
    ['as many as fit in their bytes', events(5, 500), maxBytes, [2, 2, 1]],
    ['large ones each alone', events(3, 1_500), maxBytes, [1, 1, 1]],
  ])('puts %s', async (_what, list, limit, sizes) => {
    const { publish, calls, taken } = bus(undefined, limit);
    await publish(list);
    expect(calls.map((entries) => entries.length)).toEqual(sizes);
    expect(taken).toEqual(list.map(({ metadata }) => metadata.id));
  });

  it('counts bytes, not characters', async () => {
    const { publish, calls } = bus();
    const wide = '😀'.repeat(300);
    await publish([eventOf('e', wide), eventOf('f', wide)]);
    expect(calls).toHaveLength(2);
  });
});

describe('an event that the bus refused', () => {
  it('is put again, alone of its call, a little later each time', async () => {
    const { publish, calls, waits, asked } = bus((id, attempt) => id !== 'e3' || attempt === 2);
    await publish(events(5));
    expect(calls.map((entries) => entries.map(idOf))).toEqual([['e0', 'e1', 'e2', 'e3', 'e4'], ['e3'], ['e3']]);
    expect(waits).toEqual([100, 200]);
    expect(asked.get('e0')).toBe(1);
  });

  it('three times is told, with how many there are', async () => {
    const { publish, calls } = bus((id) => id !== 'e3' && id !== 'e11', 100_000);
    const error = new PublishError(2, 12);
    await expect(publish(events(12))).rejects.toThrow(error);
    expect(error.message).toBe('the bus refused 2 of 12 events after 3 attempts; send them again');
    expect(calls.map((entries) => entries.length)).toEqual([10, 2, 2, 2]);
  });

  it('for want of an outcome is refused as well', async () => {
    const options = {
      bus: 'b',
      maxBytes,
      keep: () => Promise.reject(new Error('unused')),
      wait: async () => undefined,
    };
    await expect(createPublisher({ ...options, putEvents: async () => [] })(events(2))).rejects.toThrow(PublishError);
  });
});

describe('a call that fails', () => {
  it('fails the publishing, so that nobody takes its events for published', async () => {
    const options = {
      bus: 'b',
      maxBytes,
      keep: () => Promise.reject(new Error('unused')),
      wait: async () => undefined,
    };
    const putEvents = () => Promise.reject(new Error('no network'));
    await expect(createPublisher({ ...options, putEvents })(events(2))).rejects.toThrow('no network');
  });
});

describe('an event too large for the bus', () => {
  it('is kept, and put as a reference beside the others', async () => {
    const { publish, calls, kept } = bus();
    const large = eventOf('large', 'm'.repeat(maxBytes));
    await publish([eventOf('small'), large]);
    expect(kept).toEqual([JSON.stringify(large.data)]);
    const bytes = JSON.stringify(large.data).length;
    expect(calls.flat().map(({ Detail }): unknown => JSON.parse(Detail))).toMatchObject([
      { data: { messageId: 'm' } },
      { metadata: large.metadata, dataRef: { bucket: 'media', key: 'large', bytes } },
    ]);
    expect(calls.flat()[1]?.Detail).not.toContain('mmm');
  });

  it('is kept from one byte past the limit on', async () => {
    const event = eventOf('e', 'm'.repeat(100));
    const size = Buffer.byteLength(JSON.stringify({ metadata: event.metadata, data: event.data }));
    for (const [limit, count] of [
      [size, 0],
      [size - 1, 1],
    ] as const) {
      const { publish, kept } = bus(undefined, limit);
      await publish([event]);
      expect(kept).toHaveLength(count);
    }
  });

  it('that cannot be kept fails the publishing before anything is put', async () => {
    const calls: unknown[] = [];
    const keep = () => Promise.reject(new Error('no bucket'));
    const putEvents = async (entries: readonly BusEntry[]) => entries.map((entry) => calls.push(entry) > 0);
    const publish = createPublisher({ bus: 'b', maxBytes, keep, putEvents });
    await expect(publish([eventOf('small'), eventOf('large', 'm'.repeat(maxBytes))])).rejects.toThrow('no bucket');
    expect(calls).toEqual([]);
  });
});

describe('for any sizes and any refusals', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 2_500 }), { maxLength: 40 });
  const refusals = fc.func(fc.boolean());

  it('every event is taken or PublishError is thrown, and no call exceeds its limits', async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.integer({ min: 300, max: 3_000 }), refusals, async (given, limit, takes) => {
        const list = given.map((size, index) => eventOf(`e${index}`, 'm'.repeat(size)));
        const { publish, calls, taken, asked } = bus((id, attempt) => takes(id, attempt), limit);
        const error = await publish(list).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        if (error === undefined) expect(taken.toSorted()).toEqual(list.map(({ metadata }) => metadata.id).toSorted());
        else expect(error).toBeInstanceOf(PublishError);
        expect(new Set(taken).size).toBe(taken.length);
        expect(Math.max(0, ...asked.values())).toBeLessThanOrEqual(3);
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
