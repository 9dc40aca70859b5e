import { createPoster, type Poster } from './post.ts';
import { type Target, toBody, type Webhook, type WebhookAction } from './webhooks.ts';

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

export interface DeliverySettings {
  readonly organizationId: string;
  /** Where an action's webhooks go now: nowhere, to one place or to several. */
  readonly targets: (action: WebhookAction) => readonly Target[];
  /** An answer that takes longer counts as none. */
  readonly timeoutMs: number;
  readonly retryDelaysMs: readonly number[];
  readonly now: () => number;
  readonly onActivity: (activity: WebhookActivity) => void;
  /** Told of each webhook that is owed, from its cause to its answer; answers how to say that it is done. One that waits to be tried again is not. */
  readonly begin?: () => () => void;
}

export interface Delivery {
  readonly send: (webhook: Webhook) => void;
  readonly stop: () => void;
}

interface Post {
  readonly webhook: Webhook;
  readonly url: string;
  readonly body: string;
}

/**
 * Sends webhooks: those of one chat to one place one after the other, everything else side by side. Only the first try keeps
 * this order; a retry comes when its time has come, since LiveChat promises no order.
 */
export const createDelivery = (settings: DeliverySettings): Delivery => {
  const { retryDelaysMs, now, onActivity, begin = () => () => {} } = settings;
  const posters = new Map<string, Poster>();
  const lastOfChat = new Map<string, Promise<void>>();
  const pending = new Set<NodeJS.Timeout>();
  let stopped = false;

  const posterOf = (url: string): Poster => {
    const poster = posters.get(url) ?? createPoster(url, settings.timeoutMs);
    posters.set(url, poster);
    return poster;
  };

  const attempt = async (post: Post, number: number): Promise<void> => {
    if (stopped) return;
    const status = await posterOf(post.url)
      .post(post.body)
      .catch(() => null);
    if (stopped) return;
    const ok = status === 200;
    const delay = retryDelaysMs[number - 1];
    const gaveUp = !ok && delay === undefined;
    const { action, chatId } = post.webhook;
    const at = new Date(now()).toISOString();
    if (!ok && delay !== undefined) retryLater(post, number + 1, delay);
    onActivity({ type: 'livechat-webhook', at, action, chatId, status, attempt: number, ok, gaveUp });
  };

  const retryLater = (post: Post, number: number, delay: number): void => {
    const timer = setTimeout(() => {
      pending.delete(timer);
      void attempt(post, number).finally(begin());
    }, delay);
    pending.add(timer);
  };

  const enqueue = (post: Post): void => {
    const line = `${post.webhook.chatId} ${post.url}`;
    const before = lastOfChat.get(line) ?? Promise.resolve();
    const end = begin();
    const done = before
      .then(() => attempt(post, 1))
      .finally(() => {
        end();
        if (lastOfChat.get(line) === done) lastOfChat.delete(line);
      });
    lastOfChat.set(line, done);
  };

  const send = (webhook: Webhook): void => {
    for (const target of settings.targets(webhook.action)) {
      enqueue({ webhook, url: target.url, body: toBody(webhook, target, settings.organizationId) });
    }
  };

  const stop = (): void => {
    stopped = true;
    for (const timer of pending) clearTimeout(timer);
    pending.clear();
    for (const poster of posters.values()) poster.close();
  };

  return { send, stop };
};
