import * as z from 'zod/mini';
import { invalid } from './errors.ts';
import type { Version } from './version.ts';

/** The bodies of the Configuration API's methods on webhooks. */

/** The actions of v3.6. */
const actions = [
  ...['incoming_chat', 'chat_deactivated', 'chat_access_updated', 'chat_transferred'],
  ...['user_added_to_chat', 'user_removed_from_chat'],
  ...['incoming_event', 'event_updated', 'event_deleted', 'incoming_rich_message_postback'],
  ...['chat_properties_updated', 'chat_properties_deleted', 'thread_properties_updated', 'thread_properties_deleted'],
  ...['event_properties_updated', 'event_properties_deleted', 'thread_tagged', 'thread_untagged'],
  ...['routing_status_set', 'customer_session_fields_updated', 'events_marked_as_seen', 'thread_summary_set'],
  ...['agent_created', 'agent_approved', 'agent_updated', 'agent_suspended', 'agent_unsuspended', 'agent_deleted'],
  ...['bot_created', 'bot_updated', 'bot_deleted', 'group_created', 'group_updated', 'group_deleted'],
  ...['auto_accesses_updated', 'tag_created', 'tag_updated', 'tag_deleted'],
];

/** From which minor version of v3 on an action may be registered, where not from 3.4 on. */
const since: Readonly<Record<string, number>> = {
  auto_accesses_updated: 5,
  tag_created: 5,
  tag_updated: 5,
  tag_deleted: 5,
  event_deleted: 6,
  thread_summary_set: 6,
};

/** @throws LiveChatError when this version of the API does not know the action */
export const requireAction = (action: string, version: Version): void => {
  if (Number(version.slice('v3.'.length)) < (since[action] ?? 0)) {
    throw invalid('`action` must be the name of a webhook action');
  }
};

const word = z.string().check(z.minLength(1));

export const registerWebhookRequest = z.object({
  action: z.enum(actions, 'must be the name of a webhook action'),
  url: z
    .string()
    .check(z.url({ protocol: /^https?$/, error: 'must be a URL' }), z.maxLength(500, 'must be at most 500 characters')),
  description: z.optional(z.string()),
  secret_key: word,
  owner_client_id: word,
  type: z.enum(['bot', 'license'], 'must be one of bot, license'),
  additional_data: z.optional(z.array(z.enum(['chat_properties', 'chat_presence_user_ids']))),
  filters: z.optional(z.record(z.string(), z.unknown())),
});

export type RegisterWebhook = z.infer<typeof registerWebhookRequest>;

export const unregisterWebhookRequest = z.object({ id: word, owner_client_id: word });

export const ownerRequest = z.object({ owner_client_id: word });
