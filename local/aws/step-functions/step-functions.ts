import { randomUUID } from 'node:crypto';
import * as z from 'zod/mini';
import { executionArn } from '../arn.ts';
import { AwsError, createService, paginate, parseInput } from '../protocol.ts';
import { parseStateJson } from './data-flow.ts';
import { type CompiledMachine, compileMachine } from './definition.ts';
import { createExecutions, type Execution, type ExecutionsOptions, executionStatus } from './executions.ts';
import { formatHistory } from './history.ts';
import { createInterpreter } from './interpreter.ts';
import type { TaskRunnerOptions } from './task-state.ts';
import { createTaskTokens } from './task-tokens.ts';
import { createTasks, type TaskOptions } from './tasks.ts';

const startSchema = z.object({
  stateMachineArn: z.string(),
  name: z.optional(z.string().check(z.minLength(1), z.maxLength(80))),
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

/** No white space, brackets, wildcards, special, control or surrogate characters. */
const nameForm = /^[^\s<>{}[\]?*"#%\\^|~`$&,;:/\p{Cc}\p{Cs}\uFFFE\uFFFF]+$/u;

export interface StepFunctionsOptions
  extends TaskOptions,
    Omit<ExecutionsOptions, 'interpreter' | 'forgetToken' | 'now'>,
    Pick<TaskRunnerOptions, 'retryDelayMs'> {}

/** The part of Step Functions' API that the app and an operator use. */
export function createStepFunctions(options: StepFunctionsOptions) {
  const now = () => new Date();
  const tokens = createTaskTokens(options.state);
  const interpreter = createInterpreter({ ...options, task: createTasks(options), tokens, now });
  const executions = createExecutions({ ...options, interpreter, forgetToken: tokens.forget, now });
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
    parseStateJson(
      'input',
      input,
      new AwsError('InvalidExecutionInput', 'Invalid State Machine Execution Input: it is not JSON'),
    );
    const arn = executionArn(machine.name, name);
    if (!executions.isTaken(arn)) return executions.start(machine, name, input);
    const before = executions.find(arn);
    if (before && executionStatus(before) === 'RUNNING' && before.input === input) return before;
    throw new AwsError('ExecutionAlreadyExists', `Execution Already Exists: '${arn}'`);
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
    const events = formatHistory(executions.history(findExecution(call).arn));
    const ordered = reverseOrder ? events.toReversed() : events;
    const { items, nextToken } = paginate(ordered, page, ({ id }) => (reverseOrder ? -id : id));
    return { events: items, nextToken };
  }

  const service = createService('Step Functions', {
    ...tokens.operations,
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
  });

  return {
    /**
     * @throws UnsupportedStateMachineError
     * @throws InvalidStateMachineError
     */
    create(name: string, definition: object): void {
      const machine = compileMachine(name, definition);
      machines.set(machine.arn, machine);
    },

    call: service.call,

    /** Continues the executions of an earlier run. Create the state machines before. */
    resume: () => executions.resume((arn) => machines.get(arn)),

    /** Ends all executions without events. */
    stop: executions.stop,
  };
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
