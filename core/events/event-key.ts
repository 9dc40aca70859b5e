import type { EventMetadata } from './schemas.ts';

/** Where in the bucket an event lies whose data is too large for the bus. */
export function largeEventKey({ organizationId, id }: EventMetadata): string {
  return `events/${organizationId}/${id}.json`;
}
