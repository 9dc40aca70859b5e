import { routeThread } from '../core/routing/route.ts';
import { onEvent } from './middleware/on-event.ts';
import { routingPorts } from './middleware/routing.ts';

/** Routes a new thread by the rules. */
export const handler = onEvent('chat.started', (event, log, remainingMs) =>
  routeThread(event, routingPorts(event.metadata.organizationId, log, remainingMs)),
);
