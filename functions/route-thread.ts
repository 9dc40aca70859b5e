import { routeThread } from '../core/routing/route.ts';
import { onEvent } from './middleware/on-event.ts';
import { routingPorts } from './middleware/routing.ts';

/** Decides by the rules where a thread goes, as it begins. */
export const handler = onEvent('chat.started', (event, log, remainingMs) =>
  routeThread(event, routingPorts(event.metadata.organizationId, log, remainingMs)),
);
