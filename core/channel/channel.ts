import type { Reconnectable } from './reconnect.ts';

/** A conversation with a customer: one chat at the channel. Its messages are sent in order. */
export interface ConversationKey {
  readonly organizationId: string;
  readonly conversationId: string;
}

/** Where a sent message is at the channel. */
export interface SentMessage {
  readonly threadId: string;
  readonly messageId: string;
}

export interface OutgoingMessage<Content> {
  /** The `custom_id`, by which the message is found again. */
  readonly id: string;
  readonly content: Content;
}

/** The longest call, in ms: no call starts with less of the function's time left. */
export const maxCallMs = 20_000;
/** The longest download of a file, in ms. */
export const maxFetchMs = 10_000;
/** A join takes effect after a moment: how long, and how often, a call that requires it is repeated. */
export const joinTimeoutMs = 5_000;
export const joinPollMs = 400;

/**
 * What the send step needs of a channel. Each method but `withFile` makes one call and throws one of the channel's
 * classified errors ({@link ChannelError}). `Content` is opaque to the send step.
 */
export interface Channel<Content> extends Reconnectable<Channel<Content>> {
  /** Downloads the content's file, if it has one, within {@link maxFetchMs}. The file exists until `use` settles. */
  withFile<T>(content: Content, use: (fetched: Content) => Promise<T>): Promise<T>;
  /** Uploads a downloaded file and returns the content to send. */
  upload(fetched: Content): Promise<Content>;
  send(conversationId: string, message: OutgoingMessage<Content>): Promise<SentMessage>;
  /** Looks for a sent message in everything since `since` (ms since 1970). */
  find(conversationId: string, id: string, since: number): Promise<SentMessage | undefined>;
  /** Makes an inactive chat active again. */
  resume(conversationId: string): Promise<void>;
  /** Adds an inactive thread that holds the message. */
  append(conversationId: string, message: OutgoingMessage<Content>): Promise<SentMessage>;
  /** Adds the sender to the chat. */
  join(conversationId: string): Promise<void>;
  /** Transfers the chat to the sender. */
  takeOver(conversationId: string): Promise<void>;
}

/** Connects the send step to an organization's account. `onQuotaExhausted`: no calls remain for the next `resetMs`. */
export type Connect<Content> = (
  organizationId: string,
  onQuotaExhausted: (resetMs: number) => void,
) => Promise<Channel<Content>>;

/** Called once per process, when the channel is first used. */
export type CreateConnect = () => Connect<unknown>;

/** A part of a request: what the channel sends with one call. */
export interface Part<Content> {
  readonly messageIndex: number;
  /** Which part of that message: a long text has several. */
  readonly splitIndex: number;
  readonly content: Content;
  /** Whether the content is a file to download and upload before it is sent. */
  readonly hasFile: boolean;
}

/** Converts the messages of a send request to parts. Throws RequestInvalid. */
export type Compose<Content> = (messages: unknown) => readonly Part<Content>[];

/** Returns the first words of a stored part's content, for lists. Undefined if the content has no text. */
export type TitlePart = (content: unknown) => string | undefined;

/**
 * Decides what happens after a failed call. `Network`: no response was received. `Repairable`: the same call can succeed
 * after `repair`.
 */
export const channelErrorCategories = [
  'Authentication',
  'Client',
  'Network',
  'RateLimit',
  'Repairable',
  'Server',
] as const;
export type ChannelErrorCategory = (typeof channelErrorCategories)[number];

export type ChannelErrorName = `Channel${ChannelErrorCategory}Error`;

export function channelErrorName(category: ChannelErrorCategory): ChannelErrorName {
  return `Channel${category}Error`;
}

export interface ChannelErrorDetails {
  /** Says what to do. Contains no secret and nothing of the request. */
  readonly message: string;
  /** `refused`: the channel did not process the call. `unknown`: it may have, so probe before repeating a write. */
  readonly outcome: 'refused' | 'unknown';
  /** What makes the same call succeed. `transfer`: no further agent can join the chat. */
  readonly repair?: 'resume' | 'join' | 'region' | 'transfer' | undefined;
  /** For the repair `region`: the region to call, if the channel named one. */
  readonly region?: string | undefined;
  /** The credentials work, but not for this chat or group. */
  readonly concernsChat?: boolean | undefined;
  readonly retryAfterMs?: number | undefined;
  /** The HTTP status; undefined without a response. */
  readonly status?: number | undefined;
  /** The channel's own name of the error; undefined if the response is not the channel's, such as a proxy's 502. */
  readonly type?: string | undefined;
  /** Node's code of a failed connection, such as `ECONNRESET`. Becomes the `cause`. */
  readonly code?: string | undefined;
}

const retryableCategories: ReadonlySet<ChannelErrorCategory> = new Set(['Server', 'Network', 'RateLimit']);

/** A failed call. A channel's own errors extend it. The state machine matches on its name, such as `ChannelServerError`. */
export class ChannelError extends Error {
  override readonly name: ChannelErrorName;
  readonly category: ChannelErrorCategory;
  /** Whether the same call may succeed later with nothing else changed. */
  readonly retryable: boolean;
  readonly outcome: ChannelErrorDetails['outcome'];
  readonly repair: ChannelErrorDetails['repair'];
  readonly region: string | undefined;
  readonly concernsChat: boolean;
  readonly retryAfterMs: number | undefined;
  readonly status: number | undefined;
  readonly type: string | undefined;

  constructor(category: ChannelErrorCategory, details: ChannelErrorDetails) {
    super(details.message, details.code === undefined ? undefined : { cause: { code: details.code } });
    this.name = channelErrorName(category);
    this.category = category;
    this.retryable = retryableCategories.has(category);
    this.outcome = details.outcome;
    this.repair = details.repair;
    this.region = details.region;
    this.concernsChat = details.concernsChat ?? false;
    this.retryAfterMs = details.retryAfterMs;
    this.status = details.status;
    this.type = details.type;
  }
}

/** A call with an unknown outcome may take effect for this long after it began. */
export const settleMs = 20_000;

/**
 * When a message that is not found was not sent, ms since 1970: at once after the channel's own error, since the channel
 * has finished; else after {@link settleMs}, because a proxy or a timeout says nothing about the channel.
 */
export function settlesAt({ type }: ChannelError, startedAt: number, now: number): number {
  return type !== undefined && type !== 'request_timeout' ? now : startedAt + settleMs;
}
