import type { Json } from '../protocol.ts';
import { assertSize, finishOutput, maxSeconds, mergeResult, readSeconds, selectInput } from './data-flow.ts';
import type { Resource, Retrier, TaskState } from './definition.ts';
import { runtimeError, type Scope, StateError } from './expressions.ts';
import {
  type HistoryEvent,
  type TaskLimits,
  taskFailed,
  taskStarted,
  taskSubmitted,
  taskSucceeded,
} from './history.ts';
import type { TaskTokens } from './task-tokens.ts';
import type { Task } from './tasks.ts';
import { sleep, startTimer } from './timer.ts';

/** Fixed delays instead of the definition's, for tests and demonstrations. */
export interface MachineDelays {
  /** Before every retry of a task. */
  readonly retryMs?: number;
  /** In every Wait state. */
  readonly waitMs?: number;
}

export interface TaskStateOptions {
  readonly task: Task;
  readonly tokens: TaskTokens;
  readonly delays: MachineDelays;
  readonly now: () => Date;
  readonly random?: () => number;
}

export interface RunOptions {
  /** Ends the run: its promise rejects, and the result of a running task is ignored. */
  readonly signal: AbortSignal;
  /** Adds an event to the history and returns its id. */
  record(event: HistoryEvent): number;
  /** Called for every state transition that AWS bills: entries and retries. */
  onTransition(): void;
  /** Called with true when the execution enters a Wait state or waits for a task token, and with false afterwards. */
  onWaiting(waiting: boolean): void;
}

/** One visit of a state. */
export interface Visit {
  readonly name: string;
  /** The id of the event with which the execution entered the state. */
  readonly id: number;
  readonly scope: {
    readonly input: Json;
    readonly context: { [key: string]: Json } & { State: { [key: string]: Json } };
  };
  readonly resource: Resource | undefined;
}

/** Where a state leads: to the next state, or to the end of the execution. */
export interface Transition {
  readonly next?: string | undefined;
  readonly output: Json;
}

/** Neither Retry nor Catch handles these. */
const terminalErrors: ReadonlySet<string> = new Set(['States.Runtime', 'States.DataLimitExceeded']);

/** Runs Task states: retries, catches, time limits and task tokens. */
export function createTaskStates({ task, tokens, delays, now, random = Math.random }: TaskStateOptions) {
  async function runTask(state: TaskState, visit: Visit, options: RunOptions): Promise<Transition> {
    const { scope } = visit;
    const retriers = (state.Retry ?? []).map((retrier) => ({ retrier, retries: 0 }));
    for (let retryCount = 0; ; retryCount += 1) {
      try {
        const output = await attemptTask(state, visit, retryCount, options);
        return { next: state.Next, output };
      } catch (error) {
        options.signal.throwIfAborted();
        const failure = toStateError(error);
        const found = retriers.find(({ retrier }) => matchesError(retrier.ErrorEquals, failure));
        if (found && found.retries < found.retrier.MaxAttempts) {
          await sleep(retryDelayMs(found.retrier, found.retries), options.signal);
          found.retries += 1;
          options.onTransition();
          continue;
        }
        const catcher = state.Catch?.find(({ ErrorEquals }) => matchesError(ErrorEquals, failure));
        if (!catcher) throw failure;
        const caught = { Error: failure.name, Cause: failure.message };
        return {
          next: catcher.Next,
          output: assertSize(mergeResult(catcher.ResultPath, scope.input, caught), visit.name),
        };
      }
    }
  }

  async function attemptTask(state: TaskState, visit: Visit, retryCount: number, options: RunOptions): Promise<Json> {
    const { resource, name } = visit;
    if (!resource) throw runtimeError('The state has no resource');
    const token = resource.kind === 'service' && resource.waitForTaskToken ? tokens.create() : undefined;
    const scope = attemptScope(visit, retryCount, token);
    const effective = selectInput(state.InputPath, scope);
    const parameters = assertSize(state.Parameters ? state.Parameters(effective) : effective.input, name);
    const limits = readLimits(state, effective);
    const result = await callTask({ resource, parameters, limits, token, name }, options);
    const selected = state.ResultSelector ? state.ResultSelector({ ...scope, input: result }) : result;
    return finishOutput(state, scope, selected, name);
  }

  /** Calls the resource and records the events of the task. */
  async function callTask(call: TaskCall, options: RunOptions): Promise<Json> {
    const { resource, parameters, limits, name } = call;
    for (const event of taskStarted(now(), resource, parameters, limits)) options.record(event);
    try {
      const result = assertSize(await awaitTask(call, options), name);
      options.record(taskSucceeded(now(), resource, result));
      return result;
    } catch (error) {
      options.signal.throwIfAborted();
      const failure = toStateError(error);
      options.record(taskFailed(now(), resource, failure));
      throw failure;
    }
  }

  /** Waits for the response of the resource or, with a token, for the call that completes it. */
  async function awaitTask(call: TaskCall, { signal, record, onWaiting }: RunOptions): Promise<Json> {
    const { resource, parameters, limits, token } = call;
    const { promise, resolve, reject } = Promise.withResolvers<Json>();
    let settled = false;
    let stopHeartbeat = () => {};
    const settle = (complete: () => void): void => {
      settled = true;
      complete();
    };
    const fail = (error: unknown): void => settle(() => reject(error));
    const timeOut = (isHeartbeatTimeout: boolean): void =>
      fail(new StateError('States.Timeout', '', { isHeartbeatTimeout }));
    const heartbeat = (): void => {
      stopHeartbeat();
      const { heartbeatSeconds } = limits;
      if (heartbeatSeconds !== undefined) stopHeartbeat = startTimer(heartbeatSeconds * 1_000, () => timeOut(true));
    };
    const stopTimeout =
      limits.timeoutSeconds === undefined ? () => {} : startTimer(limits.timeoutSeconds * 1_000, () => timeOut(false));
    const abort = (): void => settle(() => reject(signal.reason));
    signal.addEventListener('abort', abort);
    let closeToken = () => {};
    if (token !== undefined) {
      closeToken = tokens.open(token, { succeed: (output) => settle(() => resolve(output)), fail, heartbeat });
      heartbeat();
    }
    task(resource, parameters)
      .then((output) => {
        if (token === undefined) settle(() => resolve(output));
        else if (!settled) {
          record(taskSubmitted(now(), resource, output));
          onWaiting(true);
        }
      })
      .catch(fail);
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', abort);
      stopTimeout();
      stopHeartbeat();
      closeToken();
      onWaiting(false);
    }
  }

  function retryDelayMs(retrier: Retrier, retries: number): number {
    if (delays.retryMs !== undefined) return delays.retryMs;
    const { IntervalSeconds, BackoffRate, MaxDelaySeconds = maxSeconds, JitterStrategy } = retrier;
    const ms = Math.min(IntervalSeconds * BackoffRate ** retries, MaxDelaySeconds) * 1_000;
    return JitterStrategy === 'FULL' ? random() * ms : ms;
  }

  return { runTask };
}

interface TaskCall {
  readonly resource: Resource;
  readonly parameters: Json;
  readonly limits: TaskLimits;
  readonly token: string | undefined;
  /** The state's name. */
  readonly name: string;
}

/** The scope of one attempt, with the context object's values that change with every attempt. */
function attemptScope({ scope: { input, context } }: Visit, retryCount: number, token: string | undefined): Scope {
  const State = { ...context.State, RetryCount: retryCount };
  return { input, context: { ...context, State, ...(token !== undefined && { Task: { Token: token } }) } };
}

export function toStateError(error: unknown): StateError {
  if (error instanceof StateError) return error;
  return runtimeError(error instanceof Error ? error.message : String(error));
}

function matchesError(names: readonly string[], { name, isHeartbeatTimeout }: StateError): boolean {
  if (terminalErrors.has(name)) return false;
  return names.some(
    (given) =>
      given === name ||
      given === 'States.ALL' ||
      (given === 'States.TaskFailed' && name !== 'States.Timeout') ||
      (given === 'States.HeartbeatTimeout' && isHeartbeatTimeout),
  );
}

/** @throws StateError States.Runtime */
function readLimits(state: TaskState, scope: Scope): TaskLimits {
  const { TimeoutSecondsPath, HeartbeatSecondsPath } = state;
  const timeoutSeconds = TimeoutSecondsPath
    ? readSeconds('TimeoutSecondsPath', TimeoutSecondsPath, scope, 1)
    : state.TimeoutSeconds;
  const heartbeatSeconds = HeartbeatSecondsPath
    ? readSeconds('HeartbeatSecondsPath', HeartbeatSecondsPath, scope, 1)
    : state.HeartbeatSeconds;
  return { timeoutSeconds, heartbeatSeconds };
}
