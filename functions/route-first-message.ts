import { routeFirstMessage } from '../core/routing/route.ts';
import { onEvent } from './middleware/on-event.ts';
import { routingPorts } from './middleware/routing.ts';

/** Evaluates the rules that need the customer's first message. */
export const handler = onEvent('message.received', (event, log, remainingMs) =>
  routeFirstMessage(event, routingPorts(event.metadata.organizationId, log, remainingMs)),
);
