import type { Json } from '../protocol.ts';
import { mergeResult } from './data-flow.ts';
import type { CompiledMachine, State, WaitState } from './definition.ts';
import { type Evaluate, runtimeError, StateError } from './expressions.ts';
import { type ExecutionEnd, stateEntered, stateExited } from './history.ts';
import {
  createTaskRunner,
  type Position,
  type RunOptions,
  sleep,
  type TaskRunnerOptions,
  type Transition,
  toStateError,
} from './task-state.ts';

/**
 * The input of an execution and, after a restart, its position. Without a position, the execution starts at the first state.
 */
export interface Start {
  readonly input: Json;
  readonly position?: Position | undefined;
}

export type Interpreter = ReturnType<typeof createInterpreter>;

/** Interprets compiled state machines as Step Functions does. */
export function createInterpreter(options: TaskRunnerOptions) {
  const { now } = options;
  const runTask = createTaskRunner(options);

  /** Runs an execution from its start, or from a position, and returns how it ended. Rejects only after an abort. */
  async function run(machine: CompiledMachine, start: Start, runOptions: RunOptions): Promise<ExecutionEnd> {
    try {
      const output = await runStates(machine, start, runOptions);
      return { status: 'SUCCEEDED', output: JSON.stringify(output) };
    } catch (error) {
      runOptions.signal.throwIfAborted();
      const { name, message } = toStateError(error);
      return { status: 'FAILED', error: name, ...(message && { cause: message }) };
    }
  }

  async function runStates(machine: CompiledMachine, start: Start, runOptions: RunOptions): Promise<Json> {
    let { input } = start.position ?? start;
    let name = start.position?.name ?? machine.startAt;
    for (let { position } = start; ; position = undefined) {
      const state = machine.states.get(name);
      if (!state) throw runtimeError(`The state '${name}' does not exist`);
      const visit = position ?? { name, input, enteredId: enter(state, name, input, runOptions) };
      const { next, output } = await runState(state, visit, runOptions).catch((error) => {
        throw describeError(error, name, visit.enteredId);
      });
      runOptions.record(stateExited(now(), state, name, output));
      if (next === undefined) return output;
      name = next;
      input = output;
    }
  }

  function enter(state: State, name: string, input: Json, { record, onTransition }: RunOptions): number {
    const id = record(stateEntered(now(), state, name, input));
    onTransition();
    return id;
  }

  async function runState(state: State, visit: Position, runOptions: RunOptions): Promise<Transition> {
    const { name, input } = visit;
    switch (state.Type) {
      case 'Task':
        return runTask(state, visit, runOptions);
      case 'Pass':
        return { next: state.Next, output: mergeResult(state.ResultPath, input, state.Parameters({ input }), name) };
      case 'Wait':
        runOptions.save(visit);
        await wait(state, input, runOptions);
        return { next: state.Next, output: input };
      case 'Fail':
        throw new StateError(readText(state.ErrorPath, input), readText(state.CausePath, input));
    }
  }

  async function wait({ TimestampPath }: WaitState, input: Json, { onWaiting, signal }: RunOptions): Promise<void> {
    const until = parseTimestamp(TimestampPath({ input }));
    onWaiting(true);
    // Step Functions ignores the milliseconds of a timestamp.
    await sleep(Math.floor(until / 1_000) * 1_000 - now().getTime(), signal);
    onWaiting(false);
  }

  return run;
}

const timestampForm = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

/** Returns milliseconds since 1970. @throws StateError States.Runtime for a value that is not an RFC 3339 timestamp. */
function parseTimestamp(value: Json): number {
  const ms = typeof value === 'string' && timestampForm.test(value) ? Date.parse(value) : Number.NaN;
  if (!Number.isNaN(ms)) return ms;
  throw runtimeError('The TimestampPath parameter does not reference a valid timestamp');
}

/** @throws StateError States.Runtime for a value that is not text. */
function readText(path: Evaluate, input: Json): string {
  const value = path({ input });
  if (typeof value === 'string') return value;
  throw runtimeError('The ErrorPath and the CausePath must reference a string');
}

/** Names the state in an error of the definition, as Step Functions does. `id` is that of the event of its entry. */
function describeError(error: unknown, state: string, id: number): unknown {
  if (!(error instanceof StateError) || error.name !== 'States.Runtime') return error;
  const place = `An error occurred while executing the state '${state}' (entered at the event id #${id}).`;
  return runtimeError(`${place} ${error.message}`);
}
