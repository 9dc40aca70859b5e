import { type Chat, customerOf, presentAgents } from '../chats.ts';
import type { InactiveForm } from '../settings.ts';
import type { Agent, Thread, User, Visibility } from '../shapes.ts';
import { newAgent } from '../users.ts';
import { invalid, LiveChatError } from './errors.ts';
import { requesterOf, type World } from './world.ts';

export const notMember = (): LiveChatError => new LiveChatError('authorization');

export const inactive = (form: InactiveForm): LiveChatError =>
  form === 'chat_inactive' ? new LiveChatError('chat_inactive') : invalid('Chat is not active');

export const requireActive = (chat: Chat, { settings }: World): void => {
  if (!chat.thread.active) throw inactive(settings.current().inactiveForm);
};

const requesterIn = (chat: Chat, world: World): Agent | undefined => {
  const { id } = requesterOf(world);
  return presentAgents(chat).find((agent) => agent.id === id);
};

/** The requester, who must be in the chat unless the call says that this does not matter. */
export const requirePresence = (chat: Chat, ignorePresence: boolean, world: World): Agent => {
  const present = requesterIn(chat, world);
  if (present === undefined && !ignorePresence) throw notMember();
  return present ?? newAgent(requesterOf(world).id);
};

/** Who is in the chat for the agents' eyes only cannot speak to the customer. */
export const requireSpeaker = (chat: Chat, visibility: Visibility, world: World): void => {
  const speaker = requesterIn(chat, world);
  if (speaker === undefined || !world.joins.isSettled(chat.id, speaker.id)) throw notMember();
  if (speaker.visibility === 'agents' && visibility === 'all') {
    throw invalid('Requester with visibility `agents` cannot send event with visibility `all`');
  }
};

const agentId = /^(\S+@\S+|[0-9a-f]{32})$/;

/** The simulator keeps no list of agents: whatever has the form of an agent's or a bot's id is one. */
export const requireAgentId = (id: string): void => {
  if (!agentId.test(id)) throw invalid('user_id not found');
};

export const requireUserId = (chat: Chat, { id, type }: { readonly id: string; readonly type: User['type'] }): void => {
  if (type === 'agent') requireAgentId(id);
  else if (customerOf(chat).id !== id) throw invalid('user_id not found');
};

export const requireThread = (threads: readonly Thread[], threadId: string): Thread => {
  const thread = threads.find(({ id }) => id === threadId);
  if (thread === undefined) throw new LiveChatError('not_found');
  return thread;
};
