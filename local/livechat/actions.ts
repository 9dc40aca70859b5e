import * as z from 'zod/mini';
import {
  type Author,
  addTag,
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
import { clickButton, deleteEvent, editMessage, sendFile, sendMessage, sendRichMessage } from './events.ts';
import { type IdSource, sourceClientId, type User } from './objects.ts';
import { assignedAgent, handOver, joinChat, leaveChat, markSeen, requirePresent, setSessionFields } from './users.ts';

/** Request bodies of the simulator's own API. The schema messages are the `expected` of error responses. */

const messageBytes = 16 * 1024;

const requiredText = (what: string) => z.string(what).check(z.minLength(1, what));
const text = requiredText('a text that is not empty').check(
  z.refine((value) => Buffer.byteLength(value) <= messageBytes, "a text of at most 16 KB, LiveChat's own limit"),
);
const agentId = z
  .string("an agent's e-mail address, or a bot's id of 32 hex digits")
  .check(z.regex(/^(\S+@\S+|[0-9a-f]{32})$/, "an agent's e-mail address, or a bot's id of 32 hex digits"));
const groupId = z.int('the number of a group').check(z.gte(0, 'the number of a group, 0 or more'));
const sessionFields = z.record(z.string(), z.string('a text'), 'an object of texts');

const webAddress = 'an http(s) address';
const url = z.string(webAddress).check(z.url({ protocol: /^https?$/, error: webAddress }));
const bytes = z.int('a number of bytes').check(z.gte(0, 'a number of bytes'));

const formAnswer = z.strictObject(
  {
    type: requiredText('the type of the field, such as "name" or "radio"'),
    label: z.string('a text'),
    answer: z.union([z.string(), z.array(z.string())], 'a text, or a list of texts'),
  },
  'an object with type, label and answer',
);

export const startRequest = z.strictObject(
  {
    customer: z.strictObject(
      {
        name: requiredText("the customer's name"),
        email: z.optional(z.email('an e-mail address')),
        sessionFields: z.optional(sessionFields),
      },
      'an object with name, and perhaps email and sessionFields',
    ),
    /** Without it the chat starts without a message, as after a form alone. */
    text: z.optional(text),
    form: z.optional(z.array(formAnswer, 'a list of answers')),
    group: z.optional(groupId),
    agent: z.optional(z.nullable(agentId)),
    customerId: z.optional(z.guid('a UUID')),
  },
  'a JSON object with customer, and text unless the customer says nothing yet',
);

export type StartRequest = z.infer<typeof startRequest>;

const button = z.strictObject(
  {
    text: requiredText("the button's text"),
    type: z.enum(['message', 'url', 'webview', 'phone'], 'one of message, url, webview, phone'),
    value: z.string('a text'),
    postback_id: requiredText('a text'),
    user_ids: z._default(z.array(z.string('a text'), 'a list of user ids'), []),
    webview_height: z.optional(z.enum(['compact', 'tall', 'full'], 'one of compact, tall, full')),
    target: z.optional(z.enum(['new', 'current'], 'one of new, current')),
  },
  'a button: an object with text, type, value and postback_id',
);

const element = z.strictObject(
  {
    title: z.optional(z.string('a text')),
    subtitle: z.optional(z.string('a text')),
    image: z.optional(z.looseObject({ url }, 'an object with url')),
    buttons: z.optional(z.array(button, 'a list of buttons').check(z.maxLength(13, 'at most 13 buttons'))),
  },
  'an element: an object with title, subtitle, image and buttons',
);

const action = <Name extends string>(name: Name) => ({ action: z.literal(name) });
const byAgent = { agent: z.optional(agentId) };

const message = { ...action('message'), text };
const file = {
  ...action('file'),
  name: requiredText('a file name'),
  url: z.optional(url),
  contentType: z.optional(requiredText('a content type, such as image/png')),
  size: z.optional(bytes),
  /** The content. Defaults to a small sample of the type. */
  content: z.optional(z.base64('the bytes in base64')),
};

const customerAction = z.discriminatedUnion(
  'action',
  [
    z.strictObject(message),
    z.strictObject(file),
    z.strictObject({
      ...action('click'),
      eventId: requiredText("an event's id"),
      postbackId: requiredText("a button's postback_id"),
    }),
    z.strictObject(action('seen')),
    z.strictObject(action('leave')),
    z.strictObject({ ...action('session-fields'), fields: sessionFields }),
    z.strictObject({ ...action('reopen'), text }),
  ],
  'what a customer does: one of message, file, click, seen, leave, session-fields, reopen (with as: "agent" or "router", more)',
);

const transferRequest = z
  .strictObject({
    ...action('transfer'),
    ...byAgent,
    agents: z._default(z.array(agentId, "a list of agents' ids"), []),
    groups: z._default(z.array(groupId, 'a list of group numbers'), []),
  })
  .check(
    z.refine(({ agents, groups }) => agents.length + groups.length > 0, {
      path: ['agents'],
      error: 'at least one agent in agents, or one group in groups',
    }),
  );

const agentAction = z.discriminatedUnion(
  'action',
  [
    z.strictObject({ ...message, ...byAgent }),
    z.strictObject({ ...file, ...byAgent }),
    z.strictObject({ ...action('note'), ...byAgent, text }),
    z.strictObject({
      ...action('rich-message'),
      ...byAgent,
      templateId: z.enum(['cards', 'quick_replies', 'sticker'], 'one of cards, quick_replies, sticker'),
      elements: z
        .array(element, 'a list of elements')
        .check(z.minLength(1, '1 to 10 elements'), z.maxLength(10, '1 to 10 elements')),
    }),
    z.strictObject({ ...action('edit'), ...byAgent, eventId: requiredText("a message's id"), text }),
    z.strictObject({ ...action('delete'), ...byAgent, eventId: requiredText("an event's id") }),
    z.strictObject({ ...action('join'), ...byAgent }),
    z.strictObject({ ...action('part'), ...byAgent }),
    transferRequest,
    z.strictObject({ ...action('tag'), ...byAgent, tag: requiredText('the name of a tag') }),
    z.strictObject({ ...action('untag'), ...byAgent, tag: requiredText('the name of a tag') }),
    z.strictObject({ ...action('close'), ...byAgent }),
  ],
  'what an agent does: one of message, file, note, rich-message, edit, delete, join, part, transfer, tag, untag, close',
);

const routerAction = z.discriminatedUnion(
  'action',
  [z.strictObject(action('idle')), z.strictObject(action('archive'))],
  'what the router does: one of idle, archive',
);

export const actor = z.looseObject(
  {
    as: z._default(
      z.enum(['customer', 'agent', 'router'], 'one of customer, agent, router (customer if it is left out)'),
      'customer',
    ),
  },
  'a JSON object with action',
);

export const actionRequests = { customer: customerAction, agent: agentAction, router: routerAction };

export type CustomerAction = z.infer<typeof customerAction>;
export type AgentAction = z.infer<typeof agentAction>;
export type RouterAction = z.infer<typeof routerAction>;

/** The first invalid field and the expected value. */
const toInvalidField = ({ issues }: z.core.$ZodError): InvalidField => {
  const [issue] = issues;
  if (issue === undefined) return new InvalidField('body', 'another shape');
  if (issue.code === 'unrecognized_keys') {
    return new InvalidField([...issue.path, issue.keys[0] ?? ''].join('.'), 'nothing: there is no such field here');
  }
  return new InvalidField(issue.path.join('.') || 'body', issue.message);
};

/** @throws InvalidField */
export const parse = <Schema extends z.ZodMiniType>(schema: Schema, body: unknown): z.output<Schema> => {
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw toInvalidField(parsed.error);
  return parsed.data;
};

export type Action =
  | { readonly as: 'customer'; readonly request: CustomerAction }
  | { readonly as: 'agent'; readonly request: AgentAction }
  | { readonly as: 'router'; readonly request: RouterAction };

/** @throws InvalidField */
export const parseAction = (body: unknown): Action => {
  const { as, ...rest } = parse(actor, body);
  if (as === 'customer') return { as, request: parse(actionRequests.customer, rest) };
  if (as === 'agent') return { as, request: parse(actionRequests.agent, rest) };
  return { as, request: parse(actionRequests.router, rest) };
};

/** What actions need besides their chat. */
export interface ActionContext {
  readonly source: IdSource;
  /** The client id of our application, which sends the messages of bots. */
  readonly clientId: string;
  /** The default agent: an e-mail address or a bot's id. */
  readonly agentId: string;
  /** The next free position in the queue. */
  readonly queuePosition: () => number;
}

const toAuthor = (user: User, context: ActionContext): Author => ({
  id: user.id,
  clientId: sourceClientId(user, context.clientId),
});

const asCustomer = (chat: Chat, request: CustomerAction, context: ActionContext): ChatUpdate => {
  const now = context.source.now();
  const customer = getCustomer(chat);
  const author = toAuthor(customer, context);
  switch (request.action) {
    case 'message':
      return sendMessage(chat, author, request.text, 'all', now);
    case 'file':
      return sendFile(chat, author, request, now);
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
      const first = { author, content: { type: 'message', text: request.text } } as const;
      const reopening = { threadId: context.source.nextId(), userIds: [customer.id, agentId], events: [first] };
      return reopenChat(chat, reopening, now);
    }
  }
};

const actingAgentId = (chat: Chat, request: AgentAction, context: ActionContext): string => {
  if (request.agent !== undefined) return request.agent;
  const assigned = assignedAgent(chat);
  if (assigned !== undefined) return assigned.id;
  if (request.action === 'join') return context.agentId;
  throw new ChatConflict(`No agent is in chat ${chat.id}: let one join first.`);
};

const asAgent = (chat: Chat, request: AgentAction, context: ActionContext): ChatUpdate => {
  const now = context.source.now();
  const agentId = actingAgentId(chat, request, context);
  if (request.action === 'join') return joinChat(chat, agentId);
  const agent = requirePresent(chat, agentId);
  const author = toAuthor(agent, context);
  switch (request.action) {
    case 'message':
      return sendMessage(chat, author, request.text, 'all', now);
    case 'note':
      return sendMessage(chat, author, request.text, 'agents', now);
    case 'rich-message':
      return sendRichMessage(chat, author, request.templateId, request.elements, now);
    case 'file':
      return sendFile(chat, author, request, now);
    case 'edit':
      return editMessage(chat, request.eventId, request.text);
    case 'delete':
      return deleteEvent(chat, request.eventId);
    case 'part':
      return leaveChat(chat, agentId);
    case 'transfer':
      return handOver(
        chat,
        { requester: agent, leaving: [agent] },
        { ...request, queuePosition: context.queuePosition() },
        now,
      );
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

const asRouter = (chat: Chat, request: RouterAction, context: ActionContext): ChatUpdate =>
  request.action === 'idle' ? markIdle(chat, context.source.now()) : archiveThread(chat, context.source.now());

export const applyAction = (chat: Chat, action: Action, context: ActionContext): ChatUpdate => {
  if (action.as === 'customer') return asCustomer(chat, action.request, context);
  if (action.as === 'agent') return asAgent(chat, action.request, context);
  return asRouter(chat, action.request, context);
};
