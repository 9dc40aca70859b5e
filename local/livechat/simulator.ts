import * as z from 'zod/mini';
import { type Action, type ActionContext, applyAction, type StartRequest } from './actions.ts';
import { type Chat, type ChatUpdate, createChat, type EventDraft } from './chats.ts';
import { ChatNotFound, type InactiveForm } from './errors.ts';
import { type Cdn, createCdn, detectContentType, preChatForm, sampleFile } from './events.ts';
import { createCustomer, sourceClientId, toTimestamp } from './objects.ts';
import { toSessionFields } from './users.ts';
import type { Webhook } from './webhooks.ts';

export interface Simulator {
  readonly chats: () => readonly Chat[];
  /** @throws ChatNotFound */
  readonly chat: (chatId: string) => Chat;
  readonly start: (request: StartRequest) => ChatUpdate;
  /** @throws ChatNotFound, ChatConflict, InvalidField */
  readonly act: (chatId: string, action: Action) => ChatUpdate;
  /** Applies an update of an API method. @throws ChatNotFound, and the errors of `how` */
  readonly change: (chatId: string, how: (chat: Chat) => ChatUpdate) => ChatUpdate;
  /** The next free position in the queue. */
  readonly queuePosition: () => number;
}

/** Holds the chats. Passes every webhook to `send`, in order. */
export const createSimulator = (
  settings: Omit<ActionContext, 'queuePosition'>,
  send: (webhook: Webhook) => void,
  cdn: Cdn = createCdn(),
): Simulator => {
  const chats = new Map<string, Chat>();
  const queued = new Set<string>();
  const context: ActionContext = { ...settings, queuePosition: () => queued.size + 1 };

  const commit = (update: ChatUpdate): ChatUpdate => {
    const { chat } = update;
    chats.set(chat.id, chat);
    if (chat.thread.active && chat.thread.queue) queued.add(chat.id);
    else queued.delete(chat.id);
    for (const webhook of update.webhooks) send(webhook);
    return update;
  };

  const getChat = (chatId: string): Chat => {
    const chat = chats.get(chatId);
    if (chat === undefined) throw new ChatNotFound(chatId);
    return chat;
  };

  const change = (chatId: string, how: (chat: Chat) => ChatUpdate): ChatUpdate => commit(how(getChat(chatId)));

  return {
    change,
    queuePosition: context.queuePosition,
    chats: () => [...chats.values()],
    chat: getChat,
    start: (request) => commit(startChat(request, context)),
    act: (chatId, action) =>
      change(chatId, (chat) => withUploadedFile(cdn, action, (sized) => applyAction(chat, sized, context))),
  };
};

/** Stores a sent file on the CDN, unless the action gives a URL. */
const withUploadedFile = (cdn: Cdn, action: Action, act: (action: Action) => ChatUpdate): ChatUpdate => {
  if (action.as === 'router' || action.request.action !== 'file' || action.request.url !== undefined)
    return act(action);
  const { content } = action.request;
  const type = detectContentType(action.request);
  const file = content === undefined ? sampleFile(type) : new Blob([Buffer.from(content, 'base64')], { type });
  // LiveChat reports the size of images only.
  const size = action.request.size ?? (type.startsWith('image/') ? file.size : undefined);
  const update = act(
    action.as === 'customer'
      ? { as: action.as, request: { ...action.request, size } }
      : { as: action.as, request: { ...action.request, size } },
  );
  const event = update.chat.thread.events.at(-1);
  if (event && 'url' in event) cdn.keep(event.url, file);
  return update;
};

const generalGroup = 0;

const startChat = (request: StartRequest, context: ActionContext): ChatUpdate => {
  const { source } = context;
  const now = source.now();
  const microseconds = now * 1000;
  const at = toTimestamp(microseconds);
  const { customer: customerRequest, group = generalGroup, agent: agentId = context.agentId } = request;
  const id = request.customerId ?? source.uuid();
  const sessionFields = toSessionFields(customerRequest.sessionFields ?? {});
  const customer = createCustomer({ ...customerRequest, id, sessionFields }, at);
  const author = { id, clientId: sourceClientId(customer, context.clientId) };
  const form: EventDraft[] = request.form
    ? [{ author, content: preChatForm(request.form, group), properties: { lc2: { form_type: 'prechat' } } }]
    : [];
  const { text } = request;
  const message: EventDraft[] = text === undefined ? [] : [{ author, content: { type: 'message', text } }];
  const events = [...form, ...message];
  const assignment = agentId === null ? { queuePosition: context.queuePosition() } : { agentId };
  const ids = { chatId: source.nextId(), threadId: source.nextId() };
  return createChat({ ...ids, customer, group, assignment, events, at, microseconds }, now);
};

/** Settings that can change while the simulator runs. */
export interface Settings {
  /** Calls per second over all methods; null: no limit. */
  readonly rateLimitPerSecond: number | null;
  /** How long a user cannot send after add_user_to_chat. */
  readonly joinDelayMs: number;
  /** The maximum number of public agents that add_user_to_chat accepts. Does not apply to transfers. */
  readonly publicAgentsLimit: number;
  /** Unavailable agents: a transfer to them fails unless the chat may queue. */
  readonly offlineAgents: readonly string[];
  readonly offlineGroups: readonly number[];
  /** The existing groups; null: any number. */
  readonly groups: readonly number[] | null;
  /** The owner of the caller's credentials: an agent's e-mail address or a bot's id. */
  readonly agentId: string;
  /** The form of the error for a closed chat. */
  readonly inactiveForm: InactiveForm;
  /** The delay before a registration or its removal takes effect. LiveChat documents up to two minutes. */
  readonly registrationDelayMs: number;
  /** The scopes of the caller's token; null: all. */
  readonly scopes?: readonly string[] | null;
  /** Without any credentials, every Authorization header is accepted. */
  readonly accountId?: string | undefined;
  readonly apiKey?: string | undefined;
  readonly accessToken?: string | undefined;
}

export const defaultSettings = {
  rateLimitPerSecond: null,
  joinDelayMs: 300,
  publicAgentsLimit: 1,
  offlineAgents: [],
  offlineGroups: [],
  groups: null,
  inactiveForm: 'chat_inactive',
  registrationDelayMs: 0,
} as const;

export interface SettingsStore {
  readonly current: () => Settings;
  readonly change: (request: Partial<Settings>) => void;
}

export const createSettings = (initial: Settings): SettingsStore => {
  let settings = initial;
  return {
    current: () => settings,
    change: (request) => {
      settings = { ...settings, ...request };
    },
  };
};

/** The settings without secrets. */
export const viewSettings = ({ apiKey: _, accessToken: __, ...formatted }: Settings) => formatted;

const whole = (what: string, least: number) => z.int(what).check(z.gte(least, what));
const milliseconds = whole('milliseconds, 0 or more', 0);
export const inactiveForm = z.enum(['chat_inactive', 'validation'], 'one of chat_inactive, validation');
const agentIds = z.array(z.string("an agent's e-mail address, or a bot's id"), 'a list of agents');
const groupIds = z.array(z.int('the number of a group'), 'a list of groups');
const anyText = z.string('a text').check(z.minLength(1, 'a text that is not empty'));

export const settingsRequest = z.strictObject(
  {
    rateLimitPerSecond: z.exactOptional(z.nullable(whole('calls a second, 1 or more, or null', 1))),
    joinDelayMs: z.exactOptional(milliseconds),
    offlineAgents: z.exactOptional(agentIds),
    offlineGroups: z.exactOptional(groupIds),
    groups: z.exactOptional(z.nullable(groupIds)),
    publicAgentsLimit: z.exactOptional(whole('a number of agents, 0 or more', 0)),
    agentId: z.exactOptional(
      z
        .string("an agent's e-mail address, or a bot's id of 32 hex digits")
        .check(z.regex(/^(\S+@\S+|[0-9a-f]{32})$/, "an agent's e-mail address, or a bot's id of 32 hex digits")),
    ),
    inactiveForm: z.exactOptional(inactiveForm),
    registrationDelayMs: z.exactOptional(milliseconds),
    scopes: z.exactOptional(z.nullable(z.array(z.string('scopes, such as chats--all:rw')))),
    accountId: z.exactOptional(anyText),
    apiKey: z.exactOptional(anyText),
    accessToken: z.exactOptional(anyText),
  },
  'a JSON object with settings',
);

export type SettingsRequest = z.infer<typeof settingsRequest>;
