import { region } from '../arn.ts';
import type { Json } from '../protocol.ts';
import type { Resource, State } from './definition.ts';
import type { StateError } from './expressions.ts';

/** An event of an execution's history. The details are formatted on demand: most executions' histories are never read. */
export interface HistoryEvent {
  readonly type: string;
  readonly at: Date;
  details?(): Readonly<Record<string, unknown>>;
}

/** How an execution ended. `output` is JSON. */
export interface ExecutionEnd {
  readonly status: 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';
  readonly output?: string;
  readonly error?: string;
  readonly cause?: string;
}

const whole = { truncated: false };

/** Events as GetExecutionHistory returns them. The states of an execution form a single chain. */
export function formatHistory(events: readonly HistoryEvent[]) {
  return events.map(({ type, at, details }, index) => ({
    id: index + 1,
    // On AWS the first state, like the start, has no previous event.
    previousEventId: index <= 1 ? 0 : index,
    type,
    timestamp: at.getTime() / 1_000,
    ...(details && { [detailsField(type)]: details() }),
  }));
}

/** The events of all state types share the fields `stateEnteredEventDetails` and `stateExitedEventDetails`. */
function detailsField(type: string): string {
  const name = type.replace(/^\w+(?=State(?:Entered|Exited)$)/, '');
  return `${name.charAt(0).toLowerCase()}${name.slice(1)}EventDetails`;
}

export function executionStarted(at: Date, input: string): HistoryEvent {
  return { type: 'ExecutionStarted', at, details: () => ({ input, inputDetails: whole }) };
}

export function executionEnded(at: Date, { status, output, error, cause }: ExecutionEnd): HistoryEvent {
  switch (status) {
    case 'SUCCEEDED':
      return { type: 'ExecutionSucceeded', at, details: () => ({ output, outputDetails: whole }) };
    case 'FAILED':
      return { type: 'ExecutionFailed', at, details: () => ({ error, cause }) };
    case 'TIMED_OUT':
      return { type: 'ExecutionTimedOut', at, details: () => ({ error, cause }) };
    case 'ABORTED':
      return { type: 'ExecutionAborted', at, details: () => ({ error, cause }) };
  }
}

export function stateEntered(at: Date, { Type }: State, name: string, input: Json): HistoryEvent {
  return {
    type: `${Type}StateEntered`,
    at,
    details: () => ({ name, input: JSON.stringify(input), inputDetails: whole }),
  };
}

export function stateExited(at: Date, { Type }: State, name: string, output: Json): HistoryEvent {
  return {
    type: `${Type}StateExited`,
    at,
    details: () => ({ name, output: JSON.stringify(output), outputDetails: whole }),
  };
}

/** The two events with which a task starts. */
export function taskStarted(
  at: Date,
  resource: Resource,
  parameters: Json,
  timeoutInSeconds: number | undefined,
): HistoryEvent[] {
  const input = (): string => JSON.stringify(parameters);
  if (!resource.integration) {
    const scheduled = () => ({ resource: resource.arn, input: input(), inputDetails: whole, timeoutInSeconds });
    return [
      { type: 'LambdaFunctionScheduled', at, details: scheduled },
      { type: 'LambdaFunctionStarted', at },
    ];
  }
  const scheduled = () => ({ region, parameters: input(), timeoutInSeconds });
  return [taskEvent(at, resource, 'Scheduled', scheduled), taskEvent(at, resource, 'Started', () => ({}))];
}

/** The resource of a task with a token has responded. */
export function taskSubmitted(at: Date, resource: Resource, output: Json): HistoryEvent {
  return taskEvent(at, resource, 'Submitted', () => ({ output: JSON.stringify(output), outputDetails: whole }));
}

export function taskSucceeded(at: Date, resource: Resource, output: Json): HistoryEvent {
  return taskEvent(at, resource, 'Succeeded', () => ({ output: JSON.stringify(output), outputDetails: whole }));
}

export function taskFailed(at: Date, resource: Resource, { name, message }: StateError): HistoryEvent {
  const outcome = name === 'States.Timeout' ? 'TimedOut' : 'Failed';
  return taskEvent(at, resource, outcome, () => ({ error: name, ...(message && { cause: message }) }));
}

/** Only the first event of a function names the resource; those of another service always do. */
function taskEvent(at: Date, { integration }: Resource, outcome: string, details: () => object): HistoryEvent {
  if (!integration) return { type: `LambdaFunction${outcome}`, at, details: () => ({ ...details() }) };
  const { service, action } = integration;
  return { type: `Task${outcome}`, at, details: () => ({ resourceType: service, resource: action, ...details() }) };
}
