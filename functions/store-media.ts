import { createBusPublisher } from '../core/events/bus.ts';
import { liveChatFileHosts } from '../core/livechat/conventions.ts';
import { storingRules } from '../core/media/fetch.ts';
import { editMessage } from '../core/messages/changes.ts';
import { storeMessage } from '../core/messages/messages.ts';
import { storeMedia } from '../core/messages/store-media.ts';
import { withIdempotency } from '../core/platform/idempotency.ts';
import { onEvents } from './middleware/on-event.ts';

const ports = { rules: storingRules(liveChatFileHosts), publish: createBusPublisher(), now: Date.now };

/** Stores the file of a media message or note. */
export const handler = onEvents(
  ['message.received', 'message.delivered', 'note.received', 'message.updated', 'note.updated'],
  async ({ type, data, metadata }, log, remainingMs) => {
    const message = 'deliveryId' in data ? data.message : data;
    // The rule for events too large for the bus cannot filter by message type.
    if (message?.type !== 'media') return;
    const isEdit = type === 'message.updated' || type === 'note.updated';
    const event = {
      message,
      metadata,
      isEdit,
      storeMessage: () => (isEdit ? editMessage({ type, metadata, data: message }) : storeMessage(message, metadata)),
    };
    const store = withIdempotency({ keyPrefix: 'store-media' }, () => storeMedia(event, ports));
    log.debug(`file ${await store(metadata.id, remainingMs)}`);
  },
);
