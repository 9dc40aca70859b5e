import { createHash, randomUUID } from 'node:crypto';
import pLimit from 'p-limit';
import type { InFlight } from '../in-flight.ts';
import { openState, type State } from '../state.ts';
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
  /** Stores webhooks until they are delivered or their retries are exhausted. Default: in memory. */
  readonly state?: State;
}

/** A webhook that has not been delivered. */
interface PendingWebhook {
  readonly webhook: Webhook;
  readonly target: Target;
  /** The number of the next attempt, from 1. */
  readonly attempt: number;
  /** When the next attempt starts, in milliseconds since 1970. The first one waits only for earlier webhooks. */
  readonly dueAt: number;
}

/**
 * Sends webhooks: sequentially per chat and receiver, otherwise concurrently. Retries do not keep the order, since LiveChat
 * does not guarantee it.
 */
export const createDelivery = (settings: DeliverySettings) => {
  const { inFlight, onAttempt, retryDelaysMs = defaultRetryDelaysMs, state = openState() } = settings;
  const stored = state.collection<PendingWebhook>('pending webhooks');
  const limit = pLimit(maxConnections);
  const stopping = new AbortController();
  const lastByChat = new Map<string, Promise<void>>();
  const timers = new Set<NodeJS.Timeout>();

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

  const attempt = async (key: string, pending: PendingWebhook): Promise<void> => {
    const { webhook, target, attempt: number } = pending;
    const body = toWebhookBody(webhook, target, settings.organizationId);
    const status = await post(target.url, body).catch(() => null);
    if (stopping.signal.aborted) return;
    const ok = status === 200;
    const delay = retryDelaysMs[number - 1];
    const gaveUp = !ok && delay === undefined;
    if (ok || delay === undefined) stored.delete(key);
    else {
      const retry = { ...pending, attempt: number + 1, dueAt: Date.now() + delay };
      stored.put(key, retry);
      retryLater(key, retry);
    }
    onAttempt?.({ action: webhook.action, status, attempt: number, ok, gaveUp });
  };

  const retryLater = (key: string, pending: PendingWebhook): void => {
    const timer = setTimeout(
      () => {
        timers.delete(timer);
        void attempt(key, pending).finally(inFlight.track());
      },
      Math.max(0, pending.dueAt - Date.now()),
    );
    timers.add(timer);
  };

  const enqueue = (key: string, pending: PendingWebhook): void => {
    const { webhook, target } = pending;
    const queue = `${webhook.chatId} ${target.url}`;
    const before = lastByChat.get(queue) ?? Promise.resolve();
    const end = inFlight.track();
    const done = before
      .then(() => attempt(key, pending))
      .finally(() => {
        end();
        if (lastByChat.get(queue) === done) lastByChat.delete(queue);
      });
    lastByChat.set(queue, done);
  };

  /** Every webhook is stored when this returns. */
  const send = (webhook: Webhook): void => {
    const targets = settings.targets(webhook.action);
    if (targets.length === 0 || settings.shouldDrop?.(webhook.action)) return;
    for (const target of targets) {
      const key = randomUUID();
      const pending = { webhook, target, attempt: 1, dueAt: Date.now() };
      stored.put(key, pending);
      enqueue(key, pending);
    }
  };

  /** Continues the deliveries of an earlier run, with the current address and secret of each receiver. */
  const resume = (): void => {
    for (const [key, { target: before, ...pending }] of stored.entries()) {
      const targets = settings.targets(pending.webhook.action);
      const target = targets.find(({ webhookId }) => webhookId === before.webhookId) ?? before;
      if (pending.attempt === 1) enqueue(key, { ...pending, target });
      else retryLater(key, { ...pending, target });
    }
  };

  const stop = (): void => {
    stopping.abort();
    for (const timer of timers) clearTimeout(timer);
    timers.clear();
  };

  return { send, resume, stop };
};
