import * as z from 'zod/mini';
import { ConfigurationError } from '../platform/configuration.ts';
import { user } from './schemas.ts';

/** Request bodies with LiveChat's names. Source: API reference, v3.4 to v3.6. */

export type Visibility = 'all' | 'agents';

/** An event to send. Its other fields depend on `type`. */
export type NewEvent = Readonly<Record<string, unknown>> & {
  readonly type: string;
  readonly visibility?: Visibility;
  /** Returned with the event. LiveChat accepts several events with the same id. */
  readonly custom_id?: string;
};

export interface SendEvent {
  readonly chat_id: string;
  readonly event: NewEvent;
}

export interface ResumeChat {
  readonly chat: {
    readonly id: string;
    readonly access?: { readonly group_ids: readonly number[] };
    readonly thread?: { readonly events?: readonly NewEvent[] };
  };
  /** False appends an inactive thread. LiveChat's default is true. */
  readonly active?: boolean;
  readonly continuous?: boolean;
}

export interface AddUserToChat {
  readonly chat_id: string;
  /** An agent's e-mail, a bot's id or a customer's id. */
  readonly user_id: string;
  readonly user_type: 'agent' | 'customer';
  readonly visibility: Visibility;
  readonly ignore_requester_presence?: boolean;
}

export interface TransferChat {
  readonly id: string;
  /** Without a target the chat is routed within its current group. */
  readonly target?:
    | { readonly type: 'agent'; readonly ids: readonly string[] }
    | { readonly type: 'group'; readonly ids: readonly number[] };
  readonly ignore_agents_availability?: boolean;
  readonly ignore_requester_presence?: boolean;
}

export interface DeactivateChat {
  readonly id: string;
  readonly ignore_requester_presence?: boolean;
}

export interface GetChat {
  readonly chat_id: string;
  /** Default: the latest thread. */
  readonly thread_id?: string;
}

export type ListThreads = { readonly chat_id: string; readonly page_id?: string } & (
  | {
      readonly sort_order?: 'asc' | 'desc';
      /** At most 100; LiveChat's default is 3. */
      readonly limit?: number;
      readonly min_events_count?: never;
      /** Times with microseconds. */
      readonly filters?: { readonly from?: string; readonly to?: string };
    }
  | { readonly sort_order?: 'asc' | 'desc'; readonly min_events_count: number; readonly limit?: never }
);

/** A page id excludes all other parameters. */
export type ListChats =
  | {
      /** The name as of v3.6. Earlier versions use `include_active`, which also lists inactive chats. */
      readonly filters?: { readonly active?: boolean; readonly group_ids?: readonly number[] };
      readonly sort_order?: 'asc' | 'desc';
      /** At most 100; LiveChat's default is 10. */
      readonly limit?: number;
      readonly page_id?: never;
    }
  | { readonly page_id: string };

export interface TagThread {
  readonly chat_id: string;
  readonly thread_id: string;
  /** Must exist. Case-sensitive. */
  readonly tag: string;
}

export interface RegisterWebhook {
  readonly action: string;
  readonly secret_key: string;
  /** At most 500 characters. */
  readonly url: string;
  readonly owner_client_id: string;
  readonly type: 'bot' | 'license';
  readonly description?: string;
  readonly additional_data?: readonly ('chat_properties' | 'chat_presence_user_ids')[];
  readonly filters?: Readonly<Record<string, unknown>>;
}

export interface UnregisterWebhook {
  readonly id: string;
  readonly owner_client_id: string;
}

export interface OwnerClient {
  readonly owner_client_id: string;
}

/** One method of the API, with the schema of its response. */
export interface Method<T> {
  readonly name: string;
  readonly api: 'agent' | 'configuration';
  readonly writes: boolean;
  readonly response: z.ZodMiniType<T>;
}

const id = z.string().check(z.minLength(1));
const maybeText = z.optional(z.nullable(z.string()));
const ids = z.optional(z.nullable(z.array(z.string())));

/** Strict for the probe by `custom_id`: if it overlooked an event, the message would be sent twice. */
const event = z.looseObject({ id, type: maybeText, custom_id: maybeText, author_id: maybeText, created_at: maybeText });

const thread = z.looseObject({
  id,
  active: z.optional(z.boolean()),
  created_at: maybeText,
  events: z.optional(z.nullable(z.array(event))),
  previous_thread_id: maybeText,
  next_thread_id: maybeText,
});
export type ThreadResponse = z.infer<typeof thread>;

const chat = z.looseObject({
  id,
  users: z.optional(z.nullable(z.array(user))),
  access: z.optional(z.nullable(z.looseObject({ group_ids: z.optional(z.array(z.number())) }))),
  properties: z.optional(z.nullable(z.record(z.string(), z.unknown()))),
  thread: z.optional(z.nullable(thread)),
});
export type ChatResponse = z.infer<typeof chat>;

const pages = { next_page_id: maybeText, previous_page_id: maybeText };
const threads = z.looseObject({ threads: z.array(thread), found_threads: z.optional(z.number()), ...pages });
export type ThreadListResponse = z.infer<typeof threads>;

const chatSummary = z.looseObject({
  id,
  users: z.optional(z.nullable(z.array(user))),
  active: z.optional(z.boolean()),
  last_thread_summary: z.optional(z.nullable(z.looseObject({ id: maybeText, active: z.optional(z.boolean()) }))),
});
const chats = z.looseObject({
  chats_summary: z.array(chatSummary),
  found_chats: z.optional(z.number()),
  ...pages,
});
export type ChatListResponse = z.infer<typeof chats>;

const webhook = z.looseObject({
  id,
  url: maybeText,
  description: maybeText,
  action: maybeText,
  owner_client_id: maybeText,
  type: maybeText,
  filters: z.optional(z.nullable(z.record(z.string(), z.unknown()))),
});
export type WebhookRegistration = z.infer<typeof webhook>;

/** LiveChat responds with an empty body, `""` or `{}`. */
const nothing = z.pipe(
  z.unknown(),
  z.transform(() => undefined),
);

function write<T>(name: string, response: z.ZodMiniType<T>, api: Method<T>['api'] = 'agent'): Method<T> {
  return { name, api, writes: true, response };
}

function read<T>(name: string, response: z.ZodMiniType<T>, api: Method<T>['api'] = 'agent'): Method<T> {
  return { ...write(name, response, api), writes: false };
}

/** Source: Agent Chat Web API and Configuration API, v3.4 to v3.6 (platform.text.com/docs). */
export const methods = {
  sendEvent: write('send_event', z.looseObject({ event_id: id })),
  uploadFile: write('upload_file', z.looseObject({ url: id })),
  resumeChat: write('resume_chat', z.looseObject({ thread_id: id, event_ids: ids })),
  addUserToChat: write('add_user_to_chat', nothing),
  transferChat: write('transfer_chat', nothing),
  deactivateChat: write('deactivate_chat', nothing),
  tagThread: write('tag_thread', nothing),
  getChat: read('get_chat', chat),
  listThreads: read('list_threads', threads),
  listChats: read('list_chats', chats),
  registerWebhook: write('register_webhook', z.looseObject({ id }), 'configuration'),
  unregisterWebhook: write('unregister_webhook', nothing, 'configuration'),
  listWebhooks: read('list_webhooks', z.array(webhook), 'configuration'),
  getLicenseWebhooksState: read(
    'get_license_webhooks_state',
    z.looseObject({ license_webhooks_enabled: z.boolean() }),
    'configuration',
  ),
  enableLicenseWebhooks: write('enable_license_webhooks', nothing, 'configuration'),
} as const;

export interface Version {
  readonly major: number;
  readonly minor: number;
}

/** Parses `v3.6` or `3.6`. Throws {@link ConfigurationError}. */
export function parseVersion(text: string): Version {
  const [, major, minor] = /^v?(\d{1,3})\.(\d{1,3})$/.exec(text) ?? [];
  if (major === undefined) throw new ConfigurationError('LIVECHAT_API_VERSION', 'a version such as v3.6');
  return { major: Number(major), minor: Number(minor) };
}

/** v3.6 renamed `filters.include_active` to `filters.active`. */
export function listChatsBody(request: ListChats, { major, minor }: Version): Readonly<Record<string, unknown>> {
  if (request.page_id !== undefined || request.filters?.active === undefined) return { ...request };
  if (major > 3 || minor >= 6) return { ...request };
  const { active, ...filters } = request.filters;
  return { ...request, filters: { ...filters, include_active: active } };
}
