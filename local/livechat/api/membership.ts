import type * as z from 'zod/mini';
import { type Chat, customerOf, presentAgents, type Step } from '../chats.ts';
import { addAgent, addCustomer, removeAgent, type Target, transfer } from '../participants.ts';
import { close } from '../threads.ts';
import { invalid, LiveChatError } from './errors.ts';
import type { addUserRequest, deactivateChatRequest, removeUserRequest, transferChatRequest } from './requests.ts';
import { requireActive, requireAgentId, requirePresence, requireUserId } from './requirements.ts';
import { requesterOf, type World } from './world.ts';

type AddUser = z.infer<typeof addUserRequest>;

const unchanged = (chat: Chat): Step => ({ chat, webhooks: [] });

const publicAgents = (chat: Chat) => presentAgents(chat).filter(({ visibility }) => visibility === 'all');

const addCustomerTo = (chat: Chat, requesterId: string): Step =>
  customerOf(chat).present ? unchanged(chat) : addCustomer(chat, requesterId);

const addAgentTo = (chat: Chat, { user_id, visibility }: AddUser, requesterId: string, limit: number): Step => {
  const present = presentAgents(chat).find(({ id }) => id === user_id);
  if (present?.visibility === visibility) return unchanged(chat);
  if (visibility === 'all' && publicAgents(chat).length >= limit) throw invalid('Public agents in chat limit reached');
  return addAgent(chat, user_id, requesterId, visibility);
};

export const addUserToChat = (request: AddUser, world: World) => {
  const { joinDelayMs, publicAgentsLimit } = world.settings.current();
  const { id: requesterId } = requesterOf(world);
  const { webhooks } = world.simulator.change(request.chat_id, (chat) => {
    requireActive(chat, world);
    requirePresence(chat, request.ignore_requester_presence, world);
    requireUserId(chat, { id: request.user_id, type: request.user_type });
    if (request.user_type === 'customer') return addCustomerTo(chat, requesterId);
    return addAgentTo(chat, request, requesterId, publicAgentsLimit);
  });
  if (webhooks.length > 0) world.joins.join(request.chat_id, request.user_id, joinDelayMs);
  return {};
};

export const removeUserFromChat = (request: z.infer<typeof removeUserRequest>, world: World) => {
  world.simulator.change(request.chat_id, (chat) => {
    requireActive(chat, world);
    const requester = requirePresence(chat, request.ignore_requester_presence, world);
    const agent = presentAgents(chat).find(({ id }) => id === request.user_id);
    if (request.user_type === 'customer' || agent === undefined) throw invalid('user_id not found');
    return removeAgent(chat, agent, requester.id);
  });
  return {};
};

type TransferTarget = z.infer<typeof transferChatRequest>['target'];

/** Without a target it is routed anew within the groups that have it. */
const targetOf = (target: TransferTarget, queuePosition: number): Target => {
  if (target?.type === 'agent') return { agents: target.ids, groups: [], queuePosition };
  return { agents: [], groups: target?.ids ?? [], queuePosition };
};

/** One of them must be able to take the chat at once. Without a target, somebody of the groups that have it. */
const requireAvailable = ({ agents, groups }: Target, chat: Chat, { settings }: World): void => {
  const { offlineAgents, offlineGroups } = settings.current();
  if (agents.length > 0 && agents.every((id) => offlineAgents.includes(id))) throw new LiveChatError('agent_offline');
  const asked = groups.length > 0 ? groups : chat.access.group_ids;
  if (agents.length === 0 && asked.every((id) => offlineGroups.includes(id))) throw new LiveChatError('groups_offline');
};

/** Everybody whom the customer saw makes way for the target, so that no limit stands against it. */
export const transferChat = (request: z.infer<typeof transferChatRequest>, world: World) => {
  world.simulator.change(request.id, (chat) => {
    requireActive(chat, world);
    const requester = requirePresence(chat, request.ignore_requester_presence, world);
    const target = targetOf(request.target, world.simulator.queuePosition());
    target.agents.forEach(requireAgentId);
    const { groups } = world.settings.current();
    if (groups && !target.groups.every((id) => groups.includes(id))) throw invalid('Group not found');
    if (!request.ignore_agents_availability) requireAvailable(target, chat, world);
    return transfer(chat, { requester, leaving: publicAgents(chat) }, target, world.source.now());
  });
  return {};
};

export const deactivateChat = (request: z.infer<typeof deactivateChatRequest>, world: World) => {
  world.simulator.change(request.id, (chat) => {
    requireActive(chat, world);
    return close(chat, requirePresence(chat, request.ignore_requester_presence, world), world.source.now());
  });
  return {};
};
