import * as z from 'zod/mini';
import type { DeferralReason } from '../../../core/channel/deferred.ts';
import type { HistoryEvent } from '../../../core/executions/history.ts';
import { parseJson } from '../../../core/platform/json.ts';
import { describeError } from '../parts/errors.ts';
import { duration, fullTime } from '../parts/format.ts';
import type { Step } from '../parts/steps.tsx';

type Description = Pick<Step, 'text' | 'tone' | 'reason'>;
type Describe = (
  event: HistoryEvent,
  before: readonly HistoryEvent[],
  after: readonly HistoryEvent[],
  channel: string,
) => Description | undefined;

/** Describes an execution's history. Technical events (scheduled, exited, …) are left out; unknown events keep their type as text. */
export function describeHistory(history: readonly HistoryEvent[], channel: string): Step[] {
  return history.flatMap((event, index): Step[] => {
    const [, describe] = descriptions.find(([type]) => type.test(event.type)) ?? [undefined, describeUnknown];
    const description = describe(event, history.slice(0, index), history.slice(index + 1), channel);
    return description ? [{ at: event.timestamp, ...description }] : [];
  });
}

/** Patterns of event types. The first match applies; events that another event describes are left out. */
const descriptions: readonly (readonly [RegExp, Describe])[] = [
  [/^ExecutionStarted$/, () => ({ text: 'Execution started for the send request', tone: 'calm' })],
  [/^ExecutionSucceeded$/, describeSuccess],
  [/^ExecutionRedriven$/, () => ({ text: 'Execution redriven from its failed state', tone: 'busy' })],
  [/^ExecutionFailed$/, failure('Execution failed')],
  [/^ExecutionAborted$/, failure('Execution aborted by an operator')],
  [/^ExecutionTimedOut$/, failure('Execution timed out')],
  [/^EvaluationFailed$/, failure('The state machine could not evaluate its input')],
  [/^WaitStateEntered$/, (event, _, after) => ({ text: describeWait(event, after), tone: 'warn' })],
  [/^(Task|LambdaFunction)Started$/, (_, before) => describeAttempt(before)],
  [/^(Task|LambdaFunction)((Start|Schedule|Submit)?Failed|TimedOut)$/, describeFailure],
  [/^TaskStateEntered$/, describeTask],
  [/^(Pass|Choice|Fail|Succeed)StateEntered$/, () => undefined],
  [/^(Task|Wait)StateAborted$/, () => undefined],
  [/^(Task|LambdaFunction)(Scheduled|Submitted|Succeeded)$/, () => undefined],
  [/StateExited$/, () => undefined],
];

const sendOutput = z.object({ outcome: z.string() });

/** The execution of a request that an earlier dead letter has marked as failed succeeds with the outcome `failed`. */
function describeSuccess({ output }: HistoryEvent): Description {
  const outcome = output && sendOutput.safeParse(parseJson(output)).data?.outcome;
  if (outcome === 'failed') return { text: 'Execution ended: the request is a dead letter already', tone: 'warn' };
  return { text: `Execution succeeded${outcome === 'sent' ? ': all messages were sent' : ''}`, tone: 'good' };
}

function failure(text: string): (event: HistoryEvent) => Description {
  return (event) => ({ text, tone: 'bad', reason: formatCause(event) });
}

/** `MapRunStarted` becomes "Map run started"; failures get the tone `bad`. */
function describeUnknown(event: HistoryEvent): Description {
  const type = capitalize(event.type.replace(/(?<=[a-z0-9])(?=[A-Z])/g, ' ').toLowerCase());
  const text = [type || 'Event without a type', event.name].filter(Boolean).join(': ');
  const failed = /(Failed|TimedOut|Aborted)$/.test(event.type);
  return { text, tone: failed ? 'bad' : 'calm', reason: formatCause(event) };
}

function capitalize(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

function describeTask(
  event: HistoryEvent,
  _: readonly HistoryEvent[],
  after: readonly HistoryEvent[],
): Description | undefined {
  if (event.name === 'DeadLetter') return { text: 'Failed; the request goes to the dead-letter queue', tone: 'bad' };
  return event.name === 'WaitForTurn' ? { text: describeTurn(event, after), tone: 'warn' } : undefined;
}

/** Attempts are counted from the last time the execution entered the Send state. */
function describeAttempt(before: readonly HistoryEvent[]): Description | undefined {
  const entered = before.findLastIndex(({ type }) => type.endsWith('StateEntered'));
  if (before[entered]?.name !== 'Send') return undefined;
  const earlier = before.slice(entered).filter(({ type }) => /^(Task|LambdaFunction)Started$/.test(type)).length;
  return { text: earlier === 0 ? 'Send step started' : `Send step retried, attempt ${earlier + 1}`, tone: 'busy' };
}

function describeFailure(
  event: HistoryEvent,
  before: readonly HistoryEvent[],
  _after: readonly HistoryEvent[],
  channel: string,
): Description {
  const state = before.findLast(({ type }) => type.endsWith('StateEntered'))?.name;
  if (state === 'DeadLetter') return failure('Sending to the dead-letter queue failed')(event);
  if (state === 'WaitForTurn' && event.error === 'States.Timeout') {
    return { text: 'Timed out waiting for its turn; checking again', tone: 'warn' };
  }
  if (state === 'WaitForTurn') return failure('The wait for its turn failed')(event);
  if (/(Start|Schedule|Submit)Failed$/.test(event.type)) return failure('The send step could not be started')(event);
  if (event.error === 'NotFirst') {
    return {
      text: 'Not first in its message group: waits for its turn',
      tone: 'warn',
      reason: parseWait(event).atMost,
    };
  }
  if (event.error === 'Deferred') return describeDeferral(event, channel);
  return failure(capitalize(describeError(event.error, channel)))(event);
}

const deferralReasons = (channel: string): Readonly<Record<DeferralReason, string>> => ({
  rate: 'waiting for a rate-limit slot',
  limited: `${channel} responded with 429`,
  blocked: 'the organization is paused, or its circuit breaker is open',
  failing: `calls to ${channel} failed`,
  unknown: `waiting until a lookup can determine whether ${channel} has the message`,
  claimed: 'another invocation has claimed the message',
  time: 'too little time left in the function',
});

function describeDeferral(event: HistoryEvent, channel: string): Description {
  const wait = parseWait(event);
  const reason = Object.entries(deferralReasons(channel)).find(([name]) => name === wait.reason)?.[1] ?? 'waiting';
  return { text: `Deferred: ${reason}`, tone: 'warn', reason: wait.until };
}

function describeWait({ timestamp }: HistoryEvent, after: readonly HistoryEvent[]): string {
  const ended = after.find(({ type }) => /^WaitState(Exited|Aborted)$|^Execution/.test(type));
  if (!ended) return 'Waiting for the next attempt';
  return `Waited ${duration(Date.parse(ended.timestamp) - Date.parse(timestamp))}`;
}

function describeTurn({ timestamp }: HistoryEvent, after: readonly HistoryEvent[]): string {
  const ended = after.find(({ type }) => /^Task(Succeeded|TimedOut|Failed|StateAborted)$|^Execution/.test(type));
  if (!ended) return 'Waiting for its turn in the message group';
  return `Waited ${duration(Date.parse(ended.timestamp) - Date.parse(timestamp))} for its turn in the message group`;
}

/** The cause of a failed function is JSON with `errorMessage`; other causes are text. */
export function formatCause({ error, cause }: Pick<HistoryEvent, 'error' | 'cause'>): string | undefined {
  const message = cause && (parseErrorMessage(cause) ?? cause);
  return [error, message].filter(Boolean).join(': ') || undefined;
}

/** The message of `Deferred` and `NotFirst` is `reason|until|seconds|at|epoch|missed|`; see core/outbound/errors.ts. */
function parseWait({ cause }: HistoryEvent) {
  const [reason, until = '', seconds] = (cause && parseErrorMessage(cause))?.split('|') ?? [];
  return {
    reason,
    until: Number.isNaN(Date.parse(until)) ? undefined : `until ${fullTime(until)}`,
    atMost: seconds && `at most ${duration(Number(seconds) * 1000)}`,
  };
}

const lambdaError = z.object({ errorMessage: z.string() });

function parseErrorMessage(json: string): string | undefined {
  return lambdaError.safeParse(parseJson(json)).data?.errorMessage;
}

/** The states that an execution entered, and the transitions between them. */
export function executionPath(history: readonly HistoryEvent[]): {
  states: ReadonlySet<string>;
  steps: ReadonlySet<string>;
} {
  const entered = history.flatMap(({ type, name }) => (type.endsWith('StateEntered') && name ? [name] : []));
  const steps = entered.slice(1).map((name, index) => `${entered[index]}>${name}`);
  return { states: new Set(entered), steps: new Set(steps) };
}
