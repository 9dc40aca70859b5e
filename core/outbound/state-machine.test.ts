import aslValidator from 'asl-validator';
import { describe, expect, it } from 'vitest';
import { functions } from '../../stacks/topology.ts';
import { executionInput } from '../../test/model/requests.ts';
import { failures as failedCalls } from '../../test/model/scripted-channel.ts';
import { sendWorld } from '../../test/model/send-world.ts';
import { failsWith, startTestMachine } from '../../test/test-aws.ts';
import { Deferred } from '../channel/deferred.ts';
import { compose } from '../livechat/compose.ts';
import { type ErrorDetails, LiveChatApiError } from '../livechat/errors.ts';
import { NotFirst, RequestExpired } from './errors.ts';
import { retriedErrors, type StateMachineResources, sendStateMachine } from './state-machine.ts';

const deployed: StateMachineResources = {
  sendFunctionArn: 'arn:aws:lambda:eu-central-1:123456789012:function:bridge-production-send',
  waitForTurnFunctionArn: 'arn:aws:lambda:eu-central-1:123456789012:function:bridge-production-wait-for-turn',
  deadLetterQueueUrl: 'https://sqs.eu-central-1.amazonaws.com/123456789012/bridge-production-dead-letters',
};
const { States, ...machine } = sendStateMachine(deployed);
const details: ErrorDetails = { message: '', method: 'send_event', outcome: 'refused' };
const failures = [
  new LiveChatApiError('Server', details),
  new LiveChatApiError('Network', details),
  new LiveChatApiError('Client', details),
  new LiveChatApiError('Authentication', details),
  new LiveChatApiError('RateLimit', details),
  new LiveChatApiError('Repairable', { ...details, repair: 'join' }),
];

/** All strings of a definition that are paths, or expressions over paths. */
function pathsIn(value: unknown): string[] {
  if (typeof value === 'string') return value.includes('$') ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(pathsIn);
}

/** A request of the longest texts, each part of which fails three times. Returns how often the step fails before it is sent. */
async function countFailures(): Promise<number> {
  const messages = [190_000, ...Array<number>(9).fill(1)].map((length) => ({
    type: 'text',
    content: 'x'.repeat(length),
  }));
  const parts = compose(messages);
  const { serverError } = failedCalls;
  const { accept, send, live, time } = sendWorld({
    send: parts.flatMap(() => [serverError, serverError, serverError, 'ok']),
  });
  const input = executionInput({ deliveries: parts.map((_, part) => ({ id: `out-${part}` })), expiresAt: 9e9 });
  await accept(input);
  for (let failures = 0; ; failures += 1) {
    const outcome = await live(() => send(input)).catch((error: unknown) => error);
    if (outcome === 'sent') return failures;
    expect(outcome).toBe(serverError);
    await live(() => time.sleep(30_000));
  }
}

describe('the state machine', () => {
  it.each<[string, StateMachineResources]>([
    ['on AWS', deployed],
    [
      'in China',
      {
        sendFunctionArn: 'arn:aws-cn:lambda:cn-north-1:123456789012:function:send:live',
        waitForTurnFunctionArn: 'arn:aws-cn:lambda:cn-north-1:123456789012:function:wait:live',
        deadLetterQueueUrl: 'https://sqs.cn-north-1.amazonaws.com.cn/123456789012/dead-letters',
      },
    ],
    [
      'in the local engine',
      {
        sendFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:send',
        waitForTurnFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:wait-for-turn',
        deadLetterQueueUrl: 'http://127.0.0.1:4566/000000000000/dead-letters',
      },
    ],
  ])('is valid ASL %s', (_name, resources) => {
    const checked = aslValidator(sendStateMachine(resources));
    expect(checked.isValid, checked.errorsText()).toBe(true);
  });

  it('has a transition for every outcome of a state', () => {
    const transitions = Object.entries(States).map(([name, state]) => {
      const next = 'Next' in state ? [state.Next] : [];
      const caught = 'Catch' in state ? state.Catch.map(({ Next }) => Next) : [];
      return [name, state.Type, ...next, ...caught];
    });
    expect(machine.StartAt).toBe('Send');
    expect(transitions).toEqual([
      ['Send', 'Task', 'ReadWait', 'ReadDeferral', 'DeadLetter'],
      ['ReadWait', 'Pass', 'WaitForTurn'],
      ['WaitForTurn', 'Task', 'WaitUntil', 'Send', 'DeadLetter'],
      ['ReadDeferral', 'Pass', 'WaitUntil'],
      ['WaitUntil', 'Wait', 'Send'],
      ['DeadLetter', 'Task', 'Failed'],
      ['Failed', 'Fail'],
    ]);
  });

  it('keeps the request in every transition', () => {
    const resultPaths = Object.values(States).flatMap((state) => [
      ...('ResultPath' in state ? [state.ResultPath] : []),
      ...('Catch' in state ? state.Catch.map(({ ResultPath }) => ResultPath) : []),
    ]);
    expect(new Set(resultPaths)).toEqual(new Set(['$.turn', '$.error', null]));
  });

  it('reads only paths that are always set: an error of the state machine itself cannot be caught', () => {
    const read = Object.entries(States).map(([name, { ...state }]) => {
      const { Catch: _catch, ResultPath: _result, ...reading } = { Catch: [], ResultPath: '', ...state };
      const paths = pathsIn(reading).flatMap((path) => path.match(/\${1,2}\.[\w.]+/g) ?? []);
      return [name, [...new Set(paths)]];
    });
    expect(Object.fromEntries(read)).toEqual({
      Send: [],
      // Caught by Send.
      ReadWait: ['$.turn.Cause'],
      ReadDeferral: ['$.turn.Cause'],
      // Set by ReadWait.
      WaitForTurn: ['$.request', '$.turn.seconds', '$$.Task.Token'],
      // Set by ReadDeferral, and by the output of the completed task.
      WaitUntil: ['$.turn.until'],
      // Caught by Send or WaitForTurn.
      DeadLetter: ['$.request', '$.error'],
      Failed: ['$.error.Error', '$.error.Cause'],
    });
  });

  it('retries LiveChat’s temporary errors, but never a rate limit, a deferral or an invalid request', () => {
    const expected = failures.map(({ name, retryable, category }) => [name, retryable && category !== 'RateLimit']);
    const retried = new Set(States.Send.Retry.flatMap(({ ErrorEquals }) => ErrorEquals));
    expect(failures.map(({ name }) => [name, retried.has(name)])).toEqual(expected);
    for (const name of ['Deferred', 'NotFirst', 'RequestInvalid', 'RequestConflict', 'RequestExpired', 'States.ALL'])
      expect(retried).not.toContain(name);
  });

  it.each([
    'Sandbox.Timedout',
    'Runtime.ExitError',
    'Lambda.Unknown',
    'Lambda.SdkClientException',
    'Lambda.ServiceException',
    'StepFailed',
    'FileUnavailable',
    'States.Timeout',
  ])('retries three times when the function ends by %s', (name) => {
    expect(retriedErrors).toContain(name);
    expect(States.Send.Retry[2]).toMatchObject({ MaxAttempts: 3, ErrorEquals: expect.arrayContaining([name]) });
  });

  it('retries failed calls as often as the step asks for: three times for each part of the longest request', async () => {
    const calls = ['ChannelServerError', 'ChannelNetworkError'];
    expect(States.Send.Retry[1]?.ErrorEquals).toEqual(calls);
    expect(States.Send.Retry[1]?.MaxAttempts).toBeGreaterThanOrEqual(await countFailures());
  });

  it('retries a throttled function longer than any burst, each time after a random part of at most 10 s', () => {
    for (const { Retry } of [States.Send, States.WaitForTurn]) {
      expect(Retry[0]).toMatchObject({
        ErrorEquals: ['Lambda.TooManyRequestsException'],
        ...{ IntervalSeconds: 2, BackoffRate: 2, MaxDelaySeconds: 10, JitterStrategy: 'FULL' },
      });
      expect(Retry[0]?.MaxAttempts).toBeGreaterThanOrEqual(1000);
    }
  });

  it('does not retry a wait that has timed out: the step looks again', () => {
    expect(States.WaitForTurn.Retry.flatMap(({ ErrorEquals }) => ErrorEquals)).not.toContain('States.Timeout');
    expect(States.WaitForTurn.Catch[0]).toMatchObject({ ErrorEquals: ['States.Timeout'], Next: 'Send' });
  });

  it('catches what the step throws by its name, before everything else', () => {
    expect(States.Send.Catch.map(({ ErrorEquals }) => ErrorEquals)).toEqual([
      [new NotFirst(0, 1).name],
      [new Deferred(0, 'rate').name],
      ['States.ALL'],
    ]);
  });

  it('waits longer than the function may run, and than any request may', () => {
    expect(States.Send.TimeoutSeconds).toBeGreaterThan(functions.send.timeoutSeconds);
    expect(machine.TimeoutSeconds).toBeGreaterThan(86_400);
  });
});

/** `States.ArrayGetItem(States.StringSplit(Cause, '|'), index)`: StringSplit omits empty parts. */
function splitCause(error: Error, index: number): string {
  const report = {
    errorType: error.name,
    errorMessage: error.message,
    trace: [`${error.name}: ${error.message}`, '|'],
  };
  return JSON.stringify(report).split('|').filter(Boolean)[index] ?? '';
}

describe('the message of an error that makes the state machine wait', () => {
  const slot = { at: 1_790_000_000_123, epoch: 7, missed: 2 };
  it.each<[string, Error, string[]]>([
    ['a deferral', new Deferred(1_790_000_000_001, 'rate'), ['2026-09-21T14:13:21.000Z', '1', '0', '0', '0']],
    [
      'a deferral with a slot',
      new Deferred(1_790_000_000_000, 'limited', { slot, cause: new Error('|||') }),
      ['2026-09-21T14:13:20.000Z', '1', '1790000000123', '7', '2'],
    ],
    ['a wait for the turn', new NotFirst(1_790_000_000_000, 41_001), ['2026-09-21T14:13:20.000Z', '42', '0', '0', '0']],
  ])('of %s is split into its fields', (_name, error, fields) => {
    expect([1, 2, 3, 4, 5].map((index) => splitCause(error, index))).toEqual(fields);
  });

  it('has whole seconds of at least 1: a timeout of 0 would end the execution', () => {
    for (const ms of [-5_000, 0, 1, 999, 1_000]) expect(splitCause(new NotFirst(0, ms), 2)).toBe('1');
  });
});

describe('an execution', () => {
  const soon = () => failsWith('Deferred', new Deferred(Date.now() - 2_000, 'rate').message)({});
  const serverError = failsWith('ChannelServerError');
  const request = executionInput();

  it('has its retries again after a wait, and the turn in its input', async () => {
    const steps = [serverError, serverError, serverError, soon, serverError, serverError, serverError, () => 'sent'];
    const running = await startTestMachine(steps);
    try {
      const execution = await running.start({ request });
      expect(await running.ended(execution)).toEqual({ status: 'SUCCEEDED', output: '"sent"' });
      expect(running.sent).toHaveLength(8);
      const turn = { until: expect.any(String), seconds: 1, slot: { at: 0, epoch: 0, missed: 0 } };
      expect(running.sent.at(-1)).toEqual({ request, turn });
    } finally {
      await running.stop();
    }
  });

  it('that fails after a wait leaves a dead letter with the request', async () => {
    const running = await startTestMachine([soon, soon, failsWith('RequestExpired', new RequestExpired('r').message)]);
    try {
      const execution = await running.start({ request });
      expect(await running.ended(execution)).toMatchObject({ status: 'FAILED', error: 'RequestExpired' });
      expect(await running.deadLetters()).toEqual([
        { kind: 'send', request, error: { Error: 'RequestExpired', Cause: expect.any(String) } },
        expect.objectContaining({ detail: expect.objectContaining({ executionArn: execution, status: 'FAILED' }) }),
      ]);
    } finally {
      await running.stop();
    }
  });
});
