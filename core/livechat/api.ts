import * as z from 'zod/mini';
import { id } from '../events/schemas.ts';
import { ConfigurationError } from '../platform/configuration.ts';
import type { ComposedEvent, FetchedFile, Visibility } from './compose.ts';

/** Requests, limited to the methods and parameters that the bridge uses. Source: API reference, v3.4 to v3.6. */

export type NewEvent = ComposedEvent & {
  /** Returned with the event. LiveChat accepts several events with the same id. */
  readonly custom_id?: string;
};

export interface SendEvent {
  readonly chat_id: string;
  readonly event: NewEvent;
}

export interface ResumeChat {
  readonly chat: { readonly id: string; readonly thread?: { readonly events: readonly NewEvent[] } };
  /** False appends an inactive thread. LiveChat's default is true. */
  readonly active?: boolean;
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

export interface ListThreads {
  readonly chat_id: string;
  readonly page_id?: string;
  readonly sort_order?: 'asc' | 'desc';
  /** At most 100; LiveChat's default is 3. */
  readonly limit?: number;
}

/** Reads a page by its id, without any other parameter. A page id is valid for a month. */
interface PageRequest {
  readonly page_id: string;
}

export type ListChats =
  | PageRequest
  | {
      /** At most 100; LiveChat's default is 10. */
      readonly limit: number;
      /** `active` since v3.6, `include_active` before. */
      readonly filters?: { readonly active: true } | { readonly include_active: true };
    };

export type ListArchives =
  | PageRequest
  | {
      readonly filters: { readonly from: string; readonly to: string };
      readonly sort_order: 'asc';
      /** At most 100. */
      readonly limit: number;
    };

export interface GetChat {
  readonly chat_id: string;
  /** Default: the latest thread. */
  readonly thread_id?: string;
}

export interface TagThread {
  readonly chat_id: string;
  readonly thread_id: string;
  /** Must exist. Case-sensitive. */
  readonly tag: string;
}

export interface OwnerClient {
  readonly owner_client_id: string;
}

export interface RegisterWebhook extends OwnerClient {
  readonly action: string;
  readonly secret_key: string;
  /** At most 500 characters. */
  readonly url: string;
  readonly type: 'bot' | 'license';
  readonly description?: string;
  readonly additional_data?: readonly ('chat_properties' | 'chat_presence_user_ids')[];
}

export interface UnregisterWebhook extends OwnerClient {
  readonly id: string;
}

/** Responses, limited to the fields that the bridge reads. */

const maybeText = z.optional(z.nullable(z.string()));

/** Strict for the probe by `custom_id`: if it overlooked an event, the message would be sent twice. */
const event = z.looseObject({ id, custom_id: maybeText });
const thread = z.looseObject({ id, created_at: maybeText, events: z.optional(z.nullable(z.array(event))) });
export type ThreadResponse = z.infer<typeof thread>;
const threads = z.looseObject({ threads: z.array(thread), next_page_id: maybeText });
/** Validated one by one, so that a malformed chat does not reject the page. */
const chats = z.looseObject({ chats_summary: z.array(z.unknown()), next_page_id: maybeText });
const archives = z.looseObject({ chats: z.array(z.unknown()), next_page_id: maybeText });
const sentEvent = z.looseObject({ event_id: id });
const resumedChat = z.looseObject({ thread_id: id, event_ids: z.optional(z.nullable(z.array(z.string()))) });
const file = z.looseObject({ url: id });

const registration = z.looseObject({
  id,
  url: maybeText,
  description: maybeText,
  action: maybeText,
  type: maybeText,
  filters: z.optional(z.nullable(z.record(z.string(), z.unknown()))),
});
export type WebhookRegistration = z.infer<typeof registration>;
const registrations = z.array(registration);
const created = z.looseObject({ id });
const licenseState = z.looseObject({ license_webhooks_enabled: z.boolean() });

/** The response of a method without a result: an empty body, `""` or `{}`. */
const nothing = z.pipe(
  z.unknown(),
  z.transform(() => undefined),
);

/** One method of the API, with the schema of its response. */
export interface Method<T> {
  readonly api: 'agent' | 'configuration';
  readonly name: string;
  /** Whether a call can have an effect: then an invalid response leaves its outcome unknown. */
  readonly writes: boolean;
  readonly response: z.ZodMiniType<T>;
}

/** Makes one call. Rejects with a LiveChatApiError. */
export interface Transport {
  post<T>(method: Method<T>, body: object): Promise<T>;
  upload<T>(method: Method<T>, file: FetchedFile): Promise<T>;
}

function read<T>(api: Method<T>['api'], name: string, response: z.ZodMiniType<T>): Method<T> {
  return { api, name, writes: false, response };
}

function write<T>(api: Method<T>['api'], name: string, response: z.ZodMiniType<T>): Method<T> {
  return { api, name, writes: true, response };
}

/**
 * The methods that the bridge uses, with LiveChat's names.
 * Source: Agent Chat Web API and Configuration API, v3.4 to v3.6 (platform.text.com/docs).
 */
export function createMethods({ post, upload }: Transport) {
  return {
    sendEvent: (request: SendEvent) => post(write('agent', 'send_event', sentEvent), request),
    /** At most 10 MB. The URL expires after 24 h unless an event uses it. */
    uploadFile: (request: FetchedFile) => upload(write('agent', 'upload_file', file), request),
    resumeChat: (request: ResumeChat) => post(write('agent', 'resume_chat', resumedChat), request),
    addUserToChat: (request: AddUserToChat) => post(write('agent', 'add_user_to_chat', nothing), request),
    transferChat: (request: TransferChat) => post(write('agent', 'transfer_chat', nothing), request),
    tagThread: (request: TagThread) => post(write('agent', 'tag_thread', nothing), request),
    listThreads: (request: ListThreads) => post(read('agent', 'list_threads', threads), request),
    listChats: (request: ListChats) => post(read('agent', 'list_chats', chats), request),
    listArchives: (request: ListArchives) => post(read('agent', 'list_archives', archives), request),
    getChat: (request: GetChat) => post(read('agent', 'get_chat', z.unknown()), request),
    /** LiveChat allows three registrations per action and client id, so list them first. */
    registerWebhook: (request: RegisterWebhook) => post(write('configuration', 'register_webhook', created), request),
    unregisterWebhook: (request: UnregisterWebhook) =>
      post(write('configuration', 'unregister_webhook', nothing), request),
    /** The response has no secrets. */
    listWebhooks: (request: OwnerClient) => post(read('configuration', 'list_webhooks', registrations), request),
    getLicenseWebhooksState: (request: OwnerClient) =>
      post(read('configuration', 'get_license_webhooks_state', licenseState), request),
    enableLicenseWebhooks: (request: OwnerClient) =>
      post(write('configuration', 'enable_license_webhooks', nothing), request),
  };
}

/** Returns `v3.6` for `v3.6` and `3.6`. Throws {@link ConfigurationError}. */
export function parseVersion(text: string): string {
  const [, version] = /^v?(\d{1,3}\.\d{1,3})$/.exec(text) ?? [];
  if (version === undefined) throw new ConfigurationError('LIVECHAT_API_VERSION', 'a version such as v3.6');
  return `v${version}`;
}
