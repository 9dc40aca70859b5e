import type { NewDelivery } from '../../core/outbound/delivery.ts';
import type { ExecutionInput, SendRequest } from '../../core/outbound/request.ts';

const conversation = { organizationId: 'organization', conversationId: 'chat' };
const hash = 'hash';

/** The input of an execution, by default of a request with one part that was published at 0. */
export function executionInput(more: Partial<ExecutionInput> = {}): ExecutionInput {
  return {
    version: 1,
    ...conversation,
    requestId: 'request',
    deliveries: [{ id: 'out-1' }],
    options: { onInactive: 'resume', onAbsent: 'join' },
    orderKey: 0,
    requestedAt: 0,
    expiresAt: 900_000,
    expiresInMs: 900_000,
    redrive: 0,
    correlationId: 'correlation',
    causationId: 'cause',
    ...more,
  };
}

/** The deliveries of an execution, as acceptance creates them. */
export function newDeliveries({ deliveries, ...request }: ExecutionInput): NewDelivery[] {
  const { organizationId, conversationId, requestId, orderKey, requestedAt } = request;
  return deliveries.map(({ id }) => ({
    ...{ organizationId, conversationId, id, requestId, hash, orderKey, requestedAt },
    acceptedAt: orderKey,
    content: JSON.stringify(`text of ${id}`),
  }));
}

/** A request with one part for each content, before its acceptance. */
export function sendRequest(
  requestId: string,
  contents: readonly string[] = ['text'],
  more: Partial<SendRequest<string>> = {},
): SendRequest<string> {
  return {
    ...conversation,
    requestId,
    options: { onInactive: 'resume', onAbsent: 'join' },
    requestedAt: 0,
    expiresInMs: 900_000,
    correlationId: requestId,
    causationId: requestId,
    sentAt: undefined,
    hash: `${hash} of ${contents.join()}`,
    parts: contents.map((content, splitIndex) => ({
      id: `${requestId}.${splitIndex}`,
      messageIndex: 0,
      splitIndex,
      content,
      hasFile: content.startsWith('file'),
    })),
    ...more,
  };
}
