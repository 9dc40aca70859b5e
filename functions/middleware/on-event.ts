import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import middy from '@middy/core';
import type { Context, EventBridgeEvent } from 'aws-lambda';
import type { EventType } from '../../core/events/catalogue.ts';
import { type DomainEvent, parseClaimCheck, parseEvent } from '../../core/events/event.ts';
import { type Log, logger } from '../../core/platform/logger.ts';
import { count } from '../../core/platform/metrics.ts';
import { readObject } from '../../core/platform/objects.ts';

type BusEvent = EventBridgeEvent<string, unknown>;
/** Answers false for an event that had been handled before, where that shows. */
type Handle<T extends EventType> = (
  event: DomainEvent<T>,
  log: Log,
  remainingMs: Context['getRemainingTimeInMillis'],
) => Promise<boolean> | Promise<void>;

/**
 * A function for one kind of domain event: checks the event against the catalogue, fetching data that was too large
 * for the bus, logs with the ids to search by, and counts. What it throws is retried by Lambda, then kept in the dead-letter queue.
 */
export function onEvent<T extends EventType>(type: T, handle: Handle<T>) {
  return onEvents([type], handle);
}

/** A function for a few kinds of domain event; one of another kind is taken for the first. */
export function onEvents<T extends EventType>([first, ...others]: readonly [T, ...T[]], handle: Handle<T>) {
  const typeOf = (busEvent: BusEvent): T => others.find((other) => other === busEvent['detail-type']) ?? first;
  return middy<BusEvent, void>()
    .use(injectLambdaContext(logger))
    .use({
      onError: ({ error, event }) => {
        count('EventsFailed', { type: typeOf(event) });
        logger.error('event failed', { detailType: event['detail-type'], busEventId: event.id, error });
      },
    })
    .handler(async (busEvent, context) => {
      const type = typeOf(busEvent);
      const event = parseEvent(type, await resolved(busEvent.detail));
      const { id, correlationId, organizationId } = event.metadata;
      const log = logger.createChild({
        persistentKeys: {
          detailType: type,
          eventId: id,
          correlationId,
          organizationId,
          ...conversationOf(event.data),
        },
      });
      if ((await handle(event, log, () => context.getRemainingTimeInMillis())) === false)
        count('DuplicateEvents', { type });
      count('EventsHandled', { type });
      log.info('event handled');
    });
}

async function resolved(detail: unknown): Promise<unknown> {
  const claim = parseClaimCheck(detail);
  if (!claim) return detail;
  return { metadata: claim.metadata, data: parsed(await readObject(claim.dataRef)) };
}

/** A parser's own error would quote the event, and Lambda logs what a function throws. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function conversationOf(data: object): { conversationId?: unknown } {
  return 'conversationId' in data ? { conversationId: data.conversationId } : {};
}
