import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context, EventBridgeEvent } from 'aws-lambda';
import type { EventType } from '../../core/events/catalogue.ts';
import { EventDataRemovedError, loadEventData } from '../../core/events/claim-check.ts';
import { type DomainEvent, parseEvent, type StoreOutcome } from '../../core/events/event.ts';
import { identifyEvent } from '../../core/events/identify.ts';
import { withRecord } from '../../core/platform/invocations.ts';
import { type Log, logger } from '../../core/platform/logger.ts';
import { count } from '../../core/platform/metrics.ts';
import type { RoutingOutcome } from '../../core/routing/route.ts';

type BusEvent = EventBridgeEvent<string, unknown>;
type Handle<T extends EventType> = (
  event: DomainEvent<T>,
  log: Log,
  remainingMs: Context['getRemainingTimeInMillis'],
  isReplayed: boolean,
) => Promise<StoreOutcome | RoutingOutcome> | Promise<void>;

/**
 * Creates the handler of one domain event type: loads data that was too large for the bus, validates the event against the
 * catalogue, and logs with its ids. Lambda retries a thrown error, then sends the event to the dead-letter queue.
 */
export function onEvent<T extends EventType>(type: T, handle: Handle<T>) {
  return onEvents([type], handle);
}

/**
 * Creates the handler of several event types. Its rule delivers no others: an event of any other type fails validation against the
 * first schema. With `skipRemoved`, an event with deleted data is skipped.
 */
export function onEvents<T extends EventType>(
  [first, ...others]: readonly [T, ...T[]],
  handle: Handle<T>,
  { skipRemoved = false } = {},
) {
  const eventType = (busEvent: BusEvent): T => others.find((other) => other === busEvent['detail-type']) ?? first;
  const handleEvent = async (type: T, busEvent: BusEvent, context: Context): Promise<void> => {
    const event = parseEvent(type, await loadEventData(busEvent.detail));
    const { id: eventId, correlationId, organizationId } = event.metadata;
    const { conversationId }: Readonly<Record<string, unknown>> = event.data;
    const persistentKeys = { detailType: type, eventId, correlationId, organizationId, conversationId };
    const log = logger.createChild({ persistentKeys });
    const isReplayed = busEvent['replay-name'] !== undefined;
    const outcome = await handle(event, log, () => context.getRemainingTimeInMillis(), isReplayed);
    if (outcome === 'duplicate') count('DuplicateEvents', { type });
    log.debug('event handled', { outcome });
  };
  const skipIfRemoved = (error: unknown): void => {
    if (!skipRemoved || !(error instanceof EventDataRemovedError)) throw error;
  };
  return middy<BusEvent, void>()
    .use(injectLambdaContext(logger))
    .use({
      onError: ({ error, event }) => {
        count('EventsFailed', { type: eventType(event) });
        logger.error('event failed', { detailType: event['detail-type'], busEventId: event.id, error });
      },
    })
    .handler((busEvent, context) => {
      const type = eventType(busEvent);
      return withRecord({ event: type, ...identifyEvent(busEvent) }, () =>
        handleEvent(type, busEvent, context).catch(skipIfRemoved),
      );
    });
}
