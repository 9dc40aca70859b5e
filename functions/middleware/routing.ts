import { createBusPublisher } from '../../core/events/publish.ts';
import { liveChatRouting } from '../../core/livechat/carrier.ts';
import { gateStore } from '../../core/outbound/gate/store.ts';
import { SendWatch } from '../../core/outbound/watch.ts';
import { systemClock } from '../../core/platform/clock.ts';
import { wholeNumber } from '../../core/platform/configuration.ts';
import type { Log } from '../../core/platform/logger.ts';
import type { RoutingPorts } from '../../core/routing/route.ts';
import { cachedRules } from '../../core/routing/store.ts';

const rules = cachedRules();
const carrier = liveChatRouting();
const gate = gateStore(wholeNumber('LIVECHAT_CALLS_PER_SECOND', 10, 1));
const publish = createBusPublisher();

/** The routing dependencies for one event. */
export function routingPorts(organizationId: string, log: Log, remainingMs: () => number): RoutingPorts {
  const deadline = Date.now() + remainingMs();
  const watch = new SendWatch({ organizationId, publishedAt: Date.now() }, gate);
  return { rules, carrier, gate: watch.gate, clock: systemClock, publish, deadline, log };
}
