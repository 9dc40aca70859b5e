import type { HistoryEvent } from '../../responses.ts';
import { duration, fullTime } from '../parts/time.ts';
import type { Tone } from '../parts/ui.tsx';

/** One step of an execution's history. */
interface HistoryStep {
  readonly id: number;
  readonly at: string;
  readonly text: string;
  readonly tone: Tone;
  readonly reason?: string | undefined;
}

type Description = Pick<HistoryStep, 'text' | 'tone' | 'reason'>;
type Describe = (
  event: HistoryEvent,
  before: readonly HistoryEvent[],
  after: readonly HistoryEvent[],
) => Description | undefined;

/** Describes an execution's history. Technical events (scheduled, exited, …) are left out; unknown events keep their type as text. */
export function describeHistory(history: readonly HistoryEvent[]): HistoryStep[] {
  return history.flatMap((event, index): HistoryStep[] => {
    const [, describe] = descriptions.find(([type]) => type.test(event.type)) ?? [undefined, describeUnknown];
    const description = describe(event, history.slice(0, index), history.slice(index + 1));
    return description ? [{ id: event.id, at: event.timestamp, ...description }] : [];
  });
}

const omit: Describe = () => undefined;

/** Patterns of event types. The first match applies. */
const descriptions: readonly (readonly [RegExp, Describe])[] = [
  [/^ExecutionStarted$/, () => ({ text: 'Execution started by the send request', tone: 'calm' })],
  [/^ExecutionSucceeded$/, () => ({ text: 'Execution succeeded: all messages were sent', tone: 'good' })],
  [/^ExecutionRedriven$/, () => ({ text: 'Execution redriven from its failed state', tone: 'busy' })],
  [/^Execution(Failed|Aborted|TimedOut)$/, (event) => describeEnd(event)],
  [/^WaitStateEntered$/, (event, _, after) => ({ text: describeWait(event, after), tone: 'warn' })],
  [/^(Task|LambdaFunction)Started$/, (_, before) => describeAttempt(before)],
  [/^(Task|LambdaFunction)(Failed|TimedOut)$/, (event, before) => describeFailure(event, before)],
  [/^(Task|LambdaFunction)(Start|Schedule|Submit)Failed$/, (event, before) => describeStartFailure(event, before)],
  [
    /^EvaluationFailed$/,
    (event) => ({ text: 'The state machine could not evaluate its input', tone: 'bad', reason: formatCause(event) }),
  ],
  [/^TaskStateEntered$/, ({ name }) => (name === 'DeadLetter' ? deadLetterDescription : undefined)],
  [/^(Pass|Choice|Fail|Succeed)StateEntered$/, omit],
  // Described by the end of the execution.
  [/^(Task|Wait)StateAborted$/, omit],
  [/^(Task|LambdaFunction)(Scheduled|Submitted|Succeeded)$/, omit],
  [/StateExited$/, omit],
];

/** `MapRunStarted` becomes "Map run started"; failures get the tone `bad`. */
function describeUnknown(event: HistoryEvent): Description {
  const words = event.type.replace(/(?<=[a-z0-9])(?=[A-Z])/g, ' ').toLowerCase();
  const text = words === '' ? 'Event without a type' : `${words[0]?.toUpperCase()}${words.slice(1)}`;
  const bad = /(Failed|TimedOut|Aborted)$/.test(event.type);
  return { text: event.name ? `${text}: ${event.name}` : text, tone: bad ? 'bad' : 'calm', reason: formatCause(event) };
}

function describeEnd(event: HistoryEvent): Description {
  return { text: endings[event.type] ?? event.type, tone: 'bad', reason: formatCause(event) };
}

const deadLetterDescription: Description = { text: 'Failed: the request moves to the dead-letter queue', tone: 'bad' };

/** The current state of the execution. */
function currentState(before: readonly HistoryEvent[]): string | undefined {
  return before.findLast(({ type }) => type.endsWith('StateEntered'))?.name;
}

function describeStartFailure(event: HistoryEvent, before: readonly HistoryEvent[]): Description {
  const text = currentState(before) === 'DeadLetter' ? queueFailure : 'The send step could not be started';
  return { text, tone: 'bad', reason: formatCause(event) };
}

const queueFailure = 'The dead-letter queue could not be written';

/** Attempts are counted from the last time the execution entered the Send state. */
function describeAttempt(before: readonly HistoryEvent[]): Description | undefined {
  const entered = before.findLastIndex(({ type }) => type.endsWith('StateEntered'));
  if (before[entered]?.name !== 'Send') return undefined;
  const earlier = before.slice(entered).filter(({ type }) => /^(Task|LambdaFunction)Started$/.test(type)).length;
  return {
    text: earlier === 0 ? 'Send step started' : `Send step retried, attempt ${earlier + 1}`,
    tone: 'busy',
  };
}

function describeFailure(event: HistoryEvent, before: readonly HistoryEvent[]): Description {
  if (currentState(before) === 'DeadLetter') return { text: queueFailure, tone: 'bad', reason: formatCause(event) };
  if (event.error === 'Deferred') {
    return { text: 'Deferred: waiting for its turn or a rate-limit slot', tone: 'warn', reason: deferredUntil(event) };
  }
  return { text: describeError(event.error), tone: 'bad', reason: formatCause(event) };
}

function describeWait({ timestamp }: HistoryEvent, after: readonly HistoryEvent[]): string {
  const exited = after.find(({ type }) => type === 'WaitStateExited');
  if (!exited) return 'Waiting for the next attempt';
  return `Waited ${duration(Date.parse(exited.timestamp) - Date.parse(timestamp))}`;
}

const endings: Readonly<Record<string, string>> = {
  ExecutionFailed: 'Execution failed',
  ExecutionAborted: 'Execution aborted by an operator',
  ExecutionTimedOut: 'Execution timed out',
};

const failures: ReadonlyMap<string, string> = new Map([
  ['LiveChatServerError', 'Server error at LiveChat, or the outcome is unknown'],
  ['LiveChatNetworkError', 'No response from LiveChat'],
  ['LiveChatClientError', 'LiveChat rejected the request'],
  ['LiveChatRepairableError', 'The chat state could not be repaired'],
  ['LiveChatAuthenticationError', 'LiveChat rejected the credentials'],
  ['LiveChatRateLimitError', 'LiveChat rate limit exceeded'],
  ['RequestExpired', 'The request expired'],
  ['RequestInvalid', 'The request is invalid'],
  ['RequestConflict', 'The requestId was used for a different request'],
  ['InputUnsupported', 'The send step does not support this version of the input'],
  ['FileUnavailable', 'The file to send could not be fetched'],
  ['FileRefused', 'The file is not allowed'],
  ['StepFailed', 'The send step failed before it called LiveChat'],
  ['IdempotencyPersistenceLayerError', 'The tables could not be read or written'],
  ['Lambda.TooManyRequestsException', 'The send function was throttled'],
  ['Lambda.Unknown', 'The send function exited without a response'],
  ['Runtime.ExitError', 'The send function exited without a response'],
  ['Sandbox.Timedout', 'The send function timed out'],
  ['States.Timeout', 'The send function timed out'],
]);

/** Lambda errors that are not in the list share one text. */
function describeError(error: string | undefined): string {
  if (error?.startsWith('Lambda.')) return failures.get(error) ?? 'Lambda could not invoke the send function';
  return failures.get(error ?? '') ?? 'The attempt failed';
}

/** The cause of a failed function is JSON with `errorMessage`; other causes are text. */
export function formatCause({
  error,
  cause,
}: {
  error?: string | undefined;
  cause?: string | undefined;
}): string | undefined {
  const message = cause && (parseErrorMessage(cause) ?? cause);
  return [error, message].filter(Boolean).join(': ') || undefined;
}

function deferredUntil({ cause }: HistoryEvent): string | undefined {
  const time = cause && parseErrorMessage(cause);
  return time && !Number.isNaN(Date.parse(time)) ? `until ${fullTime(time)}` : undefined;
}

function parseErrorMessage(json: string): string | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && 'errorMessage' in value
      ? String(value.errorMessage)
      : undefined;
  } catch {
    return undefined;
  }
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
