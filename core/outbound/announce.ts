import type { Publish } from '../events/publish.ts';
import { busPublisher } from '../platform/event-bridge.ts';
import type { OutboundRequest } from './carrier.ts';
import { outboundEvent } from './events.ts';
import type { SentPart } from './send.ts';

let shared: Publish | undefined;

function publish(): Publish {
  shared ??= busPublisher();
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
      outboundEvent(
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

/** The credentials have stopped working, which only a human can mend. */
export async function raiseLocked<Content>(request: OutboundRequest<Content>): Promise<void> {
  const { organizationId, requestId } = request;
  const now = Date.now();
  const title = 'LiveChat refuses the credentials; nothing is sent until they work again';
  const data = { severity: 'critical', title, ids: { organizationId, requestId } } as const;
  await publish()([outboundEvent('alert.raised', data, request, ['credentials', requestId, String(now)], now)]);
}
