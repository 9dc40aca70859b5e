import { createHash } from 'node:crypto';
import pLimit from 'p-limit';
import type { InFlight } from '../in-flight.ts';
import type { Chat } from './chats.ts';

/** The webhook actions of v3.6. */
export const webhookActions = [
  ...['incoming_chat', 'chat_deactivated', 'chat_access_updated', 'chat_transferred'],
  ...['user_added_to_chat', 'user_removed_from_chat'],
  ...['incoming_event', 'event_updated', 'event_deleted', 'incoming_rich_message_postback'],
  ...['chat_properties_updated', 'chat_properties_deleted', 'thread_properties_updated', 'thread_properties_deleted'],
  ...['event_properties_updated', 'event_properties_deleted', 'thread_tagged', 'thread_untagged'],
  ...['routing_status_set', 'customer_session_fields_updated', 'events_marked_as_seen', 'thread_summary_set'],
  ...['agent_created', 'agent_approved', 'agent_updated', 'agent_suspended', 'agent_unsuspended', 'agent_deleted'],
  ...['bot_created', 'bot_updated', 'bot_deleted', 'group_created', 'group_updated', 'group_deleted'],
  ...['auto_accesses_updated', 'tag_created', 'tag_updated', 'tag_deleted'],
] as const;

export type WebhookAction = (typeof webhookActions)[number];

type AdditionalData = 'chat_properties' | 'chat_presence_user_ids';

/** A webhook to send, with the state of the chat after the event. */
export type Webhook = ReturnType<typeof createWebhook>;

/** The fields of the payload of each action are those of the fixtures, with which the tests compare them. */
export const createWebhook = ({ id: chatId, properties, users }: Chat, action: WebhookAction, payload: object) => {
  const chat_presence_user_ids = users.filter((user) => user.present).map((user) => user.id);
  // LiveChat never sends additional_data with chat_transferred.
  const additionalData =
    action === 'chat_transferred' ? undefined : { chat_properties: properties, chat_presence_user_ids };
  return { action, chatId, payload, additionalData };
};

export interface Receiver {
  readonly url: string;
  readonly secretKey: string;
}

/** A receiver of the webhooks of one action. */
export interface Target extends Receiver {
  /** Identifies the registration, not the delivery. */
  readonly webhookId: string;
  /** The additional data requested at registration. */
  readonly additionalData: readonly AdditionalData[];
}

/** The target of webhooks without a registration. Its id is constant per action. */
export const defaultTarget = (action: WebhookAction, receiver: Receiver): Target => ({
  ...receiver,
  webhookId: createHash('md5').update(action).digest('hex'),
  additionalData: ['chat_properties', 'chat_presence_user_ids'],
});

const additionalData = ({ additionalData: all }: Webhook, { additionalData: requested }: Target) =>
  all && Object.fromEntries(requested.map((name) => [name, all[name]]));

/** The request body of a webhook. */
export const toWebhookBody = (webhook: Webhook, target: Target, organizationId: string): string =>
  JSON.stringify({
    webhook_id: target.webhookId,
    secret_key: target.secretKey,
    action: webhook.action,
    organization_id: organizationId,
    payload: webhook.payload,
    additional_data: additionalData(webhook, target),
  });

/** Limits the number of connections, because hundreds of chats can send at the same time. */
const maxConnections = 128;

export interface DeliveryAttempt {
  readonly action: WebhookAction;
  /** null if there was no response. */
  readonly status: number | null;
  /** Starts at 1. */
  readonly attempt: number;
  readonly ok: boolean;
  /** The last attempt failed; the webhook is not sent again. */
  readonly gaveUp: boolean;
}

/** LiveChat documents three retries within a minute; the distribution is an assumption. */
const defaultRetryDelaysMs: readonly number[] = [5_000, 15_000, 30_000];

export interface DeliverySettings {
  readonly organizationId: string;
  /** The current receivers of an action's webhooks. */
  readonly targets: (action: WebhookAction) => readonly Target[];
  /** Whether to drop the next webhook of this action. */
  readonly shouldDrop?: (action: WebhookAction) => boolean;
  /** A later response counts as none. */
  readonly timeoutMs: number;
  readonly retryDelaysMs?: readonly number[];
  /** Counts pending attempts. Waiting retries are not pending. */
  readonly inFlight: InFlight;
  readonly onAttempt?: (attempt: DeliveryAttempt) => void;
}

/**
 * Sends webhooks: sequentially per chat and receiver, otherwise concurrently. Retries do not keep the order, since LiveChat
 * does not guarantee it.
 */
export const createDelivery = (settings: DeliverySettings) => {
  const { inFlight, onAttempt, retryDelaysMs = defaultRetryDelaysMs } = settings;
  const limit = pLimit(maxConnections);
  const stopping = new AbortController();
  const lastByChat = new Map<string, Promise<void>>();
  const pending = new Set<NodeJS.Timeout>();

  /** Posts JSON and returns the response status. Rejects if there is no response. */
  const post = (url: string, body: string): Promise<number> =>
    limit(async () => {
      const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(settings.timeoutMs)]);
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal });
      // The connection is reusable only after the body is read.
      await response.arrayBuffer();
      return response.status;
    });

  const attempt = async (webhook: Webhook, target: Target, number: number): Promise<void> => {
    const body = toWebhookBody(webhook, target, settings.organizationId);
    const status = await post(target.url, body).catch(() => null);
    if (stopping.signal.aborted) return;
    const ok = status === 200;
    const delay = retryDelaysMs[number - 1];
    const gaveUp = !ok && delay === undefined;
    if (!ok && delay !== undefined) retryLater(webhook, target, number + 1, delay);
    onAttempt?.({ action: webhook.action, status, attempt: number, ok, gaveUp });
  };

  const retryLater = (webhook: Webhook, target: Target, number: number, delay: number): void => {
    const timer = setTimeout(() => {
      pending.delete(timer);
      void attempt(webhook, target, number).finally(inFlight.track());
    }, delay);
    pending.add(timer);
  };

  const enqueue = (webhook: Webhook, target: Target): void => {
    const key = `${webhook.chatId} ${target.url}`;
    const before = lastByChat.get(key) ?? Promise.resolve();
    const end = inFlight.track();
    const done = before
      .then(() => attempt(webhook, target, 1))
      .finally(() => {
        end();
        if (lastByChat.get(key) === done) lastByChat.delete(key);
      });
    lastByChat.set(key, done);
  };

  const send = (webhook: Webhook): void => {
    const targets = settings.targets(webhook.action);
    if (targets.length === 0 || settings.shouldDrop?.(webhook.action)) return;
    for (const target of targets) enqueue(webhook, target);
  };

  const stop = (): void => {
    stopping.abort();
    for (const timer of pending) clearTimeout(timer);
    pending.clear();
  };

  return { send, stop };
};
