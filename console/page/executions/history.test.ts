import { HistoryEventType } from '@aws-sdk/client-sfn';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DeferralReason, Deferred } from '../../../core/channel/deferred.ts';
import type { HistoryEvent } from '../../../core/executions/history.ts';
import { retriedErrors } from '../../../core/outbound/state-machine.ts';
import { executionPath, formatCause, describeHistory as withChannel } from './history.ts';

const describeHistory = (events: readonly HistoryEvent[]) => withChannel(events, 'LiveChat');

const start = Date.UTC(2026, 2, 11, 9);

type PartialEvent = Partial<HistoryEvent> & Pick<HistoryEvent, 'type'>;

/** Events a second apart. */
const createHistory = (...events: readonly PartialEvent[]): HistoryEvent[] =>
  events.map((event, index) => ({ id: index + 1, timestamp: new Date(start + index * 1_000).toISOString(), ...event }));

const texts = (...events: readonly PartialEvent[]) => describeHistory(createHistory(...events)).map(({ text }) => text);

const entered = { type: 'TaskStateEntered', name: 'Send' };
const errorMessage = (message: string) => JSON.stringify({ errorType: 'Error', errorMessage: message });

/** Technical events that are left out: each accompanies an event that is described. */
const omittedTypes = [
  'ChoiceStateEntered',
  'ChoiceStateExited',
  'FailStateEntered',
  'LambdaFunctionScheduled',
  'LambdaFunctionStarted',
  'LambdaFunctionSucceeded',
  'MapStateExited',
  'ParallelStateExited',
  'PassStateEntered',
  'PassStateExited',
  'SucceedStateEntered',
  'SucceedStateExited',
  'TaskScheduled',
  'TaskStarted',
  'TaskStateAborted',
  'TaskStateEntered',
  'TaskStateExited',
  'TaskSubmitted',
  'TaskSucceeded',
  'WaitStateAborted',
  'WaitStateExited',
];

describe('describeHistory', () => {
  it('describes attempts, a wait and the end', () => {
    const steps = describeHistory(
      createHistory(
        { type: 'ExecutionStarted', input: '{}' },
        entered,
        { type: 'LambdaFunctionScheduled' },
        { type: 'LambdaFunctionStarted' },
        { type: 'LambdaFunctionFailed', error: 'ChannelServerError', cause: errorMessage('status 500') },
        { type: 'LambdaFunctionScheduled' },
        { type: 'LambdaFunctionStarted' },
        {
          type: 'LambdaFunctionFailed',
          error: 'Deferred',
          cause: errorMessage('rate|2026-03-11T09:00:11.000Z|1|1800000000000|0|'),
        },
        { type: 'TaskStateExited', name: 'Send' },
        { type: 'PassStateEntered', name: 'ReadDeferral' },
        { type: 'PassStateExited', name: 'ReadDeferral' },
        { type: 'WaitStateEntered', name: 'WaitUntil' },
        { type: 'WaitStateExited', name: 'WaitUntil' },
        entered,
        { type: 'LambdaFunctionStarted' },
        { type: 'LambdaFunctionSucceeded' },
        { type: 'ExecutionSucceeded', output: '{"outcome":"sent"}' },
      ),
    );
    expect(steps.map(({ text, tone }) => [tone, text])).toEqual([
      ['calm', 'Execution started for the send request'],
      ['busy', 'Send step started'],
      ['bad', 'Server error at LiveChat, or the outcome is unknown'],
      ['busy', 'Send step retried, attempt 2'],
      ['warn', 'Deferred: waiting for a rate-limit slot'],
      ['warn', 'Waited 1.0 s'],
      ['busy', 'Send step started'],
      ['good', 'Execution succeeded: all messages were sent'],
    ]);
    expect(steps[2]?.reason).toBe('ChannelServerError: status 500');
    expect(steps[4]?.reason).toMatch(/^until /);
  });

  it('describes the wait for its turn until it is woken', () => {
    const steps = describeHistory(
      createHistory(
        entered,
        { type: 'LambdaFunctionStarted' },
        {
          type: 'LambdaFunctionFailed',
          error: 'NotFirst',
          cause: errorMessage('turn|2026-03-11T09:00:02.000Z|300|0|0|0|'),
        },
        { type: 'TaskStateExited', name: 'Send' },
        { type: 'PassStateEntered', name: 'ReadWait' },
        { type: 'PassStateExited', name: 'ReadWait' },
        { type: 'TaskStateEntered', name: 'WaitForTurn' },
        { type: 'TaskScheduled' },
        { type: 'TaskStarted' },
        { type: 'TaskSubmitted' },
        { type: 'TaskSucceeded' },
        { type: 'TaskStateExited', name: 'WaitForTurn' },
        { type: 'WaitStateEntered', name: 'WaitUntil' },
        { type: 'WaitStateExited', name: 'WaitUntil' },
        entered,
      ),
    );
    expect(steps.map(({ text, tone, reason }) => [tone, text, reason])).toEqual([
      ['busy', 'Send step started', undefined],
      ['warn', 'Not first in its message group: waits for its turn', 'at most 5 min'],
      ['warn', 'Waited 4.0 s for its turn in the message group', undefined],
      ['warn', 'Waited 1.0 s', undefined],
    ]);
  });

  it('describes a wait for its turn that lasts, timed out or failed', () => {
    const waiting = { type: 'TaskStateEntered', name: 'WaitForTurn' };
    expect(texts(waiting, { type: 'TaskStarted' })).toEqual(['Waiting for its turn in the message group']);
    expect(texts(waiting, { type: 'TaskTimedOut', error: 'States.Timeout' }, entered)).toEqual([
      'Waited 1.0 s for its turn in the message group',
      'Timed out waiting for its turn; checking again',
    ]);
    expect(texts(waiting, { type: 'TaskFailed', error: 'StepFailed' })[1]).toBe('The wait for its turn failed');
    expect(texts(entered, { type: 'LambdaFunctionTimedOut', error: 'States.Timeout' })).toEqual([
      'The send function timed out',
    ]);
  });

  it.each<[DeferralReason, RegExp]>([
    ['rate', /slot/],
    ['limited', /429/],
    ['blocked', /paused/],
    ['failing', /calls to LiveChat failed/],
    ['unknown', /lookup/],
    ['claimed', /claimed/],
    ['time', /too little time/],
  ])('names why a request is deferred: %s', (reason, text) => {
    const { message } = new Deferred(start, reason, { slot: { at: start, epoch: 1 } });
    const [step] = describeHistory(
      createHistory({ type: 'LambdaFunctionFailed', error: 'Deferred', cause: errorMessage(message) }),
    );
    expect(step?.text).toMatch(text);
    expect(step?.reason).toMatch(/^until .*2026/);
  });

  it('describes a deferral without a readable cause', () => {
    expect(texts({ type: 'LambdaFunctionFailed', error: 'Deferred', cause: 'truncated' })).toEqual([
      'Deferred: waiting',
    ]);
  });

  it.each(Object.values(HistoryEventType))('describes %s, or leaves it out as technical', (type) => {
    const steps = texts({ type });
    expect(steps).toHaveLength(omittedTypes.includes(type) ? 0 : 1);
    for (const text of steps) expect(text).toMatch(/^[A-Z].* ./);
    expect(steps.join()).not.toContain(type);
  });

  it.each([...retriedErrors, 'Lambda.TooManyRequestsException'])(
    'has a text of its own for a failure with %s',
    (error) => {
      const steps = texts(entered, { type: 'TaskFailed', error });
      expect(steps).toHaveLength(1);
      expect(steps).not.toContain('The attempt failed');
    },
  );

  it('describes unknown events by their type and cause, and marks failures', () => {
    expect(
      describeHistory(
        createHistory(
          { type: 'QuantumLeapStarted', name: 'Leap' },
          { type: 'QuantumLeapTimedOut', error: 'Late', cause: 'too far' },
          { type: '' },
        ),
      ).map(({ text, tone, reason }) => ({ text, tone, reason })),
    ).toEqual([
      { text: 'Quantum leap started: Leap', tone: 'calm', reason: undefined },
      { text: 'Quantum leap timed out', tone: 'bad', reason: 'Late: too far' },
      { text: 'Event without a type', tone: 'calm', reason: undefined },
    ]);
    expect(texts(entered, { type: 'TaskFailed', error: 'constructor' })).toEqual(['The attempt failed']);
  });

  it('describes a dead letter that could not be queued', () => {
    const dead = { type: 'TaskStateEntered', name: 'DeadLetter' };
    expect(
      texts(
        dead,
        { type: 'TaskStarted' },
        { type: 'TaskFailed', error: 'SQS.SdkClientException' },
        { type: 'ExecutionFailed' },
      ),
    ).toEqual([
      'Failed; the request goes to the dead-letter queue',
      'Sending to the dead-letter queue failed',
      'Execution failed',
    ]);
  });

  it('describes an execution that is waiting', () => {
    expect(texts({ type: 'WaitStateEntered' })).toEqual(['Waiting for the next attempt']);
  });

  it.each([
    ['WaitStateEntered', 'WaitUntil', 'WaitStateAborted', 'Waited 1.0 s'],
    ['TaskStateEntered', 'WaitForTurn', 'TaskStateAborted', 'Waited 1.0 s for its turn in the message group'],
  ])('ends a wait when the execution ends: %s', (type, name, aborted, waited) => {
    const entered = { type, name };
    expect(texts(entered, { type: aborted, name }, { type: 'ExecutionAborted' })).toEqual([
      waited,
      'Execution aborted by an operator',
    ]);
    expect(texts(entered, { type: 'ExecutionTimedOut' })).toEqual([waited, 'Execution timed out']);
  });

  it.each([
    ['{"outcome":"sent"}', 'good', 'Execution succeeded: all messages were sent'],
    ['{"outcome":"failed"}', 'warn', 'Execution ended: the request is a dead letter already'],
    [undefined, 'good', 'Execution succeeded'],
  ])('describes the success with the output %s', (output, tone, text) => {
    expect(describeHistory(createHistory({ type: 'ExecutionSucceeded', output }))).toMatchObject([{ tone, text }]);
  });

  it('keeps the order of any history and describes each event at most once', () => {
    const text = fc.option(fc.string(), { nil: undefined });
    const event = fc.record(
      {
        type: fc.oneof(fc.constantFrom(...Object.values(HistoryEventType)), fc.string()),
        name: text,
        error: text,
        cause: text,
      },
      { requiredKeys: ['type'] },
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 20 }), (events) => {
        const whole = createHistory(...events.map((event) => JSON.parse(JSON.stringify(event))));
        const steps = describeHistory(whole);
        const times = steps.map(({ at }) => at);
        expect(times).toEqual([...new Set(times)].sort());
        for (const { text: description } of steps) expect(description.length).toBeGreaterThan(0);
        expect(executionPath(whole).states.size).toBeLessThanOrEqual(whole.length);
      }),
    );
  });

  it.each([
    [{}, undefined],
    [{ error: 'E' }, 'E'],
    [{ cause: 'reason' }, 'reason'],
    [{ error: 'E', cause: errorMessage('of this') }, 'E: of this'],
    [{ error: 'E', cause: '{"other":1}' }, 'E: {"other":1}'],
    [{ error: 'E', cause: 'null' }, 'E: null'],
  ])('formats the cause of %j as %s', (event, cause) => {
    expect(formatCause(event)).toBe(cause);
  });
});
