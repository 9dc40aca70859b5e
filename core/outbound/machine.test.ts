import aslValidator from 'asl-validator';
import { afterEach, describe, expect, it } from 'vitest';
import { failsWith, startTestMachine, type TestMachine } from '../../local/aws/testing.ts';
import { functions } from '../../stacks/topology.ts';
import * as errors from '../livechat/errors.ts';
import { Deferred } from './errors.ts';
import { type MachineResources, sendInputVersion, sendMachine } from './machine.ts';
import { parseSendInput } from './request.ts';

const deployed: MachineResources = {
  sendFunctionArn: 'arn:aws:lambda:eu-central-1:123456789012:function:bridge-production-send',
  deadLetterQueueUrl: 'https://sqs.eu-central-1.amazonaws.com/123456789012/bridge-production-dead-letters',
};
const { States, ...machine } = sendMachine(deployed);
const details: errors.ErrorDetails = { message: '', method: 'send_event', outcome: 'refused' };
const failures = [
  new errors.LiveChatServerError(details),
  new errors.LiveChatNetworkError(details),
  new errors.LiveChatClientError(details),
  new errors.LiveChatAuthenticationError(details),
  new errors.LiveChatRateLimitError(details),
  new errors.LiveChatRepairableError({ ...details, repair: 'join' }),
];

/** All strings in a definition that are paths, or expressions over paths. */
function pathsIn(value: unknown): string[] {
  if (typeof value === 'string') return value.includes('$') ? [value] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(pathsIn);
}

describe('the send machine', () => {
  it.each<[string, MachineResources]>([
    ['on AWS', deployed],
    [
      'in China',
      {
        sendFunctionArn: 'arn:aws-cn:lambda:cn-north-1:123456789012:function:send:live',
        deadLetterQueueUrl: 'https://sqs.cn-north-1.amazonaws.com.cn/123456789012/dead-letters',
      },
    ],
    [
      'on one machine',
      {
        sendFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:send',
        deadLetterQueueUrl: 'http://127.0.0.1:4566/000000000000/dead-letters',
      },
    ],
  ])('is valid %s', (_name, resources) => {
    const checked = aslValidator(sendMachine(resources));
    expect(checked.isValid, checked.errorsText()).toBe(true);
  });

  it('has the agreed states, each with the agreed way on', () => {
    const ways = Object.entries(States).map(([name, state]) => {
      const next = 'Next' in state ? [state.Next] : [];
      const caught = 'Catch' in state ? state.Catch.map(({ Next }) => Next) : [];
      return [name, state.Type, ...next, ...caught];
    });
    expect(machine.StartAt).toBe('Send');
    expect(ways).toEqual([
      ['Send', 'Task', 'ReadDeferral', 'DeadLetter'],
      ['ReadDeferral', 'Pass', 'WaitUntil'],
      ['WaitUntil', 'Wait', 'Send'],
      ['DeadLetter', 'Task', 'Failed'],
      ['Failed', 'Fail'],
    ]);
  });

  it('keeps what it was given at every way on', () => {
    const kept = [
      ...States.Send.Catch.map(({ ResultPath }) => ResultPath),
      States.ReadDeferral.ResultPath,
      States.DeadLetter.ResultPath,
    ];
    expect(kept).toEqual(['$.deferral', '$.error', '$.deferral', null]);
  });

  it('names nothing but its state and its execution’s id, which are always there', () => {
    const paths = pathsIn(States).flatMap((path) => path.match(/\${1,2}[\w.]*/g) ?? []);
    // What a state before it has just written is there as well.
    const written = /^\$\.(deferral|error)(\.\w+)*$/;
    expect(paths.filter((path) => !['$', '$$.Execution.Id'].includes(path) && !written.test(path))).toEqual([]);
    const outside = { ...States.Send.Parameters, ...States.DeadLetter.Parameters.MessageBody };
    expect(new Set(pathsIn(outside))).toEqual(new Set(['$', '$$.Execution.Id']));
  });

  it('reads a deferral and an error only after they were caught', () => {
    const readers = Object.entries(States).filter(([name, state]) => {
      const { Catch: _catch, ResultPath: _result, ...reading } = { Catch: [], ResultPath: '', ...state };
      return name !== 'Send' && pathsIn(reading).some((path) => /deferral|error/.test(path));
    });
    expect(readers.map(([name]) => name)).toEqual(['ReadDeferral', 'WaitUntil', 'Failed']);
  });

  it('tries again what may succeed unchanged, save for a rate limit, which is never tried blindly', () => {
    const tried = new Set(States.Send.Retry.flatMap(({ ErrorEquals }) => ErrorEquals));
    const expected = failures.map(({ name, retryable, category }) => ({
      name,
      tried: retryable && category !== 'RateLimit',
    }));
    expect(failures.map(({ name }) => ({ name, tried: tried.has(name) }))).toEqual(expected);
    for (const never of ['Deferred', 'RequestInvalid', 'RequestConflict', 'RequestExpired', 'States.ALL'])
      expect(tried).not.toContain(never);
  });

  it.each([
    'Sandbox.Timedout',
    'Runtime.ExitError',
    'Lambda.Unknown',
    'Lambda.SdkClientException',
    'Lambda.ServiceException',
    'IdempotencyPersistenceLayerError',
    'StepFailed',
    'FileUnavailable',
    'States.Timeout',
  ])('tries again when the function ends by %s', (name) => {
    expect(States.Send.Retry[1]).toMatchObject({ MaxAttempts: 3, ErrorEquals: expect.arrayContaining([name]) });
  });

  it('tries a throttled function for longer than any burst, apart from other failures', () => {
    expect(States.Send.Retry[0]).toMatchObject({ ErrorEquals: ['Lambda.TooManyRequestsException'] });
    expect(States.Send.Retry[0]?.MaxAttempts).toBeGreaterThanOrEqual(1000);
  });

  it('waits no more than 30 s between tries, each after a random part of it', () => {
    const backoff = { BackoffRate: 2, JitterStrategy: 'FULL' };
    expect(States.Send.Retry).toMatchObject([
      { ...backoff, IntervalSeconds: 2, MaxDelaySeconds: 10 },
      { ...backoff, IntervalSeconds: 1, MaxDelaySeconds: 30 },
    ]);
  });

  it('catches a deferral by the name of its error, before everything else', () => {
    expect(States.Send.Catch.map(({ ErrorEquals }) => ErrorEquals)).toEqual([
      [new Deferred(0, 'pace').name],
      ['States.ALL'],
    ]);
  });

  it('waits for the function longer than the function may take', () => {
    expect(States.Send.TimeoutSeconds).toBeGreaterThan(functions.send.timeoutSeconds);
  });

  it('outlives every request, which lasts a day at the most', () => {
    expect(machine.TimeoutSeconds).toBeGreaterThan(86_400);
  });

  it('hands the function an input of the version that the function reads', () => {
    expect(States.Send.Parameters.version).toBe(sendInputVersion);
    const input = { version: sendInputVersion, execution: 'arn', input: {} };
    expect(() => parseSendInput(input)).toThrow(/\bdetail: /);
  });
});

describe('a run of the send machine', () => {
  let running: TestMachine;
  afterEach(() => running.stop());
  const request = { id: 'event-1', detail: { data: { requestId: 'r1' } } };
  const soon = () => new Date(Date.now() + 50).toISOString();
  const deferred = () => failsWith('Deferred', soon())({});
  const unwell = failsWith('LiveChatServerError');

  it('has its tries anew after it has waited', async () => {
    running = await startTestMachine([unwell, unwell, unwell, deferred, unwell, unwell, unwell, () => 'sent']);
    expect(await running.ended(await running.start(request))).toEqual({ status: 'SUCCEEDED', output: '"sent"' });
    expect(running.sent).toHaveLength(8);
  });

  it('that fails after waiting leaves a dead letter with the request as it came', async () => {
    running = await startTestMachine([deferred, deferred, failsWith('LiveChatClientError')]);
    const execution = await running.start(request);
    expect(await running.ended(execution)).toMatchObject({ status: 'FAILED', error: 'LiveChatClientError' });
    expect(await running.deadLetters()).toEqual([
      {
        kind: 'send',
        execution,
        state: {
          ...request,
          deferral: expect.any(Object),
          error: { Error: 'LiveChatClientError', Cause: expect.any(String) },
        },
      },
      expect.objectContaining({ detail: expect.objectContaining({ executionArn: execution, status: 'FAILED' }) }),
    ]);
  });
});
