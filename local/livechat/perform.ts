import type { Author, Chat, Step } from './chats.ts';
import { customerOf, requireActive } from './chats.ts';
import { ChatConflict } from './errors.ts';
import type { Source } from './ids.ts';
import { click, edit, erase, say, sendFile, sendRichMessage } from './messages.ts';
import type { Action } from './parse.ts';
import { assignedAgent, join, markSeen, part, requirePresent, setSessionFields, transfer } from './participants.ts';
import type { AgentAction, CustomerAction, RouterAction } from './requests.ts';
import type { User } from './shapes.ts';
import { archive, close, idle, reopen, tag, untag } from './threads.ts';
import { clientOf } from './users.ts';

/** What an action needs to know of the world around its chat. */
export interface Setting {
  readonly source: Source;
  /** Our own application: a bot's messages come from it. */
  readonly clientId: string;
  /** Who gets a chat when nobody is named: an agent's e-mail address or a bot's id. */
  readonly agentId: string;
  /** The place of a chat that joins the queue now. */
  readonly queuePosition: () => number;
}

const authorOf = (user: User, setting: Setting): Author => ({
  id: user.id,
  clientId: clientOf(user, setting.clientId),
});

const asCustomer = (chat: Chat, request: CustomerAction, setting: Setting): Step => {
  const now = setting.source.now();
  const customer = customerOf(chat);
  const author = authorOf(customer, setting);
  switch (request.action) {
    case 'message':
      return say(chat, author, request.text, 'all', now);
    case 'file':
      return sendFile(chat, author, request, now);
    case 'click':
      return click(chat, author, request.eventId, request.postbackId, now);
    case 'seen':
      return markSeen(chat);
    case 'leave':
      return close(chat, customer, now);
    case 'session-fields':
      return setSessionFields(chat, request.fields);
    case 'reopen': {
      const agentId = assignedAgent(chat)?.id ?? setting.agentId;
      const first = { author, content: { type: 'message', text: request.text } } as const;
      const reopening = { threadId: setting.source.nextId(), userIds: [customer.id, agentId], events: [first] };
      return reopen(chat, reopening, now);
    }
  }
};

const namedAgent = (chat: Chat, request: AgentAction, setting: Setting): string => {
  if (request.agent !== undefined) return request.agent;
  const assigned = assignedAgent(chat);
  if (assigned !== undefined) return assigned.id;
  if (request.action === 'join') return setting.agentId;
  throw new ChatConflict(`No agent is in chat ${chat.id}: let one join first.`);
};

const asAgent = (chat: Chat, request: AgentAction, setting: Setting): Step => {
  const now = setting.source.now();
  const agentId = namedAgent(chat, request, setting);
  if (request.action === 'join') return join(chat, agentId);
  const agent = requirePresent(chat, agentId);
  const author = authorOf(agent, setting);
  switch (request.action) {
    case 'message':
      return say(chat, author, request.text, 'all', now);
    case 'note':
      return say(chat, author, request.text, 'agents', now);
    case 'rich-message':
      return sendRichMessage(chat, author, request.templateId, request.elements, now);
    case 'file':
      return sendFile(chat, author, request, now);
    case 'edit':
      return edit(chat, request.eventId, request.text);
    case 'delete':
      return erase(chat, request.eventId);
    case 'part':
      return part(chat, agentId);
    case 'transfer':
      return transfer(
        chat,
        { requester: agent, leaving: [agent] },
        { ...request, queuePosition: setting.queuePosition() },
        now,
      );
    case 'tag':
      requireActive(chat);
      return tag(chat, chat.thread.id, request.tag);
    case 'untag':
      requireActive(chat);
      return untag(chat, chat.thread.id, request.tag);
    case 'close':
      return close(chat, agent, now);
  }
};

const asRouter = (chat: Chat, request: RouterAction, setting: Setting): Step =>
  request.action === 'idle' ? idle(chat, setting.source.now()) : archive(chat, setting.source.now());

export const perform = (chat: Chat, action: Action, setting: Setting): Step => {
  if (action.as === 'customer') return asCustomer(chat, action.request, setting);
  if (action.as === 'agent') return asAgent(chat, action.request, setting);
  return asRouter(chat, action.request, setting);
};
