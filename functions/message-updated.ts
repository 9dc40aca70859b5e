import { editMessage } from '../core/messages/changes.ts';
import { onEvent } from './middleware/on-event.ts';

export const handler = onEvent('message.updated', editMessage);
