import {
  appendSystemMessage,
  type Chat,
  type ChatUpdate,
  chain,
  getCustomer,
  nextTimestamp,
  notify,
  presentAgents,
  publicAgents,
  threadRef,
  withThread,
  withUser,
} from './chats.ts';
import { chatConflict } from './errors.ts';
import { type Agent, createAgent, queueEntry, type User } from './objects.ts';

/** The default agent of an action: the first present agent. */
export const assignedAgent = (chat: Chat): Agent | undefined => presentAgents(chat)[0];

export const requirePresent = (chat: Chat, agentId: string): Agent => {
  const agent = presentAgents(chat).find(({ id }) => id === agentId);
  if (agent !== undefined) return agent;
  throw chatConflict(`${agentId} is not in chat ${chat.id}. Let this agent join first, or transfer the chat.`);
};

const leaveQueue = (chat: Chat): Chat => {
  const { queue: _, ...thread } = chat.thread;
  return { ...chat, thread };
};

/** Adds or replaces the user, who then is in the chat (`user_added_to_chat`) or has left it (`user_removed_from_chat`). */
const changeUser = (before: Chat, user: User, requesterId: string): ChatUpdate => {
  const chat = withUser(before, user);
  const payload = { ...threadRef(chat), user_type: user.type, reason: 'manual', requester_id: requesterId };
  return user.present
    ? notify(chat, 'user_added_to_chat', { ...payload, user })
    : notify(chat, 'user_removed_from_chat', { ...payload, user_id: user.id });
};

/** An agent with visibility `all` takes the chat out of the queue. */
export const addAgent = (
  chat: Chat,
  agentId: string,
  requesterId: string,
  visibility: Agent['visibility'] = 'all',
): ChatUpdate => {
  const known = chat.users.filter((user) => user.type === 'agent').find(({ id }) => id === agentId);
  const waiting = visibility === 'all' ? leaveQueue(chat) : chat;
  return changeUser(waiting, { ...(known ?? createAgent(agentId)), present: true, visibility }, requesterId);
};

/** A thread that an agent started has no customer until one is added. */
export const addCustomer = (chat: Chat, requesterId: string): ChatUpdate =>
  changeUser(chat, { ...getCustomer(chat), present: true }, requesterId);

export const removeAgent = (chat: Chat, agent: Agent, requesterId: string): ChatUpdate =>
  changeUser(chat, { ...agent, present: false }, requesterId);

export const joinChat = (chat: Chat, agentId: string): ChatUpdate => {
  if (presentAgents(chat).some(({ id }) => id === agentId)) {
    throw chatConflict(`${agentId} is already in chat ${chat.id}.`);
  }
  return addAgent(chat, agentId, agentId);
};

export interface TransferTarget {
  readonly agents: readonly string[];
  readonly groups: readonly number[];
  /** The place in the queue if no agent is left in the chat. */
  readonly queuePosition: number;
}

/** The agent who requests the transfer, and the agents who leave the chat unless they are targets. */
export interface Handover {
  readonly requester: Agent;
  readonly leaving: readonly Agent[];
}

/** Transfers the chat. Without target agents it waits in the queue of the groups. */
export const handOver = (
  before: Chat,
  { requester, leaving }: Handover,
  target: TransferTarget,
  now: number,
): ChatUpdate => {
  const { chat: reserved, at } = nextTimestamp(before, now);
  const group_ids = target.groups.length > 0 ? target.groups : reserved.thread.access.group_ids;
  const queue = leavesNoAgent(reserved, leaving, target) && queueEntry(target.queuePosition, at);
  const access = { group_ids };
  const moved = withThread({ ...reserved, access }, { access, ...(queue && { queue }) });
  const assigned = publicAgents(moved);
  const added = target.agents.filter((id) => !assigned.some((agent) => agent.id === id));

  const transferred = notify(moved, 'chat_transferred', {
    ...threadRef(moved),
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
  return steps.reduce(chain, transferred);
};

const leavesNoAgent = (chat: Chat, leaving: readonly Agent[], target: TransferTarget): boolean =>
  target.agents.length === 0 && publicAgents(chat).every((agent) => leaving.some(({ id }) => id === agent.id));

const announceTransfer = (chat: Chat, from: Agent, target: TransferTarget, now: number): ChatUpdate => {
  const agents = target.agents.map((id) => chat.users.find((user) => user.id === id)?.name ?? id);
  const names = agents.length > 0 ? agents : target.groups.map((id) => `group ${id}`);
  const targets = names.join(', ');
  const text = `${from.name} transferred the chat to ${targets}`;
  return appendSystemMessage(chat, 'chat_transferred', text, { initiator: from.name, targets }, now);
};

/** Marks every visible event as seen by the customer. */
export const markSeen = (before: Chat): ChatUpdate => {
  const last = before.thread.events.filter(({ visibility }) => visibility === 'all').at(-1);
  const seen_up_to = last?.created_at ?? before.thread.created_at;
  const customer = getCustomer(before);
  const chat = withUser(before, { ...customer, events_seen_up_to: seen_up_to });
  const payload = { user_id: customer.id, chat_id: chat.id, seen_up_to };
  return notify(chat, 'events_marked_as_seen', payload);
};

export const setSessionFields = (before: Chat, fields: Readonly<Record<string, string>>): ChatUpdate => {
  const customer = getCustomer(before);
  const changed = toSessionFields(fields);
  const kept = customer.session_fields.filter((field) => Object.keys(field).every((name) => !(name in fields)));
  const chat = withUser(before, { ...customer, session_fields: [...kept, ...changed] });
  const payload = { id: customer.id, active_chat: threadRef(chat), session_fields: changed };
  return notify(chat, 'customer_session_fields_updated', payload);
};

/** LiveChat represents session fields as a list of single-key objects. */
export const toSessionFields = (fields: Readonly<Record<string, string>>): readonly Record<string, string>[] =>
  Object.entries(fields).map(([name, value]) => ({ [name]: value }));
