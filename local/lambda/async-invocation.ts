import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import { functionArn } from '../aws/arn.ts';
import type { InFlight } from '../in-flight.ts';
import { type FunctionFailure, toFunctionFailure } from './invocation.ts';
import type { Invoke } from './runtime.ts';

/** The record that Lambda sends to an on-failure destination. */
export type FailedInvocation = ReturnType<typeof toFailedInvocation>;

export interface AsyncOptions {
  readonly invoke: Invoke;
  /** The delay before each retry, in milliseconds. Its length is the number of retries. */
  readonly retryDelaysMs: readonly number[];
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

/**
 * Asynchronous Lambda invocations: two retries, then the on-failure destination.
 * AWS waits 1 and 2 minutes before them; the engine's default is 1 and 2 seconds.
 */
export function createAsyncInvocations(options: AsyncOptions) {
  const { invoke, retryDelaysMs, sendToDestination, report, concurrency = 6 } = options;
  const { inFlight, now = () => new Date(), newId = randomUUID } = options;
  const limit = pLimit(concurrency);
  const stopped = new AbortController();
  let pending = 0;

  async function attemptAll(name: string, event: unknown, requestId: string): Promise<FunctionFailure | undefined> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        await limit(() => invoke(name, event, { requestId }));
        return undefined;
      } catch (error) {
        const delay = retryDelaysMs[attempt];
        if (delay === undefined) return toFunctionFailure(error);
        await sleep(delay, undefined, { signal: stopped.signal });
      }
    }
  }

  async function run(name: string, event: unknown): Promise<void> {
    const requestId = newId();
    const failure = await attemptAll(name, event, requestId);
    if (!failure) return;
    const attempts = retryDelaysMs.length + 1;
    await sendToDestination(toFailedInvocation({ name, event, requestId, attempts, failure, failedAt: now() }));
    report(`${name} failed ${attempts} times with ${failure.errorType}: the event is in the dead-letter queue`);
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

interface Failure {
  readonly name: string;
  readonly event: unknown;
  readonly requestId: string;
  readonly attempts: number;
  readonly failure: FunctionFailure;
  readonly failedAt: Date;
}

function toFailedInvocation({ name, event, requestId, attempts, failure, failedAt }: Failure) {
  return {
    version: '1.0',
    timestamp: failedAt.toISOString(),
    requestContext: {
      requestId,
      functionArn: `${functionArn(name)}:$LATEST`,
      condition: 'RetriesExhausted',
      approximateInvokeCount: attempts,
    },
    requestPayload: event,
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
    responsePayload: failure,
  };
}
