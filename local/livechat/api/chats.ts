import * as z from 'zod/mini';
import { parseJson } from '../../../core/platform/json.ts';
import {
  allThreads,
  type Chat,
  type ChatUpdate,
  changeTags,
  closeThread,
  getCustomer,
  presentAgents,
  publicAgents,
} from '../chats.ts';
import { LiveChatError, validationError } from '../errors.ts';
import type { Thread, User, Visibility } from '../objects.ts';
import { nonEmpty, oneOf } from '../objects.ts';
import { addAgent, addCustomer, handOver, removeAgent, type TransferTarget } from '../users.ts';
import {
  type ApiState,
  delaySending,
  getRequester,
  method,
  readChats,
  requireAgentId,
  requireRequester,
  requireThread,
  type Version,
  writeChats,
} from './method.ts';

/** Chats in the format of each API version. */

const formatUser = (user: User, version: Version) => {
  if (version === 'v3.6' || user.type === 'agent') return user;
  const { visit: last_visit, ...rest } = user;
  return { ...rest, last_visit };
};

const formatThread = (thread: Thread, version: Version) => {
  if (version === 'v3.6') return thread;
  const { customer_visit: _, ...rest } = thread;
  return rest;
};

const formatChat = ({ id, users, properties, access }: Chat, thread: Thread, version: Version) => ({
  id,
  users: users.map((user) => formatUser(user, version)),
  properties,
  access,
  thread: formatThread(thread, version),
  is_followed: false,
});

const formatSummary = (chat: Chat, version: Version) => {
  const { events: _, ...last_thread_summary } = formatThread(chat.thread, version);
  const { thread: __, ...formatted } = formatChat(chat, chat.thread, version);
  return { ...formatted, last_thread_summary };
};

/** A page id encodes the whole query, so that it is used without other parameters. */
const fromPageId = <Schema extends z.ZodMiniType>(schema: Schema, pageId: string): z.output<Schema> => {
  const parsed = schema.safeParse(parseJson(Buffer.from(pageId, 'base64url').toString()));
  if (!parsed.success) throw validationError('`page_id` is invalid');
  return parsed.data;
};

/** The items from `offset` on, at most `limit`, with the ids of the next and previous pages. */
const paginate = <Item, Query extends { readonly offset: number; readonly limit: number }>(
  all: readonly Item[],
  query: Query,
) => {
  const { offset: start, limit } = query;
  const pageAt = (from: number) => Buffer.from(JSON.stringify({ ...query, offset: from })).toString('base64url');
  return {
    items: all.slice(start, start + limit),
    ...(start + limit < all.length && { next_page_id: pageAt(start + limit) }),
    ...(start > 0 && { previous_page_id: pageAt(Math.max(0, start - limit)) }),
  };
};

const id = nonEmpty();
const flag = z._default(z.boolean(), false);
const sortOrder = oneOf(['asc', 'desc']);
const limit = z.int('a number').check(z.gte(1, 'from 1 to 100'), z.lte(100, 'from 1 to 100'));
const offset = z._default(z.int().check(z.gte(0)), 0);
const time = z.string().check(z.refine((text) => !Number.isNaN(Date.parse(text)), 'a time'));

const user = {
  chat_id: id,
  user_id: id,
  user_type: oneOf(['agent', 'customer']),
  ignore_requester_presence: flag,
};

const threadsQuery = z.object({
  chat_id: id,
  sort_order: z._default(sortOrder, 'desc'),
  limit: z._default(limit, 3),
  filters: z._default(z.object({ from: z.optional(time), to: z.optional(time) }), {}),
  page_id: z.optional(id),
});
const threadsPage = z.extend(threadsQuery, { offset });

const createdWithin = (
  { created_at }: Thread,
  { from = created_at, to = created_at }: z.infer<typeof threadsQuery>['filters'],
) => Date.parse(from) <= Date.parse(created_at) && Date.parse(created_at) <= Date.parse(to);

const chatsQuery = z.object({
  sort_order: z.optional(sortOrder),
  limit: z.optional(limit),
  filters: z.optional(
    z.object({
      active: z.optional(z.boolean()),
      include_active: z.optional(z.boolean()),
      group_ids: z.optional(z.array(z.int()).check(z.maxLength(200, 'at most 200'))),
    }),
  ),
  page_id: z.optional(id),
});
const chatsPage = z.extend(chatsQuery, { offset, limit: z.int() });

type ChatsQuery = z.infer<typeof chatsQuery>;

const toChatsPage = (request: ChatsQuery): z.infer<typeof chatsPage> => {
  const { page_id, limit = 10 } = request;
  if (page_id === undefined) return { ...request, limit, offset: 0 };
  if (Object.keys(request).length > 1) throw validationError('`page_id` cannot be used with other parameters');
  return fromPageId(chatsPage, page_id);
};

const matches = ({ thread, access }: Chat, filters: ChatsQuery['filters'], version: Version): boolean => {
  const { active, include_active, group_ids } = filters ?? {};
  if (group_ids !== undefined && !access.group_ids.some((id) => group_ids.includes(id))) return false;
  if (version === 'v3.6') return active === undefined || thread.active === active;
  return include_active !== false || !thread.active;
};

const tagMethod = (action: 'thread_tagged' | 'thread_untagged') =>
  method(
    writeChats,
    z.object({ chat_id: id, thread_id: id, tag: id }),
    ({ chat_id, thread_id, tag }, { simulator }) => {
      simulator.change(chat_id, (chat) => {
        requireThread(allThreads(chat), thread_id);
        return changeTags(chat, thread_id, tag, action);
      });
      return {};
    },
  );

const unchanged = (chat: Chat): ChatUpdate => ({ chat, webhooks: [] });

/** Adds an agent, or changes the visibility of one who is in the chat. */
const ensureAgent = (chat: Chat, agentId: string, visibility: Visibility, state: ApiState): ChatUpdate => {
  requireAgentId(agentId);
  const present = presentAgents(chat).find(({ id }) => id === agentId);
  if (present?.visibility === visibility) return unchanged(chat);
  if (visibility === 'all' && publicAgents(chat).length >= state.settings.current().publicAgentsLimit) {
    throw validationError('Public agents in chat limit reached');
  }
  return addAgent(chat, agentId, getRequester(state).id, visibility);
};

const transferTarget = z.optional(
  z.discriminatedUnion('type', [
    z.object({ type: z.literal('agent'), ids: z.array(id).check(z.minLength(1)) }),
    z.object({ type: z.literal('group'), ids: z.array(z.int()).check(z.minLength(1)) }),
  ]),
);

/** Without a target the chat is routed again within its present groups. */
const toTarget = (target: z.infer<typeof transferTarget>, queuePosition: number): TransferTarget =>
  target?.type === 'agent'
    ? { agents: target.ids, groups: [], queuePosition }
    : { agents: [], groups: target?.ids ?? [], queuePosition };

/** At least one target must be available. Without a target, at least one of the chat's present groups. */
const requireAvailable = ({ agents, groups }: TransferTarget, chat: Chat, { settings }: ApiState): void => {
  const { offlineAgents, offlineGroups } = settings.current();
  if (agents.length > 0 && agents.every((id) => offlineAgents.includes(id))) throw new LiveChatError('agent_offline');
  const requested = groups.length > 0 ? groups : chat.access.group_ids;
  if (agents.length === 0 && requested.every((id) => offlineGroups.includes(id))) {
    throw new LiveChatError('groups_offline');
  }
};

/** The methods of the Agent Chat API (v3.4 to v3.6) for chats, threads and users. */
export const chatMethods = {
  get_chat: method(
    readChats,
    z.object({ chat_id: id, thread_id: z.optional(id) }),
    ({ chat_id, thread_id }, { simulator }, version) => {
      const chat = simulator.chat(chat_id);
      const thread = thread_id === undefined ? chat.thread : requireThread(allThreads(chat), thread_id);
      return formatChat(chat, thread, version);
    },
  ),

  list_threads: method(readChats, threadsQuery, (request, { simulator }, version) => {
    const { page_id } = request;
    const query = page_id === undefined ? { ...request, offset: 0 } : fromPageId(threadsPage, page_id);
    const { filters, sort_order } = query;
    const found = allThreads(simulator.chat(request.chat_id)).filter((thread) => createdWithin(thread, filters));
    const { items, ...pages } = paginate(sort_order === 'asc' ? found : found.toReversed(), query);
    return { threads: items.map((thread) => formatThread(thread, version)), found_threads: found.length, ...pages };
  }),

  list_chats: method(readChats, chatsQuery, (request, { simulator }, version) => {
    const query = toChatsPage(request);
    const newestFirst = (one: Chat, other: Chat) => (one.thread.created_at < other.thread.created_at ? 1 : -1);
    const found = simulator
      .chats()
      .filter((chat) => matches(chat, query.filters, version))
      .sort(newestFirst);
    const { items, ...pages } = paginate(query.sort_order === 'asc' ? found.toReversed() : found, query);
    return { chats_summary: items.map((chat) => formatSummary(chat, version)), found_chats: found.length, ...pages };
  }),

  tag_thread: tagMethod('thread_tagged'),

  untag_thread: tagMethod('thread_untagged'),

  add_user_to_chat: method(
    writeChats,
    z.object({ ...user, visibility: oneOf(['all', 'agents']) }),
    ({ chat_id, user_id, user_type, visibility, ignore_requester_presence }, state) => {
      const { webhooks } = state.simulator.change(chat_id, (chat) => {
        requireRequester(chat, ignore_requester_presence, state);
        if (user_type === 'agent') return ensureAgent(chat, user_id, visibility, state);
        const customer = getCustomer(chat);
        if (customer.id !== user_id) throw validationError('user_id not found');
        return customer.present ? unchanged(chat) : addCustomer(chat, getRequester(state).id);
      });
      if (webhooks.length > 0) delaySending(chat_id, user_id, state);
      return {};
    },
  ),

  remove_user_from_chat: method(
    writeChats,
    z.object(user),
    ({ chat_id, user_id, user_type, ignore_requester_presence }, state) => {
      state.simulator.change(chat_id, (chat) => {
        const requester = requireRequester(chat, ignore_requester_presence, state);
        const agent = presentAgents(chat).find(({ id }) => id === user_id);
        if (user_type === 'customer' || agent === undefined) throw validationError('user_id not found');
        return removeAgent(chat, agent, requester.id);
      });
      return {};
    },
  ),

  /** All public agents leave the chat, so publicAgentsLimit does not apply. */
  transfer_chat: method(
    writeChats,
    z.object({ id, target: transferTarget, ignore_agents_availability: flag, ignore_requester_presence: flag }),
    (request, state) => {
      const { simulator, settings, source } = state;
      simulator.change(request.id, (chat) => {
        const requester = requireRequester(chat, request.ignore_requester_presence, state);
        const target = toTarget(request.target, simulator.queuePosition());
        target.agents.forEach(requireAgentId);
        const { groups } = settings.current();
        if (groups && !target.groups.every((id) => groups.includes(id))) throw validationError('Group not found');
        if (!request.ignore_agents_availability) requireAvailable(target, chat, state);
        return handOver(chat, { requester, leaving: publicAgents(chat) }, target, source.now());
      });
      return {};
    },
  ),

  deactivate_chat: method(writeChats, z.object({ id, ignore_requester_presence: flag }), (request, state) => {
    state.simulator.change(request.id, (chat) => {
      return closeThread(chat, requireRequester(chat, request.ignore_requester_presence, state), state.source.now());
    });
    return {};
  }),
};
