import * as z from 'zod/mini';
import { openState } from '../../state.ts';
import { type Author, type Chat, presentAgents } from '../chats.ts';
import { inactiveError, LiveChatError, notMemberError, validationError } from '../errors.ts';
import type { Cdn } from '../events.ts';
import {
  type Agent,
  agentId,
  type ChatEvent,
  createAgent,
  groupId,
  type IdSource,
  inactiveForm,
  integer,
  milliseconds,
  nonEmpty,
  oneOf,
  parse,
  string,
  type Thread,
  type Visibility,
} from '../objects.ts';
import type { Simulator } from '../simulator.ts';
import type { Registrations } from './registrations.ts';

/** The state that the API methods read and change. */
export interface ApiState {
  readonly simulator: Simulator;
  readonly source: IdSource;
  readonly settings: SettingsStore;
  readonly cdn: Cdn;
  /** When an added user can send, in milliseconds since 1970, by chat and user id. */
  readonly sendableFrom: Map<string, number>;
  readonly registrations: Registrations;
  readonly calls: CallLog;
  /** The client id of the calling application. */
  readonly clientId: string;
}

const groupIds = z.array(groupId, 'a list of group ids');

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
  /** How long after its end a thread appears in `list_archives`. LiveChat does not document it. */
  archiveDelayMs: z._default(milliseconds, 0),
  /** Whether `list_archives` includes the events. LiveChat documents them as optional. */
  archiveEvents: z._default(z.boolean('true or false'), true),
  /** The time of a thread by which `list_archives` filters and sorts. LiveChat does not document it. */
  archiveTime: z._default(oneOf(['created', 'activity']), 'created'),
  /** How long after its end `list_chats` lists a thread as active. */
  activeListDelayMs: z._default(milliseconds, 0),
  /** The scopes of the caller's token; null: all. */
  scopes: z.optional(z.nullable(z.array(string, 'a list of scopes, such as chats--all:rw'))),
  /** Without any credentials, every Authorization header is accepted. */
  accountId: z.optional(nonEmpty()),
  apiKey: z.optional(nonEmpty()),
  accessToken: z.optional(nonEmpty()),
});

export type Settings = z.infer<typeof settingsSchema>;

const changes = z.record(z.string(), z.unknown(), 'a JSON object with settings');

export type SettingsStore = ReturnType<typeof createSettings>;

export const createSettings = (initial: z.input<typeof settingsSchema>, state = openState()) => {
  const stored = state.collection<z.infer<typeof changes>>('simulator settings');
  let settings = parse(settingsSchema, { ...initial, ...stored.get('changes') });
  return {
    current: (): Settings => settings,
    /** Changes the given settings. @throws SimulatorError for an invalid field */
    change: (body: unknown): void => {
      const changed = parse(changes, body);
      settings = parse(settingsSchema, { ...settings, ...changed });
      stored.put('changes', { ...stored.get('changes'), ...changed });
    },
    /** The settings without secrets. */
    view() {
      const { apiKey: _, accessToken: __, ...visible } = settings;
      return visible;
    },
  };
};

/** The supported API versions. */
export const versions = ['v3.4', 'v3.5', 'v3.6'] as const;
export type Version = (typeof versions)[number];

/** A method of an API. */
export interface Method {
  /** A token needs one of these scopes. Source: the references of the Agent Chat and Configuration APIs. */
  readonly scopes: readonly string[];
  /** Converts the parsed JSON of a request to the response body. @throws LiveChatError, SimulatorError */
  readonly handle: (body: unknown, state: ApiState, version: Version) => object;
}

export const method = <Schema extends z.ZodMiniType>(
  scopes: readonly string[],
  request: Schema,
  handle: (request: z.output<Schema>, state: ApiState, version: Version) => object,
): Method => ({ scopes, handle: (body, state, version) => handle(check(request, body), state, version) });

export const readChats = ['chats--all:ro', 'chats--all:rw', 'chats--access:ro', 'chats--access:rw'];
export const writeChats = ['chats--all:rw', 'chats--access:rw'];

const valueAt = (body: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce(
    (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
    body,
  );

const isMissing = (value: unknown): boolean => value === undefined || value === null || value === '';

/** Parses a request as LiveChat does: ignores unknown fields and reports the first invalid field. */
const check = <Schema extends z.ZodMiniType>(schema: Schema, body: unknown): z.output<Schema> => {
  const parsed = schema.safeParse(body, { error: () => 'valid' });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.path ?? [];
  const name = path.join('.') || 'body';
  throw validationError(`\`${name}\` ${isMissing(valueAt(body, path)) ? 'is required' : `must be ${issue?.message}`}`);
};

/** An event that was accepted from an application. */
const toArrival = (method: string, { id: chat_id, thread }: Chat, event: ChatEvent) => {
  const { id: event_id, custom_id = null, created_at: at } = event;
  return { method, chat_id, thread_id: thread.id, event_id, custom_id, at };
};

/** Maximum number of logged calls. Older calls are deleted. */
const maxArrivals = 100_000;

const noCalls = { count: 0, accepted: 0, rate_limited: 0 };

/** Counts calls and logs accepted events, which shows their order, losses and duplicates. */
export const createCallLog = () => {
  const counts = new Map<string, typeof noCalls>();
  const arrivals: ReturnType<typeof toArrival>[] = [];

  const increment = (method: string, field: keyof typeof noCalls): void => {
    const before = counts.get(method) ?? noCalls;
    counts.set(method, { ...before, [field]: before[field] + 1 });
  };

  return {
    increment,

    /** Logs the last `count` events of the newest thread. */
    recordArrivals: (method: string, chat: Chat, count: number): void => {
      const { events } = chat.thread;
      arrivals.push(...events.slice(events.length - count).map((event) => toArrival(method, chat, event)));
      if (arrivals.length > maxArrivals) arrivals.splice(0, arrivals.length - maxArrivals);
    },

    view: () => ({ methods: Object.fromEntries(counts), arrivals }),

    /** Returns the number of removed arrivals. */
    clear: (): number => {
      counts.clear();
      return arrivals.splice(0).length;
    },
  };
};

export type CallLog = ReturnType<typeof createCallLog>;

export const getRequester = ({ settings, clientId }: ApiState): Author => ({
  id: settings.current().agentId,
  clientId,
});

const requireActive = (chat: Chat, { settings }: ApiState): void => {
  if (!chat.thread.active) throw inactiveError(settings.current().inactiveForm);
};

const requesterIn = (chat: Chat, state: ApiState): Agent | undefined => {
  const { id } = getRequester(state);
  return presentAgents(chat).find((agent) => agent.id === id);
};

/**
 * Returns the requester.
 *
 * @throws LiveChatError if the chat is closed, or if the requester is not in it, unless `ignorePresence` is set
 */
export const requireRequester = (chat: Chat, ignorePresence: boolean, state: ApiState): Agent => {
  requireActive(chat, state);
  const present = requesterIn(chat, state);
  if (present === undefined && !ignorePresence) throw notMemberError();
  return present ?? createAgent(getRequester(state).id);
};

/** LiveChat sends the webhook of an added user immediately, but accepts events of that user only after a delay. */
export const delaySending = (chatId: string, userId: string, { settings, sendableFrom, source }: ApiState): void => {
  sendableFrom.set(`${chatId} ${userId}`, source.now() + settings.current().joinDelayMs);
};

/** @throws LiveChatError if the chat is closed or the requester cannot send. With visibility `agents` it cannot send to the customer */
export const requireSender = (chat: Chat, visibility: Visibility, state: ApiState): void => {
  requireActive(chat, state);
  const sender = requesterIn(chat, state);
  if (sender === undefined) throw notMemberError();
  const joined = `${chat.id} ${sender.id}`;
  if (state.source.now() < (state.sendableFrom.get(joined) ?? 0)) throw notMemberError();
  state.sendableFrom.delete(joined);
  if (sender.visibility === 'agents' && visibility === 'all') {
    throw validationError('Requester with visibility `agents` cannot send event with visibility `all`');
  }
};

/** The simulator has no list of agents: it accepts every id in the format of an agent or a bot. */
export const requireAgentId = (id: string): void => {
  if (!agentId.safeParse(id).success) throw validationError('user_id not found');
};

export const requireThread = (threads: readonly Thread[], threadId: string): Thread => {
  const thread = threads.find(({ id }) => id === threadId);
  if (thread === undefined) throw new LiveChatError('not_found');
  return thread;
};
