import { region } from '../arn.ts';
import type { Json } from '../protocol.ts';
import type { Resource, State } from './definition.ts';
import type { StateError } from './expressions.ts';

/** An event of an execution's history, as it is stored. */
export interface HistoryEvent {
  readonly type: string;
  /** In milliseconds since 1970. */
  readonly at: number;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The last event of an execution, by its status. */
const endEvents = {
  SUCCEEDED: 'ExecutionSucceeded',
  FAILED: 'ExecutionFailed',
  TIMED_OUT: 'ExecutionTimedOut',
  ABORTED: 'ExecutionAborted',
} as const;

/** How an execution ended. `output` is JSON. */
export interface ExecutionEnd {
  readonly status: keyof typeof endEvents;
  readonly output?: string;
  readonly error?: string;
  readonly cause?: string;
}

/** Limits of a task, as they stand in the history. */
export interface TaskLimits {
  readonly timeoutInSeconds: number | undefined;
  readonly heartbeatInSeconds: number | undefined;
}

const whole = { truncated: false };

/** Events as GetExecutionHistory returns them. The states of an execution form a single chain. */
export function formatHistory(events: readonly HistoryEvent[]) {
  return events.map(({ type, at, details }, index) => ({
    id: index + 1,
    // On AWS the first state, like the start, has no previous event.
    previousEventId: index <= 1 ? 0 : index,
    type,
    timestamp: at / 1_000,
    ...(details && { [detailsField(type)]: details }),
  }));
}

/** The events of all state types share the fields `stateEnteredEventDetails` and `stateExitedEventDetails`. */
function detailsField(type: string): string {
  const name = type.replace(/^\w+(?=State(?:Entered|Exited)$)/, '');
  return `${name.charAt(0).toLowerCase()}${name.slice(1)}EventDetails`;
}

function historyEvent(type: string, at: Date, details?: HistoryEvent['details']): HistoryEvent {
  return { type, at: at.getTime(), ...(details && { details }) };
}

export function executionStarted(at: Date, input: string): HistoryEvent {
  return historyEvent('ExecutionStarted', at, { input, inputDetails: whole });
}

export function executionEnded(at: Date, { status, output, error, cause }: ExecutionEnd): HistoryEvent {
  const details = status === 'SUCCEEDED' ? { output, outputDetails: whole } : { error, cause };
  return historyEvent(endEvents[status], at, details);
}

export function stateEntered(at: Date, { Type }: State, name: string, input: Json): HistoryEvent {
  return historyEvent(`${Type}StateEntered`, at, { name, ...valueDetails('input', input) });
}

export function stateExited(at: Date, { Type }: State, name: string, output: Json): HistoryEvent {
  return historyEvent(`${Type}StateExited`, at, { name, ...valueDetails('output', output) });
}

function valueDetails(field: 'input' | 'output', value: Json) {
  return { [field]: JSON.stringify(value), [`${field}Details`]: whole };
}

/** The two events with which a task starts. */
export function taskStarted(at: Date, resource: Resource, parameters: Json, limits: TaskLimits): HistoryEvent[] {
  if (!resource.integration) {
    const { timeoutInSeconds } = limits;
    const scheduled = { resource: resource.arn, ...valueDetails('input', parameters), timeoutInSeconds };
    return [historyEvent('LambdaFunctionScheduled', at, scheduled), historyEvent('LambdaFunctionStarted', at)];
  }
  const scheduled = { region, parameters: JSON.stringify(parameters), ...limits };
  return [taskEvent(at, resource, 'Scheduled', scheduled), taskEvent(at, resource, 'Started', {})];
}

/** The resource of a task with a token has responded. */
export function taskSubmitted(at: Date, resource: Resource, output: Json): HistoryEvent {
  return taskEvent(at, resource, 'Submitted', valueDetails('output', output));
}

export function taskSucceeded(at: Date, resource: Resource, output: Json): HistoryEvent {
  return taskEvent(at, resource, 'Succeeded', valueDetails('output', output));
}

export function taskFailed(at: Date, resource: Resource, { name, message }: StateError): HistoryEvent {
  const outcome = name === 'States.Timeout' ? 'TimedOut' : 'Failed';
  return taskEvent(at, resource, outcome, { error: name, ...(message && { cause: message }) });
}

/** Only the first event of a function names the resource; those of another service always do. */
function taskEvent(at: Date, { integration }: Resource, outcome: string, details: object): HistoryEvent {
  if (!integration) return historyEvent(`LambdaFunction${outcome}`, at, { ...details });
  const { service, action } = integration;
  return historyEvent(`Task${outcome}`, at, { resourceType: service, resource: action, ...details });
}
