import { beforeAll, describe, expect, it } from 'vitest';
import { toBusEvent } from '../test/bus-events.ts';
import { receivedAtSecond, textMessage } from '../test/domain-events.ts';
import { useSharedLocal } from '../test/shared-local.ts';
import { lambdaContext } from '../test/webhook-event.ts';

describe('a large event whose data was deleted', () => {
  let storeMedia: typeof import('./store-media.ts').handler;
  let messageReceived: typeof import('./message-received.ts').handler;
  beforeAll(async () => {
    await useSharedLocal();
    ({ handler: storeMedia } = await import('./store-media.ts'));
    ({ handler: messageReceived } = await import('./message-received.ts'));
  });

  const deleted = () => {
    const metadata = receivedAtSecond(40, 'none', 'deleted');
    const event = toBusEvent({ type: 'message.received', metadata, data: textMessage('none', { id: 'deleted' }) });
    const dataRef = { bucket: process.env.MEDIA_BUCKET ?? '', key: 'events/none/deleted.json', bytes: 1 };
    return { ...event, detail: { metadata, dataRef } };
  };

  it('is skipped by the function that stores files, which receives every large event', async () => {
    await expect(storeMedia(deleted(), lambdaContext())).resolves.toBeUndefined();
  });

  it('fails in the function that stores its message', async () => {
    await expect(messageReceived(deleted(), lambdaContext())).rejects.toMatchObject({ name: 'EventDataRemoved' });
  });
});
