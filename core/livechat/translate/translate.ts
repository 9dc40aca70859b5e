import type * as z from 'zod/mini';
import type { AnyEvent } from '../../events/event.ts';
import { type Action, isAction, type Payload, payloads } from '../schemas.ts';
import * as chats from './chats.ts';
import { type Self, type Translate, Translation, type Webhook } from './context.ts';
import * as messages from './messages.ts';
import { rejected } from './rejected.ts';
import * as users from './users.ts';

const translations: { readonly [A in Action]: Translate<Payload<A>> } = {
  incoming_chat: chats.incomingChat,
  chat_deactivated: chats.chatDeactivated,
  chat_transferred: chats.chatTransferred,
  chat_access_updated: chats.accessUpdated,
  thread_tagged: chats.tagged,
  thread_untagged: chats.untagged,
  incoming_event: messages.incomingEvent,
  event_updated: messages.eventUpdated,
  event_deleted: messages.eventDeleted,
  incoming_rich_message_postback: messages.postback,
  events_marked_as_seen: messages.seen,
  user_added_to_chat: users.userAdded,
  user_removed_from_chat: users.userRemoved,
  agent_changed: users.agentChanged,
  customer_session_fields_updated: users.sessionFieldsUpdated,
};

/**
 * The domain events of one webhook: none for an action that becomes no event, `webhook.rejected` for a body that does
 * not fit its schema. Pure, and never throws on any JSON.
 */
export function translate(webhook: Webhook, self: Self): AnyEvent[] {
  return isAction(webhook.action) ? translateAs(webhook.action, new Translation(webhook, self)) : [];
}

function translateAs<A extends Action>(action: A, translation: Translation): AnyEvent[] {
  const schema: z.ZodMiniType<Payload<A>> = schemas[action];
  const payload = schema.safeParse(translation.webhook.payload);
  if (!payload.success) return [rejected(payload.error, 'payload', translation.webhook.payload, translation)];
  return translations[action](payload.data, translation);
}

const schemas: { readonly [A in Action]: z.ZodMiniType<Payload<A>> } = payloads;
