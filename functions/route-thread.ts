import { routeThread } from '../core/routing/route.ts';
import { onRoutingEvent } from './middleware/routing.ts';

/** Routes a new or reopened thread by the rules. */
export const handler = onRoutingEvent('chat.started', routeThread);
