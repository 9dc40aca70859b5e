import { expect, test } from 'vitest';
import { createAsyncInvocations, type FailedInvocation } from './async-invocation.ts';
import { InvocationError } from './invocation.ts';
import type { Invoke } from './runtime.ts';

const failure = { errorType: 'Server', errorMessage: 'busy', trace: ['at send'] };

function setUp(invoke: Invoke, overrides: { concurrency?: number; destinationFails?: boolean } = {}) {
  const deadLetters: FailedInvocation[] = [];
  const reports: string[] = [];
  const invocations = createAsyncInvocations({
    invoke,
    retryDelaysMs: [1, 2],
    report: (message) => reports.push(message),
    async sendToDestination(letter) {
      if (overrides.destinationFails) throw new Error('queue is gone');
      deadLetters.push(letter);
    },
    concurrency: overrides.concurrency ?? 10,
    now: () => new Date('2030-01-01T00:00:00Z'),
    newId: () => 'request-1',
  });
  return { invocations, deadLetters, reports };
}

function failTimes(times: number): { invoke: Invoke; requestIds: (string | undefined)[] } {
  const requestIds: (string | undefined)[] = [];
  const invoke: Invoke = async (_name, _event, options) => {
    requestIds.push(options?.requestId);
    if (requestIds.length <= times) throw new InvocationError(failure);
  };
  return { invoke, requestIds };
}

test('a failed invocation is tried twice more under the same request id', async () => {
  const { invoke, requestIds } = failTimes(2);
  const { invocations, deadLetters, reports } = setUp(invoke);

  invocations.start('send', { n: 1 });

  expect(await invocations.idle(5_000)).toBe(true);
  expect(requestIds).toEqual(['request-1', 'request-1', 'request-1']);
  expect(deadLetters).toEqual([]);
  expect(reports).toEqual([]);
});

test("what fails three times is sent to the destination in Lambda's format", async () => {
  const { invoke, requestIds } = failTimes(3);
  const { invocations, deadLetters, reports } = setUp(invoke);

  invocations.start('send', { n: 1 });

  expect(await invocations.idle(5_000)).toBe(true);
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

test('an event that even the destination does not take is reported as lost', async () => {
  const { invocations, reports } = setUp(failTimes(3).invoke, { destinationFails: true });

  invocations.start('send', {});

  expect(await invocations.idle(5_000)).toBe(true);
  expect(reports).toEqual(['The event for send is lost: queue is gone']);
});

test('idle waits for what runs, and says so when it takes too long', async () => {
  const gate = Promise.withResolvers<void>();
  const { invocations } = setUp(() => gate.promise);

  expect(await invocations.idle(0)).toBe(true);
  invocations.start('send', {});
  expect(await invocations.idle(1)).toBe(false);
  const idle = invocations.idle(5_000);
  gate.resolve();
  expect(await idle).toBe(true);
});

test('no more run at once than the limit, and all run in the end', async () => {
  let running = 0;
  let most = 0;
  const { invocations } = setUp(
    async () => {
      running += 1;
      most = Math.max(most, running);
      await Promise.resolve();
      running -= 1;
    },
    { concurrency: 3 },
  );

  for (let n = 0; n < 20; n += 1) invocations.start('send', { n });

  expect(await invocations.idle(5_000)).toBe(true);
  expect(most).toBe(3);
});

test('stopping reports what was left undone', () => {
  const { invocations, reports } = setUp(() => new Promise(() => {}));

  invocations.start('send', {});
  invocations.stop();

  expect(reports).toEqual(['Stopped with 1 asynchronous invocations unfinished']);
});
