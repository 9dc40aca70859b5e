import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import { functionArn } from '../aws/arn.ts';
import type { InFlight } from '../in-flight.ts';
import type { State } from '../state.ts';
import { createStoredWork } from '../stored-work.ts';
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
  /** Stores the invocations until they end. */
  readonly state: State;
  sendToDestination(failed: FailedInvocation): Promise<unknown>;
  /** Receives a line for every invocation that ran out of retries or was lost. */
  report(message: string): void;
  /** Maximum number of concurrent invocations. */
  readonly concurrency?: number | undefined;
  /** Functions that wait for the work of others, and so must not take their places. */
  readonly withoutConcurrencyLimit?: ReadonlySet<string> | undefined;
  /** Counts invocations that run, wait or await a retry. */
  readonly inFlight: InFlight;
  readonly now?: () => Date;
  readonly newId?: () => string;
}

/** Enough for two cores, few enough for fast webhook responses. */
export const defaultAsyncConcurrency = 6;

const maxRetries = 2;
const maxRetryDelayMs = 300_000;

/** An accepted invocation that has not ended, and the progress of its attempts. */
interface PendingInvocation {
  readonly name: string;
  readonly event: unknown;
  readonly requestId: string;
  /** In milliseconds since 1970, as `dueAt`. */
  readonly expiresAt: number;
  /** The number of attempts that ended. */
  readonly attempts: number;
  readonly retries: { readonly failed: number; readonly throttled: number };
  /** When the next attempt starts. */
  readonly dueAt: number;
}

/**
 * Asynchronous Lambda invocations: two retries, then the on-failure destination. A throttled invocation does not count
 * as a try; it is retried until the event is too old. AWS waits 1 and 2 minutes before the retries of a failed
 * invocation; the engine's default is 1 and 2 seconds.
 *
 * An invocation is stored before `start` returns. After a restart, `resume` repeats the attempt that had not ended.
 */
export function createAsyncInvocations(options: AsyncOptions) {
  const {
    invoke,
    retryDelayMs,
    sendToDestination,
    report,
    concurrency = defaultAsyncConcurrency,
    withoutConcurrencyLimit,
    maxEventAgeMs = 6 * 3_600_000,
  } = options;
  const { inFlight, now = () => new Date(), newId = randomUUID } = options;
  const pending = createStoredWork<PendingInvocation>({
    state: options.state,
    name: 'asynchronous invocations',
    inFlight,
    run,
    onError: ({ name }, error) =>
      report(`The event for ${name} is lost: ${error instanceof Error ? error.message : String(error)}`),
  });
  const limit = pLimit(concurrency);

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
  async function attemptAll(first: PendingInvocation, key: string): Promise<Rejection | undefined> {
    for (let next = first; ; pending.update(key, next)) {
      const { name, event, requestId, expiresAt, retries } = next;
      const wait = next.dueAt - now().getTime();
      if (wait > 0) await sleep(wait, undefined, { signal: pending.signal });
      const { kind, failure } = await attempt(name, event, requestId);
      if (kind === 'succeeded') return undefined;
      // The runtime stops: this attempt is repeated after the restart.
      pending.signal.throwIfAborted();
      const attempts = next.attempts + 1;
      if (kind === 'failed' && retries.failed === maxRetries)
        return { condition: 'RetriesExhausted', attempts, failure };
      const dueAt = now().getTime() + Math.min(retryDelayMs * 2 ** retries[kind], maxRetryDelayMs);
      if (dueAt > expiresAt) return { condition: 'EventAgeExceeded', attempts, failure };
      next = { ...next, attempts, dueAt, retries: { ...retries, [kind]: retries[kind] + 1 } };
    }
  }

  async function run(invocation: PendingInvocation, key: string): Promise<void> {
    const rejection = await attemptAll(invocation, key);
    if (!rejection) return;
    const { name } = invocation;
    await sendToDestination(toFailedInvocation({ ...invocation, failedAt: now(), ...rejection }));
    const { attempts, failure } = rejection;
    const reason = failure ? `failed ${attempts} times with ${failure.errorType}` : 'was throttled for too long';
    report(`${name} ${reason}: the event is in the dead-letter queue`);
  }

  return {
    /** The invocation is stored when this returns. */
    start(name: string, event: unknown): void {
      const startedAt = now().getTime();
      pending.add({
        name,
        event,
        requestId: newId(),
        expiresAt: startedAt + maxEventAgeMs,
        attempts: 0,
        retries: { failed: 0, throttled: 0 },
        dueAt: startedAt,
      });
    },

    /** Continues the invocations of an earlier run. */
    resume: pending.resume,

    stop(): void {
      const outcome = options.state.folder === undefined ? 'lost' : 'continued at the next start';
      const running = pending.running();
      if (running > 0) report(`Stopped with ${running} unfinished asynchronous invocations, which are ${outcome}`);
      pending.stop();
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

interface RejectedEvent extends Rejection, Pick<PendingInvocation, 'name' | 'event' | 'requestId'> {
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
