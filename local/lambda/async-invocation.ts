import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import { functionArn } from '../aws/arn.ts';
import type { InFlight } from '../in-flight.ts';
import { type FunctionFailure, ThrottledError, toFunctionFailure } from './invocation.ts';
import type { Invoke } from './runtime.ts';

/** The record that Lambda sends to an on-failure destination. */
export type FailedInvocation = ReturnType<typeof toFailedInvocation>;

export interface AsyncOptions {
  readonly invoke: Invoke;
  /** The delay before each retry, in milliseconds. Its length is the number of retries. */
  readonly retryDelaysMs: readonly number[];
  /** The delay before the first retry of a throttled invocation; it doubles up to 5 minutes. Default 1 s, as on AWS. */
  readonly throttleRetryMs?: number;
  /** After this time a throttled or failed event is not retried. Default 6 hours, as on AWS. */
  readonly maxEventAgeMs?: number;
  sendToDestination(failed: FailedInvocation): Promise<unknown>;
  /** Receives a line for every invocation that ran out of retries or was lost. */
  report(message: string): void;
  /** Maximum of concurrent invocations. Default 6: enough for two cores, few enough for fast webhook responses. */
  readonly concurrency?: number;
  /** Counts invocations that run, wait or await a retry. */
  readonly inFlight: InFlight;
  readonly now?: () => Date;
  readonly newId?: () => string;
}

const maxThrottleRetryMs = 300_000;

/**
 * Asynchronous Lambda invocations: two retries, then the on-failure destination. A throttled invocation does not count
 * as a try; it is retried until the event is too old. AWS waits 1 and 2 minutes before the retries of a failed
 * invocation; the engine's default is 1 and 2 seconds.
 */
export function createAsyncInvocations(options: AsyncOptions) {
  const { invoke, retryDelaysMs, sendToDestination, report, concurrency = 6 } = options;
  const { throttleRetryMs = 1_000, maxEventAgeMs = 6 * 3_600_000 } = options;
  const { inFlight, now = () => new Date(), newId = randomUUID } = options;
  const limit = pLimit(concurrency);
  const stopped = new AbortController();
  let pending = 0;

  async function attempt(name: string, event: unknown, requestId: string): Promise<Outcome> {
    try {
      await limit(() => invoke(name, event, { requestId }));
      return 'succeeded';
    } catch (error) {
      return error instanceof ThrottledError ? 'throttled' : toFunctionFailure(error);
    }
  }

  /** Invokes the function until it succeeds. Returns why Lambda gives up, if it does. */
  async function attemptAll(name: string, event: unknown, requestId: string): Promise<Rejection | undefined> {
    const expiresAt = now().getTime() + maxEventAgeMs;
    let throttles = 0;
    for (let attempts = 1; ; attempts += 1) {
      const outcome = await attempt(name, event, requestId);
      if (outcome === 'succeeded') return undefined;
      if (outcome === 'throttled') throttles += 1;
      const delay = outcome === 'throttled' ? throttleDelayMs(throttles) : retryDelaysMs[attempts - throttles - 1];
      const condition = endOfRetries(delay, expiresAt);
      if (condition) return { condition, attempts, ...(outcome !== 'throttled' && { failure: outcome }) };
      await sleep(delay, undefined, { signal: stopped.signal });
    }
  }

  function throttleDelayMs(throttles: number): number {
    return Math.min(throttleRetryMs * 2 ** (throttles - 1), maxThrottleRetryMs);
  }

  function endOfRetries(delay: number | undefined, expiresAt: number): Rejection['condition'] | undefined {
    if (delay === undefined) return 'RetriesExhausted';
    return now().getTime() + delay > expiresAt ? 'EventAgeExceeded' : undefined;
  }

  async function run(name: string, event: unknown): Promise<void> {
    const requestId = newId();
    const rejection = await attemptAll(name, event, requestId);
    if (!rejection) return;
    await sendToDestination(toFailedInvocation({ name, event, requestId, failedAt: now(), ...rejection }));
    const { attempts, failure } = rejection;
    const reason = failure ? `failed ${attempts} times with ${failure.errorType}` : 'was throttled for too long';
    report(`${name} ${reason}: the event is in the dead-letter queue`);
  }

  return {
    start(name: string, event: unknown): void {
      const done = inFlight.track();
      pending += 1;
      run(name, event)
        .catch((error: unknown) => {
          if (stopped.signal.aborted) return;
          report(`The event for ${name} is lost: ${error instanceof Error ? error.message : String(error)}`);
        })
        .finally(() => {
          pending -= 1;
          done();
        });
    },

    stop(): void {
      if (pending > 0) report(`Stopped with ${pending} asynchronous invocations unfinished`);
      stopped.abort();
      limit.clearQueue();
    },
  };
}

type Outcome = 'succeeded' | 'throttled' | FunctionFailure;

interface Rejection {
  readonly condition: 'RetriesExhausted' | 'EventAgeExceeded';
  readonly attempts: number;
  /** Undefined if the last attempt was throttled. */
  readonly failure?: FunctionFailure;
}

interface RejectedEvent extends Rejection {
  readonly name: string;
  readonly event: unknown;
  readonly requestId: string;
  readonly failedAt: Date;
}

function toFailedInvocation({ name, event, requestId, condition, attempts, failure, failedAt }: RejectedEvent) {
  return {
    version: '1.0',
    timestamp: failedAt.toISOString(),
    requestContext: {
      requestId,
      functionArn: `${functionArn(name)}:$LATEST`,
      condition,
      approximateInvokeCount: attempts,
    },
    requestPayload: event,
    ...(failure && {
      responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
      responsePayload: failure,
    }),
  };
}
