import { HistoryEventType } from '@aws-sdk/client-sfn';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { triedAgain } from '../../../core/outbound/machine.ts';
import type { HistoryEvent } from '../../responses.ts';
import { causeOf, pathOf, tellHistory } from './history.ts';

const start = Date.UTC(2026, 2, 11, 9);

type Given = Partial<HistoryEvent> & Pick<HistoryEvent, 'type'>;

/** Events a second apart. */
const historyOf = (...events: readonly Given[]): HistoryEvent[] =>
  events.map((event, index) => ({ id: index + 1, timestamp: new Date(start + index * 1_000).toISOString(), ...event }));

const texts = (...events: readonly Given[]) => tellHistory(historyOf(...events)).map(({ text }) => text);

const entered = { type: 'TaskStateEntered', name: 'Send' };
const errorMessage = (message: string) => JSON.stringify({ errorType: 'Error', errorMessage: message });

/** What is only noise of the machine: each of them stands beside another event that is told. */
const silent = [
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

describe('the history of a run', () => {
  it('is told in plain words, from the first attempt over a wait to the end', () => {
    const told = tellHistory(
      historyOf(
        { type: 'ExecutionStarted', input: '{}' },
        entered,
        { type: 'LambdaFunctionScheduled' },
        { type: 'LambdaFunctionStarted' },
        { type: 'LambdaFunctionFailed', error: 'LiveChatServerError', cause: errorMessage('it answered 500') },
        { type: 'LambdaFunctionScheduled' },
        { type: 'LambdaFunctionStarted' },
        { type: 'LambdaFunctionFailed', error: 'Deferred', cause: errorMessage('2026-03-11T09:00:11.000Z') },
        { type: 'TaskStateExited', name: 'Send' },
        { type: 'WaitStateEntered', name: 'WaitUntil' },
        { type: 'WaitStateExited', name: 'WaitUntil' },
        entered,
        { type: 'LambdaFunctionStarted' },
        { type: 'LambdaFunctionSucceeded' },
        { type: 'ExecutionSucceeded' },
      ),
    );
    expect(told.map(({ text, tone }) => [tone, text])).toEqual([
      ['calm', 'The send request came from the bus; the run began'],
      ['busy', 'The send step began'],
      ['bad', 'LiveChat failed itself, or did not say whether it took the message'],
      ['busy', 'Tried again, attempt 2 of this visit'],
      ['warn', 'Not its turn yet, or no slot: deferred'],
      ['warn', 'It waited 1.0 s'],
      ['busy', 'The send step began'],
      ['good', 'The run ended: everything was sent'],
    ]);
    expect(told[2]?.because).toBe('LiveChatServerError: it answered 500');
    expect(told[4]?.because).toMatch(/^until /);
  });

  it.each(Object.values(HistoryEventType))('%s is told in words, or is noise', (type) => {
    const told = texts({ type });
    expect(told).toHaveLength(silent.includes(type) ? 0 : 1);
    for (const text of told) expect(text).toMatch(/^[A-Z].* ./);
    expect(told.join()).not.toContain(type);
  });

  it.each([...triedAgain, 'Lambda.TooManyRequestsException'])('a failure with %s is told for itself', (error) => {
    const told = texts(entered, { type: 'TaskFailed', error });
    expect(told).toHaveLength(1);
    expect(told).not.toContain('The attempt failed');
  });

  it('what is not known is told in its own words, with its cause, and what did not succeed stands out', () => {
    expect(
      tellHistory(
        historyOf(
          { type: 'QuantumLeapStarted', name: 'Leap' },
          { type: 'QuantumLeapTimedOut', error: 'Late', cause: 'too far' },
          { type: '' },
        ),
      ).map(({ text, tone, because }) => ({ text, tone, because })),
    ).toEqual([
      { text: 'Quantum leap started: Leap', tone: 'calm', because: undefined },
      { text: 'Quantum leap timed out', tone: 'bad', because: 'Late: too far' },
      { text: 'Something that has no name', tone: 'calm', because: undefined },
    ]);
    expect(texts(entered, { type: 'TaskFailed', error: 'constructor' })).toEqual(['The attempt failed']);
  });

  it('says what happens to a dead letter, also where it could not be kept', () => {
    const dead = { type: 'TaskStateEntered', name: 'DeadLetter' };
    expect(
      texts(
        dead,
        { type: 'TaskStarted' },
        { type: 'TaskFailed', error: 'SQS.SdkClientException' },
        { type: 'ExecutionFailed' },
      ),
    ).toEqual([
      'Given up: the request goes into the dead-letter queue',
      'It could not be put into the dead-letter queue',
      'The run failed',
    ]);
  });

  it('a run that waits says so, and one that was stopped by hand', () => {
    expect(texts({ type: 'WaitStateEntered' })).toEqual(['It waits, and is then tried again']);
    expect(texts({ type: 'WaitStateEntered' }, { type: 'WaitStateAborted' }, { type: 'ExecutionAborted' })).toEqual([
      'It waits, and is then tried again',
      'The run was stopped by hand',
    ]);
  });

  it('any history is told in its own order, each event once at most', () => {
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
        const whole = historyOf(...events.map((one) => JSON.parse(JSON.stringify(one))));
        const told = tellHistory(whole);
        expect(told.map(({ id }) => id)).toEqual([...new Set(told.map(({ id }) => id))].sort((a, b) => a - b));
        for (const { text: said } of told) expect(said.length).toBeGreaterThan(0);
        expect(pathOf(whole).states.size).toBeLessThanOrEqual(whole.length);
      }),
    );
  });

  it.each([
    [{}, undefined],
    [{ error: 'E' }, 'E'],
    [{ cause: 'because' }, 'because'],
    [{ error: 'E', cause: errorMessage('of this') }, 'E: of this'],
    [{ error: 'E', cause: '{"other":1}' }, 'E: {"other":1}'],
    [{ error: 'E', cause: 'null' }, 'E: null'],
  ])('the cause of %j is %s', (event, cause) => {
    expect(causeOf(event)).toBe(cause);
  });
});
