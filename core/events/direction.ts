import type { NormalizedMessage, UserType } from './schemas.ts';

/** Agents and bots write to the customer; everything else comes in. */
export function messageDirection(author: UserType): NormalizedMessage['direction'] {
  return author === 'agent' || author === 'bot' ? 'outbound' : 'inbound';
}
