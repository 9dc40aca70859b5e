import * as z from 'zod/mini';
import {
  addTag,
  allThreads,
  type Chat,
  type ChatUpdate,
  closeThread,
  getCustomer,
  presentAgents,
  publicAgents,
  removeTag,
} from '../chats.ts';
import { LiveChatError, validationError } from '../errors.ts';
import type { ChatEvent, Thread, User } from '../objects.ts';
import { addAgent, addCustomer, handOver, removeAgent, type TransferTarget } from '../users.ts';
import {
  type ApiState,
  getRequester,
  requireActive,
  requireAgentId,
  requirePresence,
  requireThread,
  requireUserId,
  type Version,
} from './method.ts';

const offset = z._default(z.int().check(z.gte(0)), 0);

/** The bodies of the Agent Chat API (v3.4 to v3.6), as far as the simulator supports them. */

const id = z.string().check(z.minLength(1));
const flag = z._default(z.boolean(), false);
const visibility = z.enum(['all', 'agents'], 'must be one of all, agents');
const userType = z.enum(['agent', 'customer'], 'must be one of agent, customer');
const sortOrder = z.enum(['asc', 'desc'], 'must be one of asc, desc');
const limit = z.int('must be a number').check(z.gte(1, 'must be from 1 to 100'), z.lte(100, 'must be from 1 to 100'));

export const addUserRequest = z.object({
  chat_id: id,
  user_id: id,
  user_type: userType,
  visibility,
  ignore_requester_presence: flag,
});

export const removeUserRequest = z.object({
  chat_id: id,
  user_id: id,
  user_type: userType,
  ignore_requester_presence: flag,
});

export const transferChatRequest = z.object({
  id,
  target: z.optional(
    z.discriminatedUnion('type', [
      z.object({ type: z.literal('agent'), ids: z.array(id).check(z.minLength(1)) }),
      z.object({ type: z.literal('group'), ids: z.array(z.int()).check(z.minLength(1)) }),
    ]),
  ),
  ignore_agents_availability: flag,
  ignore_requester_presence: flag,
});

export const deactivateChatRequest = z.object({ id, ignore_requester_presence: flag });

export const getChatRequest = z.object({ chat_id: id, thread_id: z.optional(id) });

const time = z.string().check(z.refine((text) => !Number.isNaN(Date.parse(text)), 'must be a time'));

export const listThreadsRequest = z.object({
  chat_id: id,
  sort_order: z._default(sortOrder, 'desc'),
  limit: z._default(limit, 3),
  filters: z.optional(z.object({ from: z.optional(time), to: z.optional(time) })),
  page_id: z.optional(id),
});

export const listChatsRequest = z.object({
  sort_order: z.optional(sortOrder),
  limit: z.optional(limit),
  filters: z.optional(
    z.object({
      active: z.optional(z.boolean()),
      include_active: z.optional(z.boolean()),
      group_ids: z.optional(z.array(z.int()).check(z.maxLength(200, 'must be at most 200'))),
    }),
  ),
  page_id: z.optional(id),
});

export const tagRequest = z.object({ chat_id: id, thread_id: id, tag: id });

export const getChat = (request: z.infer<typeof getChatRequest>, { simulator }: ApiState, version: Version) => {
  const chat = simulator.chat(request.chat_id);
  const thread = request.thread_id === undefined ? chat.thread : requireThread(allThreads(chat), request.thread_id);
  return formatChat(chat, thread, version);
};

type ListThreads = z.infer<typeof listThreadsRequest>;

const createdWithin = ({ created_at }: Thread, filters: ListThreads['filters']): boolean => {
  const createdAt = Date.parse(created_at);
  const { from, to } = filters ?? {};
  return (from === undefined || createdAt >= Date.parse(from)) && (to === undefined || createdAt <= Date.parse(to));
};

const threadsPage = z.extend(listThreadsRequest, { offset });

export const listThreads = (request: ListThreads, { simulator }: ApiState, version: Version) => {
  const first = { ...request, offset: 0 };
  const query = request.page_id === undefined ? first : fromPageId(threadsPage, request.page_id);
  const found = allThreads(simulator.chat(request.chat_id)).filter((thread) => createdWithin(thread, query.filters));
  const { items, ...pages } = paginate(query.sort_order === 'asc' ? found : found.toReversed(), query);
  return { threads: items.map((thread) => formatThread(thread, version)), found_threads: found.length, ...pages };
};

type ListChats = z.infer<typeof listChatsRequest>;

const matches = ({ thread, access }: Chat, filters: ListChats['filters'], version: Version): boolean => {
  const { active, include_active, group_ids } = filters ?? {};
  if (group_ids !== undefined && !access.group_ids.some((id) => group_ids.includes(id))) return false;
  if (version === 'v3.6') return active === undefined || thread.active === active;
  return include_active !== false || !thread.active;
};

const chatsPage = z.extend(listChatsRequest, { offset, limit: z.int() });

const chatsQuery = (request: ListChats): z.infer<typeof chatsPage> => {
  const { page_id, limit = 10 } = request;
  if (page_id === undefined) return { ...request, limit, offset: 0 };
  if (Object.keys(request).length > 1) throw validationError('`page_id` cannot be used with other parameters');
  return fromPageId(chatsPage, page_id);
};

export const listChats = (request: ListChats, { simulator }: ApiState, version: Version) => {
  const query = chatsQuery(request);
  const newestFirst = (one: Chat, other: Chat) => (one.thread.created_at < other.thread.created_at ? 1 : -1);
  const found = simulator
    .chats()
    .filter((chat) => matches(chat, query.filters, version))
    .sort(newestFirst);
  const { items, ...pages } = paginate(query.sort_order === 'asc' ? found.toReversed() : found, query);
  return { chats_summary: items.map((chat) => formatSummary(chat, version)), found_chats: found.length, ...pages };
};

/** Chats in the format of each API version. */

const formatUser = (user: User, version: Version) => {
  if (version === 'v3.6' || user.type === 'agent') return user;
  const { visit: last_visit, ...rest } = user;
  return { ...rest, last_visit };
};

export const formatThread = (thread: Thread, version: Version) => {
  if (version === 'v3.6') return thread;
  const { customer_visit: _, ...rest } = thread;
  return rest;
};

export const formatChat = ({ id, users, properties, access }: Chat, thread: Thread, version: Version) => ({
  id,
  users: users.map((user) => formatUser(user, version)),
  properties,
  access,
  thread: formatThread(thread, version),
  is_followed: false,
});

const lastEventPerType = (chat: Chat) => {
  const last: Record<string, { thread_id: string; thread_created_at: string; event: ChatEvent }> = {};
  for (const { id, created_at, events } of allThreads(chat)) {
    for (const event of events) last[event.type] = { thread_id: id, thread_created_at: created_at, event };
  }
  return last;
};

export const formatSummary = (chat: Chat, version: Version) => {
  const { events: _, ...last_thread_summary } = formatThread(chat.thread, version);
  const { thread: __, ...formatted } = formatChat(chat, chat.thread, version);
  return { ...formatted, last_thread_summary, last_event_per_type: lastEventPerType(chat) };
};

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next_page_id?: string;
  readonly previous_page_id?: string;
}

const toPageId = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

const parsed = (pageId: string): unknown => {
  try {
    return JSON.parse(Buffer.from(pageId, 'base64url').toString());
  } catch {
    return undefined;
  }
};

/** A page id encodes the whole query, so that it is used without other parameters. */
export const fromPageId = <Schema extends z.ZodMiniType>(schema: Schema, pageId: string): z.output<Schema> => {
  const read = schema.safeParse(parsed(pageId));
  if (!read.success) throw validationError('`page_id` is invalid');
  return read.data;
};

/** The items from `offset` on, at most `limit`, with the ids of the next and previous pages. */
export const paginate = <Item, Query extends { readonly offset: number; readonly limit: number }>(
  all: readonly Item[],
  query: Query,
): Page<Item> => {
  const { offset: start, limit } = query;
  const pageAt = (from: number) => toPageId({ ...query, offset: from });
  return {
    items: all.slice(start, start + limit),
    ...(start + limit < all.length && { next_page_id: pageAt(start + limit) }),
    ...(start > 0 && { previous_page_id: pageAt(Math.max(0, start - limit)) }),
  };
};

type TagRequest = z.infer<typeof tagRequest>;

/** A closed thread can be tagged too. */
const changeTags =
  (how: (chat: Chat, threadId: string, name: string) => ChatUpdate) =>
  ({ chat_id, thread_id, tag: name }: TagRequest, { simulator }: ApiState) => {
    simulator.change(chat_id, (chat) => {
      requireThread(allThreads(chat), thread_id);
      return how(chat, thread_id, name);
    });
    return {};
  };

export const tagThread = changeTags(addTag);
export const untagThread = changeTags(removeTag);

type AddUser = z.infer<typeof addUserRequest>;

const unchanged = (chat: Chat): ChatUpdate => ({ chat, webhooks: [] });

const addCustomerTo = (chat: Chat, requesterId: string): ChatUpdate =>
  getCustomer(chat).present ? unchanged(chat) : addCustomer(chat, requesterId);

const addAgentTo = (chat: Chat, { user_id, visibility }: AddUser, requesterId: string, limit: number): ChatUpdate => {
  const present = presentAgents(chat).find(({ id }) => id === user_id);
  if (present?.visibility === visibility) return unchanged(chat);
  if (visibility === 'all' && publicAgents(chat).length >= limit)
    throw validationError('Public agents in chat limit reached');
  return addAgent(chat, user_id, requesterId, visibility);
};

export const addUserToChat = (request: AddUser, state: ApiState) => {
  const { joinDelayMs, publicAgentsLimit } = state.settings.current();
  const { id: requesterId } = getRequester(state);
  const { webhooks } = state.simulator.change(request.chat_id, (chat) => {
    requireActive(chat, state);
    requirePresence(chat, request.ignore_requester_presence, state);
    requireUserId(chat, { id: request.user_id, type: request.user_type });
    if (request.user_type === 'customer') return addCustomerTo(chat, requesterId);
    return addAgentTo(chat, request, requesterId, publicAgentsLimit);
  });
  if (webhooks.length > 0) state.joinDelays.start(request.chat_id, request.user_id, joinDelayMs);
  return {};
};

export const removeUserFromChat = (request: z.infer<typeof removeUserRequest>, state: ApiState) => {
  state.simulator.change(request.chat_id, (chat) => {
    requireActive(chat, state);
    const requester = requirePresence(chat, request.ignore_requester_presence, state);
    const agent = presentAgents(chat).find(({ id }) => id === request.user_id);
    if (request.user_type === 'customer' || agent === undefined) throw validationError('user_id not found');
    return removeAgent(chat, agent, requester.id);
  });
  return {};
};

type TargetRequest = z.infer<typeof transferChatRequest>['target'];

/** Without a target the chat is routed again within its present groups. */
const transferTarget = (target: TargetRequest, queuePosition: number): TransferTarget => {
  if (target?.type === 'agent') return { agents: target.ids, groups: [], queuePosition };
  return { agents: [], groups: target?.ids ?? [], queuePosition };
};

/** At least one target must be available. Without a target, at least one of the chat's present groups. */
const requireAvailable = ({ agents, groups }: TransferTarget, chat: Chat, { settings }: ApiState): void => {
  const { offlineAgents, offlineGroups } = settings.current();
  if (agents.length > 0 && agents.every((id) => offlineAgents.includes(id))) throw new LiveChatError('agent_offline');
  const asked = groups.length > 0 ? groups : chat.access.group_ids;
  if (agents.length === 0 && asked.every((id) => offlineGroups.includes(id))) throw new LiveChatError('groups_offline');
};

/** All public agents leave the chat, so publicAgentsLimit does not apply. */
export const transferChat = (request: z.infer<typeof transferChatRequest>, state: ApiState) => {
  state.simulator.change(request.id, (chat) => {
    requireActive(chat, state);
    const requester = requirePresence(chat, request.ignore_requester_presence, state);
    const target = transferTarget(request.target, state.simulator.queuePosition());
    target.agents.forEach(requireAgentId);
    const { groups } = state.settings.current();
    if (groups && !target.groups.every((id) => groups.includes(id))) throw validationError('Group not found');
    if (!request.ignore_agents_availability) requireAvailable(target, chat, state);
    return handOver(chat, { requester, leaving: publicAgents(chat) }, target, state.source.now());
  });
  return {};
};

export const deactivateChat = (request: z.infer<typeof deactivateChatRequest>, state: ApiState) => {
  state.simulator.change(request.id, (chat) => {
    requireActive(chat, state);
    return closeThread(chat, requirePresence(chat, request.ignore_requester_presence, state), state.source.now());
  });
  return {};
};
