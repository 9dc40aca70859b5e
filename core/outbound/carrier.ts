import type { ConversationKey } from './queue.ts';

/** Where a message of ours stands at the carrier. */
export interface Sent {
  readonly threadId: string;
  readonly messageId: string;
}

export interface Letter<Content> {
  /** The `custom_id`: how the message is found again. */
  readonly id: string;
  readonly content: Content;
}

/** How long a call may take at the most, in ms: the step starts none without this much left. */
export const longestCallMs = 20_000;
/** How long a file may take to be fetched, in ms. */
export const longestFetchMs = 10_000;

/**
 * What the send step needs of a carrier. Each method but the first two is one call, and fails with one of the carrier's
 * classified errors. `Content` is the carrier's own; the step only hands it on.
 */
export interface Carrier<Content> {
  /** Whether the content is a file that must be fetched, then uploaded, before it can be sent. */
  hasFile(content: Content): boolean;
  /**
   * Fetches the content's file within {@link longestFetchMs}, without any call, and hands the content to `use` with its file
   * on this machine for as long as `use` takes.
   */
  withFile<T>(content: Content, use: (fetched: Content) => Promise<T>): Promise<T>;
  /** Takes a fetched file to the carrier; answers what is to be sent. */
  upload(fetched: Content): Promise<Content>;
  send(conversationId: string, letter: Letter<Content>): Promise<Sent>;
  /** Looks for a message of ours in everything since `since` (ms since 1970). */
  find(conversationId: string, id: string, since: number): Promise<Sent | undefined>;
  /** Makes an inactive chat active again. */
  resume(conversationId: string): Promise<void>;
  /** Adds an inactive thread that holds the message. */
  append(conversationId: string, letter: Letter<Content>): Promise<Sent>;
  /** Brings whoever sends into the chat. */
  join(conversationId: string): Promise<void>;
  /** Takes the chat over from whoever has it. */
  takeOver(conversationId: string): Promise<void>;
  /** The same carrier in the region that an error has named. */
  inRegion(region: string): Carrier<Content>;
  /** The same carrier with credentials read afresh; undefined when they are what they were. */
  withFreshCredentials(): Promise<Carrier<Content> | undefined>;
}

export interface SendOptions {
  readonly onInactive: 'resume' | 'append' | 'fail';
  readonly onAbsent: 'join' | 'transfer';
}

/** One part of a request, ready to be claimed. */
export interface OutboundPart<Content> extends ConversationKey {
  readonly id: string;
  readonly requestId: string;
  readonly fingerprint: string;
  readonly content: Content;
}

/** A request as the send step handles it. Times are ms since 1970. */
export interface OutboundRequest<Content> extends ConversationKey {
  readonly requestId: string;
  readonly parts: readonly OutboundPart<Content>[];
  readonly options: SendOptions;
  /** When it was put on the bus first, in whole seconds. */
  readonly requestedAt: number;
  /** When it was put on the bus, or redriven last. */
  readonly publishedAt: number;
  readonly expiresAt: number;
  /** 0 for the first run; the number of the redrive otherwise. */
  readonly redrive: number;
  readonly correlationId: string;
  readonly causationId: string;
}
