import type { ConversationKey } from '../outbound/queue.ts';
import type { Target } from './rules.ts';

/** A text under an id of ours, by which it is found again. */
export interface RoutingMessage {
  readonly id: string;
  readonly text: string;
  /** `agents` for a note. */
  readonly visibility: 'all' | 'agents';
}

/**
 * What routing needs of a carrier. Each method is one call, and fails with one of the carrier's classified errors
 * (core/outbound/failure.ts).
 */
export interface RoutingCarrier {
  /** Hands the chat over. Refused when nobody there can take it now, unless the target says that it may queue. */
  transfer(conversationId: string, target: Target): Promise<void>;
  /** Gives the chat back to the carrier's own routing, within the groups that have it. */
  handBack(conversationId: string): Promise<void>;
  tag(conversationId: string, threadId: string, tag: string): Promise<void>;
  say(conversationId: string, said: RoutingMessage): Promise<void>;
  /** Whether a text of ours is there, in any thread since `since` (ms since 1970). */
  find(conversationId: string, id: string, since: number): Promise<boolean>;
  /** Brings whoever speaks for us into the chat; with `agents`, the customer does not see it. */
  join(conversationId: string, visibility: RoutingMessage['visibility']): Promise<void>;
  /** The same carrier in the region that an error has named. */
  inRegion(region: string): RoutingCarrier;
  /** The same carrier with credentials read afresh; undefined when they are what they were. */
  withFreshCredentials(): Promise<RoutingCarrier | undefined>;
}

/** A thread of a conversation. */
export interface ThreadKey extends ConversationKey {
  readonly threadId: string;
}
