import type { DomainEvent } from '../../core/events/event.ts';
import { createBusPublisher } from '../../core/events/publish.ts';
import { liveChatRouting } from '../../core/livechat/carrier.ts';
import { gateStore } from '../../core/outbound/gate/store.ts';
import { SendWatch } from '../../core/outbound/watch.ts';
import { systemClock } from '../../core/platform/clock.ts';
import { wholeNumber } from '../../core/platform/configuration.ts';
import type { RoutingOutcome, RoutingPorts } from '../../core/routing/route.ts';
import { cachedRules } from '../../core/routing/store.ts';
import { onEvent } from './on-event.ts';

const rules = cachedRules();
const carrier = liveChatRouting();
const gates = gateStore(wholeNumber('LIVECHAT_CALLS_PER_SECOND', 10, 1));
const publish = createBusPublisher();

/** Creates the handler that evaluates routing rules for an event. */
export function onRoutingEvent<T extends 'chat.started' | 'message.received'>(
  type: T,
  route: (event: DomainEvent<T>, ports: RoutingPorts) => Promise<RoutingOutcome>,
) {
  return onEvent(type, async (event, log, remainingMs) => {
    const deadline = Date.now() + remainingMs();
    const { organizationId } = event.metadata;
    const { gate } = new SendWatch({ organizationId, publishedAt: Date.now() }, gates);
    return route(event, { rules, carrier, gate, clock: systemClock, publish, deadline, log });
  });
}
