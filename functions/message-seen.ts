import { recordRead } from '../core/conversations/conversations.ts';
import { onEvent } from './middleware/on-event.ts';

export const handler = onEvent('message.seen', recordRead);
