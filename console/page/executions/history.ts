import type { HistoryEvent } from '../../responses.ts';
import { duration, wholeTime } from '../parts/time.ts';
import type { Tone } from '../parts/ui.tsx';

/** One step of a run in plain words. */
export interface Told {
  readonly id: number;
  readonly at: string;
  readonly text: string;
  readonly tone: Tone;
  readonly because?: string | undefined;
}

type Saying = Pick<Told, 'text' | 'tone' | 'because'>;
type Tell = (
  event: HistoryEvent,
  before: readonly HistoryEvent[],
  after: readonly HistoryEvent[],
) => Saying | undefined;

/** A run's history for people: what a machine notes beside (scheduled, exited …) is left out, and what is not known is told in its own words. */
export function tellHistory(history: readonly HistoryEvent[]): Told[] {
  return history.flatMap((event, index): Told[] => {
    const [, tell] = tellers.find(([type]) => type.test(event.type)) ?? [undefined, inItsOwnWords];
    const saying = tell(event, history.slice(0, index), history.slice(index + 1));
    return saying ? [{ id: event.id, at: event.timestamp, ...saying }] : [];
  });
}

const nothing: Tell = () => undefined;

/** The first that fits. */
const tellers: readonly (readonly [RegExp, Tell])[] = [
  [/^ExecutionStarted$/, () => ({ text: 'The send request came from the bus; the run began', tone: 'calm' })],
  [/^ExecutionSucceeded$/, () => ({ text: 'The run ended: everything was sent', tone: 'good' })],
  [/^ExecutionRedriven$/, () => ({ text: 'Somebody started the run again where it had failed', tone: 'busy' })],
  [/^Execution(Failed|Aborted|TimedOut)$/, (event) => ended(event)],
  [/^WaitStateEntered$/, (event, _, after) => ({ text: waiting(event, after), tone: 'warn' })],
  [/^(Task|LambdaFunction)Started$/, (_, before) => attempt(before)],
  [/^(Task|LambdaFunction)(Failed|TimedOut)$/, (event, before) => failure(event, before)],
  [/^(Task|LambdaFunction)(Start|Schedule|Submit)Failed$/, (event, before) => notBegun(event, before)],
  [
    /^EvaluationFailed$/,
    (event) => ({ text: 'The state machine does not fit its input', tone: 'bad', because: causeOf(event) }),
  ],
  [/^TaskStateEntered$/, ({ name }) => (name === 'DeadLetter' ? givenUp : undefined)],
  [/^(Pass|Choice|Fail|Succeed)StateEntered$/, nothing],
  // The run's own end says it.
  [/^(Task|Wait)StateAborted$/, nothing],
  [/^(Task|LambdaFunction)(Scheduled|Submitted|Succeeded)$/, nothing],
  [/StateExited$/, nothing],
];

/** `MapRunStarted` is "Map run started"; whatever did not succeed stands out. */
function inItsOwnWords(event: HistoryEvent): Saying {
  const words = event.type.replace(/(?<=[a-z0-9])(?=[A-Z])/g, ' ').toLowerCase();
  const text = words === '' ? 'Something that has no name' : `${words[0]?.toUpperCase()}${words.slice(1)}`;
  const bad = /(Failed|TimedOut|Aborted)$/.test(event.type);
  return { text: event.name ? `${text}: ${event.name}` : text, tone: bad ? 'bad' : 'calm', because: causeOf(event) };
}

function ended(event: HistoryEvent): Saying {
  return { text: endings[event.type] ?? event.type, tone: 'bad', because: causeOf(event) };
}

const givenUp: Saying = { text: 'Given up: the request goes into the dead-letter queue', tone: 'bad' };

/** The state in which the run is. */
function stateOf(before: readonly HistoryEvent[]): string | undefined {
  return before.findLast(({ type }) => type.endsWith('StateEntered'))?.name;
}

function notBegun(event: HistoryEvent, before: readonly HistoryEvent[]): Saying {
  const text = stateOf(before) === 'DeadLetter' ? notKept : 'The send step could not be started';
  return { text, tone: 'bad', because: causeOf(event) };
}

const notKept = 'It could not be put into the dead-letter queue';

/** Attempts are counted from when the run last came to the send step. */
function attempt(before: readonly HistoryEvent[]): Saying | undefined {
  const entered = before.findLastIndex(({ type }) => type.endsWith('StateEntered'));
  if (before[entered]?.name !== 'Send') return undefined;
  const earlier = before.slice(entered).filter(({ type }) => /^(Task|LambdaFunction)Started$/.test(type)).length;
  return {
    text: earlier === 0 ? 'The send step began' : `Tried again, attempt ${earlier + 1} of this visit`,
    tone: 'busy',
  };
}

function failure(event: HistoryEvent, before: readonly HistoryEvent[]): Saying {
  if (stateOf(before) === 'DeadLetter') return { text: notKept, tone: 'bad', because: causeOf(event) };
  if (event.error === 'Deferred') {
    return { text: 'Not its turn yet, or no slot: deferred', tone: 'warn', because: until(event) };
  }
  return { text: wordsOfError(event.error), tone: 'bad', because: causeOf(event) };
}

function waiting({ timestamp }: HistoryEvent, after: readonly HistoryEvent[]): string {
  const exited = after.find(({ type }) => type === 'WaitStateExited');
  if (!exited) return 'It waits, and is then tried again';
  return `It waited ${duration(Date.parse(exited.timestamp) - Date.parse(timestamp))}`;
}

const endings: Readonly<Record<string, string>> = {
  ExecutionFailed: 'The run failed',
  ExecutionAborted: 'The run was stopped by hand',
  ExecutionTimedOut: 'The run took longer than it may',
};

const failures: ReadonlyMap<string, string> = new Map([
  ['LiveChatServerError', 'LiveChat failed itself, or did not say whether it took the message'],
  ['LiveChatNetworkError', 'LiveChat did not answer'],
  ['LiveChatClientError', 'LiveChat refused the message'],
  ['LiveChatRepairableError', 'The chat was not ready and could not be made ready'],
  ['LiveChatAuthenticationError', "LiveChat refused the bridge's credentials"],
  ['LiveChatRateLimitError', 'LiveChat asked to slow down'],
  ['RequestExpired', 'The request was too old to be sent'],
  ['RequestInvalid', 'The request is not one that can be sent'],
  ['RequestConflict', 'The same requestId was used for something else'],
  ['InputUnsupported', 'The run is of a version that the send step does not know'],
  ['FileUnavailable', 'The file to send could not be fetched'],
  ['FileRefused', 'The file is not one that may be sent'],
  ['StepFailed', 'The send step failed before it called LiveChat'],
  ['IdempotencyPersistenceLayerError', 'The tables could not be read or written'],
  ['Lambda.TooManyRequestsException', 'All send functions were busy'],
  ['Lambda.Unknown', 'The send function ended without an answer'],
  ['Runtime.ExitError', 'The send function ended without an answer'],
  ['Sandbox.Timedout', 'The send function took too long'],
  ['States.Timeout', 'The send function took too long'],
]);

/** Lambda's own troubles have many names. */
function wordsOfError(error: string | undefined): string {
  if (error?.startsWith('Lambda.')) return failures.get(error) ?? 'Lambda could not run the send function';
  return failures.get(error ?? '') ?? 'The attempt failed';
}

/** A failed function's cause is JSON with `errorMessage`; others are text. */
export function causeOf({
  error,
  cause,
}: {
  error?: string | undefined;
  cause?: string | undefined;
}): string | undefined {
  const message = cause && (parsedMessage(cause) ?? cause);
  return [error, message].filter(Boolean).join(': ') || undefined;
}

function until({ cause }: HistoryEvent): string | undefined {
  const time = cause && parsedMessage(cause);
  return time && !Number.isNaN(Date.parse(time)) ? `until ${wholeTime(time)}` : undefined;
}

function parsedMessage(json: string): string | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && 'errorMessage' in value
      ? String(value.errorMessage)
      : undefined;
  } catch {
    return undefined;
  }
}

/** The states a run has entered, and the steps between them. */
export function pathOf(history: readonly HistoryEvent[]): { states: ReadonlySet<string>; steps: ReadonlySet<string> } {
  const entered = history.flatMap(({ type, name }) => (type.endsWith('StateEntered') && name ? [name] : []));
  const steps = entered.slice(1).map((name, index) => `${entered[index]}>${name}`);
  return { states: new Set(entered), steps: new Set(steps) };
}
