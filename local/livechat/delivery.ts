import type { Poster } from './post.ts';
import { type Registration, toBody, type Webhook, type WebhookAction } from './webhooks.ts';

/** One try to deliver a webhook. */
export interface WebhookActivity {
  readonly type: 'livechat-webhook';
  readonly at: string;
  readonly action: WebhookAction;
  readonly chatId: string;
  /** null when there was no answer. */
  readonly status: number | null;
  /** 1 for the first try. */
  readonly attempt: number;
  readonly ok: boolean;
  /** This was the last try: LiveChat will never send this webhook again. */
  readonly gaveUp: boolean;
}

/** Three more tries within a minute, as LiveChat documents it; the division of the minute is our guess. */
export const defaultRetryDelaysMs: readonly number[] = [5_000, 15_000, 30_000];

export interface DeliverySettings extends Registration {
  readonly poster: Poster;
  readonly retryDelaysMs: readonly number[];
  readonly now: () => number;
  readonly onActivity: (activity: WebhookActivity) => void;
}

export interface Delivery {
  readonly send: (webhook: Webhook) => void;
  readonly stop: () => void;
}

/**
 * Sends webhooks: those of one chat one after the other, those of different chats side by side. Only the first try keeps
 * this order; a retry comes when its time has come, since LiveChat promises no order.
 */
export const createDelivery = (settings: DeliverySettings): Delivery => {
  const { poster, retryDelaysMs, now, onActivity } = settings;
  const lastOfChat = new Map<string, Promise<void>>();
  const pending = new Set<NodeJS.Timeout>();
  let stopped = false;

  const attempt = async (webhook: Webhook, body: string, number: number): Promise<void> => {
    if (stopped) return;
    const status = await poster.post(body).catch(() => null);
    if (stopped) return;
    const ok = status === 200;
    const delay = retryDelaysMs[number - 1];
    const gaveUp = !ok && delay === undefined;
    const { action, chatId } = webhook;
    const at = new Date(now()).toISOString();
    if (!ok && delay !== undefined) retryLater(webhook, body, number + 1, delay);
    onActivity({ type: 'livechat-webhook', at, action, chatId, status, attempt: number, ok, gaveUp });
  };

  const retryLater = (webhook: Webhook, body: string, number: number, delay: number): void => {
    const timer = setTimeout(() => {
      pending.delete(timer);
      void attempt(webhook, body, number);
    }, delay);
    pending.add(timer);
  };

  const send = (webhook: Webhook): void => {
    const body = toBody(webhook, settings);
    const { chatId } = webhook;
    const before = lastOfChat.get(chatId) ?? Promise.resolve();
    const done = before
      .then(() => attempt(webhook, body, 1))
      .finally(() => {
        if (lastOfChat.get(chatId) === done) lastOfChat.delete(chatId);
      });
    lastOfChat.set(chatId, done);
  };

  const stop = (): void => {
    stopped = true;
    for (const timer of pending) clearTimeout(timer);
    pending.clear();
    poster.close();
  };

  return { send, stop };
};
