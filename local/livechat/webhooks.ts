import { createHash } from 'node:crypto';
import type { ChatEvent, Properties, Thread, User } from './shapes.ts';

/** The payload of each webhook action that the simulator sends. */
export interface WebhookPayloads {
  incoming_chat: {
    readonly requester_id?: string;
    readonly chat: {
      readonly id: string;
      readonly users: readonly User[];
      readonly properties: Properties;
      readonly access: Thread['access'];
      readonly thread: Thread;
    };
  };
  chat_deactivated: { readonly chat_id: string; readonly thread_id: string; readonly user_id?: string };
  chat_transferred: {
    readonly chat_id: string;
    readonly thread_id: string;
    readonly requester_id?: string;
    readonly reason: 'manual' | 'inactive' | 'assigned' | 'unassigned' | 'other';
    readonly transferred_to: { readonly group_ids: readonly number[]; readonly agent_ids?: readonly string[] };
    readonly queue?: Thread['queue'];
  };
  user_added_to_chat: {
    readonly chat_id: string;
    readonly thread_id: string;
    readonly user: User;
    readonly user_type: User['type'];
    readonly reason: string;
    readonly requester_id: string;
  };
  user_removed_from_chat: {
    readonly chat_id: string;
    readonly thread_id: string;
    readonly user_id: string;
    readonly user_type: User['type'];
    readonly reason: string;
    readonly requester_id: string;
  };
  incoming_event: { readonly chat_id: string; readonly thread_id: string; readonly event: ChatEvent };
  event_updated: { readonly chat_id: string; readonly thread_id: string; readonly event: ChatEvent };
  event_deleted: { readonly chat_id: string; readonly thread_id: string; readonly event_id: string };
  incoming_rich_message_postback: {
    readonly user_id: string;
    readonly chat_id: string;
    readonly thread_id: string;
    readonly event_id: string;
    readonly postback: {
      readonly id: string;
      readonly toggled: boolean;
      readonly button_type: string;
      readonly button_value: string;
    };
  };
  events_marked_as_seen: { readonly user_id: string; readonly chat_id: string; readonly seen_up_to: string };
  customer_session_fields_updated: {
    readonly id: string;
    readonly active_chat: { readonly chat_id: string; readonly thread_id: string };
    readonly session_fields: readonly Readonly<Record<string, string>>[];
  };
  thread_tagged: { readonly chat_id: string; readonly thread_id: string; readonly tag: string };
  thread_untagged: { readonly chat_id: string; readonly thread_id: string; readonly tag: string };
}

export type WebhookAction = keyof WebhookPayloads;

/** A webhook that is to be sent: what happened, with the chat as it is just afterwards. */
export interface Webhook<Action extends WebhookAction = WebhookAction> {
  readonly action: Action;
  readonly chatId: string;
  readonly payload: WebhookPayloads[Action];
  readonly additionalData?: {
    readonly chat_properties: Properties;
    readonly chat_presence_user_ids: readonly string[];
  };
}

/** The chat that a webhook is about, as it is then. */
interface Subject {
  readonly id: string;
  readonly users: readonly User[];
  readonly properties: Properties;
}

export const webhookOf = <Action extends WebhookAction>(
  chat: Subject,
  action: Action,
  payload: WebhookPayloads[Action],
): Webhook<Action> => {
  const webhook = { action, chatId: chat.id, payload };
  // LiveChat sends no additional_data with this one, whatever was asked for at registration.
  if (action === 'chat_transferred') return webhook;
  const presence = chat.users.filter((user) => user.present).map((user) => user.id);
  return { ...webhook, additionalData: { chat_properties: chat.properties, chat_presence_user_ids: presence } };
};

/** Names the registration, not the delivery: one id an action, for ever. For webhooks that nobody registered. */
export const registrationId = (action: string): string => createHash('md5').update(action).digest('hex');

export type AdditionalData = 'chat_properties' | 'chat_presence_user_ids';

/** Where a webhook goes. */
export interface Target {
  readonly webhookId: string;
  readonly url: string;
  readonly secretKey: string;
  /** What was asked for at the registration. */
  readonly additionalData: readonly AdditionalData[];
}

const additionalData = ({ additionalData: all }: Webhook, { additionalData: asked }: Target) =>
  all && {
    ...(asked.includes('chat_properties') && { chat_properties: all.chat_properties }),
    ...(asked.includes('chat_presence_user_ids') && { chat_presence_user_ids: all.chat_presence_user_ids }),
  };

/** The body that LiveChat posts. */
export const toBody = (webhook: Webhook, target: Target, organizationId: string): string =>
  JSON.stringify({
    webhook_id: target.webhookId,
    secret_key: target.secretKey,
    action: webhook.action,
    organization_id: organizationId,
    payload: webhook.payload,
    additional_data: additionalData(webhook, target),
  });
