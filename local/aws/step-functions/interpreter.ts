import type { Json } from '../protocol.ts';
import { parseTimestamp } from './choice.ts';
import { finishOutput, readSeconds, selectInput, selectOutput } from './data-flow.ts';
import type { ChoiceState, CompiledMachine, FailState, PassState, State, WaitState } from './definition.ts';
import { readValue, runtimeError, type Scope, StateError } from './expressions.ts';
import { type ExecutionEnd, stateEntered, stateExited } from './history.ts';
import {
  createTaskStates,
  type RunOptions,
  type TaskStateOptions,
  type Transition,
  toStateError,
  type Visit,
} from './task-state.ts';
import { sleep } from './timer.ts';

export interface StartedExecution {
  readonly arn: string;
  readonly name: string;
  readonly machine: CompiledMachine;
  /** JSON. */
  readonly input: string;
  readonly startedAt: Date;
}

export type Interpreter = ReturnType<typeof createInterpreter>;

/** Interprets compiled state machines as Step Functions does. */
export function createInterpreter(options: TaskStateOptions) {
  const { delays, now } = options;
  const { runTask } = createTaskStates(options);

  /** @returns how the execution ended. Rejects only after an abort. */
  async function run(execution: StartedExecution, runOptions: RunOptions): Promise<ExecutionEnd> {
    try {
      const output = await runStates(execution, runOptions);
      return { status: 'SUCCEEDED', output: JSON.stringify(output) };
    } catch (error) {
      runOptions.signal.throwIfAborted();
      const { name, message } = toStateError(error);
      return { status: 'FAILED', error: name, ...(message && { cause: message }) };
    }
  }

  async function runStates(execution: StartedExecution, runOptions: RunOptions): Promise<Json> {
    const { machine, arn, name, startedAt } = execution;
    let input: Json = JSON.parse(execution.input);
    const shared = {
      Execution: { Id: arn, Name: name, Input: input, StartTime: startedAt.toISOString(), RedriveCount: 0 },
      StateMachine: { Id: machine.arn, Name: machine.name },
    };
    for (let current = machine.startAt; ; ) {
      const state = machine.states.get(current);
      if (!state) throw runtimeError(`The state '${current}' does not exist`);
      const enteredAt = now();
      const id = runOptions.record(stateEntered(enteredAt, state, current, input));
      runOptions.onTransition();
      const context = { ...shared, State: { Name: current, EnteredTime: enteredAt.toISOString(), RetryCount: 0 } };
      const visit = { name: current, id, scope: { input, context }, resource: machine.resources.get(current) };
      const { next, output } = await runState(state, visit, runOptions).catch((error) => {
        throw describeError(error, visit);
      });
      runOptions.record(stateExited(now(), state, current, output));
      if (next === undefined) return output;
      current = next;
      input = output;
    }
  }

  async function runState(state: State, visit: Visit, runOptions: RunOptions): Promise<Transition> {
    switch (state.Type) {
      case 'Task':
        return runTask(state, visit, runOptions);
      case 'Pass':
        return { next: state.Next, output: transform(state, visit) };
      case 'Wait':
        return { next: state.Next, output: await wait(state, visit, runOptions) };
      case 'Choice':
        return choose(state, visit);
      case 'Succeed':
        return { output: selectOutput(state.OutputPath, selectInput(state.InputPath, visit.scope)) };
      case 'Fail':
        throw failure(state, visit);
    }
  }

  async function wait(state: WaitState, { scope }: Visit, { onWaiting, signal }: RunOptions): Promise<Json> {
    const effective = selectInput(state.InputPath, scope);
    const ms = waitMs(state, effective);
    onWaiting(true);
    await sleep(delays.waitMs ?? ms, signal);
    onWaiting(false);
    return selectOutput(state.OutputPath, effective);
  }

  function waitMs({ Seconds, SecondsPath, Timestamp, TimestampPath }: WaitState, scope: Scope): number {
    if (Seconds !== undefined) return Seconds * 1_000;
    if (SecondsPath) return readSeconds('SecondsPath', SecondsPath, scope, 0) * 1_000;
    const given = TimestampPath ? readValue(TimestampPath, scope) : (Timestamp ?? null);
    const until = parseTimestamp(given);
    if (until === undefined) throw runtimeError('The TimestampPath parameter does not reference a valid timestamp');
    // Step Functions ignores the milliseconds of a timestamp.
    return Math.floor(until / 1_000) * 1_000 - now().getTime();
  }

  return { run };
}

function transform(state: PassState, { scope, name }: Visit): Json {
  const effective = selectInput(state.InputPath, scope);
  const compute = state.Result ?? state.Parameters;
  return finishOutput(state, scope, compute ? compute(effective) : effective.input, name);
}

function choose(state: ChoiceState, { scope }: Visit): Transition {
  const effective = selectInput(state.InputPath, scope);
  const next = state.Choices.find(({ matches }) => matches(effective))?.next ?? state.Default;
  if (next === undefined) throw new StateError('States.NoChoiceMatched', 'No choice of the state matches');
  return { next, output: selectOutput(state.OutputPath, effective) };
}

function failure({ ErrorPath, Cause, CausePath, ...state }: FailState, { scope }: Visit): StateError {
  const error = ErrorPath ? assertText('ErrorPath', ErrorPath(scope)) : (state.Error ?? '');
  return new StateError(error, CausePath ? assertText('CausePath', CausePath(scope)) : Cause);
}

/** Names the state in an error of the definition, as Step Functions does. */
function describeError(error: unknown, { name, id }: Visit): unknown {
  if (!(error instanceof StateError) || error.name !== 'States.Runtime') return error;
  const place = `An error occurred while executing the state '${name}' (entered at the event id #${id}).`;
  return runtimeError(`${place} ${error.message}`);
}

function assertText(field: string, value: Json): string {
  if (typeof value === 'string') return value;
  throw runtimeError(`The ${field} must reference a string`);
}
