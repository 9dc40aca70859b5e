import * as z from 'zod/mini';
import { type Action, type ActionContext, applyAction, parse, type StartRequest } from './actions.ts';
import { type Chat, type ChatUpdate, createChat, type EventDraft } from './chats.ts';
import { ChatNotFound } from './errors.ts';
import { preChatForm } from './events.ts';
import { createCustomer, sourceClientId, toTimestamp } from './objects.ts';
import { agentId, groupId, inactiveForm, integer, nonEmpty, string } from './schemas.ts';
import { toSessionFields } from './users.ts';
import type { Webhook } from './webhooks.ts';

export type Simulator = ReturnType<typeof createSimulator>;

/** Holds the chats. Passes every webhook to `send`, in order. */
export const createSimulator = (settings: Omit<ActionContext, 'queuePosition'>, send: (webhook: Webhook) => void) => {
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

  /** @throws ChatNotFound */
  const getChat = (chatId: string): Chat => {
    const chat = chats.get(chatId);
    if (chat === undefined) throw new ChatNotFound(chatId);
    return chat;
  };

  /** Applies an update. @throws ChatNotFound, and the errors of `update` */
  const change = (chatId: string, update: (chat: Chat) => ChatUpdate): ChatUpdate => commit(update(getChat(chatId)));

  return {
    change,
    /** The next free position in the queue. */
    queuePosition: context.queuePosition,
    chats: (): readonly Chat[] => [...chats.values()],
    chat: getChat,
    start: (request: StartRequest): ChatUpdate => commit(startChat(request, context)),
    /** @throws ChatNotFound, ChatConflict, InvalidField */
    act: (chatId: string, action: Action): ChatUpdate => change(chatId, (chat) => applyAction(chat, action, context)),
  };
};

/** LiveChat's group "General". */
const generalGroup = 0;

const startChat = (request: StartRequest, context: ActionContext): ChatUpdate => {
  const { source } = context;
  const now = source.now();
  const { text, form, group = generalGroup, agent = context.agentId } = request;
  const id = request.customerId ?? source.uuid();
  const sessionFields = toSessionFields(request.customer.sessionFields ?? {});
  const customer = createCustomer({ ...request.customer, id, sessionFields }, toTimestamp(now * 1000));
  const author = { id, clientId: sourceClientId(customer, context.clientId) };
  const events: EventDraft[] = [];
  if (form) events.push({ author, content: preChatForm(form, group), properties: { lc2: { form_type: 'prechat' } } });
  if (text !== undefined) events.push({ author, content: { type: 'message', text } });
  const assignment = agent === null ? { queuePosition: context.queuePosition() } : { agentId: agent };
  const ids = { chatId: source.nextId(), threadId: source.nextId() };
  return createChat({ ...ids, customer, group, assignment, events }, now);
};

const groupIds = z.array(groupId, 'a list of group ids');
const milliseconds = integer('milliseconds, 0 or more', 0);

/** Settings that can change while the simulator runs. */
const settingsSchema = z.strictObject({
  /** Calls per second over all methods; null: no limit. */
  rateLimitPerSecond: z._default(z.nullable(integer('calls per second, 1 or more, or null', 1)), null),
  /** How long a user cannot send after add_user_to_chat. */
  joinDelayMs: z._default(milliseconds, 300),
  /** The maximum number of public agents that add_user_to_chat accepts. Does not apply to transfers. */
  publicAgentsLimit: z._default(integer('a number of agents, 0 or more', 0), 1),
  /** Unavailable agents: a transfer to them fails unless the chat may queue. */
  offlineAgents: z._default(z.array(string, 'a list of agent ids'), []),
  offlineGroups: z._default(groupIds, []),
  /** The existing groups; null: any number. */
  groups: z._default(z.nullable(groupIds), null),
  /** The owner of the caller's credentials. */
  agentId,
  inactiveForm: z._default(inactiveForm, 'chat_inactive'),
  /** The delay before a registration or its removal takes effect. LiveChat documents up to two minutes. */
  registrationDelayMs: z._default(milliseconds, 0),
  /** The scopes of the caller's token; null: all. */
  scopes: z.optional(z.nullable(z.array(string, 'a list of scopes, such as chats--all:rw'))),
  /** Without any credentials, every Authorization header is accepted. */
  accountId: z.optional(nonEmpty()),
  apiKey: z.optional(nonEmpty()),
  accessToken: z.optional(nonEmpty()),
});

export type Settings = z.infer<typeof settingsSchema>;

const changes = z.record(z.string(), z.unknown(), 'a JSON object with settings');

export interface SettingsStore {
  readonly current: () => Settings;
  /** Changes the given settings. @throws InvalidField */
  readonly change: (body: unknown) => void;
}

/** @throws InvalidField */
export const createSettings = (initial: z.input<typeof settingsSchema>): SettingsStore => {
  let settings = parse(settingsSchema, initial);
  return {
    current: () => settings,
    change: (body) => {
      settings = parse(settingsSchema, { ...settings, ...parse(changes, body) });
    },
  };
};

/** The settings without secrets. */
export const viewSettings = ({ apiKey: _, accessToken: __, ...visible }: Settings) => visible;
