import { region } from '../lambda/names.ts';
import type { Execution } from './executions.ts';
import type { RunEvent, TaskCall } from './state-machine.ts';
import type { Resource } from './tasks.ts';

interface Draft {
  readonly type: string;
  /** Seconds since 1970. */
  readonly timestamp: number;
  readonly [details: string]: unknown;
}

/** An event of GetExecutionHistory. */
export interface HistoryEvent extends Draft {
  readonly id: number;
  readonly previousEventId: number;
}

type StateEvent = Extract<RunEvent, { state: unknown }>;
type Outcome = 'Scheduled' | 'Started' | 'Succeeded' | 'Failed' | 'TimedOut';

const whole = { truncated: false };

/** An execution's log as AWS tells it. */
export function historyOf(execution: Execution): readonly HistoryEvent[] {
  const drafts = [startOf(execution), ...statesOf(execution), ...endOf(execution)];
  return drafts.map((draft, index) => ({
    id: index + 1,
    // AWS has the first state follow on nothing, as the start does.
    previousEventId: index <= 1 ? 0 : index,
    ...draft,
  }));
}

function startOf({ startedAt, input }: Execution): Draft {
  return {
    type: 'ExecutionStarted',
    timestamp: seconds(startedAt.getTime()),
    executionStartedEventDetails: { input, inputDetails: whole },
  };
}

function endOf({ ending, stoppedAt }: Execution): Draft[] {
  if (!ending || !stoppedAt) return [];
  const timestamp = seconds(stoppedAt.getTime());
  const { output, error, cause } = ending;
  switch (ending.status) {
    case 'SUCCEEDED':
      return [
        {
          type: 'ExecutionSucceeded',
          timestamp,
          executionSucceededEventDetails: { output, outputDetails: whole },
        },
      ];
    case 'FAILED':
      return [{ type: 'ExecutionFailed', timestamp, executionFailedEventDetails: { error, cause } }];
    case 'TIMED_OUT':
      return [{ type: 'ExecutionTimedOut', timestamp, executionTimedOutEventDetails: { error, cause } }];
    case 'ABORTED':
      return [{ type: 'ExecutionAborted', timestamp, executionAbortedEventDetails: { error, cause } }];
  }
}

/** The library's log tells when a task is tried again, AWS's history when it is scheduled: each time it has one more call. */
function statesOf({ log, calls, machine }: Execution): Draft[] {
  const remaining = calls[Symbol.iterator]();
  let call: TaskCall | undefined;
  let caught = false;
  const drafts: Draft[] = [];
  for (const event of log.flatMap((one) => ('state' in one ? [one] : []))) {
    const resource = machine.resources.get(event.state.name);
    if (event.type === 'StateCaught') caught = true;
    if (event.type === 'StateEntered') {
      caught = false;
      drafts.push(entered(event));
    }
    if (event.type === 'StateEntered' || event.type === 'StateRetried') {
      call = resource && remaining.next().value;
    }
    if (resource && call) drafts.push(...taskEvents(event, resource, call, caught));
    if (event.type === 'StateExited') drafts.push(exited(event));
  }
  return drafts;
}

/** What the state's task did; nothing when it failed before the call. */
function taskEvents(event: StateEvent, resource: Resource, call: TaskCall, caught: boolean): Draft[] {
  if (event.type === 'StateEntered' || event.type === 'StateRetried') return begun(event, resource, call);
  if (event.type === 'StateFailed') return [failed(event, resource)];
  if (event.type === 'StateExited' && !caught) return [succeeded(event, resource, call)];
  return [];
}

function entered({ state, timestamp }: StateEvent): Draft {
  const input = JSON.stringify(state.input);
  return {
    type: `${state.type}StateEntered`,
    timestamp: seconds(timestamp),
    stateEnteredEventDetails: { name: state.name, input, inputDetails: whole },
  };
}

function exited({ state, timestamp }: StateEvent): Draft {
  const output = JSON.stringify(state.output);
  return {
    type: `${state.type}StateExited`,
    timestamp: seconds(timestamp),
    stateExitedEventDetails: { name: state.name, output, outputDetails: whole },
  };
}

function begun({ timestamp }: StateEvent, resource: Resource, call: TaskCall): Draft[] {
  const input = JSON.stringify(call.input);
  const scheduled =
    resource.kind === 'lambda' ? { resource: resource.arn, input, inputDetails: whole } : { region, parameters: input };
  return [taskEvent(resource, 'Scheduled', timestamp, scheduled), taskEvent(resource, 'Started', timestamp, {})];
}

function succeeded({ timestamp }: StateEvent, resource: Resource, call: TaskCall): Draft {
  const output = JSON.stringify(call.output);
  return taskEvent(resource, 'Succeeded', timestamp, { output, outputDetails: whole });
}

function failed(event: Extract<StateEvent, { Error: string }>, resource: Resource): Draft {
  const outcome = event.Error === 'States.Timeout' ? 'TimedOut' : 'Failed';
  return taskEvent(resource, outcome, event.timestamp, { error: event.Error, cause: event.Cause });
}

/** A function's events name no resource after the first; another service's name it each time. */
function taskEvent(resource: Resource, outcome: Outcome, timestamp: number, details: object): Draft {
  if (resource.kind === 'lambda') {
    const key = `lambdaFunction${outcome}EventDetails`;
    const said = outcome === 'Started' ? {} : { [key]: details };
    return { type: `LambdaFunction${outcome}`, timestamp: seconds(timestamp), ...said };
  }
  return {
    type: `Task${outcome}`,
    timestamp: seconds(timestamp),
    [`task${outcome}EventDetails`]: { resourceType: resource.type, resource: resource.action, ...details },
  };
}

function seconds(milliseconds: number): number {
  return milliseconds / 1_000;
}
