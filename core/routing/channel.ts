import { ChannelError } from '../channel/channel.ts';
import { Deferred } from '../channel/deferred.ts';
import type { RateLimiter } from '../channel/rate-limiter.ts';
import { type Reconnectable, reconnect } from '../channel/reconnect.ts';
import type { Clock } from '../platform/clock.ts';
import type { Target } from './rules.ts';

/** `agents`: customers do not see it. */
export type Visibility = 'all' | 'agents';

/** A message with an id of ours, by which it can be found again. */
export interface RoutingMessage {
  readonly id: string;
  readonly text: string;
  readonly visibility: Visibility;
}

/**
 * What routing needs of a channel. Each method makes one call, and throws the channel's classified errors
 * (core/channel/channel.ts).
 */
export interface RoutingChannel extends Reconnectable<RoutingChannel> {
  /** Our agent, which sends the messages; undefined if none is configured. */
  readonly agentId: string | undefined;
  /** Transfers the chat. Fails if no agent of the target is free, unless the target allows the queue. */
  transfer(conversationId: string, target: Target): Promise<void>;
  /** Returns the chat to the channel's own routing within its current groups. */
  handBack(conversationId: string): Promise<void>;
  tag(conversationId: string, threadId: string, tag: string): Promise<void>;
  sendMessage(conversationId: string, message: RoutingMessage): Promise<void>;
  /** Whether a message with this id exists in any thread since `since` (ms since 1970). */
  find(conversationId: string, id: string, since: number): Promise<boolean>;
  /** Adds our agent to the chat; with `agents`, invisibly to the customer. */
  join(conversationId: string, visibility: Visibility): Promise<void>;
}

/**
 * Creates the channel of an organization. `onQuotaExhausted`: called when the channel reports that no calls remain for the
 * next `resetMs`.
 */
export type CreateRoutingChannel = (
  organizationId: string,
  onQuotaExhausted: (resetMs: number) => void,
) => Promise<RoutingChannel>;

/** The total time that one decision waits for slots. A later transfer is worse than the channel's own routing. */
export const maxWaitMs = 10_000;
/**
 * There is no slot in time: too many calls wait, the breaker is open, an operator has paused sending, or the function is
 * nearly over.
 */
export class NoSlot extends Error {
  override readonly name = 'NoSlot';
}

export interface RateLimitOptions {
  /** Called before the first call. */
  readonly channel: () => Promise<RoutingChannel>;
  readonly limiter: RateLimiter;
  readonly clock: Clock;
  /** No call starts later than this, ms since 1970. */
  readonly latest: number;
  /** Called once, if the credentials have stopped working. */
  readonly onCredentialsBlocked: () => Promise<void>;
}

/** Makes one call within the organization's rate limit. Throws {@link NoSlot}, or the channel's error. */
export type CallChannel = <T>(request: (channel: RoutingChannel) => Promise<T>) => Promise<T>;

export function limitCalls(options: RateLimitOptions): CallChannel {
  const { limiter, clock, latest, onCredentialsBlocked } = options;
  const repaired = new Set<string>();
  let channel: RoutingChannel | undefined;
  let waitedMs = 0;

  async function call<T>(request: (channel: RoutingChannel) => Promise<T>): Promise<T> {
    channel ??= await options.channel();
    const called = channel;
    try {
      return await run(() => request(called));
    } catch (error) {
      if (!(error instanceof ChannelError)) throw error;
      channel = await reconnect(error, called, { limiter, onCredentialsBlocked, repaired });
    }
    return call(request);
  }

  /** Waits for a slot, and for another after a 429, within the decision's wait budget. */
  async function run<T>(request: () => Promise<T>): Promise<T> {
    for (;;) {
      const startedAt = clock.now();
      try {
        return await limiter.run(() => {
          waitedMs += clock.now() - startedAt;
          requireTime();
          return request();
        });
      } catch (error) {
        if (!(error instanceof Deferred)) throw error;
        const waitMs = error.until - clock.now();
        requireTime(waitMs);
        waitedMs += waitMs;
        await clock.sleep(waitMs);
      }
    }
  }

  /** Throws {@link NoSlot} if no call may start after another wait. */
  function requireTime(waitMs = 0): void {
    if (waitedMs + waitMs > maxWaitMs)
      throw new NoSlot(
        `no rate-limiter slot within ${maxWaitMs / 1000} s; see \`livechat limits show\` or Rate limits in the console`,
      );
    if (clock.now() + waitMs > latest) throw new NoSlot('the function has too little time left for another call');
  }

  return call;
}
