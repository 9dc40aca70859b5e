import { type Cdn, createCdn, sampleOf } from './cdn.ts';
import type { Chat, EventDraft, Step } from './chats.ts';
import { ChatNotFound } from './errors.ts';
import { typeOf } from './files.ts';
import { preChatForm } from './forms.ts';
import { toTimestamp } from './ids.ts';
import type { Action } from './parse.ts';
import { toSessionFields } from './participants.ts';
import { perform, type Setting } from './perform.ts';
import type { StartRequest } from './requests.ts';
import { startChat } from './threads.ts';
import { clientOf, newCustomer } from './users.ts';
import type { Webhook } from './webhooks.ts';

export interface Simulator {
  readonly chats: () => readonly Chat[];
  /** @throws ChatNotFound */
  readonly chat: (chatId: string) => Chat;
  readonly start: (request: StartRequest) => Step;
  /** @throws ChatNotFound, ChatConflict, BadField */
  readonly act: (chatId: string, action: Action) => Step;
  /** Does to a chat what an application asks for. @throws ChatNotFound, and whatever `how` throws */
  readonly change: (chatId: string, how: (chat: Chat) => Step) => Step;
  /** The place of a chat that joins the queue now. */
  readonly queuePosition: () => number;
}

/** The chats and whatever happens to them. `send` gets every webhook, in the order in which they came about. */
export const createSimulator = (
  settings: Omit<Setting, 'queuePosition'>,
  send: (webhook: Webhook) => void,
  cdn: Cdn = createCdn(),
): Simulator => {
  const chats = new Map<string, Chat>();
  const queued = new Set<string>();
  const setting: Setting = { ...settings, queuePosition: () => queued.size + 1 };

  const commit = (step: Step): Step => {
    const { chat } = step;
    chats.set(chat.id, chat);
    if (chat.thread.active && chat.thread.queue) queued.add(chat.id);
    else queued.delete(chat.id);
    for (const webhook of step.webhooks) send(webhook);
    return step;
  };

  const chatOf = (chatId: string): Chat => {
    const chat = chats.get(chatId);
    if (chat === undefined) throw new ChatNotFound(chatId);
    return chat;
  };

  const change = (chatId: string, how: (chat: Chat) => Step): Step => commit(how(chatOf(chatId)));

  return {
    change,
    queuePosition: setting.queuePosition,
    chats: () => [...chats.values()],
    chat: chatOf,
    start: (request) => commit(startOf(request, setting)),
    act: (chatId, action) => change(chatId, (chat) => uploaded(cdn, action, (sized) => perform(chat, sized, setting))),
  };
};

/** Whoever sends a file has put it on the CDN before, unless they say that it is elsewhere. */
const uploaded = (cdn: Cdn, action: Action, act: (action: Action) => Step): Step => {
  if (action.as === 'router' || action.request.action !== 'file' || action.request.url !== undefined)
    return act(action);
  const { content } = action.request;
  const type = typeOf(action.request);
  const file = content === undefined ? sampleOf(type) : new Blob([Buffer.from(content, 'base64')], { type });
  // Of other files LiveChat does not say it.
  const size = action.request.size ?? (type.startsWith('image/') ? file.size : undefined);
  const step = act(
    action.as === 'customer'
      ? { as: action.as, request: { ...action.request, size } }
      : { as: action.as, request: { ...action.request, size } },
  );
  const event = step.chat.thread.events.at(-1);
  if (event && 'url' in event) cdn.keep(event.url, file);
  return step;
};

const generalGroup = 0;

const startOf = (request: StartRequest, setting: Setting): Step => {
  const { source } = setting;
  const now = source.now();
  const microseconds = now * 1000;
  const at = toTimestamp(microseconds);
  const { customer: visitor, group = generalGroup, agent: agentId = setting.agentId } = request;
  const id = request.customerId ?? source.uuid();
  const sessionFields = toSessionFields(visitor.sessionFields ?? {});
  const customer = newCustomer({ ...visitor, id, sessionFields }, at);
  const author = { id, clientId: clientOf(customer, setting.clientId) };
  const form: EventDraft[] = request.form
    ? [{ author, content: preChatForm(request.form, group), properties: { lc2: { form_type: 'prechat' } } }]
    : [];
  const { text } = request;
  const said: EventDraft[] = text === undefined ? [] : [{ author, content: { type: 'message', text } }];
  const events = [...form, ...said];
  const assignment = agentId === null ? { queuePosition: setting.queuePosition() } : { agentId };
  const ids = { chatId: source.nextId(), threadId: source.nextId() };
  return startChat({ ...ids, customer, group, assignment, events, at, microseconds }, now);
};
