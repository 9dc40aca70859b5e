import { randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import { executionArn, region } from './arn.ts';
import { type Execution, type Executions, executionStatus } from './executions.ts';
import { AwsError, callOperation, type Operations, paginate, parseInput } from './protocol.ts';
import {
  type CompiledMachine,
  type CompileOptions,
  compileMachine,
  type MachineEvent,
  maxStateBytes,
  type Resource,
  type TaskCall,
} from './state-machine.ts';

const startSchema = z.object({
  stateMachineArn: z.string(),
  name: z.optional(z.string()),
  input: z.optional(z.string()),
});
const stopSchema = z.object({
  executionArn: z.string(),
  error: z.optional(z.string()),
  cause: z.optional(z.string()),
});
const describeSchema = z.object({ executionArn: z.string() });
const machineSchema = z.object({ stateMachineArn: z.string() });
const pageSchema = z.object({ maxResults: z.optional(z.number()), nextToken: z.optional(z.string()) });
const listSchema = z.extend(pageSchema, {
  stateMachineArn: z.string(),
  statusFilter: z.optional(z.enum(['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'])),
});
const historySchema = z.extend(pageSchema, { executionArn: z.string(), reverseOrder: z.optional(z.boolean()) });

/** No white space, brackets, wildcards, quotes or control characters. */
const nameForm = /^[^\s<>{}[\]?*"#%\\^|~`$&,;:/\p{Cc}]{1,80}$/u;

/** The part of Step Functions' API that the app and an operator use. */
export function createStepFunctions(executions: Executions, compileOptions: Pick<CompileOptions, 'task' | 'delays'>) {
  const machines = new Map<string, CompiledMachine>();

  function findMachine(arn: string): CompiledMachine {
    const machine = machines.get(arn);
    if (!machine) throw new AwsError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
    return machine;
  }

  function findExecution(input: unknown): Execution {
    const { executionArn } = parseInput(describeSchema, input);
    const execution = executions.find(executionArn);
    if (!execution) throw new AwsError('ExecutionDoesNotExist', `Execution Does Not Exist: '${executionArn}'`);
    return execution;
  }

  /** Idempotent for the same name and input while the execution runs. */
  function start(call: unknown): Execution {
    const { stateMachineArn, name = randomUUID(), input = '{}' } = parseInput(startSchema, call);
    const machine = findMachine(stateMachineArn);
    if (!nameForm.test(name)) throw new AwsError('InvalidName', `Invalid Name: '${name}'`);
    assertInput(input);
    const before = executions.find(executionArn(machine.name, name));
    if (!before) return executions.start(machine, name, input);
    if (executionStatus(before) === 'RUNNING' && before.input === input) return before;
    throw new AwsError('ExecutionAlreadyExists', `Execution Already Exists: '${before.arn}'`);
  }

  function stop(call: unknown) {
    const execution = findExecution(call);
    const { error, cause } = parseInput(stopSchema, call);
    executions.abort(execution.arn, { ...(error && { error }), ...(cause && { cause }) });
    return { stopDate: seconds(executions.find(execution.arn)?.stoppedAt) };
  }

  function list(call: unknown) {
    const { stateMachineArn, statusFilter, ...page } = parseInput(listSchema, call);
    const found = executions
      .list(findMachine(stateMachineArn))
      .filter((execution) => !statusFilter || executionStatus(execution) === statusFilter);
    const { items, nextToken } = paginate(found, page, ({ number }) => -number);
    return { executions: items.map(summary), nextToken };
  }

  function getHistory(call: unknown) {
    const { reverseOrder = false, ...page } = parseInput(historySchema, call);
    const events = history(findExecution(call));
    const ordered = reverseOrder ? events.toReversed() : events;
    const { items, nextToken } = paginate(ordered, page, ({ id }) => (reverseOrder ? -id : id));
    return { events: items, nextToken };
  }

  const operations: Operations = {
    StartExecution(input) {
      const { arn, startedAt } = start(input);
      return { executionArn: arn, startDate: seconds(startedAt) };
    },
    StopExecution: stop,
    DescribeExecution: (input) => describe(findExecution(input)),
    ListExecutions: list,
    GetExecutionHistory: getHistory,
    DescribeStateMachine(input) {
      const machine = findMachine(parseInput(machineSchema, input).stateMachineArn);
      return { ...machineSummary(machine), status: 'ACTIVE', definition: JSON.stringify(machine.definition) };
    },
    ListStateMachines: () => ({ stateMachines: [...machines.values()].map(machineSummary) }),
  };

  return {
    /** @throws UnsupportedStateMachineError */
    create(name: string, definition: unknown): void {
      const machine = compileMachine({ name, definition, ...compileOptions });
      machines.set(machine.arn, machine);
    },

    /** @throws AwsError */
    call: (operation: string, input: unknown): unknown => callOperation('Step Functions', operations, operation, input),
  };
}

function assertInput(input: string): void {
  if (Buffer.byteLength(input) > maxStateBytes) {
    throw new AwsError(
      'ValidationException',
      `1 validation error detected: Value at 'input' failed to satisfy constraint: Member must have length less than or equal to ${maxStateBytes}`,
    );
  }
  try {
    JSON.parse(input);
  } catch {
    throw new AwsError('InvalidExecutionInput', 'Invalid State Machine Execution Input: it is not JSON');
  }
}

function summary(execution: Execution) {
  return {
    executionArn: execution.arn,
    stateMachineArn: execution.machine.arn,
    name: execution.name,
    status: executionStatus(execution),
    startDate: seconds(execution.startedAt),
    stopDate: seconds(execution.stoppedAt),
    redriveCount: 0,
  };
}

function describe(execution: Execution) {
  const { output, error, cause } = execution.end ?? {};
  return {
    ...summary(execution),
    input: execution.input,
    inputDetails: { included: true },
    ...(output !== undefined && { output, outputDetails: { included: true } }),
    error,
    cause,
  };
}

function machineSummary({ arn, name, createdAt }: CompiledMachine) {
  return { stateMachineArn: arn, name, type: 'STANDARD', creationDate: seconds(createdAt) };
}

function seconds(date: Date | undefined): number | undefined {
  return date && toSeconds(date.getTime());
}

/** A history event without its ids. `timestamp` is in seconds since 1970. */
interface Draft {
  readonly type: string;
  readonly timestamp: number;
  readonly [details: string]: unknown;
}

type StateEvent = Extract<MachineEvent, { state: unknown }>;

const whole = { truncated: false };

/** An execution's history in AWS's form. */
function history(execution: Execution) {
  const drafts = [startEvent(execution), ...stateEvents(execution), ...endEvents(execution)];
  return drafts.map((draft, index) => ({
    id: index + 1,
    // On AWS the first state, like the start, has no previous event.
    previousEventId: index <= 1 ? 0 : index,
    ...draft,
  }));
}

function startEvent({ startedAt, input }: Execution): Draft {
  const details = { executionStartedEventDetails: { input, inputDetails: whole } };
  return { type: 'ExecutionStarted', timestamp: toSeconds(startedAt.getTime()), ...details };
}

function endEvents({ end, stoppedAt }: Execution): Draft[] {
  if (!end || !stoppedAt) return [];
  const timestamp = toSeconds(stoppedAt.getTime());
  const { output, error, cause } = end;
  switch (end.status) {
    case 'SUCCEEDED':
      return [
        { type: 'ExecutionSucceeded', timestamp, executionSucceededEventDetails: { output, outputDetails: whole } },
      ];
    case 'FAILED':
      return [{ type: 'ExecutionFailed', timestamp, executionFailedEventDetails: { error, cause } }];
    case 'TIMED_OUT':
      return [{ type: 'ExecutionTimedOut', timestamp, executionTimedOutEventDetails: { error, cause } }];
    case 'ABORTED':
      return [{ type: 'ExecutionAborted', timestamp, executionAbortedEventDetails: { error, cause } }];
  }
}

/** Pairs each entry and retry in the library's log with the next recorded call: AWS's history has one event per scheduled call. */
function stateEvents({ log, calls, machine }: Execution): Draft[] {
  const remaining = calls[Symbol.iterator]();
  let call: TaskCall | undefined;
  let caught = false;
  const drafts: Draft[] = [];
  for (const event of log.flatMap((one) => ('state' in one ? [one] : []))) {
    const resource = machine.resources.get(event.state.name);
    if (event.type === 'StateCaught') caught = true;
    if (event.type === 'StateEntered') {
      caught = false;
      drafts.push(stateEvent(event, 'Entered', { input: JSON.stringify(event.state.input), inputDetails: whole }));
    }
    if (event.type === 'StateEntered' || event.type === 'StateRetried') {
      call = resource && remaining.next().value;
    }
    if (resource && call) drafts.push(...taskEvents(event, resource, call, caught));
    if (event.type === 'StateExited') {
      drafts.push(stateEvent(event, 'Exited', { output: JSON.stringify(event.state.output), outputDetails: whole }));
    }
  }
  return drafts;
}

function stateEvent({ state, timestamp }: StateEvent, change: 'Entered' | 'Exited', details: object): Draft {
  return {
    type: `${state.type}State${change}`,
    timestamp: toSeconds(timestamp),
    [`state${change}EventDetails`]: { name: state.name, ...details },
  };
}

/** The events of a state's task; none if it failed before the call. */
function taskEvents(event: StateEvent, resource: Resource, call: TaskCall, caught: boolean): Draft[] {
  switch (event.type) {
    case 'StateEntered':
    case 'StateRetried': {
      const input = JSON.stringify(call.input);
      const lambda = resource.kind === 'lambda';
      const scheduled = lambda ? { resource: resource.arn, input, inputDetails: whole } : { region, parameters: input };
      return [taskEvent(event, resource, 'Scheduled', scheduled), taskEvent(event, resource, 'Started', {})];
    }
    case 'StateFailed': {
      const outcome = event.Error === 'States.Timeout' ? 'TimedOut' : 'Failed';
      return [taskEvent(event, resource, outcome, { error: event.Error, cause: event.Cause })];
    }
    case 'StateExited': {
      const details = { output: JSON.stringify(call.output), outputDetails: whole };
      return caught ? [] : [taskEvent(event, resource, 'Succeeded', details)];
    }
    default:
      return [];
  }
}

/** Only the first event of a function names the resource; those of another service always do. */
function taskEvent({ timestamp }: StateEvent, resource: Resource, outcome: string, details: object): Draft {
  if (resource.kind === 'lambda') {
    const eventDetails = outcome === 'Started' ? {} : { [`lambdaFunction${outcome}EventDetails`]: details };
    return { type: `LambdaFunction${outcome}`, timestamp: toSeconds(timestamp), ...eventDetails };
  }
  return {
    type: `Task${outcome}`,
    timestamp: toSeconds(timestamp),
    [`task${outcome}EventDetails`]: { resourceType: resource.type, resource: resource.action, ...details },
  };
}

function toSeconds(milliseconds: number): number {
  return milliseconds / 1_000;
}
