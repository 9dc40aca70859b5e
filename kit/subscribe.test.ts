import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, expectTypeOf, it, vi } from 'vitest';
import { receivedAtSecond, textMessage } from '../test/domain-events.ts';
import { awsClientConfig } from '../test/local-aws.ts';
import { useSharedLocal } from '../test/shared-local.ts';
import { type EventOf, InvalidEventError } from './events.ts';
import { onLiveChatEvent, type SubscribeOptions } from './subscribe.ts';

const metadata = receivedAtSecond(14, 'o', 'e');
const data = textMessage('o');
const received = { type: 'message.received', metadata, data };
const busEvent = (detailType: string, detail: unknown) => ({
  id: 'bus',
  'detail-type': detailType,
  source: 's',
  detail,
});
const message = busEvent('message.received', { metadata, data });

/** The events that a subscriber to messages and notes handles. */
async function handled(event: unknown, options?: SubscribeOptions) {
  const events: EventOf<'message.received' | 'note.received'>[] = [];
  await onLiveChatEvent(['message.received', 'note.received'], (one) => events.push(one), options)(event);
  return events;
}

describe('onLiveChatEvent', () => {
  it('handles the events of one type', async () => {
    const handle = vi.fn();
    const handler = onLiveChatEvent('message.received', (event) => {
      expectTypeOf(event.type).toEqualTypeOf<'message.received'>();
      handle(event);
    });
    await handler(message);
    expect(handle.mock.calls).toEqual([[received]]);
  });

  it('handles the events of several types, and ignores others', async () => {
    expect(await handled(message)).toEqual([received]);
    expect(await handled(busEvent('note.received', { metadata, data }))).toMatchObject([{ type: 'note.received' }]);
    expect(await handled(busEvent('chat.started', {}))).toEqual([]);
  });

  it('ignores recovered events unless they are asked for', async () => {
    const recovered = busEvent('message.received', { metadata: { ...metadata, recovered: true }, data });
    expect(await handled(recovered)).toEqual([]);
    expect(await handled(recovered, { includeRecovered: true })).toMatchObject([{ metadata: { recovered: true } }]);
  });

  it('throws for an invalid event, and rethrows errors of the handler, so that Lambda retries', async () => {
    await expect(handled(busEvent('message.received', { metadata, data: {} }))).rejects.toThrow(InvalidEventError);
    await expect(handled({ Records: [] })).rejects.toThrow(/detail-type: .*expected string/);
    const failing = onLiveChatEvent('message.received', () => Promise.reject(new Error('down')));
    await expect(failing(message)).rejects.toThrow('down');
  });

  describe('with a large event', () => {
    const dataRef = { bucket: 'media', key: 'events/o/e.json', bytes: 300_000 };
    const large = busEvent('message.received', { metadata, dataRef });

    it('loads the data from S3', async () => {
      const local = await useSharedLocal();
      const bucket = local.environment.MEDIA_BUCKET ?? '';
      const key = 'events/kit/large.json';
      const s3 = new S3Client(awsClientConfig(local));
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: JSON.stringify(data) }));
      const event = busEvent('message.received', { metadata, dataRef: { bucket, key, bytes: 1 } });
      expect(await handled(event)).toEqual([received]);
    });

    it('loads the data with the given function', async () => {
      const readObject = vi.fn(async () => JSON.stringify(data));
      expect(await handled(large, { readObject })).toEqual([received]);
      expect(readObject.mock.calls).toEqual([[dataRef]]);
    });

    it('does not load the data of a recovered event that it ignores', async () => {
      const readObject = vi.fn(async () => JSON.stringify(data));
      const event = busEvent('message.received', { metadata: { ...metadata, recovered: true }, dataRef });
      expect(await handled(event, { readObject })).toEqual([]);
      expect(readObject).not.toHaveBeenCalled();
    });

    it('rejects stored data that is not the data of the event', async () => {
      await expect(handled(large, { readObject: async () => 'sensitive' })).rejects.toThrow(
        /data\.\(root\): .*expected object/,
      );
    });
  });
});
