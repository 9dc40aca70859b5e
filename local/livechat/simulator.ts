import { randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import { openState } from '../state.ts';
import {
  type Author,
  appendEvent,
  archiveThread,
  type Chat,
  type ChatUpdate,
  changeTags,
  closeThread,
  createChat,
  type EventDraft,
  getCustomer,
  markIdle,
  reopenChat,
} from './chats.ts';
import { chatConflict, chatNotFound } from './errors.ts';
import { type Cdn, clickButton, deleteEvent, editMessage, preChatForm, sendFile } from './events.ts';
import {
  agentId,
  buttonFields,
  createCustomer,
  type EventContent,
  elementFields,
  elements,
  groupId,
  httpUrl,
  type IdSource,
  integer,
  messageText,
  nonEmpty,
  oneOf,
  parse,
  sourceClientId,
  string,
  toTimestamp,
  type User,
  type Visibility,
} from './objects.ts';
import {
  assignedAgent,
  handOver,
  joinChat,
  markSeen,
  removeAgent,
  requirePresent,
  setSessionFields,
  toSessionFields,
} from './users.ts';
import type { Webhook } from './webhooks.ts';

/** The dependencies and defaults of actions. */
interface ActionContext {
  readonly source: IdSource;
  readonly cdn: Cdn;
  /** The client id of our application, which sends the messages of bots. */
  readonly clientId: string;
  /** The default agent: an e-mail address or a bot's id. */
  readonly agentId: string;
  /** The next free position in the queue. */
  readonly queuePosition: () => number;
}

export type Simulator = ReturnType<typeof createSimulator>;

/** Stores the chats. Passes every webhook to `send`, in order, in the transaction that stores the chat. */
export const createSimulator = (
  settings: Omit<ActionContext, 'queuePosition'>,
  send: (webhook: Webhook) => void,
  state = openState(),
) => {
  const stored = state.collection<Chat>('chats');
  const chats = new Map(stored.entries());
  const queuePosition = () => [...chats.values()].filter(isQueued).length + 1;
  const context: ActionContext = { ...settings, queuePosition };

  const commit = (update: ChatUpdate): ChatUpdate => {
    const { chat, webhooks } = update;
    state.transaction(() => {
      stored.put(chat.id, chat);
      for (const webhook of webhooks) send(webhook);
    });
    chats.set(chat.id, chat);
    return update;
  };

  /** @throws SimulatorError 404 */
  const getChat = (chatId: string): Chat => {
    const chat = chats.get(chatId);
    if (chat === undefined) throw chatNotFound(chatId);
    return chat;
  };

  /** Applies an update. @throws SimulatorError 404, and the errors of `update` */
  const change = (chatId: string, update: (chat: Chat) => ChatUpdate): ChatUpdate => commit(update(getChat(chatId)));

  return {
    change,
    /** The next free position in the queue. */
    queuePosition,
    chats: (): readonly Chat[] => [...chats.values()],
    chat: getChat,
    /** Starts a chat. `body` is that of `POST /simulator/chats`. @throws SimulatorError */
    start: (body: unknown): ChatUpdate => commit(startChat(body, context)),
    /** Acts as the customer, an agent or the router. `body` is that of `POST /simulator/chats/:id/events`. @throws SimulatorError */
    act: (chatId: string, body: unknown): ChatUpdate => change(chatId, (chat) => applyAction(chat, body, context)),
  };
};

const sessionFields = z.record(z.string(), string, 'an object with string values');

const formAnswer = z.strictObject(
  {
    type: nonEmpty('the type of the field, such as "name" or "radio"'),
    label: string,
    answer: z.union([z.string(), z.array(z.string())], 'a string or a list of strings'),
  },
  'an object with type, label and answer',
);

const startRequest = z.strictObject(
  {
    customer: z.strictObject(
      {
        name: nonEmpty("the customer's name"),
        email: z.optional(z.email('an e-mail address')),
        sessionFields: z.optional(sessionFields),
      },
      'an object with name and, optionally, email and sessionFields',
    ),
    /** Without it the chat starts without a message, as after a form alone. */
    text: z.optional(messageText),
    form: z.optional(z.array(formAnswer, 'a list of answers')),
    group: z.optional(groupId),
    agent: z.optional(z.nullable(agentId)),
    customerId: z.optional(z.guid('a UUID')),
  },
  'a JSON object with customer and, optionally, text, form, group, agent and customerId',
);

const isQueued = ({ thread }: Chat): boolean => thread.active && thread.queue !== undefined;

/** LiveChat's group "General". */
const generalGroup = 0;

const startChat = (body: unknown, context: ActionContext): ChatUpdate => {
  const request = parse(startRequest, body);
  const { source } = context;
  const now = source.now();
  const { text, form, group = generalGroup, agent: agentId = context.agentId } = request;
  const id = request.customerId ?? randomUUID();
  const sessionFields = toSessionFields(request.customer.sessionFields ?? {});
  const customer = createCustomer({ ...request.customer, id, sessionFields }, toTimestamp(now * 1000));
  const author = { id, clientId: sourceClientId(customer, context.clientId) };
  const events: EventDraft[] = [];
  if (form) events.push({ author, content: preChatForm(form, group), properties: { lc2: { form_type: 'prechat' } } });
  if (text !== undefined) events.push({ author, content: { type: 'message', text } });
  const ids = { chatId: source.nextId(), threadId: source.nextId() };
  return createChat({ ...ids, customer, group, agentId, queuePosition: context.queuePosition(), events }, now);
};

const action = <As extends string, Name extends string, Fields extends z.core.$ZodShape>(
  as: As,
  name: Name,
  fields: Fields,
) => z.strictObject({ as: z.literal(as), action: z.literal(name), ...fields });

const customerAction = <Name extends string, Fields extends z.core.$ZodShape>(name: Name, fields: Fields) =>
  action('customer', name, fields);

const agentAction = <Name extends string, Fields extends z.core.$ZodShape>(name: Name, fields: Fields) =>
  action('agent', name, { agent: z.optional(agentId), ...fields });

const file = {
  name: nonEmpty('a file name'),
  url: z.optional(httpUrl('an http(s) URL')),
  contentType: z.optional(nonEmpty('a content type, such as image/png')),
  size: z.optional(integer('a number of bytes', 0)),
  /** Default: a small sample of the type. */
  content: z.optional(z.base64('the bytes in base64')),
};

const button = z.strictObject(
  { ...buttonFields, user_ids: z._default(buttonFields.user_ids, []) },
  'an object with text, type, value and postback_id',
);

const element = z.strictObject(elementFields(button), 'an object with title, subtitle, image and buttons');

const customerActions = [
  customerAction('message', { text: messageText }),
  customerAction('file', file),
  customerAction('click', { eventId: nonEmpty("an event's id"), postbackId: nonEmpty("a button's postback_id") }),
  customerAction('seen', {}),
  customerAction('leave', {}),
  customerAction('session-fields', { fields: sessionFields }),
  customerAction('reopen', { text: messageText }),
] as const;

const agentActions = [
  agentAction('message', { text: messageText }),
  agentAction('file', file),
  agentAction('note', { text: messageText }),
  agentAction('rich-message', {
    templateId: oneOf(['cards', 'quick_replies', 'sticker']),
    elements: elements(element),
  }),
  agentAction('edit', { eventId: nonEmpty("a message's id"), text: messageText }),
  agentAction('delete', { eventId: nonEmpty("an event's id") }),
  agentAction('join', {}),
  agentAction('part', {}),
  agentAction('transfer', {
    agents: z._default(z.array(agentId, 'a list of agent ids'), []),
    groups: z._default(z.array(groupId, 'a list of group ids'), []),
  }).check(
    z.refine(({ agents, groups }) => agents.length + groups.length > 0, {
      path: ['agents'],
      error: 'at least one agent in agents, or one group in groups',
    }),
  ),
  agentAction('tag', { tag: nonEmpty('the name of a tag') }),
  agentAction('untag', { tag: nonEmpty('the name of a tag') }),
  agentAction('close', {}),
] as const;

const routerActions = [action('router', 'idle', {}), action('router', 'archive', {})] as const;

const expectedAction = (as: string, actions: readonly { shape: { action: { def: { values: unknown[] } } } }[]) =>
  `an action of the ${as}: one of ${actions.map(({ shape }) => shape.action.def.values.join()).join(', ')}`;

const actionRequest = z.discriminatedUnion(
  'as',
  [
    z.discriminatedUnion('action', customerActions, expectedAction('customer', customerActions)),
    z.discriminatedUnion('action', agentActions, expectedAction('agent', agentActions)),
    z.discriminatedUnion('action', routerActions, expectedAction('router', routerActions)),
  ],
  'one of customer, agent, router',
);

type Action<As extends 'customer' | 'agent' | 'router'> = Extract<z.infer<typeof actionRequest>, { as: As }>;

const jsonObject = z.record(z.string(), z.unknown(), 'a JSON object with action');

const toAuthor = (user: User, { clientId }: ActionContext): Author => ({
  id: user.id,
  clientId: sourceClientId(user, clientId),
});

const asCustomer = (chat: Chat, request: Action<'customer'>, context: ActionContext): ChatUpdate => {
  const now = context.source.now();
  const customer = getCustomer(chat);
  const author = toAuthor(customer, context);
  switch (request.action) {
    case 'message':
      return appendEvent(chat, { author, content: { type: 'message', text: request.text } }, now);
    case 'file':
      return sendFile(chat, author, request, context.cdn, now);
    case 'click':
      return clickButton(chat, author, request.eventId, request.postbackId, now);
    case 'seen':
      return markSeen(chat);
    case 'leave':
      return closeThread(chat, customer, now);
    case 'session-fields':
      return setSessionFields(chat, request.fields);
    case 'reopen': {
      const agentId = assignedAgent(chat)?.id ?? context.agentId;
      const events: EventDraft[] = [{ author, content: { type: 'message', text: request.text } }];
      return reopenChat(chat, { threadId: context.source.nextId(), userIds: [customer.id, agentId], events }, now);
    }
  }
};

const actingAgentId = (chat: Chat, request: Action<'agent'>, context: ActionContext): string => {
  const id = request.agent ?? assignedAgent(chat)?.id;
  if (id !== undefined) return id;
  if (request.action === 'join') return context.agentId;
  throw chatConflict(`No agent is in chat ${chat.id}. An agent must join first.`);
};

const asAgent = (chat: Chat, request: Action<'agent'>, context: ActionContext): ChatUpdate => {
  const now = context.source.now();
  const agentId = actingAgentId(chat, request, context);
  if (request.action === 'join') return joinChat(chat, agentId);
  const agent = requirePresent(chat, agentId);
  const author = toAuthor(agent, context);
  const send = (content: EventContent, visibility?: Visibility) =>
    appendEvent(chat, { author, content, visibility }, now);
  switch (request.action) {
    case 'message':
      return send({ type: 'message', text: request.text });
    case 'note':
      return send({ type: 'message', text: request.text }, 'agents');
    case 'rich-message':
      return send({ type: 'rich_message', template_id: request.templateId, elements: request.elements });
    case 'file':
      return sendFile(chat, author, request, context.cdn, now);
    case 'edit':
      return editMessage(chat, request.eventId, request.text);
    case 'delete':
      return deleteEvent(chat, request.eventId);
    case 'part':
      return removeAgent(chat, agent, agent.id);
    case 'transfer': {
      const target = { ...request, queuePosition: context.queuePosition() };
      return handOver(chat, { requester: agent, leaving: [agent] }, target, now);
    }
    case 'tag':
      return changeTags(chat, chat.thread.id, request.tag, 'thread_tagged');
    case 'untag':
      return changeTags(chat, chat.thread.id, request.tag, 'thread_untagged');
    case 'close':
      return closeThread(chat, agent, now);
  }
};

const applyAction = (chat: Chat, body: unknown, context: ActionContext): ChatUpdate => {
  const request = parse(actionRequest, { as: 'customer', ...parse(jsonObject, body) });
  if (!chat.thread.active && request.action !== 'reopen') {
    throw chatConflict(`Chat ${chat.id} is not active: its thread ${chat.thread.id} is closed. Reopen it first.`);
  }
  if (request.as === 'customer') return asCustomer(chat, request, context);
  if (request.as === 'agent') return asAgent(chat, request, context);
  const now = context.source.now();
  return request.action === 'idle' ? markIdle(chat, now) : archiveThread(chat, now);
};
