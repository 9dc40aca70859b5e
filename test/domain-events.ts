import type { EventMetadata, NormalizedMessage } from '../core/events/schemas.ts';
import { customerId } from './arbitraries.ts';

const timestamp = '2026-03-11T09:14:14.120349Z';

/** A text message of a customer in thread THREAD of conversation CHAT, with changes. */
export function textMessage(
  organizationId: string,
  changes: Partial<Omit<NormalizedMessage, 'organizationId'>> = {},
): NormalizedMessage {
  return {
    id: 'THREAD_1',
    organizationId,
    conversationId: 'CHAT',
    threadId: 'THREAD',
    carrier: 'livechat',
    direction: 'inbound',
    type: 'text',
    content: 'Hello',
    timestamp,
    author: { id: customerId, type: 'customer' },
    visibility: 'all',
    metadata: {},
    rawPayload: {},
    ...changes,
  };
}

/** The metadata of an event that was received in a second of 09:14. */
export function receivedAtSecond(second: number, organizationId: string, id: string): EventMetadata {
  const receivedAt = `2026-03-11T09:14:${second}.000Z`;
  return {
    id,
    organizationId,
    version: '1',
    correlationId: id,
    carrier: 'livechat',
    occurredAt: timestamp,
    receivedAt,
  };
}
