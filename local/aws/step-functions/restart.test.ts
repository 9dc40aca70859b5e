import {
  DescribeExecutionCommand,
  SendTaskHeartbeatCommand,
  SendTaskSuccessCommand,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Step, sendArn, startTestMachine, type TestMachine } from '../../../test/test-aws.ts';
import { openState, type State } from '../../state.ts';
import { functionArn } from '../arn.ts';

let state: State;
let machine: TestMachine | undefined;
beforeEach(() => {
  state = openState();
});
afterEach(async () => {
  await machine?.stop();
  machine = undefined;
});

/** Stops the running state machine, if any, and starts another one on the same state. */
async function start(States: object, steps: readonly Step[] = []): Promise<TestMachine> {
  await machine?.stop();
  machine = await startTestMachine(steps, { state, definition: () => ({ StartAt: 'First', States }) });
  return machine;
}

const never: Step = () => new Promise(() => {});
const send = { Type: 'Task', Resource: functionArn('send'), End: true };
const types = async (found: TestMachine, arn: string) => (await found.history(arn)).map(({ type }) => type);

test('continues a Wait state', async () => {
  const states = { First: { Type: 'Wait', TimestampPath: '$.until', Next: 'Done' }, Done: { Type: 'Pass', End: true } };
  const first = await start(states);
  const input = { until: new Date(Date.now() + 2_000).toISOString() };
  const arn = await first.start(input);

  const second = await start(states);

  const running = await second.sfn.send(new DescribeExecutionCommand({ executionArn: arn }));
  expect(running).toMatchObject({ status: 'RUNNING', input: JSON.stringify(input) });
  expect(await second.ended(arn)).toEqual({ status: 'SUCCEEDED', output: JSON.stringify(input) });
  expect(await types(second, arn)).toEqual([
    'ExecutionStarted',
    'WaitStateEntered',
    'WaitStateExited',
    'PassStateEntered',
    'PassStateExited',
    'ExecutionSucceeded',
  ]);
});

test('fails a task whose function was running with the error of a Lambda crash, so that its retriers apply', async () => {
  const states = { First: { ...send, Retry: [{ ErrorEquals: ['Runtime.ExitError'], MaxAttempts: 1 }] } };
  const first = await start(states, [never]);
  const arn = await first.start({ n: 1 });
  await expect.poll(() => first.sent).toHaveLength(1);

  const second = await start(states, [() => 'sent']);

  expect(await second.ended(arn)).toEqual({ status: 'SUCCEEDED', output: '"sent"' });
  expect(second.sent).toEqual([{ n: 1 }]);
  expect((await types(second, arn)).slice(2)).toEqual([
    'LambdaFunctionScheduled',
    'LambdaFunctionStarted',
    'LambdaFunctionFailed',
    'LambdaFunctionScheduled',
    'LambdaFunctionStarted',
    'LambdaFunctionSucceeded',
    'TaskStateExited',
    'ExecutionSucceeded',
  ]);
});

test('counts the retries of an earlier run', async () => {
  const states = { First: { ...send, Retry: [{ ErrorEquals: ['States.ALL'], MaxAttempts: 1 }] } };
  const first = await start(states, [
    () => {
      throw new Error('no');
    },
    never,
  ]);
  const arn = await first.start({});
  await expect.poll(() => first.sent).toHaveLength(2);

  const second = await start(states, [() => 'sent']);

  expect(await second.ended(arn)).toMatchObject({ status: 'FAILED', error: 'Runtime.ExitError' });
  expect(second.sent).toEqual([]);
});

const waiting = {
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
  Parameters: { FunctionName: functionArn('wait-for-turn'), Payload: { 'token.$': '$$.Task.Token' } },
  End: true,
};

async function startWaiting(states: object) {
  const first = await start(states, [() => 'registered']);
  const arn = await first.start({});
  await expect.poll(() => types(first, arn)).toContain('TaskSubmitted');
  const [sent] = first.sent;
  const taskToken = typeof sent === 'object' && sent && 'token' in sent ? String(sent.token) : '';
  return { arn, taskToken, sfn: first.sfn };
}

test('accepts the token of a task that has been waiting since an earlier run', async () => {
  const { arn, taskToken } = await startWaiting({ First: waiting });

  const second = await start({ First: waiting });
  const success = new SendTaskSuccessCommand({ taskToken, output: '{"turn":1}' });
  await second.sfn.send(success);

  expect(await second.ended(arn)).toEqual({ status: 'SUCCEEDED', output: '{"turn":1}' });
  expect(second.sent).toEqual([]);
  const third = await start({ First: waiting });
  await expect(third.sfn.send(success)).rejects.toThrow('Task Timed Out');
});

test('keeps the timeouts of a waiting task', async () => {
  const states = { First: { ...waiting, TimeoutSeconds: 60, HeartbeatSeconds: 1 } };
  const { arn, taskToken, sfn } = await startWaiting(states);
  await sfn.send(new SendTaskHeartbeatCommand({ taskToken }));

  const second = await start(states);

  expect(await second.ended(arn)).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
});

test('keeps ended executions with their histories, and their names', async () => {
  const states = { First: { Type: 'Pass', End: true } };
  const first = await start(states);
  const arn = await first.start({ n: 1 }, 'mine');
  const ended = await first.ended(arn);
  const history = await first.history(arn);

  const second = await start(states);

  expect(await second.ended(arn)).toEqual(ended);
  expect(await second.history(arn)).toEqual(history);
  const again = new StartExecutionCommand({ stateMachineArn: sendArn, name: 'mine', input: '{"n":1}' });
  await expect(second.sfn.send(again)).rejects.toThrow('Execution Already Exists');
});
