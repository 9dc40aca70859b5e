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

export type StepFunctionsOptions = Omit<CompileOptions, 'name' | 'definition'> & { readonly executions: Executions };

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
export function createStepFunctions({ executions, ...compileOptions }: StepFunctionsOptions) {
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

  function history(call: unknown) {
    const { reverseOrder = false, ...page } = parseInput(historySchema, call);
    const events = executionHistory(findExecution(call));
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
    GetExecutionHistory: history,
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

export type StepFunctions = ReturnType<typeof createStepFunctions>;

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
  return date && date.getTime() / 1_000;
}

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

type StateEvent = Extract<MachineEvent, { state: unknown }>;
type Outcome = 'Scheduled' | 'Started' | 'Succeeded' | 'Failed' | 'TimedOut';

const whole = { truncated: false };

/** An execution's history in AWS's form. */
export function executionHistory(execution: Execution): readonly HistoryEvent[] {
  const drafts = [startEvent(execution), ...stateEvents(execution), ...endEvents(execution)];
  return drafts.map((draft, index) => ({
    id: index + 1,
    // On AWS the first state, like the start, has no previous event.
    previousEventId: index <= 1 ? 0 : index,
    ...draft,
  }));
}

function startEvent({ startedAt, input }: Execution): Draft {
  return {
    type: 'ExecutionStarted',
    timestamp: fromMilliseconds(startedAt.getTime()),
    executionStartedEventDetails: { input, inputDetails: whole },
  };
}

function endEvents({ end, stoppedAt }: Execution): Draft[] {
  if (!end || !stoppedAt) return [];
  const timestamp = fromMilliseconds(stoppedAt.getTime());
  const { output, error, cause } = end;
  switch (end.status) {
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

/** The events of a state's task; none if it failed before the call. */
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
    timestamp: fromMilliseconds(timestamp),
    stateEnteredEventDetails: { name: state.name, input, inputDetails: whole },
  };
}

function exited({ state, timestamp }: StateEvent): Draft {
  const output = JSON.stringify(state.output);
  return {
    type: `${state.type}StateExited`,
    timestamp: fromMilliseconds(timestamp),
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

/** Only the first event of a function names the resource; those of another service always do. */
function taskEvent(resource: Resource, outcome: Outcome, timestamp: number, details: object): Draft {
  if (resource.kind === 'lambda') {
    const key = `lambdaFunction${outcome}EventDetails`;
    const said = outcome === 'Started' ? {} : { [key]: details };
    return { type: `LambdaFunction${outcome}`, timestamp: fromMilliseconds(timestamp), ...said };
  }
  return {
    type: `Task${outcome}`,
    timestamp: fromMilliseconds(timestamp),
    [`task${outcome}EventDetails`]: { resourceType: resource.type, resource: resource.action, ...details },
  };
}

function fromMilliseconds(milliseconds: number): number {
  return milliseconds / 1_000;
}
