import * as z from 'zod/mini';
import { type Author, type Chat, getCustomer, presentAgents } from '../chats.ts';
import { inactiveError, LiveChatError, notMemberError, validationError } from '../errors.ts';
import type { Cdn, Uploads } from '../events.ts';
import {
  type Agent,
  type ChatEvent,
  createAgent,
  type IdSource,
  type Thread,
  type User,
  type Visibility,
} from '../objects.ts';
import type { Settings, SettingsStore, Simulator } from '../simulator.ts';
import type { Registrations } from './registrations.ts';

/** The state that the API methods read and change. */
export interface ApiState {
  readonly simulator: Simulator;
  readonly source: IdSource;
  readonly settings: SettingsStore;
  readonly uploads: Uploads;
  readonly cdn: Cdn;
  readonly joinDelays: JoinDelays;
  readonly registrations: Registrations;
  readonly calls: CallLog;
  /** The calling application: what it sends is attributed to it. */
  readonly clientId: string;
}

/** One method of an API, from the parsed JSON to the response body. @throws LiveChatError, SimulatorError */
export type Method = (body: unknown, state: ApiState, version: Version) => object;

export const getRequester = ({ settings, clientId }: ApiState): Author => ({
  id: settings.current().agentId,
  clientId,
});

/** Records the events that a call appended to the newest thread of the chat. */
export const recordEvents = (state: ApiState, method: string, chat: Chat, count: number): void => {
  const { id, events } = chat.thread;
  for (const event of events.slice(events.length - count)) state.calls.arrived(method, chat.id, id, event);
};

/** The supported API versions. */
export const versions = ['v3.4', 'v3.5', 'v3.6'] as const;
export type Version = (typeof versions)[number];

const record = z.record(z.string(), z.unknown());

const valueAt = (body: unknown, path: readonly PropertyKey[]): unknown => {
  const [key, ...rest] = path;
  if (key === undefined) return body;
  if (Array.isArray(body)) return valueAt(body[Number(key)], rest);
  const parsed = record.safeParse(body);
  return parsed.success ? valueAt(parsed.data[String(key)], rest) : undefined;
};

const isMissing = (value: unknown): boolean => value === undefined || value === null || value === '';

/** Parses a request as LiveChat does: ignores unknown fields and reports the first invalid field. */
export const check = <Schema extends z.ZodMiniType>(schema: Schema, body: unknown): z.output<Schema> => {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.path ?? [];
  const name = path.join('.') || 'body';
  if (isMissing(valueAt(body, path))) throw validationError(`\`${name}\` is required`);
  throw validationError(`\`${name}\` ${issue?.message.startsWith('must') ? issue.message : 'is invalid'}`);
};

/** A token needs one of the scopes of the method. Source: the references of the Agent Chat and Configuration APIs. */
const readingChats = ['chats--all:ro', 'chats--all:rw', 'chats--access:ro', 'chats--access:rw'];
const writingChats = ['chats--all:rw', 'chats--access:rw'];
const readingState = ['webhooks.state:ro', 'webhooks.state:rw'];

const methodScopes: Readonly<Record<string, readonly string[]>> = {
  send_event: writingChats,
  upload_file: writingChats,
  resume_chat: writingChats,
  add_user_to_chat: writingChats,
  remove_user_from_chat: writingChats,
  transfer_chat: writingChats,
  deactivate_chat: writingChats,
  get_chat: readingChats,
  list_threads: readingChats,
  list_chats: readingChats,
  tag_thread: writingChats,
  untag_thread: writingChats,
  register_webhook: ['webhooks.configuration:rw'],
  unregister_webhook: ['webhooks.configuration:rw'],
  list_webhooks: ['webhooks.configuration:rw'],
  get_license_webhooks_state: readingState,
  enable_license_webhooks: ['webhooks.state:rw'],
  disable_license_webhooks: ['webhooks.state:rw'],
};

export const methodNames: readonly string[] = Object.keys(methodScopes);

/** @throws LiveChatError if the token lacks the scope. Without the setting it has every scope */
export const authorize = (method: string, { scopes }: Settings): void => {
  if (scopes === undefined || scopes === null) return;
  const accepted = methodScopes[method] ?? writingChats;
  if (accepted.some((scope) => scopes.includes(scope))) return;
  throw new LiveChatError('authorization', { message: `Missing scope: ${accepted.join(' or ')}` });
};

/** LiveChat sends the webhook of an added user immediately, but accepts events of that user only after a delay. */
export interface JoinDelays {
  readonly start: (chatId: string, userId: string, delayMs: number) => void;
  readonly isReady: (chatId: string, userId: string) => boolean;
}

export const createJoinDelays = (now: () => number): JoinDelays => {
  const readyAt = new Map<string, number>();
  const toKey = (chatId: string, userId: string) => `${chatId} ${userId}`;

  return {
    start: (chatId, userId, delayMs) => {
      readyAt.set(toKey(chatId, userId), now() + delayMs);
    },
    isReady: (chatId, userId) => {
      const key = toKey(chatId, userId);
      const at = readyAt.get(key);
      if (at !== undefined && at > now()) return false;
      readyAt.delete(key);
      return true;
    },
  };
};

/** An event that was accepted from an application. */
export interface Arrival {
  readonly method: string;
  readonly chat_id: string;
  readonly thread_id: string;
  readonly event_id: string;
  readonly custom_id: string | null;
  readonly at: string;
}

interface Count {
  readonly count: number;
  readonly accepted: number;
  readonly rate_limited: number;
}

export interface CallLog {
  readonly called: (method: string) => void;
  readonly accepted: (method: string) => void;
  readonly rateLimited: (method: string) => void;
  readonly arrived: (method: string, chatId: string, threadId: string, event: ChatEvent) => void;
  readonly view: () => { readonly methods: Readonly<Record<string, Count>>; readonly arrivals: readonly Arrival[] };
  readonly reset: () => void;
}

const none: Count = { count: 0, accepted: 0, rate_limited: 0 };

/** Counts calls and logs accepted events, which shows their order, losses and duplicates. */
export const createCallLog = (): CallLog => {
  const counts = new Map<string, Count>();
  const arrivals: Arrival[] = [];

  const countUp = (field: keyof Count) => (method: string) => {
    const before = counts.get(method) ?? none;
    counts.set(method, { ...before, [field]: before[field] + 1 });
  };

  return {
    called: countUp('count'),
    accepted: countUp('accepted'),
    rateLimited: countUp('rate_limited'),
    arrived: (method, chat_id, thread_id, { id: event_id, custom_id = null, created_at: at }) => {
      arrivals.push({ method, chat_id, thread_id, event_id, custom_id, at });
    },
    view: () => ({ methods: Object.fromEntries(counts), arrivals }),
    reset: () => {
      counts.clear();
      arrivals.length = 0;
    },
  };
};

export const requireActive = (chat: Chat, { settings }: ApiState): void => {
  if (!chat.thread.active) throw inactiveError(settings.current().inactiveForm);
};

const requesterIn = (chat: Chat, state: ApiState): Agent | undefined => {
  const { id } = getRequester(state);
  return presentAgents(chat).find((agent) => agent.id === id);
};

/** Returns the requester. @throws LiveChatError if it is not in the chat, unless `ignorePresence` is set */
export const requirePresence = (chat: Chat, ignorePresence: boolean, state: ApiState): Agent => {
  const present = requesterIn(chat, state);
  if (present === undefined && !ignorePresence) throw notMemberError();
  return present ?? createAgent(getRequester(state).id);
};

/** A requester with visibility `agents` cannot send to the customer. */
export const requireSender = (chat: Chat, visibility: Visibility, state: ApiState): void => {
  const sender = requesterIn(chat, state);
  if (sender === undefined || !state.joinDelays.isReady(chat.id, sender.id)) throw notMemberError();
  if (sender.visibility === 'agents' && visibility === 'all') {
    throw validationError('Requester with visibility `agents` cannot send event with visibility `all`');
  }
};

const agentId = /^(\S+@\S+|[0-9a-f]{32})$/;

/** The simulator has no list of agents: it accepts every id in the format of an agent or a bot. */
export const requireAgentId = (id: string): void => {
  if (!agentId.test(id)) throw validationError('user_id not found');
};

export const requireUserId = (chat: Chat, { id, type }: { readonly id: string; readonly type: User['type'] }): void => {
  if (type === 'agent') requireAgentId(id);
  else if (getCustomer(chat).id !== id) throw validationError('user_id not found');
};

export const requireThread = (threads: readonly Thread[], threadId: string): Thread => {
  const thread = threads.find(({ id }) => id === threadId);
  if (thread === undefined) throw new LiveChatError('not_found');
  return thread;
};
