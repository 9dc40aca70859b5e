import { createOnUse, loadPorts } from '../core/channel/ports.ts';
import { fileHosts } from '../core/channels.ts';
import { createBusPublisher } from '../core/events/bus.ts';
import { storingRules } from '../core/media/fetch.ts';
import { editMessage } from '../core/messages/changes.ts';
import { storeMessage } from '../core/messages/messages.ts';
import { storeMedia } from '../core/messages/store-media.ts';
import { withIdempotency } from '../core/platform/idempotency.ts';
import { onEvents } from './middleware/on-event.ts';

const hosts = await loadPorts(fileHosts);
const rules = createOnUse(new Map([...hosts].map(([carrier, names]) => [carrier, () => storingRules(names)])));
const publish = createBusPublisher();

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
    const store = withIdempotency({ keyPrefix: 'store-media' }, () =>
      storeMedia(event, { rules: rules(metadata.organizationId), publish, now: Date.now }),
    );
    log.debug(`file ${await store(metadata.id, remainingMs)}`);
  },
  // This function receives every large event. Another function may have deleted the data of an event first.
  { skipRemoved: true },
);
