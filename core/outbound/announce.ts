import type { EventData } from '../events/catalogue.ts';
import { type Cause, createEvent } from '../events/event.ts';
import type { Publish } from '../events/publish.ts';
import { createBusPublisher } from '../events/publish.ts';
import type { OutboundRequest } from './carrier.ts';
import type { SentPart } from './send.ts';

let shared: Publish | undefined;

function publish(): Publish {
  shared ??= createBusPublisher();
  return shared;
}

/** Tells the bus that every part has gone. */
export async function publishSent<Content>(
  request: OutboundRequest<Content>,
  parts: readonly SentPart<Content>[],
): Promise<void> {
  const { requestId, conversationId } = request;
  await publish()(
    parts.map(({ part, index, threadId, messageId }) =>
      createEvent(
        'message.sent',
        {
          requestId,
          conversationId,
          deliveryId: part.id,
          part: index,
          threadId: threadId || undefined,
          messageId: messageId || undefined,
        },
        request,
        [part.id],
        Date.now(),
      ),
    ),
  );
}

/** Tells the bus that a request was given up. The same dead letter tells the same event. */
export async function publishFailed(data: EventData<'message.failed'>, cause: Cause): Promise<void> {
  await publish()([createEvent('message.failed', data, cause, [data.deadLetterId], Date.now())]);
}

/** Calls a human. The same identity is the same alert. */
export async function raiseAlert(
  data: EventData<'alert.raised'>,
  cause: Cause,
  identity: readonly string[],
): Promise<void> {
  await publish()([createEvent('alert.raised', data, cause, identity, Date.now())]);
}

/** The credentials have stopped working, which only a human can mend. */
export async function raiseLocked<Content>(request: OutboundRequest<Content>): Promise<void> {
  const { organizationId, requestId } = request;
  const title = 'LiveChat refuses the credentials; nothing is sent until they work again';
  const data = { severity: 'critical', title, ids: { organizationId, requestId } } as const;
  await raiseAlert(data, request, ['credentials', requestId, String(Date.now())]);
}
