import { routeFirstMessage } from '../core/routing/route.ts';
import { onEvent } from './middleware/on-event.ts';
import { routingPorts } from './middleware/routing.ts';

/** Goes on with a thread some of whose rules have waited for what the customer writes first. */
export const handler = onEvent('message.received', (event, log, remainingMs) =>
  routeFirstMessage(event, routingPorts(event.metadata.organizationId, log, remainingMs)),
);
