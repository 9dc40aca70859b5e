import type { EventData } from '../events/catalogue.ts';
import { type Cause, createEvent } from '../events/event.ts';
import { createBusPublisher, type Publish, putEvent } from '../events/publish.ts';
import type { ExecutionInput, SendRequestData } from './request.ts';
import type { SentPart } from './send.ts';

let shared: Publish | undefined;

function publish(): Publish {
  shared ??= createBusPublisher();
  return shared;
}

/** Publishes `message.sent` for every part. */
export async function publishSent(request: ExecutionInput, parts: readonly SentPart[]): Promise<void> {
  const { requestId, conversationId } = request;
  await publish()(
    parts.map(({ deliveryId, part, threadId, messageId }) =>
      createEvent(
        'message.sent',
        {
          requestId,
          conversationId,
          deliveryId,
          part,
          threadId: threadId || undefined,
          messageId: messageId || undefined,
        },
        request,
        [deliveryId],
        Date.now(),
      ),
    ),
  );
}

/** Publishes `message.failed`. The id of the event derives from the dead letter. */
export async function publishFailed(data: EventData<'message.failed'>, cause: Cause): Promise<void> {
  await publish()([createEvent('message.failed', data, cause, [data.deadLetterId], Date.now())]);
}

/** Publishes `alert.raised`, which notifies an operator. The id of the event derives from `identity`. */
export async function raiseAlert(
  data: EventData<'alert.raised'>,
  cause: Cause,
  identity: readonly string[],
): Promise<void> {
  await publish()([createEvent('alert.raised', data, cause, identity, Date.now())]);
}

/** Raises the alert that the credentials have stopped working. */
export async function raiseCredentialsBlocked(request: ExecutionInput): Promise<void> {
  const { organizationId, requestId } = request;
  const title = 'LiveChat rejects the credentials; nothing is sent until they work again';
  const data = { severity: 'critical', title, ids: { organizationId, requestId } } as const;
  await raiseAlert(data, request, ['credentials', requestId, String(Date.now())]);
}

/** Publishes a send request, as any other service would. */
export async function publishSendRequest(source: string, data: SendRequestData): Promise<void> {
  await putEvent({ source, detailType: 'message.send.requested', detail: { data } });
}
