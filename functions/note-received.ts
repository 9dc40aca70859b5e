import { storeMessage } from '../core/messages/messages.ts';
import { onEvent } from './middleware/on-event.ts';

export const handler = onEvent('note.received', ({ data, metadata }) => storeMessage(data, metadata));
