import type { EventData, EventType } from './catalogue.ts';
import type { DomainEvent } from './event.ts';
import { deriveId } from './ids.ts';

/** What an event of our own follows from. */
export interface Cause {
  readonly organizationId: string;
  readonly correlationId: string;
  readonly causationId: string;
}

/** An event of this bridge's own making, identified by what it is about. */
export function createEvent<T extends EventType>(
  type: T,
  data: EventData<T>,
  { organizationId, correlationId, causationId }: Cause,
  identity: readonly string[],
  now: number,
): DomainEvent<T> {
  const at = new Date(now).toISOString();
  return {
    type,
    metadata: {
      id: deriveId(type, organizationId, ...identity),
      version: '1',
      correlationId,
      causationId,
      organizationId,
      carrier: 'livechat',
      occurredAt: at,
      receivedAt: at,
    },
    data,
  };
}
