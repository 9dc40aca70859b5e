import {
  DescribeExecutionCommand,
  SendTaskFailureCommand,
  SendTaskHeartbeatCommand,
  SendTaskSuccessCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { afterEach, expect, test } from 'vitest';
import { failsWith, type Step, startTestMachine, type TestMachine, throttles } from '../../../test/test-aws.ts';
import { functionArn } from '../arn.ts';

let machine: TestMachine;
afterEach(() => machine.stop());

const waiting = {
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
  Parameters: {
    FunctionName: functionArn('wait-for-turn'),
    Payload: { 'token.$': '$$.Task.Token', 'data.$': '$.data' },
  },
};

const done = { Type: 'Pass', End: true };

/** Starts a machine with one task that waits for a token; `caught` returns the error that a Catch received. */
async function start(steps: readonly Step[], fields: object = {}): Promise<void> {
  const task = { ...waiting, End: true, ...fields };
  machine = await startTestMachine(steps, {
    definition: () => ({
      StartAt: 'WaitForTurn',
      States: { WaitForTurn: task, ...('Catch' in task && { Caught: done }) },
    }),
  });
}

const tokens = (): string[] => machine.sent.flatMap((event) => (isSent(event) ? [event.token] : []));

function isSent(event: unknown): event is { token: string } {
  return typeof event === 'object' && event !== null && 'token' in event && typeof event.token === 'string';
}

/** Waits until the function has been called this often, and returns the last token. */
async function nextToken(count = 1): Promise<string> {
  await expect.poll(tokens, { interval: 5 }).toHaveLength(count);
  return tokens().at(-1) ?? '';
}

const succeed = (taskToken: string, output: unknown = 'mine') =>
  machine.sfn.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(output) }));
const types = async (arn: string) => (await machine.history(arn)).map(({ type }) => type);
const details = async (arn: string, type: string) => (await machine.history(arn)).find((event) => event.type === type);

test('completes a task with the output of its token', async () => {
  await start([() => 'registered'], { ResultPath: '$.result' });
  const arn = await machine.start({ data: 1 });
  const token = await nextToken();

  expect(machine.sent).toEqual([{ token, data: 1 }]);
  await expect.poll(() => types(arn)).toContain('TaskSubmitted');
  expect((await machine.control('GET', 'idle')).body).toEqual({ idle: true });
  expect(await machine.idle(1, true)).toBe(false);
  await succeed(token, { number: 7 });

  expect(await machine.ended(arn)).toEqual({ status: 'SUCCEEDED', output: '{"data":1,"result":{"number":7}}' });
  expect(await types(arn)).toEqual([
    'ExecutionStarted',
    'TaskStateEntered',
    'TaskScheduled',
    'TaskStarted',
    'TaskSubmitted',
    'TaskSucceeded',
    'TaskStateExited',
    'ExecutionSucceeded',
  ]);
  const integration = { resourceType: 'lambda', resource: 'invoke.waitForTaskToken' };
  expect((await details(arn, 'TaskScheduled'))?.taskScheduledEventDetails).toEqual({
    ...integration,
    region: 'us-east-1',
    parameters: JSON.stringify({ FunctionName: functionArn('wait-for-turn'), Payload: { token, data: 1 } }),
  });
  const submitted = (await details(arn, 'TaskSubmitted'))?.taskSubmittedEventDetails;
  expect(submitted).toMatchObject(integration);
  expect(JSON.parse(submitted?.output ?? '')).toMatchObject({ Payload: 'registered', StatusCode: 200 });
  expect((await details(arn, 'TaskSucceeded'))?.taskSucceededEventDetails).toEqual({
    ...integration,
    output: '{"number":7}',
    outputDetails: { truncated: false },
  });
});

test('completes a task before its function has returned', async () => {
  const running = Promise.withResolvers<void>();
  await start([() => running.promise]);
  const arn = await machine.start({ data: 1 });

  await succeed(await nextToken());
  await expect.poll(() => types(arn)).toContain('ExecutionSucceeded');
  running.resolve();

  expect(await machine.ended(arn)).toMatchObject({ status: 'SUCCEEDED', output: '"mine"' });
  expect(await types(arn)).not.toContain('TaskSubmitted');
});

test('completes a task within its own function', async () => {
  await start([(event) => (isSent(event) ? succeed(event.token).then(() => 'registered') : undefined)]);

  expect(await machine.ended(await machine.start({ data: 1 }))).toMatchObject({ status: 'SUCCEEDED' });
});

test('rejects a token that is closed, unknown or malformed', async () => {
  await start([() => 'registered']);
  const first = await machine.start({ data: 1 });
  const token = await nextToken();
  await succeed(token);
  await machine.ended(first);
  const second = await machine.start({ data: 2 });
  const stopped = await nextToken(2);
  await machine.sfn.send(new StopExecutionCommand({ executionArn: second }));

  for (const closed of [token, stopped]) {
    const error = { name: 'TaskTimedOut', message: "Task Timed Out: 'Provided task does not exist anymore'" };
    await expect(succeed(closed)).rejects.toMatchObject(error);
    await expect(machine.sfn.send(new SendTaskFailureCommand({ taskToken: closed }))).rejects.toMatchObject(error);
    await expect(machine.sfn.send(new SendTaskHeartbeatCommand({ taskToken: closed }))).rejects.toMatchObject(error);
  }
  await expect(succeed('abc')).rejects.toMatchObject({ name: 'InvalidToken' });
  const other = Buffer.alloc(Buffer.from(token, 'base64').length, 1).toString('base64');
  await expect(succeed(other)).rejects.toMatchObject({ name: 'TaskDoesNotExist' });
  await expect(succeed('')).rejects.toMatchObject({ name: 'ValidationException' });
});

test('rejects an output that is not JSON or above 256 KB and leaves the task open', async () => {
  await start([() => 'registered']);
  const arn = await machine.start({ data: 1 });
  const taskToken = await nextToken();

  const invalid = machine.sfn.send(new SendTaskSuccessCommand({ taskToken, output: '{' }));
  await expect(invalid).rejects.toMatchObject({ name: 'InvalidOutput' });
  await expect(succeed(taskToken, 'x'.repeat(262_144))).rejects.toMatchObject({ name: 'ValidationException' });
  await succeed(taskToken);

  expect(await machine.ended(arn)).toMatchObject({ status: 'SUCCEEDED' });
});

test('fails a task with SendTaskFailure, retries it with a new token and catches the error', async () => {
  await start([() => 'registered'], {
    Retry: [{ ErrorEquals: ['Busy'], MaxAttempts: 1 }],
    Catch: [{ ErrorEquals: ['States.TaskFailed'], Next: 'Caught', ResultPath: '$.error' }],
  });
  const failTask = (taskToken: string) =>
    machine.sfn.send(new SendTaskFailureCommand({ taskToken, error: 'Busy', cause: 'later' }));
  const arn = await machine.start({ data: 1 });

  await failTask(await nextToken(1));
  await failTask(await nextToken(2));

  const { output = '' } = await machine.ended(arn);
  expect(JSON.parse(output)).toEqual({ data: 1, error: { Error: 'Busy', Cause: 'later' } });
  expect(new Set(tokens()).size).toBe(2);
  expect((await details(arn, 'TaskFailed'))?.taskFailedEventDetails).toEqual({
    resourceType: 'lambda',
    resource: 'invoke.waitForTaskToken',
    error: 'Busy',
    cause: 'later',
  });
});

test("retries a task with a new token, catches its function's error and closes the token", async () => {
  await start([failsWith('ConversationGone')], {
    Retry: [{ ErrorEquals: ['ConversationGone'], MaxAttempts: 1 }],
    Catch: [{ ErrorEquals: ['States.TaskFailed'], Next: 'Caught', ResultPath: '$.error' }],
  });
  const arn = await machine.start({ data: 1 });

  const { output = '' } = await machine.ended(arn);

  const Cause = JSON.stringify({ errorType: 'ConversationGone', errorMessage: 'no', trace: ['at send'] });
  expect(JSON.parse(output)).toEqual({ data: 1, error: { Error: 'ConversationGone', Cause } });
  expect((await details(arn, 'TaskFailed'))?.taskFailedEventDetails).toEqual({
    resourceType: 'lambda',
    resource: 'invoke.waitForTaskToken',
    error: 'ConversationGone',
    cause: Cause,
  });
  expect(new Set(tokens()).size).toBe(2);
  await expect(succeed(await nextToken(2))).rejects.toMatchObject({ name: 'TaskTimedOut' });
});

test('retries a throttled function of a task with a token', async () => {
  await start([throttles, () => 'registered'], {
    Retry: [{ ErrorEquals: ['Lambda.TooManyRequestsException'] }],
  });
  const arn = await machine.start({ data: 1 });

  await succeed(await nextToken(2));

  expect(await machine.ended(arn)).toMatchObject({ status: 'SUCCEEDED' });
});

test.each([
  ['TimeoutSeconds', { TimeoutSeconds: 1 }, 'States.Timeout', { timeoutInSeconds: 1 }],
  ['TimeoutSecondsPath', { TimeoutSecondsPath: '$.seconds' }, 'States.Timeout', { timeoutInSeconds: 1 }],
  [
    'HeartbeatSeconds',
    { HeartbeatSeconds: 1, TimeoutSeconds: 60 },
    'States.HeartbeatTimeout',
    { timeoutInSeconds: 60, heartbeatInSeconds: 1 },
  ],
  ['HeartbeatSecondsPath', { HeartbeatSecondsPath: '$.seconds' }, 'States.Timeout', { heartbeatInSeconds: 1 }],
])('times a task out after %s', async (_field, fields, error, limits) => {
  await start([() => 'registered'], {
    ...fields,
    Catch: [
      { ErrorEquals: ['States.TaskFailed'], Next: 'Caught', ResultPath: '$.wrong' },
      { ErrorEquals: [error], Next: 'Caught', ResultPath: '$.error' },
    ],
  });
  const arn = await machine.start({ data: 1, seconds: 1 });
  const token = await nextToken();

  const { output = '' } = await machine.ended(arn);

  expect(JSON.parse(output).error).toEqual({ Error: 'States.Timeout', Cause: '' });
  expect((await details(arn, 'TaskTimedOut'))?.taskTimedOutEventDetails).toEqual({
    resourceType: 'lambda',
    resource: 'invoke.waitForTaskToken',
    error: 'States.Timeout',
  });
  expect((await details(arn, 'TaskScheduled'))?.taskScheduledEventDetails).toMatchObject(limits);
  await expect(succeed(token)).rejects.toMatchObject({ name: 'TaskTimedOut' });
});

test('extends a task with heartbeats', async () => {
  await start([() => 'registered'], { HeartbeatSeconds: 1 });
  const arn = await machine.start({ data: 1 });
  const taskToken = await nextToken();

  for (let beat = 0; beat < 3; beat += 1) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    await machine.sfn.send(new SendTaskHeartbeatCommand({ taskToken }));
  }
  await succeed(taskToken);

  expect(await machine.ended(arn)).toMatchObject({ status: 'SUCCEEDED' });
});

test('fails the execution uncaught unless TimeoutSecondsPath references a positive integer', async () => {
  await start([() => 'registered'], {
    TimeoutSecondsPath: '$.seconds',
    Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Caught' }],
  });

  for (const invalid of [{ seconds: 0 }, { seconds: -1 }, { seconds: 1.5 }, { seconds: '1' }, {}]) {
    const arn = await machine.start({ data: 1, ...invalid });
    expect(await machine.ended(arn), JSON.stringify(invalid)).toMatchObject({
      status: 'FAILED',
      error: 'States.Runtime',
      cause: expect.stringContaining("the state 'WaitForTurn' (entered at the event id #2)"),
    });
  }
  expect(machine.sent).toEqual([]);
});

test('ignores the function and the token of a stopped execution', async () => {
  const running = Promise.withResolvers<void>();
  await start([() => running.promise]);
  const arn = await machine.start({ data: 1 });
  const token = await nextToken();

  await machine.sfn.send(new StopExecutionCommand({ executionArn: arn, error: 'Stopped', cause: 'enough' }));
  running.resolve();

  expect(await machine.ended(arn)).toEqual({ status: 'ABORTED', error: 'Stopped', cause: 'enough' });
  await expect(succeed(token)).rejects.toMatchObject({ name: 'TaskTimedOut' });
  expect((await types(arn)).slice(-2)).toEqual(['TaskStarted', 'ExecutionAborted']);
  expect(await machine.deadLetters()).toMatchObject([{ detail: { status: 'ABORTED', executionArn: arn } }]);
});

test('keeps 200 executions waiting for tokens and completes them all', async () => {
  await start([() => 'registered']);
  const arns: string[] = [];
  for (let n = 0; n < 200; n += 100) {
    const batch = Array.from({ length: 100 }, (_, index) => machine.start({ data: 1 }, `n${n + index}`));
    arns.push(...(await Promise.all(batch)));
  }
  await machine.control('GET', 'idle');

  for (let n = 0; n < 200; n += 100)
    await Promise.all(
      tokens()
        .slice(n, n + 100)
        .map((token) => succeed(token)),
    );
  await machine.control('GET', 'idle?executions=wait');

  const last = await machine.sfn.send(new DescribeExecutionCommand({ executionArn: arns.at(-1) }));
  expect(last.status).toBe('SUCCEEDED');
  expect((await machine.control('GET', 'calls')).body).toMatchObject({ 'states.SendTaskSuccess': 200 });
});
