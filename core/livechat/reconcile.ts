import * as z from 'zod/mini';
import { ChannelError } from '../channel/channel.ts';
import type { EventData } from '../events/catalogue.ts';
import type { AnyEvent } from '../events/event.ts';
import { canonicalJson, deriveId } from '../events/ids.ts';
import { isRfc3339, type NormalizedMessage, toUtcMicroseconds } from '../events/schemas.ts';
import { eventVersion } from '../events/version.ts';
import { parseJsonExactly } from '../platform/json.ts';
import type {
  ListedEvent,
  ListedThread,
  ListedTransfer,
  Page,
  ReconciliationChannel,
  ReconciliationSource,
} from '../reconciliation/source.ts';
import { parseVersion } from './api.ts';
import { reconnecting } from './carrier.ts';
import { apiVersion, type Connection, createConnections } from './connection.ts';
import { chat as chatSchema, event as eventSchema, type LiveChatChat } from './schemas.ts';
import { chatTranslators } from './translate-chat.ts';
import type { EventDraft } from './translate-message.ts';
import { redact } from './webhook.ts';

/** LiveChat's maximum page size. */
const limit = 100;

/** LiveChat as reconciliation uses it. */
export function liveChatReconciliation(environment = process.env): ReconciliationChannel {
  const connect = createConnections(environment);
  const version = parseVersion(apiVersion(environment));
  // v3.4 and v3.5 cannot list active chats only.
  const listsOnlyActive = version !== 'v3.4' && version !== 'v3.5';
  return {
    async connect(organizationId, onQuotaExhausted) {
      return liveChatSource(await connect(organizationId, onQuotaExhausted), { organizationId, listsOnlyActive });
    },
    isSameContent,
  };
}

interface SourceOptions {
  readonly organizationId: string;
  readonly listsOnlyActive: boolean;
}

/** LiveChat as the source of one organization. */
export function liveChatSource(connection: Connection, options: SourceOptions): ReconciliationSource {
  const { client } = connection;
  const translator = { ...connection, ...options };
  return {
    ...reconnecting(connection, (renewed) => liveChatSource(renewed, options)),
    async listActive(observedAt, page) {
      const filters = options.listsOnlyActive ? { active: true as const } : { include_active: true as const };
      const answer = await client.listChats(page === undefined ? { limit, filters } : { page_id: page });
      const { threads, invalid } = translateAll(answer.chats_summary.map(fromSummary), observedAt, translator);
      const active = threads.filter((thread) => thread.active);
      // Assumes that a page without active chats is followed by none: the list is sorted by the time of the latest thread.
      const isLast = !options.listsOnlyActive && active.length === 0;
      return { threads: active, invalid, next: isLast ? undefined : (answer.next_page_id ?? undefined) };
    },
    async listArchived(observedAt, filters, page) {
      const answer = await client.listArchives(
        page === undefined ? { filters, sort_order: 'asc', limit } : { page_id: page },
      );
      const listed = answer.chats.map((chat) => ({ chat }));
      return { ...translateAll(listed, observedAt, translator), next: answer.next_page_id ?? undefined };
    },
    async getThread(observedAt, conversationId, threadId) {
      const chat = await ifAccessible(client.getChat({ chat_id: conversationId, thread_id: threadId }));
      if (chat === undefined) return 'not found';
      const listed = translate({ chat: withEvents(chat) }, observedAt, translator);
      return typeof listed === 'string' ? 'invalid' : listed;
    },
    async listThreadIds(conversationId, page) {
      const answer = await ifAccessible(
        client.listThreads({ chat_id: conversationId, ...(page === undefined ? { limit } : { page_id: page }) }),
      );
      return answer && { ids: answer.threads.map(({ id }) => id), next: answer.next_page_id ?? undefined };
    },
  };
}

/** The types of messages whose content LiveChat changes without an edit, or cannot edit. A file's URL may be signed. */
const notCompared: ReadonlySet<string> = new Set(['media', 'system', 'unknown']);

/** Ignores who clicked a button, and the order of JSON members. */
export function isSameContent({ type, content, exact }: NormalizedMessage, stored: unknown): boolean {
  if (notCompared.has(type)) return true;
  const current = exact ? parseJsonExactly(exact.content) : content;
  if (type === 'interactive' || type === 'form') return comparable(current) === comparable(stored);
  return canonicalJson(current) === canonicalJson(stored);
}

/** The content of these types is JSON text. */
function comparable(content: unknown): string {
  const parsed = typeof content === 'string' ? parseJsonExactly(content) : undefined;
  return canonicalJson(parsed ?? content).replaceAll(/"user_ids":\[[^\]]*\]/g, '"user_ids":[]');
}

/** LiveChat's errors for a chat that does not exist, or that the token has no access to. */
const inaccessible: readonly (string | undefined)[] = ['not_found', 'missing_access', 'authorization'];

async function ifAccessible<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ChannelError && inaccessible.includes(error.type)) return undefined;
    throw error;
  }
}

/** `list_chats` names the last event of each type instead of listing the events. */
const summary = z.looseObject({
  last_thread_summary: z.looseObject({}),
  last_event_per_type: z.optional(
    z.nullable(
      z.record(z.string(), z.looseObject({ thread_id: z.optional(z.string()), event: z.optional(z.unknown()) })),
    ),
  ),
});

interface Listing {
  /** In the form of `get_chat`. */
  readonly chat: unknown;
  /** Undefined if the list includes the events. */
  readonly latestEvents?: ListedThread['latestEvents'];
  readonly isSummary?: boolean;
}

function fromSummary(listed: unknown): Listing {
  const { success, data } = summary.safeParse(listed);
  if (!success) return { chat: listed };
  const { last_thread_summary: thread, last_event_per_type: lastEvents, ...chat } = data;
  const latestEvents =
    lastEvents &&
    Object.values(lastEvents).flatMap(({ event, thread_id = thread.id }) => {
      const parsed = eventSchema.safeParse(event).data;
      // The last event of a type can be in an earlier thread.
      return parsed && thread_id === thread.id ? [{ id: parsed.id, at: toUtcMicroseconds(parsed.created_at) }] : [];
    });
  return { chat: { ...chat, thread }, latestEvents: latestEvents ?? undefined, isSummary: true };
}

/** A chat whose thread has no events is listed with an empty list or without one. */
function withEvents(listed: unknown): unknown {
  const { data } = chatSchema.safeParse(listed);
  return data ? { ...data, thread: { ...data.thread, events: data.thread.events ?? [] } } : listed;
}

type Translator = SourceOptions & Pick<Connection, 'agentId' | 'clientId' | 'secrets'>;

function translateAll(listed: readonly Listing[], observedAt: string, translator: Translator): Omit<Page, 'next'> {
  const translated = listed.map((one) => translate(one, observedAt, translator));
  return {
    threads: translated.filter((one) => typeof one !== 'string'),
    invalid: translated.filter((one) => typeof one === 'string'),
  };
}

const named = z.looseObject({ id: z.string() });

/** Translates a listed chat with its thread. Returns the id of a chat that does not match the schema, for the report. */
function translate(listing: Listing, observedAt: string, translator: Translator): ListedThread | string {
  const { latestEvents, isSummary = false } = listing;
  // As from a webhook, a secret that somebody wrote into a chat is neither published nor stored.
  const { data: chat } = chatSchema.safeParse(redact(listing.chat, translator.secrets ?? []));
  if (!chat) return named.safeParse(listing.chat).data?.id ?? 'unknown';
  const { organizationId, clientId, agentId } = translator;
  const drafts = chatTranslators.incoming_chat({ chat }, { organizationId, identity: { clientId, agentId } });
  const events = drafts.map((draft) => toRecoveredEvent(draft, chat, observedAt, organizationId));
  const started = events.find((event) => event.type === 'chat.started');
  if (!started) return chat.id;
  const { thread } = chat;
  return {
    conversationId: chat.id,
    threadId: thread.id,
    observedAt,
    started,
    events: thread.events ? events.flatMap((event): ListedEvent[] => (isInThread(event) ? [event] : [])) : undefined,
    invalid: drafts.flatMap(({ type, part }) => (type === 'webhook.rejected' ? [part ?? ''] : [])),
    latestEvents,
    active: started.data.active,
    isLatest: !thread.next_thread_id,
    participants: started.data.participants,
    memberIds: thread.user_ids ?? [],
    groups: started.data.groups,
    transfer: lastTransfer(events, started.data.participants),
    queue: started.data.queue,
    // A summary may omit the tags.
    tags: isSummary && !thread.tags ? undefined : (thread.tags ?? []),
    seenUpTo: (chat.users ?? []).flatMap(({ id: userId, events_seen_up_to: seen }) =>
      seen && isRfc3339(seen) ? [{ userId, at: toUtcMicroseconds(seen) }] : [],
    ),
  };
}

/** Adds the metadata. The ids are those that the webhooks would have: LiveChat's ids identify these events. */
function toRecoveredEvent(draft: EventDraft, chat: LiveChatChat, observedAt: string, organizationId: string): AnyEvent {
  const { ids = [], part: _, occurredAt = observedAt, ...event } = draft;
  const recovered: AnyEvent = {
    ...event,
    metadata: {
      id: deriveId(event.type, organizationId, ...ids),
      version: eventVersion(event.type),
      correlationId: deriveId(organizationId, 'reconciliation', chat.id, chat.thread.id),
      organizationId,
      carrier: 'livechat',
      occurredAt,
      receivedAt: observedAt,
      recovered: true,
    },
  };
  // Without undefined members, as subscribers receive it.
  return JSON.parse(JSON.stringify(recovered));
}

function isInThread(event: AnyEvent): event is ListedEvent {
  const { type } = event;
  return (
    type === 'message.received' ||
    type === 'note.received' ||
    type === 'message.delivered' ||
    type === 'message.deleted'
  );
}

const textVars = z.looseObject({
  text_vars: z.looseObject({ targets: z.optional(z.string()), agent_added: z.optional(z.string()) }),
});

/**
 * The last transfer in the thread's system messages, which name agents and groups. Undefined without one, or if two users
 * have the name.
 */
function lastTransfer(
  events: readonly AnyEvent[],
  participants: EventData<'chat.started'>['participants'],
): ListedTransfer | undefined {
  const transfers = events.flatMap((event): { at: string; names: string[] }[] => {
    if (event.type !== 'message.received' || event.data.type !== 'system') return [];
    const { systemMessageType } = event.data.metadata;
    const isTransfer =
      systemMessageType === 'chat_transferred' ||
      (typeof systemMessageType === 'string' && systemMessageType.startsWith('routing.assigned'));
    const { targets, agent_added } = textVars.safeParse(event.data.rawPayload).data?.text_vars ?? {};
    const target = targets ?? agent_added;
    return isTransfer && target ? [{ at: event.data.timestamp, names: target.split(', ') }] : [];
  });
  const last = transfers.toSorted((a, b) => (a.at < b.at ? -1 : 1)).at(-1);
  if (!last) return undefined;
  const agents = participants.filter(
    ({ type, name }) => (type === 'agent' || type === 'bot') && name && last.names.includes(name),
  );
  const isAmbiguous = new Set(agents.map(({ name }) => name)).size < agents.length;
  return isAmbiguous ? undefined : { at: last.at, agents: agents.map(({ id }) => id) };
}
