import {
  andThen,
  type Chat,
  customerOf,
  presentAgents,
  requireActive,
  type Step,
  systemMessage,
  tick,
  withThread,
  withUser,
} from './chats.ts';
import { ChatConflict } from './errors.ts';
import type { Agent, Queue, User } from './shapes.ts';
import { newAgent } from './users.ts';
import { webhookOf } from './webhooks.ts';

const ids = (chat: Chat) => ({ chat_id: chat.id, thread_id: chat.thread.id });

/** The agent who is meant where none is named: the first of the chat's users who is there. */
export const assignedAgent = (chat: Chat): Agent | undefined => presentAgents(chat)[0];

export const requirePresent = (chat: Chat, agentId: string): Agent => {
  const agent = presentAgents(chat).find(({ id }) => id === agentId);
  if (agent !== undefined) return agent;
  throw new ChatConflict(`${agentId} is not in chat ${chat.id}: let them join, or transfer the chat to them, first.`);
};

const withoutQueue = (chat: Chat): Chat => {
  const { queue: _, ...thread } = chat.thread;
  return { ...chat, thread };
};

const addUser = (before: Chat, user: User, requesterId: string): Step => {
  const chat = withUser(before, user);
  const payload = { ...ids(chat), user, user_type: user.type, reason: 'manual', requester_id: requesterId };
  return { chat, webhooks: [webhookOf(chat, 'user_added_to_chat', payload)] };
};

/** An agent whom the customer sees ends the wait in the queue. */
export const addAgent = (
  chat: Chat,
  agentId: string,
  requesterId: string,
  visibility: Agent['visibility'] = 'all',
): Step => {
  const known = chat.users.filter((user) => user.type === 'agent').find(({ id }) => id === agentId);
  const waiting = visibility === 'all' ? withoutQueue(chat) : chat;
  return addUser(waiting, { ...(known ?? newAgent(agentId)), present: true, visibility }, requesterId);
};

/** A thread that an agent began alone has no customer in it until one is added. */
export const addCustomer = (chat: Chat, requesterId: string): Step =>
  addUser(chat, { ...customerOf(chat), present: true }, requesterId);

export const removeAgent = (before: Chat, agent: Agent, requesterId: string): Step => {
  const chat = withUser(before, { ...agent, present: false });
  const payload = {
    ...ids(chat),
    user_id: agent.id,
    user_type: agent.type,
    reason: 'manual',
    requester_id: requesterId,
  };
  return { chat, webhooks: [webhookOf(chat, 'user_removed_from_chat', payload)] };
};

export const join = (chat: Chat, agentId: string): Step => {
  requireActive(chat);
  if (presentAgents(chat).some(({ id }) => id === agentId)) {
    throw new ChatConflict(`${agentId} is already in chat ${chat.id}.`);
  }
  return addAgent(chat, agentId, agentId);
};

export const part = (chat: Chat, agentId: string): Step => {
  requireActive(chat);
  return removeAgent(chat, requirePresent(chat, agentId), agentId);
};

export interface Target {
  readonly agents: readonly string[];
  readonly groups: readonly number[];
  /** The place in the queue if no agent is left in the chat. */
  readonly queuePosition: number;
}

/** Who hands the chat over, and who leaves it for that, unless they are a target themselves. */
export interface Handover {
  readonly requester: Agent;
  readonly leaving: readonly Agent[];
}

/** The chat passes into other hands. Without agents it waits in the groups' queue. */
export const transfer = (before: Chat, { requester, leaving }: Handover, target: Target, now: number): Step => {
  requireActive(before);
  const { chat: ticked, at } = tick(before, now);
  const group_ids = target.groups.length > 0 ? target.groups : ticked.thread.access.group_ids;
  const queue = leavesNobody(ticked, leaving, target) && queueFrom(target.queuePosition, at);
  const access = { group_ids };
  const moved = withThread({ ...ticked, access }, { access, ...(queue && { queue }) });
  const assigned = presentAgents(moved).filter(({ visibility }) => visibility === 'all');
  const added = target.agents.filter((id) => !assigned.some((agent) => agent.id === id));

  const transferred = webhookOf(moved, 'chat_transferred', {
    ...ids(moved),
    requester_id: requester.id,
    reason: 'manual',
    transferred_to: { group_ids, ...(target.agents.length > 0 && { agent_ids: target.agents }) },
    ...(queue && { queue }),
  });
  const removed = leaving.filter(({ id }) => !target.agents.includes(id));
  const steps = [
    ...added.map((id) => (chat: Chat) => addAgent(chat, id, requester.id)),
    (chat: Chat) => announceTransfer(chat, requester, target, now),
    ...removed.map((agent) => (chat: Chat) => removeAgent(chat, agent, requester.id)),
  ];
  return steps.reduce<Step>(andThen, { chat: moved, webhooks: [transferred] });
};

const leavesNobody = (chat: Chat, leaving: readonly Agent[], target: Target): boolean =>
  target.agents.length === 0 &&
  presentAgents(chat)
    .filter(({ visibility }) => visibility === 'all')
    .every((agent) => leaving.some(({ id }) => id === agent.id));

/** A chat waits half a minute for each one before it, and for its own turn. */
export const queueFrom = (position: number, queuedAt: string): Queue => ({
  position,
  wait_time: 30 * position,
  queued_at: queuedAt,
});

const announceTransfer = (chat: Chat, from: Agent, target: Target, now: number): Step => {
  const agents = target.agents.map((id) => chat.users.find((user) => user.id === id)?.name ?? id);
  const names = agents.length > 0 ? agents : target.groups.map((id) => `group ${id}`);
  const targets = names.join(', ');
  const text = `${from.name} transferred the chat to ${targets}`;
  return systemMessage(chat, 'chat_transferred', text, { initiator: from.name, targets }, now);
};

/** The customer has seen everything there is to see so far. */
export const markSeen = (before: Chat): Step => {
  requireActive(before);
  const last = before.thread.events.filter(({ visibility }) => visibility === 'all').at(-1);
  const seen_up_to = last?.created_at ?? before.thread.created_at;
  const customer = customerOf(before);
  const chat = withUser(before, { ...customer, events_seen_up_to: seen_up_to });
  const payload = { user_id: customer.id, chat_id: chat.id, seen_up_to };
  return { chat, webhooks: [webhookOf(chat, 'events_marked_as_seen', payload)] };
};

export const setSessionFields = (before: Chat, fields: Readonly<Record<string, string>>): Step => {
  requireActive(before);
  const customer = customerOf(before);
  const changed = toSessionFields(fields);
  const kept = customer.session_fields.filter((field) => Object.keys(field).every((name) => !(name in fields)));
  const chat = withUser(before, { ...customer, session_fields: [...kept, ...changed] });
  const payload = { id: customer.id, active_chat: ids(chat), session_fields: changed };
  return { chat, webhooks: [webhookOf(chat, 'customer_session_fields_updated', payload)] };
};

/** LiveChat writes session fields as a list of objects of one key each. */
export const toSessionFields = (fields: Readonly<Record<string, string>>): readonly Record<string, string>[] =>
  Object.entries(fields).map(([name, value]) => ({ [name]: value }));
