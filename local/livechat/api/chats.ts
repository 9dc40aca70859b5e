import * as z from 'zod/mini';
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
import type { Visibility } from '../objects.ts';
import { nonEmpty, oneOf } from '../objects.ts';
import { addAgent, addCustomer, handOver, removeAgent, type TransferTarget } from '../users.ts';
import {
  type ApiState,
  delaySending,
  getRequester,
  method,
  requireAgentId,
  requireRequester,
  requireThread,
  writeChats,
} from './method.ts';

const id = nonEmpty();
const flag = z._default(z.boolean(), false);

const user = {
  chat_id: id,
  user_id: id,
  user_type: oneOf(['agent', 'customer']),
  ignore_requester_presence: flag,
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

/** The methods of the Agent Chat API (v3.4 to v3.6) that change chats, threads and users. */
export const chatMethods = {
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
