import type { Channel, OutgoingMessage, SentMessage } from '../channel/channel.ts';
import { ConfigurationError } from '../platform/configuration.ts';
import type { CreateRoutingChannel, RoutingChannel } from '../routing/channel.ts';
import type { NewEvent, ThreadResponse, TransferChat } from './api.ts';
import type { LiveChatClient } from './client.ts';
import type { FetchedFile, FetchedPart, FileSource, Part, Visibility } from './compose.ts';
import { type Connection, createConnections } from './connection.ts';

export interface ChannelOptions extends Connection {
  /** Fetches a file to disk and removes it after `use`. */
  readonly withFile: <T>(source: FileSource, use: (file: FetchedFile) => Promise<T>) => Promise<T>;
}

/** LiveChat's maximum page size. */
const threadsPerPage = 100;
/** Tolerated difference between LiveChat's clock and ours. */
const skewMs = 60_000;

/** LiveChat as the send step uses it. */
export function liveChatChannel(options: ChannelOptions): Channel<Part> {
  const { client, withFile } = options;
  return {
    ...reconnecting(options, (renewed) => liveChatChannel({ ...renewed, withFile })),
    withFile(part, use) {
      if (part.kind !== 'file') return use(part);
      const { source, ...rest } = part;
      return withFile(source, (file) => use({ ...rest, kind: 'fetched', file }));
    },
    upload: async (part) => (part.kind === 'fetched' ? uploadPart(part, client) : part),
    async send(chatId, message) {
      const { event_id: messageId } = await client.sendEvent({ chat_id: chatId, event: toEvent(message) });
      return { messageId, threadId: '' };
    },
    find: (chatId, id, since) => findEvent(client, chatId, id, since),
    async resume(chatId) {
      await client.resumeChat({ chat: { id: chatId }, active: true });
    },
    async append(chatId, message) {
      const chat = { id: chatId, thread: { events: [toEvent(message)] } };
      const answer = await client.resumeChat({ chat, active: false });
      return { threadId: answer.thread_id, messageId: answer.event_ids?.[0] ?? '' };
    },
    join: (chatId) => addSender(options, chatId, 'all'),
    async takeOver(chatId) {
      const target = { type: 'agent', ids: [requireSender(options)] } as const;
      await client.transferChat({
        id: chatId,
        target,
        ignore_agents_availability: true,
        ignore_requester_presence: true,
      });
    },
  };
}

/** The same adapter with another connection: to another region, or with credentials read again if they have changed. */
export function reconnecting<Adapter>(connection: Connection, create: (renewed: Connection) => Adapter) {
  return {
    inRegion: (region: string): Adapter => create(connection.inRegion(region)),
    async withFreshCredentials(): Promise<Adapter | undefined> {
      const fresh = await connection.refresh();
      return fresh && create(fresh);
    },
  };
}

async function addSender(connection: Connection, chatId: string, visibility: Visibility): Promise<void> {
  const user = { user_id: requireSender(connection), user_type: 'agent', visibility } as const;
  await connection.client.addUserToChat({ chat_id: chatId, ...user, ignore_requester_presence: true });
}

/** Throws {@link ConfigurationError} if no sender is configured. */
function requireSender({ agentId }: Pick<Connection, 'agentId'>): string {
  if (agentId) return agentId;
  throw new ConfigurationError('LIVECHAT_AGENT_ID', 'the e-mail of the agent, or the id of the bot, that sends');
}

function toEvent({ id, content }: OutgoingMessage<Part>): NewEvent {
  if (content.kind !== 'event') throw new TypeError('a file is uploaded before it is sent');
  return { ...content.event, custom_id: id };
}

async function uploadPart(
  { file, name, visibility, alternativeText }: FetchedPart,
  client: LiveChatClient,
): Promise<Part> {
  const { path, contentType } = file;
  const { url } = await client.uploadFile({ path, contentType, name: name ?? file.name });
  return { kind: 'event', event: { type: 'file', url, visibility, alternative_text: alternativeText } };
}

/**
 * Searches the threads, latest first, back to the thread in which the first attempt began: the chat may have been closed
 * and reopened since.
 */
export async function findEvent(
  client: LiveChatClient,
  chatId: string,
  id: string,
  since: number,
): Promise<SentMessage | undefined> {
  let page: string | undefined;
  do {
    const answer = await client.listThreads(
      page === undefined
        ? { chat_id: chatId, sort_order: 'desc', limit: threadsPerPage }
        : { chat_id: chatId, page_id: page },
    );
    for (const thread of answer.threads) {
      const event = thread.events?.find(({ custom_id }) => custom_id === id);
      if (event) return { threadId: thread.id, messageId: event.id };
    }
    page = isOlderThan(answer.threads.at(-1), since) ? undefined : (answer.next_page_id ?? undefined);
  } while (page !== undefined);
  return undefined;
}

function isOlderThan(oldest: ThreadResponse | undefined, since: number): boolean {
  const createdAt = oldest?.created_at ? Date.parse(oldest.created_at) : Number.NaN;
  return createdAt < since - skewMs;
}

/** Returns the routing adapter of an organization. */
export function liveChatRouting(environment = process.env): CreateRoutingChannel {
  const connect = createConnections(environment);
  return async (...options) => liveChatRouter(await connect(...options));
}

/** LiveChat as routing uses it. The sender must be in the chat only to send a message. */
export function liveChatRouter(connection: Connection): RoutingChannel {
  const { client } = connection;
  return {
    ...reconnecting(connection, liveChatRouter),
    agentId: connection.agentId,
    transfer: (id, target) =>
      client.transferChat({
        id,
        target: toTarget(target),
        // Allows the group's queue. Otherwise LiveChat rejects a transfer that no agent can accept immediately.
        ignore_agents_availability: 'group' in target && target.queue === true,
        ignore_requester_presence: true,
      }),
    // Without a target LiveChat routes the chat within its current groups.
    handBack: (id) => client.transferChat({ id, ignore_agents_availability: true, ignore_requester_presence: true }),
    tag: (chatId, threadId, tag) => client.tagThread({ chat_id: chatId, thread_id: threadId, tag }),
    async sendMessage(chatId, { id, text, visibility }) {
      await client.sendEvent({ chat_id: chatId, event: { type: 'message', text, visibility, custom_id: id } });
    },
    find: async (chatId, id, since) => (await findEvent(client, chatId, id, since)) !== undefined,
    join: (chatId, visibility) => addSender(connection, chatId, visibility),
  };
}

function toTarget(target: Parameters<RoutingChannel['transfer']>[1]): NonNullable<TransferChat['target']> {
  return 'agent' in target ? { type: 'agent', ids: [target.agent] } : { type: 'group', ids: [target.group] };
}
