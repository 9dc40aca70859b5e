import { Deferred } from '../channel/deferred.ts';
import { createOnUse } from '../channel/ports.ts';
import { rateLimitSettings, rateLimitStore } from '../channel/rate-limit-store.ts';
import { type CreateRateLimiter, createRateLimiters } from '../channel/rate-limiter.ts';
import { channelName } from '../channel/spec.ts';
import { channels } from '../channels.ts';
import { createBusPublisher, putEvent } from '../events/bus.ts';
import type { EventData } from '../events/catalogue.ts';
import { type Cause, createEvent } from '../events/event.ts';
import { systemClock } from '../platform/clock.ts';
import type { Log } from '../platform/logger.ts';
import * as metrics from '../platform/metrics.ts';
import { completeTask, executionStatus, startExecution } from '../platform/step-functions.ts';
import type { AcceptPorts } from './accept.ts';
import { deliveryStore } from './delivery.ts';
import { deadLetterCategory, NotFirst } from './errors.ts';
import { messageGroupStore } from './message-group.ts';
import type { ExecutionInput, SendRequestData } from './request.ts';
import type { SentPart } from './send.ts';
import { retriedErrors } from './state-machine.ts';

/** The send path on AWS. */
export function outboundPorts(log: Log): AcceptPorts {
  return {
    clock: systemClock,
    groups: messageGroupStore,
    deliveries: deliveryStore,
    executions: { start: startExecution, status: executionStatus, completeTask },
    onUnblocked: (organizationId) => {
      log.warn('an execution had ended without leaving its message group; its entry was removed');
      metrics.count('GroupsUnblocked', { organizationId });
    },
  };
}

/** Creates rate limiters for this container. Call it once, since they share what the container remembers. */
export function rateLimiters(log: Log): CreateRateLimiter {
  const create = (carrier: string) => () => {
    const settings = rateLimitSettings(carrier);
    const store = rateLimitStore(settings.callsPerSecond);
    return createRateLimiters({ ...settings, store, clock: systemClock, metrics, log });
  };
  const limiters = createOnUse(new Map(Object.keys(channels).map((carrier) => [carrier, create(carrier)])));
  return (organizationId, options) => limiters(organizationId)(organizationId, options);
}

/** Counts a step that did not send. A failed request is counted with its dead letter. */
export function recordUnsent({ organizationId, orderKey }: ExecutionInput, error: unknown, now: number): void {
  if (error instanceof Deferred) metrics.count('SendsDeferred', { reason: error.reason, organizationId });
  else if (error instanceof NotFirst) metrics.count('SendsDeferred', { reason: 'turn', organizationId });
  else if (error instanceof Error && retriedErrors.includes(error.name)) {
    metrics.count('SendsRetried', { category: deadLetterCategory('send', error.name), organizationId });
  } else return;
  metrics.measure('OldestUnsentSeconds', { organizationId }, Math.max(0, Math.round((now - orderKey) / 1000)));
}

/** Publishes `message.sent` for every part. */
export async function publishSent(request: ExecutionInput, parts: readonly SentPart[]): Promise<void> {
  const { requestId, conversationId, deliveries } = request;
  await createBusPublisher()(
    parts.map(({ threadId, messageId, ...part }) => {
      const sent = { threadId: threadId || undefined, messageId: messageId || undefined };
      const data = { requestId, conversationId, ...part, parts: deliveries.length, ...sent };
      return createEvent('message.sent', data, request, [part.deliveryId], Date.now());
    }),
  );
}

/** Publishes `message.failed`. The id of the event derives from the dead letter. */
export async function publishFailed(data: EventData<'message.failed'>, cause: Cause): Promise<void> {
  await createBusPublisher()([createEvent('message.failed', data, cause, [data.deadLetterId], Date.now())]);
}

/** Publishes `alert.raised`, which notifies an operator. The id of the event derives from `identity`. */
export async function raiseAlert(
  data: EventData<'alert.raised'>,
  cause: Cause,
  identity: readonly string[],
): Promise<void> {
  await createBusPublisher()([createEvent('alert.raised', data, cause, identity, Date.now())]);
}

/** Raises the alert that the credentials have stopped working. `subject`: what made the call that failed. */
export async function raiseCredentialsBlocked(
  cause: Cause,
  subject: { readonly requestId: string } | { readonly conversationId: string } | { readonly runId: string },
): Promise<void> {
  const title = `${channelName(cause.organizationId)} rejects the credentials; nothing is sent until they work again`;
  const ids = { organizationId: cause.organizationId, ...subject };
  const identity = ['credentials', ...Object.values(subject), String(Date.now())];
  await raiseAlert({ severity: 'critical', title, ids }, cause, identity);
}

/** Publishes a send request, as any other service would. Returns the id of the event. */
export function publishSendRequest(source: string, data: SendRequestData): Promise<string> {
  return putEvent({ source, detailType: 'message.send.requested', detail: { data } });
}
