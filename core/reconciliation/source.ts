import { carrierOf } from '../channel/carrier.ts';
import type { Ports } from '../channel/ports.ts';
import type { Reconnectable } from '../channel/reconnect.ts';
import type { EventData } from '../events/catalogue.ts';
import type { DomainEvent } from '../events/event.ts';
import type { NormalizedMessage, Participant } from '../events/schemas.ts';
import type { Environment } from '../platform/configuration.ts';

/** A thread, by the channel's ids. */
export interface ThreadId {
  readonly conversationId: string;
  readonly threadId: string;
}

/** An event inside a thread: what a message, a note, our own message or a deleted message causes. */
export type ListedEvent =
  | DomainEvent<'message.received'>
  | DomainEvent<'note.received'>
  | DomainEvent<'message.delivered'>
  | DomainEvent<'message.deleted'>;

/** The last transfer that the thread's system messages describe. */
export interface ListedTransfer {
  /** LiveChat's time. */
  readonly at: string;
  /** The agents that the chat was transferred to. Empty if it was transferred to a group. */
  readonly agents: readonly string[];
}

/** A thread as the channel lists it, translated to the events that its webhooks cause, with the same ids. */
export interface ListedThread extends ThreadId {
  /**
   * ISO 8601: the time of the observation, before the call started. In a scheduled run it includes a margin for clock skew and
   * webhooks in flight. Webhooks received later override it.
   */
  readonly observedAt: string;
  readonly started: DomainEvent<'chat.started'>;
  /** Undefined if the list does not include the thread's events. */
  readonly events: readonly ListedEvent[] | undefined;
  /** Ids of events that do not match their schema. They cannot be restored. */
  readonly invalid: readonly string[];
  /** The latest events that a summary names, if it does; undefined with `events`. */
  readonly latestEvents: readonly { readonly id: string; readonly at: string }[] | undefined;
  readonly active: boolean;
  /** Whether the chat has no later thread. Participants and access describe the chat as it is now: its latest thread. */
  readonly isLatest: boolean;
  readonly participants: readonly Participant[];
  /** The ids of the users who were in the thread. */
  readonly memberIds: readonly string[];
  readonly groups: readonly number[];
  readonly transfer: ListedTransfer | undefined;
  readonly queue: EventData<'chat.observed'>['queue'];
  /** Undefined if the list does not include them. */
  readonly tags: readonly string[] | undefined;
  /** How far users have read, in LiveChat's time. */
  readonly seenUpTo: EventData<'chat.observed'>['seenUpTo'];
}

export interface Page {
  readonly threads: readonly ListedThread[];
  /** The ids of chats that do not match the schema. */
  readonly invalid: readonly string[];
  /** The id of the next page; undefined on the last. */
  readonly next: string | undefined;
}

/** A period, ISO 8601. */
export interface Period {
  readonly from: string;
  readonly to: string;
}

/**
 * What reconciliation needs of a channel. Each method makes one call and throws the channel's classified errors
 * (core/channel/channel.ts). `observedAt`: see {@link ListedThread}.
 */
export interface ReconciliationSource extends Reconnectable<ReconciliationSource> {
  /** Active chats with their latest threads, without events. */
  listActive(observedAt: string, page: string | undefined): Promise<Page>;
  /** Archived threads of a period. */
  listArchived(observedAt: string, period: Period, page: string | undefined): Promise<Page>;
  /** One thread with its events. `not found`: it does not exist or is not accessible. `invalid`: it does not match the schema. */
  getThread(
    observedAt: string,
    conversationId: string,
    threadId: string,
  ): Promise<ListedThread | 'not found' | 'invalid'>;
  /** The ids of a chat's threads, latest first. Undefined if the chat does not exist or is not accessible. */
  listThreadIds(
    conversationId: string,
    page: string | undefined,
  ): Promise<{ readonly ids: readonly string[]; readonly next: string | undefined } | undefined>;
}

/** A channel, as reconciliation uses it. */
export interface ReconciliationChannel {
  /** Connects to an organization. `onQuotaExhausted`: the channel reports that no calls remain for `resetMs`. */
  connect(organizationId: string, onQuotaExhausted: (resetMs: number) => void): Promise<ReconciliationSource>;
  /** Whether a message has the content that is stored, apart from what changes without an edit. */
  isSameContent(message: NormalizedMessage, storedContent: unknown): boolean;
}

/**
 * The organizations that can be reconciled. `excluded`: stored organizations that cannot, because they do not have their own
 * credentials.
 */
export interface Reconcilable {
  readonly organizationIds: readonly string[];
  readonly excluded: readonly string[];
}

/** Lists the organizations of a channel. `stored`: the organizations that have conversations. */
export type ListReconcilable = (stored: readonly string[], environment: Environment) => Promise<Reconcilable>;

/** Lists the organizations of all channels. */
export async function listReconcilable(
  channels: Ports<ListReconcilable>,
  stored: readonly string[],
): Promise<Reconcilable> {
  const listed = await Promise.all(
    [...channels].map(([carrier, list]) =>
      list(
        stored.filter((id) => carrierOf(id) === carrier),
        process.env,
      ),
    ),
  );
  return {
    organizationIds: listed.flatMap(({ organizationIds }) => organizationIds),
    excluded: listed.flatMap(({ excluded }) => excluded),
  };
}
