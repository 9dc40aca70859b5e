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
  /** The delay before the first retry of a failed or throttled invocation, in milliseconds; it doubles up to 5 minutes. */
  readonly retryDelayMs: number;
  /** After this time a throttled or failed event is not retried. Default 6 hours, as on AWS. */
  readonly maxEventAgeMs?: number;
  sendToDestination(failed: FailedInvocation): Promise<unknown>;
  /** Receives a line for every invocation that ran out of retries or was lost. */
  report(message: string): void;
  /** Maximum of concurrent invocations. Default 6: enough for two cores, few enough for fast webhook responses. */
  readonly concurrency?: number;
  /** Functions that wait for the work of others, and so must not take their places. */
  readonly withoutConcurrencyLimit?: ReadonlySet<string> | undefined;
  /** Counts invocations that run, wait or await a retry. */
  readonly inFlight: InFlight;
  readonly now?: () => Date;
  readonly newId?: () => string;
}

const maxRetries = 2;
const maxRetryDelayMs = 300_000;

/**
 * Asynchronous Lambda invocations: two retries, then the on-failure destination. A throttled invocation does not count
 * as a try; it is retried until the event is too old. AWS waits 1 and 2 minutes before the retries of a failed
 * invocation; the engine's default is 1 and 2 seconds.
 */
export function createAsyncInvocations(options: AsyncOptions) {
  const {
    invoke,
    retryDelayMs,
    sendToDestination,
    report,
    concurrency = 6,
    withoutConcurrencyLimit,
    maxEventAgeMs = 6 * 3_600_000,
  } = options;
  const { inFlight, now = () => new Date(), newId = randomUUID } = options;
  const limit = pLimit(concurrency);
  const stopped = new AbortController();
  let pending = 0;

  async function attempt(name: string, event: unknown, requestId: string): Promise<Outcome> {
    try {
      const run = () => invoke(name, event, { requestId });
      await (withoutConcurrencyLimit?.has(name) ? run() : limit(run));
      return { kind: 'succeeded' };
    } catch (error) {
      return error instanceof ThrottledError
        ? { kind: 'throttled' }
        : { kind: 'failed', failure: toFunctionFailure(error) };
    }
  }

  /** Invokes the function until it succeeds. Returns why Lambda gives up, if it does. */
  async function attemptAll(name: string, event: unknown, requestId: string): Promise<Rejection | undefined> {
    const expiresAt = now().getTime() + maxEventAgeMs;
    const retries = { failed: 0, throttled: 0 };
    for (let attempts = 1; ; attempts += 1) {
      const { kind, failure } = await attempt(name, event, requestId);
      if (kind === 'succeeded') return undefined;
      if (kind === 'failed' && retries.failed === maxRetries)
        return { condition: 'RetriesExhausted', attempts, failure };
      const delay = Math.min(retryDelayMs * 2 ** retries[kind], maxRetryDelayMs);
      if (now().getTime() + delay > expiresAt) return { condition: 'EventAgeExceeded', attempts, failure };
      await sleep(delay, undefined, { signal: stopped.signal });
      retries[kind] += 1;
    }
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

interface Outcome {
  readonly kind: 'succeeded' | 'throttled' | 'failed';
  readonly failure?: FunctionFailure;
}

interface Rejection {
  readonly condition: 'RetriesExhausted' | 'EventAgeExceeded';
  readonly attempts: number;
  /** Undefined if the last attempt was throttled. */
  readonly failure: FunctionFailure | undefined;
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
