import { routeFirstMessage } from '../core/routing/route.ts';
import { onRoutingEvent } from './middleware/routing.ts';

/** Evaluates the rules that need the customer's first message. */
export const handler = onRoutingEvent('routing.requested', routeFirstMessage);
