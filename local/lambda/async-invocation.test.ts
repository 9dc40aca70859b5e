import { expect, test } from 'vitest';
import { createInFlight } from '../in-flight.ts';
import { openState, type State } from '../state.ts';
import { createAsyncInvocations, type FailedInvocation } from './async-invocation.ts';
import { InvocationError, ThrottledError } from './invocation.ts';
import type { Invoke } from './runtime.ts';

const failure = { errorType: 'Server', errorMessage: 'busy', trace: ['at send'] };

function setUp(
  invoke: Invoke,
  overrides: {
    concurrency?: number;
    destinationFails?: boolean;
    maxEventAgeMs?: number;
    withoutConcurrencyLimit?: ReadonlySet<string>;
    state?: State;
  } = {},
) {
  const deadLetters: FailedInvocation[] = [];
  const reports: string[] = [];
  const inFlight = createInFlight();
  const { state = openState() } = overrides;
  const invocations = createAsyncInvocations({
    invoke,
    inFlight,
    state,
    retryDelayMs: 1,
    ...(overrides.maxEventAgeMs !== undefined && { maxEventAgeMs: overrides.maxEventAgeMs }),
    report: (message) => reports.push(message),
    async sendToDestination(failed) {
      if (overrides.destinationFails) throw new Error('queue is gone');
      deadLetters.push(failed);
    },
    concurrency: overrides.concurrency ?? 10,
    withoutConcurrencyLimit: overrides.withoutConcurrencyLimit,
    now: () => new Date('2030-01-01T00:00:00Z'),
    newId: () => 'request-1',
  });
  return { invocations, idle: inFlight.idle, deadLetters, reports };
}

function failTimes(times: number): { invoke: Invoke; requestIds: (string | undefined)[] } {
  const requestIds: (string | undefined)[] = [];
  const invoke: Invoke = async (_name, _event, options) => {
    requestIds.push(options?.requestId);
    if (requestIds.length <= times) throw new InvocationError(failure);
  };
  return { invoke, requestIds };
}

test('retries a failed invocation twice with the same request id', async () => {
  const { invoke, requestIds } = failTimes(2);
  const { invocations, idle, deadLetters, reports } = setUp(invoke);

  invocations.start('send', { n: 1 });

  expect(await idle(5_000)).toBe(true);
  expect(requestIds).toEqual(['request-1', 'request-1', 'request-1']);
  expect(deadLetters).toEqual([]);
  expect(reports).toEqual([]);
});

test("sends an invocation that fails three times to the destination in Lambda's format", async () => {
  const { invoke, requestIds } = failTimes(3);
  const { invocations, idle, deadLetters, reports } = setUp(invoke);

  invocations.start('send', { n: 1 });

  expect(await idle(5_000)).toBe(true);
  expect(requestIds).toHaveLength(3);
  expect(deadLetters).toEqual([
    {
      version: '1.0',
      timestamp: '2030-01-01T00:00:00.000Z',
      requestContext: {
        requestId: 'request-1',
        functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:send:$LATEST',
        condition: 'RetriesExhausted',
        approximateInvokeCount: 3,
      },
      requestPayload: { n: 1 },
      responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
      responsePayload: failure,
    },
  ]);
  expect(reports).toEqual([expect.stringContaining('send failed 3 times with Server')]);
});

test('retries a throttled invocation beyond the two retries of a failed one', async () => {
  const errors = [...Array.from({ length: 6 }, () => new ThrottledError()), new InvocationError(failure)];
  const { invocations, idle, deadLetters } = setUp(async () => {
    const error = errors.shift();
    if (error) throw error;
  });

  invocations.start('send', { n: 1 });

  expect(await idle(5_000)).toBe(true);
  expect(errors).toEqual([]);
  expect(deadLetters).toEqual([]);
});

test('sends a throttled event above the maximum age to the destination', async () => {
  const invoke: Invoke = () => Promise.reject(new ThrottledError());
  const { invocations, idle, deadLetters, reports } = setUp(invoke, { maxEventAgeMs: 3 });

  invocations.start('send', { n: 1 });

  expect(await idle(5_000)).toBe(true);
  expect(deadLetters).toEqual([
    {
      version: '1.0',
      timestamp: '2030-01-01T00:00:00.000Z',
      requestContext: {
        requestId: 'request-1',
        functionArn: 'arn:aws:lambda:us-east-1:000000000000:function:send:$LATEST',
        condition: 'EventAgeExceeded',
        approximateInvokeCount: 3,
      },
      requestPayload: { n: 1 },
    },
  ]);
  expect(reports).toEqual(['send was throttled for too long: the event is in the dead-letter queue']);
});

test('reports an event as lost if the destination fails', async () => {
  const { invocations, idle, reports } = setUp(failTimes(3).invoke, { destinationFails: true });

  invocations.start('send', {});

  expect(await idle(5_000)).toBe(true);
  expect(reports).toEqual(['The event for send is lost: queue is gone']);
});

test('resolves idle when all invocations have ended, or with false after the limit', async () => {
  const invocation = Promise.withResolvers<void>();
  const { invocations, idle } = setUp(() => invocation.promise);

  expect(await idle(0)).toBe(true);
  invocations.start('send', {});
  expect(await idle(1)).toBe(false);
  const ended = idle(5_000);
  invocation.resolve();
  expect(await ended).toBe(true);
});

test('does not count a function that waits for others toward the limit', async () => {
  const stored = Promise.withResolvers<void>();
  const invoke: Invoke = async (name) => (name === 'reconcile' ? stored.promise : stored.resolve());
  const { invocations, idle } = setUp(invoke, { concurrency: 1, withoutConcurrencyLimit: new Set(['reconcile']) });

  invocations.start('reconcile', {});
  invocations.start('chat-started', {});

  expect(await idle(5_000)).toBe(true);
});

test('limits concurrency and runs all invocations', async () => {
  let running = 0;
  let max = 0;
  const { invocations, idle } = setUp(
    async () => {
      running += 1;
      max = Math.max(max, running);
      await Promise.resolve();
      running -= 1;
    },
    { concurrency: 3 },
  );

  for (let n = 0; n < 20; n += 1) invocations.start('send', { n });

  expect(await idle(5_000)).toBe(true);
  expect(max).toBe(3);
});

test('reports unfinished invocations on stop', () => {
  const { invocations, reports } = setUp(() => new Promise(() => {}));

  invocations.start('send', {});
  invocations.stop();

  expect(reports).toEqual(['Stopped with 1 unfinished asynchronous invocations, which are lost']);
});

test('does not repeat an invocation that started before `resume`', async () => {
  const { invoke, requestIds } = failTimes(0);
  const { invocations, idle } = setUp(invoke, { state: openState() });

  invocations.start('send', { n: 1 });
  invocations.resume();

  expect(await idle(5_000)).toBe(true);
  expect(requestIds).toEqual(['request-1']);
});

test('continues an invocation of an earlier run with its request id and its remaining retries', async () => {
  const state = openState();
  const { invoke, requestIds } = failTimes(3);
  const started = Promise.withResolvers<void>();
  let calls = 0;
  const first = setUp(
    async (...invocation) => {
      calls += 1;
      if (calls === 1) return invoke(...invocation);
      started.resolve();
      await new Promise(() => {});
    },
    { state },
  );
  first.invocations.start('send', { n: 1 });
  await started.promise;
  first.invocations.stop();

  const second = setUp(invoke, { state });
  second.invocations.resume();

  expect(await second.idle(5_000)).toBe(true);
  expect(requestIds).toEqual(['request-1', 'request-1', 'request-1']);
  expect(second.deadLetters.map(({ requestContext }) => requestContext.approximateInvokeCount)).toEqual([3]);
  const third = setUp(invoke, { state });
  third.invocations.resume();
  expect(await third.idle(5_000)).toBe(true);
  expect(requestIds).toHaveLength(3);
});
