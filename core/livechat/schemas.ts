import * as z from 'zod/mini';
import { maxIdLength, time } from '../events/schemas.ts';

/**
 * LiveChat's webhook payloads, for the Agent Chat API v3.4, v3.5 and v3.6, limited to the fields that the bridge reads.
 * Tolerant: unknown fields are accepted, and only the ids and times that identify an event are required.
 * Source: LiveChat's webhook reference (platform.text.com/docs/management/webhooks), one page per version.
 */

/** Null counts as missing: it can stand for a value that is not set, or for an empty list. */
const optional = <Schema extends z.ZodMiniType>(schema: Schema) => z.optional(z.nullable(schema));

/** Ids and names. */
const text = z.string().check(z.minLength(1), z.maxLength(maxIdLength));
const maybeText = optional(z.string());
const maybeId = optional(z.string().check(z.maxLength(maxIdLength)));

const agentsAndGroups = z.looseObject({
  agent_ids: optional(z.array(z.string())),
  group_ids: optional(z.array(z.number())),
});
const access = z.looseObject({ group_ids: optional(z.array(z.number())) });

/** `queued_at_us` is the name of `queued_at` in v3.4 and v3.5. Both are RFC 3339 times. */
const queue = z.looseObject({
  position: optional(z.number()),
  wait_time: optional(z.number()),
  queued_at: optional(z.string()),
  queued_at_us: optional(z.string()),
});

const visit = z.looseObject({
  geolocation: optional(z.looseObject({ country_code: maybeText })),
});

export const user = z.looseObject({
  id: text,
  type: optional(z.string()),
  name: maybeText,
  email: maybeText,
  present: optional(z.boolean()),
  visibility: maybeText,
  events_seen_up_to: maybeText,
  session_fields: optional(z.array(z.record(z.string(), z.unknown()))),
  visit: optional(visit),
  last_visit: optional(visit),
});
export type LiveChatUser = z.infer<typeof user>;

export const event = z.looseObject({
  id: text,
  type: text,
  created_at: time,
  author_id: maybeText,
  visibility: optional(z.string()),
  custom_id: maybeText,
  deleted: optional(z.boolean()),
});
export type LiveChatEvent = z.infer<typeof event>;

const thread = z.looseObject({
  id: text,
  created_at: time,
  active: optional(z.boolean()),
  /** Validated one by one, so that a malformed event does not reject the chat. */
  events: optional(z.array(z.unknown())),
  access: optional(access),
  queue: optional(queue),
  previous_thread_id: maybeText,
  next_thread_id: maybeText,
  user_ids: optional(z.array(z.string())),
  tags: optional(z.array(z.string())),
  properties: optional(z.record(z.string(), z.unknown())),
});

const chatKey = { chat_id: text, thread_id: maybeId };
const threadKey = { chat_id: text, thread_id: text };
const eventInThread = z.looseObject({ ...threadKey, event });
const membership = { ...chatKey, user_type: maybeText, reason: maybeText, requester_id: maybeText };

/** A chat with one of its threads, in the form of `get_chat` and of the webhooks. */
export const chat = z.looseObject({ id: text, users: optional(z.array(user)), access: optional(access), thread });
export type LiveChatChat = z.infer<typeof chat>;

export const payloads = {
  incoming_chat: z.looseObject({
    requester_id: maybeText,
    transferred_from: optional(agentsAndGroups),
    chat,
  }),
  incoming_event: eventInThread,
  event_updated: eventInThread,
  event_deleted: z.looseObject({ ...threadKey, event_id: text }),
  chat_deactivated: z.looseObject({ ...threadKey, user_id: maybeText }),
  chat_transferred: z.looseObject({
    ...chatKey,
    requester_id: maybeText,
    reason: maybeText,
    transferred_to: optional(agentsAndGroups),
    queue: optional(queue),
  }),
  chat_access_updated: z.looseObject({ id: text, thread_id: maybeId, access }),
  thread_tagged: z.looseObject({ ...threadKey, tag: text }),
  thread_untagged: z.looseObject({ ...threadKey, tag: text }),
  user_added_to_chat: z.looseObject({ ...membership, user }),
  user_removed_from_chat: z.looseObject({ ...membership, user_id: text }),
  /** Not a LiveChat webhook: named in the original specification only. */
  agent_changed: z.looseObject({ ...chatKey, agent_id: text, previous_agent_id: maybeText }),
  customer_session_fields_updated: z.looseObject({
    id: text,
    active_chat: optional(z.looseObject(chatKey)),
    session_fields: z.array(z.record(z.string(), z.unknown())),
  }),
  incoming_rich_message_postback: z.looseObject({
    ...threadKey,
    user_id: text,
    event_id: text,
    postback: z.looseObject({
      id: text,
      toggled: optional(z.boolean()),
      button_type: maybeText,
      button_value: maybeText,
    }),
  }),
  events_marked_as_seen: z.looseObject({ ...chatKey, user_id: text, seen_up_to: time }),
} as const;

export type Action = keyof typeof payloads;
export type Payload<A extends Action> = z.infer<(typeof payloads)[A]>;

export function isAction(name: string): name is Action {
  return Object.hasOwn(payloads, name);
}

/**
 * Actions that LiveChat documents (v3.4 to v3.7) without a domain event: configuration, properties, status
 * and summaries. They are counted by name, all others as `other`.
 */
const ignoredActions: ReadonlySet<string> = new Set([
  'chat_properties_updated',
  'chat_properties_deleted',
  'thread_properties_updated',
  'thread_properties_deleted',
  'event_properties_updated',
  'event_properties_deleted',
  'routing_status_set',
  'incoming_customer',
  'thread_summary_set',
  'agent_created',
  'agent_approved',
  'agent_updated',
  'agent_suspended',
  'agent_unsuspended',
  'agent_deleted',
  'bot_created',
  'bot_updated',
  'bot_deleted',
  'group_created',
  'group_updated',
  'group_deleted',
  'auto_access_added',
  'auto_access_updated',
  'auto_access_deleted',
  'auto_accesses_updated',
  'tag_created',
  'tag_updated',
  'tag_deleted',
  // The name in LiveChat's sample of tag_deleted.
  'delete_tag',
]);

/** The metric dimension of an action. Unknown actions share one, which bounds the number of metrics. */
export function actionDimension(action: string): string {
  return isAction(action) || ignoredActions.has(action) ? action : 'other';
}
