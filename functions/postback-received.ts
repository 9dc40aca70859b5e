import { storeButtonClick } from '../core/messages/messages.ts';
import { onEvent } from './middleware/on-event.ts';

export const handler = onEvent('postback.received', storeButtonClick);
