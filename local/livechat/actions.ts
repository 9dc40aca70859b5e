import * as z from 'zod/mini';
import {
  type Author,
  addTag,
  appendEvent,
  archiveThread,
  type Chat,
  type ChatUpdate,
  closeThread,
  getCustomer,
  markIdle,
  removeTag,
  reopenChat,
  requireActive,
} from './chats.ts';
import { ChatConflict, InvalidField } from './errors.ts';
import { type Cdn, clickButton, deleteEvent, editMessage, sendFile } from './events.ts';
import { type EventContent, type IdSource, sourceClientId, type User } from './objects.ts';
import {
  agentId,
  buttonFields,
  elementFields,
  elements,
  groupId,
  httpUrl,
  integer,
  messageText,
  nonEmpty,
  oneOf,
  string,
} from './schemas.ts';
import { assignedAgent, handOver, joinChat, leaveChat, markSeen, requirePresent, setSessionFields } from './users.ts';

/** Request bodies of the simulator's own API. */

const sessionFields = z.record(z.string(), string, 'an object with string values');

const formAnswer = z.strictObject(
  {
    type: nonEmpty('the type of the field, such as "name" or "radio"'),
    label: string,
    answer: z.union([z.string(), z.array(z.string())], 'a string or a list of strings'),
  },
  'an object with type, label and answer',
);

export const startRequest = z.strictObject(
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

export type StartRequest = z.infer<typeof startRequest>;

const action = <Name extends string, Fields extends z.core.$ZodShape>(name: Name, fields: Fields) =>
  z.strictObject({ action: z.literal(name), ...fields });

const agentAction = <Name extends string, Fields extends z.core.$ZodShape>(name: Name, fields: Fields) =>
  action(name, { agent: z.optional(agentId), ...fields });

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
  action('message', { text: messageText }),
  action('file', file),
  action('click', { eventId: nonEmpty("an event's id"), postbackId: nonEmpty("a button's postback_id") }),
  action('seen', {}),
  action('leave', {}),
  action('session-fields', { fields: sessionFields }),
  action('reopen', { text: messageText }),
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

const routerActions = [action('idle', {}), action('archive', {})] as const;

const expectedAction = (as: string, actions: readonly { shape: { action: { def: { values: unknown[] } } } }[]) =>
  `an action of the ${as}: one of ${actions.map(({ shape }) => shape.action.def.values.join()).join(', ')}`;

const actionSchemas = {
  customer: z.discriminatedUnion('action', customerActions, expectedAction('customer', customerActions)),
  agent: z.discriminatedUnion('action', agentActions, expectedAction('agent', agentActions)),
  router: z.discriminatedUnion('action', routerActions, expectedAction('router', routerActions)),
};

type Actor = keyof typeof actionSchemas;
type ActionRequest<As extends Actor> = z.infer<(typeof actionSchemas)[As]>;

export type Action = { [As in Actor]: { readonly as: As; readonly request: ActionRequest<As> } }[Actor];

const actor = z.looseObject(
  { as: z._default(oneOf(['customer', 'agent', 'router']), 'customer') },
  'a JSON object with action',
);

/** @throws InvalidField with the first invalid field */
export const parse = <Schema extends z.ZodMiniType>(schema: Schema, body: unknown): z.output<Schema> => {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue?.code === 'unrecognized_keys') {
    throw new InvalidField([...issue.path, issue.keys[0] ?? ''].join('.'), 'no such field');
  }
  throw new InvalidField(issue?.path.join('.') || 'body', issue?.message ?? 'a valid body');
};

/** @throws InvalidField */
export const parseAction = (body: unknown): Action => {
  const { as, ...rest } = parse(actor, body);
  if (as === 'customer') return { as, request: parse(actionSchemas.customer, rest) };
  if (as === 'agent') return { as, request: parse(actionSchemas.agent, rest) };
  return { as, request: parse(actionSchemas.router, rest) };
};

/** The dependencies and defaults of actions. */
export interface ActionContext {
  readonly source: IdSource;
  readonly cdn: Cdn;
  /** The client id of our application, which sends the messages of bots. */
  readonly clientId: string;
  /** The default agent: an e-mail address or a bot's id. */
  readonly agentId: string;
  /** The next free position in the queue. */
  readonly queuePosition: () => number;
}

const toAuthor = (user: User, { clientId }: ActionContext): Author => ({
  id: user.id,
  clientId: sourceClientId(user, clientId),
});

const asCustomer = (chat: Chat, request: ActionRequest<'customer'>, context: ActionContext): ChatUpdate => {
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
      const content: EventContent = { type: 'message', text: request.text };
      const events = [{ author, content }];
      return reopenChat(chat, { threadId: context.source.nextId(), userIds: [customer.id, agentId], events }, now);
    }
  }
};

const actingAgentId = (chat: Chat, request: ActionRequest<'agent'>, context: ActionContext): string => {
  const id = request.agent ?? assignedAgent(chat)?.id;
  if (id !== undefined) return id;
  if (request.action === 'join') return context.agentId;
  throw new ChatConflict(`No agent is in chat ${chat.id}. An agent must join first.`);
};

const asAgent = (chat: Chat, request: ActionRequest<'agent'>, context: ActionContext): ChatUpdate => {
  const now = context.source.now();
  const agentId = actingAgentId(chat, request, context);
  if (request.action === 'join') return joinChat(chat, agentId);
  const agent = requirePresent(chat, agentId);
  const author = toAuthor(agent, context);
  switch (request.action) {
    case 'message':
      return appendEvent(chat, { author, content: { type: 'message', text: request.text } }, now);
    case 'note': {
      const content: EventContent = { type: 'message', text: request.text };
      return appendEvent(chat, { author, visibility: 'agents', content }, now);
    }
    case 'rich-message': {
      const { templateId: template_id, elements } = request;
      return appendEvent(chat, { author, content: { type: 'rich_message', template_id, elements } }, now);
    }
    case 'file':
      return sendFile(chat, author, request, context.cdn, now);
    case 'edit':
      return editMessage(chat, request.eventId, request.text);
    case 'delete':
      return deleteEvent(chat, request.eventId);
    case 'part':
      return leaveChat(chat, agentId);
    case 'transfer': {
      const target = { ...request, queuePosition: context.queuePosition() };
      return handOver(chat, { requester: agent, leaving: [agent] }, target, now);
    }
    case 'tag':
      requireActive(chat);
      return addTag(chat, chat.thread.id, request.tag);
    case 'untag':
      requireActive(chat);
      return removeTag(chat, chat.thread.id, request.tag);
    case 'close':
      return closeThread(chat, agent, now);
  }
};

export const applyAction = (chat: Chat, { as, request }: Action, context: ActionContext): ChatUpdate => {
  if (as === 'customer') return asCustomer(chat, request, context);
  if (as === 'agent') return asAgent(chat, request, context);
  const now = context.source.now();
  return request.action === 'idle' ? markIdle(chat, now) : archiveThread(chat, now);
};
