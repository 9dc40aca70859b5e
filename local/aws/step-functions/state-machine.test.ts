import { StopExecutionCommand } from '@aws-sdk/client-sfn';
import { afterEach, expect, test } from 'vitest';
import { sendStateMachine } from '../../../core/outbound/state-machine.ts';
import {
  failsWith,
  type Step,
  sendArn,
  startTestMachine,
  type TestMachine,
  throttles,
} from '../../../test/test-aws.ts';
import { functionArn } from '../arn.ts';

let machine: TestMachine;
afterEach(() => machine.stop());

async function start(steps: readonly Step[], overrides: Parameters<typeof startTestMachine>[1] = {}): Promise<void> {
  machine = await startTestMachine(steps, overrides);
}

const request = { request: { requestId: 'r1', until: '2999-01-01T00:00:00Z' } };
const types = async (arn: string) => (await machine.history(arn)).map(({ type }) => type);

test("ends a successful send with the function's result", async () => {
  await start([() => ({ sent: 1 })]);

  const arn = await machine.start(request, 'one');

  expect(await machine.ended(arn)).toEqual({ status: 'SUCCEEDED', output: '{"sent":1}' });
  expect(arn).toBe('arn:aws:states:us-east-1:000000000000:execution:send:one');
  expect(machine.sent).toEqual([request]);
  expect(await types(arn)).toEqual([
    'ExecutionStarted',
    'TaskStateEntered',
    'LambdaFunctionScheduled',
    'LambdaFunctionStarted',
    'LambdaFunctionSucceeded',
    'TaskStateExited',
    'ExecutionSucceeded',
  ]);
  expect((await machine.control('GET', 'calls')).body).toMatchObject({ 'states.Transition': 1 });
});

test.each(['ChannelServerError', 'Sandbox.Timedout', 'Runtime.ExitError'])('retries %s', async (name) => {
  await start([failsWith(name), failsWith(name), () => 'sent']);

  const arn = await machine.start(request);

  expect(await machine.ended(arn)).toEqual({ status: 'SUCCEEDED', output: '"sent"' });
  expect(machine.sent).toHaveLength(3);
  const failed = (await machine.history(arn)).find(({ type }) => type === 'LambdaFunctionFailed');
  const cause = JSON.stringify({ errorType: name, errorMessage: 'no', trace: ['at send'] });
  expect(failed?.lambdaFunctionFailedEventDetails).toEqual({ error: name, cause });
});

test('retries a throttled function until it succeeds', async () => {
  await start([...Array.from({ length: 20 }, () => throttles), () => 'sent']);

  expect(await machine.ended(await machine.start(request))).toMatchObject({ status: 'SUCCEEDED' });
  expect(machine.sent).toHaveLength(21);
});

test('waits until the whole second of a deferral and then sends', async () => {
  const until = Math.ceil(Date.now() / 1_000) * 1_000 + 900;
  const time = new Date(until).toISOString();
  await start([failsWith('Deferred', `rate|${time}|1|${until}|7|2|`), () => Date.now()]);

  const arn = await machine.start(request);
  const { status, output } = await machine.ended(arn);

  expect(status).toBe('SUCCEEDED');
  expect(Number(output)).toBeGreaterThanOrEqual(until - 900);
  expect(Number(output)).toBeLessThan(until);
  expect(machine.sent[1]).toEqual({
    ...request,
    turn: { until: time, seconds: 1, slot: { at: until, epoch: 7, missed: 2 } },
  });
  const history = await machine.history(arn);
  expect(history.map(({ type }) => type)).toEqual([
    'ExecutionStarted',
    'TaskStateEntered',
    'LambdaFunctionScheduled',
    'LambdaFunctionStarted',
    'LambdaFunctionFailed',
    'TaskStateExited',
    'PassStateEntered',
    'PassStateExited',
    'WaitStateEntered',
    'WaitStateExited',
    'TaskStateEntered',
    'LambdaFunctionScheduled',
    'LambdaFunctionStarted',
    'LambdaFunctionSucceeded',
    'TaskStateExited',
    'ExecutionSucceeded',
  ]);
  expect(history.map(({ id }) => id)).toEqual(history.map((_, index) => index + 1));
  expect(history.map(({ previousEventId }) => previousEventId).slice(0, 4)).toEqual([0, 0, 2, 3]);
});

test('counts a waiting execution as in flight only on request', async () => {
  await start([failsWith('Deferred', 'rate|2999-01-01T00:00:00Z|1|0|0|0|'), () => 'sent']);

  const arn = await machine.start(request);

  expect((await machine.control('GET', 'idle')).body).toEqual({ idle: true });
  expect(await types(arn)).toContain('WaitStateEntered');
  expect(await machine.idle(1, true)).toBe(false);
});

test.each([
  ['an error without a retry', 'ChannelClientError', 1],
  ['an error after three retries', 'StepFailed', 4],
])('sends the state and the status change of %s to the dead-letter queue', async (_what, error, calls) => {
  await start([failsWith(error)]);

  const arn = await machine.start(request);

  const cause = JSON.stringify({ errorType: error, errorMessage: 'no', trace: ['at send'] });
  expect(await machine.ended(arn)).toEqual({ status: 'FAILED', error, cause });
  expect(machine.sent).toHaveLength(calls);
  expect(await machine.deadLetters()).toEqual([
    { kind: 'send', ...request, error: { Error: error, Cause: cause } },
    {
      version: '0',
      id: expect.any(String),
      'detail-type': 'Step Functions Execution Status Change',
      source: 'aws.states',
      account: '000000000000',
      time: expect.any(String),
      region: 'us-east-1',
      resources: [arn],
      detail: {
        executionArn: arn,
        stateMachineArn: sendArn,
        name: arn.split(':').at(-1),
        status: 'FAILED',
        startDate: expect.any(Number),
        stopDate: expect.any(Number),
        input: JSON.stringify(request),
        inputDetails: { included: true },
        output: null,
        outputDetails: null,
        error,
        cause,
      },
    },
  ]);
  expect((await types(arn)).slice(-8)).toEqual([
    'TaskStateExited',
    'TaskStateEntered',
    'TaskScheduled',
    'TaskStarted',
    'TaskSucceeded',
    'TaskStateExited',
    'FailStateEntered',
    'ExecutionFailed',
  ]);
});

test('retries sending a dead letter to a throttled queue', async () => {
  await start([failsWith('ChannelClientError')]);
  await machine.control('POST', 'faults', { service: 'sqs', operation: 'SendMessage', kind: 'throttle', count: 3 });

  const arn = await machine.start(request);

  expect(await machine.ended(arn)).toMatchObject({ status: 'FAILED', error: 'ChannelClientError' });
  expect((await types(arn)).filter((type) => type === 'TaskFailed')).toHaveLength(3);
  expect(await machine.deadLetters()).toHaveLength(2);
});

test('aborts a stopped execution at once without retrying its running function', async () => {
  const called = Promise.withResolvers<void>();
  const running = Promise.withResolvers<void>();
  await start([
    async () => {
      called.resolve();
      await running.promise;
      return failsWith('ChannelServerError')({});
    },
  ]);
  const arn = await machine.start(request);
  await called.promise;

  const { stopDate } = await machine.sfn.send(new StopExecutionCommand({ executionArn: arn, cause: 'enough' }));

  expect(await machine.ended(arn)).toEqual({ status: 'ABORTED', cause: 'enough' });
  running.resolve();
  expect(stopDate).toBeInstanceOf(Date);
  expect(await machine.deadLetters()).toEqual([
    expect.objectContaining({ detail: expect.objectContaining({ status: 'ABORTED', cause: 'enough' }) }),
  ]);
  expect((await types(arn)).at(-1)).toBe('ExecutionAborted');
  expect(machine.sent).toHaveLength(1);
});

test.each<[string, Step, object, string]>([
  [
    'in a Wait state',
    () => 'sent',
    { A: { Type: 'Wait', TimestampPath: '$.request.until', Next: 'Send' } },
    'WaitStateEntered',
  ],
  [
    'in the delay before a retry',
    failsWith('ChannelServerError'),
    {
      A: {
        Type: 'Task',
        Resource: functionArn('send'),
        Retry: [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 3_600 }],
        Next: 'Send',
      },
    },
    'LambdaFunctionFailed',
  ],
])('aborts an execution %s and publishes its status change', async (_where, step, states, last) => {
  await start([step], {
    machineRetryDelayMs: undefined,
    definition: () => ({ StartAt: 'A', States: { ...states, Send: { Type: 'Pass', End: true } } }),
  });
  const arn = await machine.start(request);
  await expect.poll(async () => (await types(arn)).at(-1)).toBe(last);

  await machine.sfn.send(new StopExecutionCommand({ executionArn: arn, error: 'Stopped', cause: 'enough' }));

  expect(await machine.ended(arn)).toEqual({ status: 'ABORTED', error: 'Stopped', cause: 'enough' });
  expect((await types(arn)).slice(-2)).toEqual([last, 'ExecutionAborted']);
  expect(await machine.deadLetters()).toMatchObject([{ detail: { status: 'ABORTED', error: 'Stopped' } }]);
});

test('has no effect when an ended execution is stopped', async () => {
  await start([() => 'sent']);
  const arn = await machine.start(request);
  await machine.ended(arn);

  await machine.sfn.send(new StopExecutionCommand({ executionArn: arn }));

  expect(await machine.ended(arn)).toMatchObject({ status: 'SUCCEEDED' });
  expect(await machine.deadLetters()).toEqual([]);
});

test('fails an execution at 25,000 history events', async () => {
  await start([failsWith('Busy')], {
    definition: () => ({
      StartAt: 'A',
      States: {
        A: {
          Type: 'Task',
          Resource: functionArn('send'),
          Catch: [{ ErrorEquals: ['Busy'], ResultPath: null, Next: 'A' }],
          End: true,
        },
      },
    }),
  });

  const ended = await machine.ended(await machine.start(request));

  expect(ended).toMatchObject({ status: 'FAILED', error: 'States.Runtime', cause: expect.stringContaining('25000') });
});

test('times an execution out and sends the status change to the queue', async () => {
  await start([() => new Promise(() => {})], {
    definition: (found) => ({ ...sendStateMachine(found), TimeoutSeconds: 1 }),
  });

  const arn = await machine.start(request);

  expect(await machine.ended(arn)).toMatchObject({ status: 'TIMED_OUT' });
  expect((await types(arn)).at(-1)).toBe('ExecutionTimedOut');
  expect(await machine.deadLetters()).toMatchObject([{ detail: { status: 'TIMED_OUT', executionArn: arn } }]);
});

test('fails a task after its timeout with States.Timeout', async () => {
  await start([() => new Promise(() => {}), () => 'sent'], {
    definition: (found) => {
      const { States, ...rest } = sendStateMachine(found);
      return { ...rest, States: { ...States, Send: { ...States.Send, TimeoutSeconds: 1 } } };
    },
  });

  const arn = await machine.start(request);

  expect(await machine.ended(arn)).toMatchObject({ status: 'SUCCEEDED' });
  expect(await types(arn)).toContain('LambdaFunctionTimedOut');
});

test('does not catch States.Runtime, but publishes the status change', async () => {
  await start([failsWith('Deferred', 'rate|tomorrow|1|0|0|0|')]);

  const arn = await machine.start(request);

  expect(await machine.ended(arn)).toMatchObject({ status: 'FAILED', error: 'States.Runtime' });
  expect(await machine.deadLetters()).toMatchObject([{ detail: { status: 'FAILED', error: 'States.Runtime' } }]);
});

test('fails the execution on a result above 256 KB without a catch', async () => {
  await start([() => 'x'.repeat(262_144)]);

  expect(await machine.ended(await machine.start(request))).toMatchObject({
    status: 'FAILED',
    error: 'States.DataLimitExceeded',
  });
  expect(machine.sent).toHaveLength(1);
});

test('rejects an unsupported definition at the start', async () => {
  await start([]);
  const starting = startTestMachine([], {
    definition: () => ({ StartAt: 'A', States: { A: { Type: 'Succeed' } } }),
  });

  await expect(starting).rejects.toMatchObject({ name: 'UnsupportedStateMachineError' });
});
