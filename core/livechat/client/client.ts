import { randomUUID } from 'node:crypto';
import { ConfigurationError } from '../../platform/configuration.ts';
import type { ApiCredentials } from '../credentials.ts';
import { LiveChatClientError } from '../errors.ts';
import { type Caller, type CallOptions, type CallRecord, call, type LifeCycleNotice } from './call.ts';
import { type FetchLike, post } from './http.ts';
import {
  type AnsweredChat,
  type AnsweredChats,
  type AnsweredThreads,
  type AnsweredWebhook,
  type Method,
  methods,
} from './methods.ts';
import { multipart, sizeOf, type UploadedFile } from './multipart.ts';
import { isRegion } from './region.ts';
import type {
  AddUserToChat,
  DeactivateChat,
  GetChat,
  ListChats,
  ListThreads,
  OfClient,
  RegisterWebhook,
  ResumeChat,
  SendEvent,
  TagThread,
  TransferChat,
  UnregisterWebhook,
} from './requests.ts';
import { listChatsBody, parseVersion } from './version.ts';

export interface LiveChatClientOptions {
  readonly credentials: ApiCredentials;
  /** Such as `https://api.livechatinc.com`. */
  readonly baseUrl: string;
  /** `v3.6` or `3.6`. */
  readonly version: string;
  /** Goes with every call's record. */
  readonly organizationId?: string | undefined;
  /** Told of every call once it has ended; must not throw. */
  readonly onCall?: ((record: CallRecord) => void) | undefined;
  /** Told with every answer that says so; must not throw. */
  readonly onNotice?: ((notice: LifeCycleNotice) => void) | undefined;
  /** For a whole call. LiveChat itself gives up after 15 s, so the default waits 20 s. */
  readonly timeoutMs?: number | undefined;
  readonly fetchLike?: FetchLike | undefined;
  readonly now?: (() => number) | undefined;
}

/** Makes one call. Throws a LiveChatApiError. */
export type Ask<Request, Answer> = (request: Request, options?: CallOptions) => Promise<Answer>;

/** LiveChat's API for one organization, in LiveChat's own words. */
export interface LiveChatClient {
  readonly sendEvent: Ask<SendEvent, { event_id: string }>;
  /** At most 10 MB. The address is dead after 24 h unless an event uses it. */
  readonly uploadFile: Ask<UploadedFile, { url: string }>;
  readonly resumeChat: Ask<ResumeChat, { thread_id: string; event_ids?: string[] | null | undefined }>;
  readonly addUserToChat: Ask<AddUserToChat, void>;
  readonly transferChat: Ask<TransferChat, void>;
  readonly deactivateChat: Ask<DeactivateChat, void>;
  readonly tagThread: Ask<TagThread, void>;
  readonly getChat: Ask<GetChat, AnsweredChat>;
  readonly listThreads: Ask<ListThreads, AnsweredThreads>;
  readonly listChats: Ask<ListChats, AnsweredChats>;
  /** LiveChat takes three of an action and client id, so list them first. */
  readonly registerWebhook: Ask<RegisterWebhook, { id: string }>;
  readonly unregisterWebhook: Ask<UnregisterWebhook, void>;
  /** Without their secrets. */
  readonly listWebhooks: Ask<OfClient, AnsweredWebhook[]>;
  readonly getLicenseWebhooksState: Ask<OfClient, { license_webhooks_enabled: boolean }>;
  readonly enableLicenseWebhooks: Ask<OfClient, void>;
  /** The same client for the region that a `misdirected_request` names; it goes along as `X-Region`. */
  readonly inRegion: (region: string) => LiveChatClient;
}

const defaultTimeoutMs = 20_000;
/** Source: the reference of `upload_file`. */
const mostUploadBytes = 10 * 1024 * 1024;

/** Throws ConfigurationError for an address or a version that is none. */
export function createLiveChatClient(options: LiveChatClientOptions): LiveChatClient {
  return clientOf({
    credentials: options.credentials,
    baseUrl: addressOf(options.baseUrl),
    version: parseVersion(options.version),
    region: undefined,
    organizationId: options.organizationId,
    timeoutMs: options.timeoutMs ?? defaultTimeoutMs,
    fetchLike: options.fetchLike ?? post,
    onCall: options.onCall ?? (() => {}),
    onNotice: options.onNotice ?? (() => {}),
    now: options.now ?? Date.now,
  });
}

function clientOf(caller: Caller): LiveChatClient {
  const ask = <T>(method: Method<T>, body: object, options: CallOptions | undefined) =>
    call(caller, method, { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }, options);
  return {
    sendEvent: (request, options) => ask(methods.sendEvent, request, options),
    uploadFile: (file, options) => upload(caller, file, options),
    resumeChat: (request, options) => ask(methods.resumeChat, request, options),
    addUserToChat: (request, options) => ask(methods.addUserToChat, request, options),
    transferChat: (request, options) => ask(methods.transferChat, request, options),
    deactivateChat: (request, options) => ask(methods.deactivateChat, request, options),
    tagThread: (request, options) => ask(methods.tagThread, request, options),
    getChat: (request, options) => ask(methods.getChat, request, options),
    listThreads: (request, options) => ask(methods.listThreads, request, options),
    listChats: (request, options) => ask(methods.listChats, listChatsBody(request, caller.version), options),
    registerWebhook: (request, options) => ask(methods.registerWebhook, request, options),
    unregisterWebhook: (request, options) => ask(methods.unregisterWebhook, request, options),
    listWebhooks: (request, options) => ask(methods.listWebhooks, request, options),
    getLicenseWebhooksState: (request, options) => ask(methods.getLicenseWebhooksState, request, options),
    enableLicenseWebhooks: (request, options) => ask(methods.enableLicenseWebhooks, request, options),
    inRegion: (region) => {
      if (!isRegion(region)) throw new TypeError('a region is 1 to 32 letters, digits and hyphens');
      return clientOf({ ...caller, region });
    },
  };
}

async function upload(caller: Caller, file: UploadedFile, options: CallOptions | undefined): Promise<{ url: string }> {
  const { uploadFile } = methods;
  if (sizeOf(file) > mostUploadBytes) {
    throw new LiveChatClientError({
      message: `${uploadFile.name}: the file has more than the ${mostUploadBytes} bytes that LiveChat takes. Send a smaller one.`,
      method: uploadFile.name,
      outcome: 'refused',
      type: 'entity_too_large',
    });
  }
  return call(caller, uploadFile, multipart(file, `livechat-bridge-${randomUUID()}`), options);
}

function addressOf(baseUrl: string): string {
  const url = URL.parse(baseUrl);
  if (url?.protocol === 'https:' || url?.protocol === 'http:')
    return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
  throw new ConfigurationError('LIVECHAT_API_BASE_URL', 'an address such as https://api.livechatinc.com');
}
