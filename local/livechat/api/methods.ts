import type * as z from 'zod/mini';
import { check } from './check.ts';
import { addUserToChat, deactivateChat, removeUserFromChat, transferChat } from './membership.ts';
import { getChat, listChats, listThreads } from './reading.ts';
import {
  ownerRequest,
  registerWebhookRequest,
  requireAction,
  unregisterWebhookRequest,
} from './registration-requests.ts';
import * as requests from './requests.ts';
import { resumeChat, sendEvent, uploadFile } from './sending.ts';
import { tagThread, untagThread } from './tagging.ts';
import type { Version } from './version.ts';
import type { Method, World } from './world.ts';

const method =
  <Schema extends z.ZodMiniType>(
    schema: Schema,
    run: (request: z.output<Schema>, world: World, version: Version) => object,
  ): Method =>
  (body, world, version) =>
    run(check(schema, body), world, version);

const agent: Readonly<Record<string, Method>> = {
  send_event: method(requests.sendEventRequest, sendEvent),
  upload_file: method(requests.uploadFileRequest, uploadFile),
  resume_chat: method(requests.resumeChatRequest, resumeChat),
  add_user_to_chat: method(requests.addUserRequest, addUserToChat),
  remove_user_from_chat: method(requests.removeUserRequest, removeUserFromChat),
  transfer_chat: method(requests.transferChatRequest, transferChat),
  deactivate_chat: method(requests.deactivateChatRequest, deactivateChat),
  get_chat: method(requests.getChatRequest, getChat),
  list_threads: method(requests.listThreadsRequest, listThreads),
  list_chats: method(requests.listChatsRequest, listChats),
  tag_thread: method(requests.tagRequest, tagThread),
  untag_thread: method(requests.tagRequest, untagThread),
};

const setWebhooks = (enabled: boolean): Method =>
  method(ownerRequest, (_, { registrations }) => {
    registrations.enable(enabled);
    return {};
  });

const configuration: Readonly<Record<string, Method>> = {
  register_webhook: method(registerWebhookRequest, (request, { registrations }, version) => {
    requireAction(request.action, version);
    return { id: registrations.register(request) };
  }),
  unregister_webhook: method(unregisterWebhookRequest, ({ id, owner_client_id }, { registrations }) => {
    registrations.unregister(id, owner_client_id);
    return {};
  }),
  list_webhooks: method(ownerRequest, ({ owner_client_id }, { registrations }) => registrations.list(owner_client_id)),
  get_license_webhooks_state: method(ownerRequest, (_, { registrations }) => ({
    license_webhooks_enabled: registrations.isEnabled(),
  })),
  enable_license_webhooks: setWebhooks(true),
  disable_license_webhooks: setWebhooks(false),
};

/** The methods by `<api>/<name>`. */
export const methods: ReadonlyMap<string, Method> = new Map([
  ...Object.entries(agent).map(([name, run]) => [`agent/${name}`, run] as const),
  ...Object.entries(configuration).map(([name, run]) => [`configuration/${name}`, run] as const),
]);

export const methodNames: readonly string[] = [...Object.keys(agent), ...Object.keys(configuration)];
