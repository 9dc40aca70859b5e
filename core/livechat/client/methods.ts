import * as z from 'zod/mini';
import { user } from '../schemas.ts';

/** One method of the API: where it is, and what its answer must hold. */
export interface Method<T> {
  readonly name: string;
  readonly api: 'agent' | 'configuration';
  readonly writes: boolean;
  readonly answer: z.ZodMiniType<T>;
}

const id = z.string().check(z.minLength(1));
const maybeText = z.optional(z.nullable(z.string()));
const ids = z.optional(z.nullable(z.array(z.string())));

/** Strict where a `custom_id` is looked for: an event overlooked would be sent a second time. */
const event = z.looseObject({ id, type: maybeText, custom_id: maybeText, author_id: maybeText, created_at: maybeText });

const thread = z.looseObject({
  id,
  active: z.optional(z.boolean()),
  created_at: maybeText,
  events: z.optional(z.nullable(z.array(event))),
  previous_thread_id: maybeText,
  next_thread_id: maybeText,
});
export type AnsweredThread = z.infer<typeof thread>;

const chat = z.looseObject({
  id,
  users: z.optional(z.nullable(z.array(user))),
  access: z.optional(z.nullable(z.looseObject({ group_ids: z.optional(z.array(z.number())) }))),
  properties: z.optional(z.nullable(z.record(z.string(), z.unknown()))),
  thread: z.optional(z.nullable(thread)),
});
export type AnsweredChat = z.infer<typeof chat>;

const pages = { next_page_id: maybeText, previous_page_id: maybeText };
const threads = z.looseObject({ threads: z.array(thread), found_threads: z.optional(z.number()), ...pages });
export type AnsweredThreads = z.infer<typeof threads>;

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
export type AnsweredChats = z.infer<typeof chats>;

const webhook = z.looseObject({
  id,
  url: maybeText,
  description: maybeText,
  action: maybeText,
  owner_client_id: maybeText,
  type: maybeText,
  filters: z.optional(z.nullable(z.record(z.string(), z.unknown()))),
});
export type AnsweredWebhook = z.infer<typeof webhook>;

/** Success comes as no body, `""` or `{}`. */
const nothing = z.pipe(
  z.unknown(),
  z.transform(() => undefined),
);

function write<T>(name: string, answer: z.ZodMiniType<T>, api: Method<T>['api'] = 'agent'): Method<T> {
  return { name, api, writes: true, answer };
}

function read<T>(name: string, answer: z.ZodMiniType<T>, api: Method<T>['api'] = 'agent'): Method<T> {
  return { name, api, writes: false, answer };
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
