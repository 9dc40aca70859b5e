import { createBusPublisher } from '../core/events/publish.ts';
import { liveChatFileHosts } from '../core/livechat/conventions.ts';
import { storingRules } from '../core/media/settings.ts';
import { editMessage, storeMessage, storeNote } from '../core/messages/messages.ts';
import { storeMedia } from '../core/messages/store-media.ts';
import { withIdempotency } from '../core/platform/idempotency.ts';
import { onEvents } from './middleware/on-event.ts';

const ports = { rules: storingRules(liveChatFileHosts), publish: createBusPublisher(), now: Date.now };

/** Stores the file of a media message or note. */
export const handler = onEvents(
  ['message.received', 'message.delivered', 'note.received', 'message.updated', 'note.updated'],
  async ({ type, data, metadata }, log, remainingMs) => {
    const message = 'deliveryId' in data ? data.message : data;
    // An event that was too large for the bus comes whatever it holds.
    if (message?.type !== 'media') return;
    const edited = type === 'message.updated' || type === 'note.updated';
    const ensure = () => {
      if (edited) return editMessage({ type, metadata, data: message });
      return message.visibility === 'agents' ? storeNote(message, metadata) : storeMessage(message, metadata);
    };
    const store = withIdempotency('store-media', () => storeMedia({ message, metadata, edited, ensure }, ports));
    log.info(`file ${await store(metadata.id, remainingMs)}`);
  },
);
