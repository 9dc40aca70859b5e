import { createOnUse, loadPorts } from '../../core/channel/ports.ts';
import { routers } from '../../core/channels.ts';
import { createBusPublisher } from '../../core/events/bus.ts';
import type { DomainEvent } from '../../core/events/event.ts';
import { rateLimiters } from '../../core/outbound/ports.ts';
import { systemClock } from '../../core/platform/clock.ts';
import { logger } from '../../core/platform/logger.ts';
import type { RoutingOutcome, RoutingPorts } from '../../core/routing/route.ts';
import { cachedRules } from '../../core/routing/store.ts';
import { onEvent } from './on-event.ts';

const rules = cachedRules();
const channels = createOnUse(await loadPorts(routers));
const createLimiter = rateLimiters(logger);
const publish = createBusPublisher();

/** Creates the handler that evaluates routing rules for an event. */
export function onRoutingEvent<T extends 'chat.started' | 'routing.requested'>(
  type: T,
  route: (event: DomainEvent<T>, ports: RoutingPorts) => Promise<RoutingOutcome>,
) {
  return onEvent(type, async (event, log, remainingMs) => {
    const deadline = Date.now() + remainingMs();
    const channel = channels(event.metadata.organizationId);
    return route(event, { rules, channel, createLimiter, clock: systemClock, publish, deadline, log });
  });
}
