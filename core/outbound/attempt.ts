import {
  type Channel,
  ChannelError,
  joinPollMs,
  joinTimeoutMs,
  maxCallMs,
  type SentMessage,
  settleMs,
  settlesAt,
} from '../channel/channel.ts';
import { Deferred } from '../channel/deferred.ts';
import type { RateLimiter } from '../channel/rate-limiter.ts';
import { reconnect } from '../channel/reconnect.ts';
import type { Clock } from '../platform/clock.ts';
import { ConfigurationError } from '../platform/configuration.ts';
import {
  type AttemptEnd,
  type AttemptHistory,
  type AttemptRepair,
  type AttemptState,
  attemptState,
} from './delivery.ts';
import { RequestExpired } from './errors.ts';
import type { ExecutionInput } from './request.ts';

/** The longest call, and the writes after it: no call starts with less of the function's time left. */
export const callTimeMs = maxCallMs + 5_000;

export interface AttemptOptions<Content> {
  readonly request: ExecutionInput;
  readonly id: string;
  readonly content: Content;
  readonly hasFile: boolean;
  readonly history: AttemptHistory;
  readonly channel: Channel<Content>;
  readonly limiter: RateLimiter;
  readonly clock: Clock;
  /** When the function times out, ms since 1970. */
  readonly deadline: number;
  /** Called when the credentials have stopped working, once each time the breaker opens. */
  readonly onCredentialsBlocked: () => Promise<void>;
}

export type AttemptResult = { readonly repairs: readonly AttemptRepair[] } & (
  | { readonly kind: 'sent'; readonly sent: SentMessage; readonly wasFound: boolean }
  /** `state`: what the next attempt must know. */
  | { readonly kind: 'failed'; readonly error: unknown; readonly state: AttemptState }
);

/**
 * One attempt to send a claimed part. It probes for the message if an earlier attempt may have sent it, then sends it, and
 * tries each repair once. Does not throw: after a call has been made, no error may hide its outcome.
 */
export async function attempt<Content>(options: AttemptOptions<Content>): Promise<AttemptResult> {
  const { request, id, content, hasFile, history, limiter, clock, deadline, onCredentialsBlocked } = options;
  const { conversationId, requestId, expiresAt } = request;
  const repairs: AttemptRepair[] = [];
  const tried = new Set<string>();
  let channel = options.channel;
  let joinedAt: number | undefined;
  let state = attemptState(history);

  /** Looks for the message. "Not found" proves "not sent" only if the earlier attempt had settled before LiveChat was asked. */
  async function probe(): Promise<SentMessage | undefined> {
    let askedAt = clock.now();
    const found = await call(() => {
      askedAt = clock.now();
      return channel.find(conversationId, id, history.firstAttemptAt);
    });
    if (found) return found;
    if (state.settledAt > askedAt) throw new Deferred(state.settledAt, 'unknown');
    state = { ...state, unknown: 'no' };
    return undefined;
  }

  async function send(prepared: Content): Promise<SentMessage> {
    for (;;) {
      try {
        return await write(() => channel.send(conversationId, { id, content: prepared }));
      } catch (error) {
        if (!(error instanceof ChannelError) || error.category !== 'Repairable') throw error;
        const sent = await repair(error, prepared);
        if (sent) return sent;
      }
    }
  }

  /** Repairs what an error names, once each. Returns the message if the repair has sent it. */
  async function repair(error: ChannelError, prepared: Content): Promise<SentMessage | undefined> {
    if (error.repair === 'join' && joinedAt !== undefined) return awaitJoin(error, joinedAt);
    const kind = error.repair;
    if (kind === undefined || tried.has(kind)) throw error;
    tried.add(kind);
    const { onInactive } = request.options;
    if (kind === 'resume' && onInactive === 'append') {
      const sent = await write(() => channel.append(conversationId, { id, content: prepared }));
      repairs.push('appended');
      return sent;
    }
    if (kind === 'resume' && onInactive === 'resume') await resume();
    else if (kind === 'join') await join();
    else throw error;
    return undefined;
  }

  async function resume(): Promise<void> {
    try {
      await call(() => channel.resume(conversationId));
      repairs.push('resumed');
    } catch (error) {
      // The chat may be active again already. If not, the next call reports it.
      if (!(error instanceof ChannelError) || error.category !== 'Client') throw error;
    }
  }

  async function join(): Promise<void> {
    try {
      await call(() => channel.join(conversationId));
      repairs.push('joined');
    } catch (error) {
      const isFull = error instanceof ChannelError && error.repair === 'transfer';
      if (!isFull || request.options.onAbsent !== 'transfer') throw error;
      await call(() => channel.takeOver(conversationId));
      repairs.push('took over');
    }
    joinedAt = clock.now();
  }

  async function awaitJoin(error: ChannelError, since: number): Promise<undefined> {
    if (clock.now() - since > joinTimeoutMs) throw error;
    await clock.sleep(joinPollMs);
  }

  /** A call that may send the message even if it fails. */
  async function write(make: () => Promise<SentMessage>): Promise<SentMessage> {
    let startedAt: number | undefined;
    try {
      return await call(() => {
        startedAt = clock.now();
        return make();
      });
    } catch (error) {
      if (startedAt !== undefined && isOutcomeUnknown(error)) {
        state = { ...state, unknown: 'yes', settledAt: settledAt(error, startedAt, clock.now()) };
      }
      throw error;
    }
  }

  /** One call within the rate limit. Follows a change of region and of credentials. */
  async function call<T>(make: () => Promise<T>): Promise<T> {
    try {
      return await limiter.run(() => {
        if (deadline - clock.now() < callTimeMs) throw new Deferred(clock.now(), 'time');
        return make();
      });
    } catch (error) {
      if (!(error instanceof ChannelError)) throw error;
      state = { ...state, lastError: error.name };
      if (error.category === 'Server' || error.category === 'Network') failCall(error);
      channel = await reconnect(error, channel, { limiter, onCredentialsBlocked, repaired: tried });
      repairs.push(error.category === 'Authentication' ? 'new credentials' : 'changed region');
    }
    // The region or the credentials have changed.
    return call(make);
  }

  function failCall(error: ChannelError): never {
    const failedCalls = state.failedCalls + 1;
    state = { ...state, failedCalls };
    const pauseMs = retryPause(failedCalls);
    throw pauseMs === undefined ? error : new Deferred(clock.now() + pauseMs, 'failing', { cause: error });
  }

  try {
    const found = state.unknown === 'yes' ? await probe() : undefined;
    if (found) return { kind: 'sent', sent: found, wasFound: true, repairs };
    if (clock.now() >= expiresAt) throw new RequestExpired(requestId, { lastError: history.lastError });
    const sent = hasFile
      ? await channel.withFile(content, async (fetched) => send(await call(() => channel.upload(fetched))))
      : await send(content);
    return { kind: 'sent', sent, wasFound: false, repairs };
  } catch (error) {
    const isRejected = error instanceof ChannelError && !countedElsewhere.has(error.category);
    if (isRejected) state = { ...state, failedCalls: state.failedCalls + 1 };
    return { kind: 'failed', error, state, repairs };
  }
}

/** Not counted at the end of an attempt: server and network errors are counted as they happen, a 429 is not counted. */
const countedElsewhere: ReadonlySet<string> = new Set(['Server', 'Network', 'RateLimit']);

/** Whether a call that failed may have taken effect. */
function isOutcomeUnknown(error: unknown): boolean {
  const channelError = channelErrorOf(error);
  if (channelError) return channelError.outcome === 'unknown';
  return !(error instanceof ConfigurationError || error instanceof Deferred);
}

function settledAt(error: unknown, startedAt: number, now: number): number {
  const channelError = channelErrorOf(error);
  return channelError ? settlesAt(channelError, startedAt, now) : startedAt + settleMs;
}

/** The failed call, also where it has become the cause of a deferral. */
function channelErrorOf(error: unknown): ChannelError | undefined {
  const failure = error instanceof Deferred ? error.cause : error;
  return failure instanceof ChannelError ? failure : undefined;
}

/** The error of an attempt that failed; undefined if it was deferred or expired before a failure. */
export function attemptError(error: unknown): Pick<AttemptEnd, 'error' | 'cause'> | undefined {
  if (error instanceof Deferred || error instanceof RequestExpired) {
    return error.cause === undefined ? undefined : attemptError(error.cause);
  }
  if (!(error instanceof Error)) return { error: typeof error };
  const cause = error instanceof ChannelError ? errorCodes(error) : '';
  return { error: error.name, ...(cause && { cause }) };
}

const maxCauseLength = 80;

function errorCodes({ status, type, cause }: ChannelError): string {
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  return [status, type, code]
    .filter((one) => one !== undefined)
    .join(' ')
    .slice(0, maxCauseLength);
}

/** The state machine retries a task three times; the fourth failure defers. */
const retriedCalls = 3;
const pausesMs = [30_000, 120_000, 300_000, 600_000] as const;

/** The pause after a server or network error, in ms; undefined if the state machine retries within seconds. */
export function retryPause(failedCalls: number): number | undefined {
  if (failedCalls <= retriedCalls) return undefined;
  return pausesMs[Math.min(failedCalls - retriedCalls, pausesMs.length) - 1];
}
