import { routeThread } from '../core/routing/route.ts';
import { onRoutingEvent } from './middleware/routing.ts';

/** Routes a new thread by the rules. */
export const handler = onRoutingEvent('chat.started', routeThread);
