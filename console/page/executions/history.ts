import type { HistoryEvent } from '../../answers.ts';
import type { Tone } from '../parts/badge.tsx';
import { duration, wholeTime } from '../parts/time.ts';

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

/** A run's history for people: what a machine notes beside (scheduled, exited …) is left out. */
export function tellHistory(history: readonly HistoryEvent[]): Told[] {
  return history.flatMap((event, index): Told[] => {
    const [, tell] = tellers.find(([type]) => type.test(event.type)) ?? [];
    const saying = tell?.(event, history.slice(0, index), history.slice(index + 1));
    return saying ? [{ id: event.id, at: event.timestamp, ...saying }] : [];
  });
}

const tellers: readonly (readonly [RegExp, Tell])[] = [
  [/^ExecutionStarted$/, () => ({ text: 'The send request came from the bus; the run began', tone: 'calm' })],
  [/^ExecutionSucceeded$/, () => ({ text: 'The run ended: everything was sent', tone: 'good' })],
  [/^Execution/, (event) => ({ text: endings[event.type] ?? event.type, tone: 'bad', because: causeOf(event) })],
  [/^WaitStateEntered$/, (event, _, after) => ({ text: waiting(event, after), tone: 'warn' })],
  [/^(Task|LambdaFunction)Started$/, (_, before) => attempt(before)],
  [/^(Task|LambdaFunction)(Failed|TimedOut)$/, (event) => failure(event)],
  [/^TaskStateEntered$/, ({ name }) => (name === 'DeadLetter' ? givenUp : undefined)],
];

const givenUp: Saying = { text: 'Given up: the request was put into the dead-letter queue', tone: 'bad' };

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

function failure(event: HistoryEvent): Saying {
  if (event.error === 'Deferred') {
    return { text: 'Not its turn yet, or no slot: deferred', tone: 'warn', because: until(event) };
  }
  return { text: failures[event.error ?? ''] ?? 'The attempt failed', tone: 'bad', because: causeOf(event) };
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

const failures: Readonly<Record<string, string>> = {
  LiveChatServerError: 'LiveChat failed itself, or did not say whether it took the message',
  LiveChatNetworkError: 'LiveChat did not answer',
  LiveChatClientError: 'LiveChat refused the message',
  LiveChatRepairableError: 'The chat was not ready and could not be made ready',
  LiveChatAuthenticationError: "LiveChat refused the bridge's credentials",
  LiveChatRateLimitError: 'LiveChat asked to slow down',
  RequestExpired: 'The request was too old to be sent',
  RequestInvalid: 'The request is not one that can be sent',
  RequestConflict: 'The same requestId was used for something else',
};

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
