import { setTimeout as delay } from 'node:timers/promises';
import type { Json } from '../protocol.ts';
import { assertSize, mergeResult } from './data-flow.ts';
import type { Retrier, TaskState } from './definition.ts';
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

export interface TaskRunnerOptions {
  readonly task: Task;
  readonly tokens: TaskTokens;
  /** A fixed delay before every retry of a task instead of the definition's, for tests and demonstrations. */
  readonly retryDelayMs?: number | undefined;
  readonly now: () => Date;
}

export interface RunOptions {
  /** Ends the run: its promise rejects, and the result of a running task is ignored. */
  readonly signal: AbortSignal;
  /** Adds an event to the history and returns its id. Throws after the end of the run. */
  record(event: HistoryEvent): number;
  /** Called for every state transition that AWS bills: entries and retries. */
  onTransition(): void;
  /** Called with true when the execution enters a Wait state or waits for a task token, and with false afterwards. */
  onWaiting(waiting: boolean): void;
}

/** One visit of a state. */
export interface Visit {
  /** The state's name. */
  readonly name: string;
  readonly input: Json;
}

/** Where a state leads: to the next state, or to the end of the execution. */
export interface Transition {
  readonly next: string | undefined;
  readonly output: Json;
}

/** Neither Retry nor Catch handles these. */
const terminalErrors: ReadonlySet<string> = new Set(['States.Runtime', 'States.DataLimitExceeded']);

/** Runs Task states: retries, catches, time limits and task tokens. */
export function createTaskRunner({ task, tokens, retryDelayMs, now }: TaskRunnerOptions) {
  return async (state: TaskState, visit: Visit, options: RunOptions): Promise<Transition> => {
    const { input, name } = visit;
    const retriers = state.Retry.map((retrier) => ({ retrier, retries: 0 }));
    for (;;) {
      try {
        const result = await attemptTask(state, visit, options);
        return { next: state.Next, output: mergeResult(state.ResultPath, input, result, name) };
      } catch (error) {
        options.signal.throwIfAborted();
        const failure = toStateError(error);
        const found = retriers.find(({ retrier }) => matchesError(retrier.ErrorEquals, failure));
        if (found && found.retries < found.retrier.MaxAttempts) {
          await sleep(retryDelayMs ?? definedDelayMs(found.retrier, found.retries), options.signal);
          found.retries += 1;
          options.onTransition();
          continue;
        }
        const catcher = state.Catch.find(({ ErrorEquals }) => matchesError(ErrorEquals, failure));
        if (!catcher) throw failure;
        const caught = { Error: failure.name, Cause: failure.message };
        return { next: catcher.Next, output: mergeResult(catcher.ResultPath, input, caught, name) };
      }
    }
  };

  /** Calls the resource once and records the events of the task. */
  async function attemptTask(state: TaskState, { input, name }: Visit, options: RunOptions): Promise<Json> {
    const { resource } = state;
    const token = resource.integration?.service === 'lambda' ? tokens.create() : undefined;
    const scope = { input, token };
    const parameters = assertSize(state.parameters(scope), name);
    const limits = {
      timeoutInSeconds: readSeconds(state, 'TimeoutSeconds', scope),
      heartbeatInSeconds: readSeconds(state, 'HeartbeatSeconds', scope),
    };
    for (const event of taskStarted(now(), resource, parameters, limits)) options.record(event);
    try {
      const result = assertSize(await awaitTask({ resource, parameters, limits, token }, options), name);
      options.record(taskSucceeded(now(), resource, result));
      return result;
    } catch (error) {
      options.signal.throwIfAborted();
      const failure = toStateError(error);
      options.record(taskFailed(now(), resource, failure));
      throw failure;
    }
  }

  /** Waits until the task completes, its time limit ends or the run is aborted. */
  async function awaitTask(call: TaskCall, options: RunOptions): Promise<Json> {
    const ended = new AbortController();
    const { timeoutInSeconds = Number.POSITIVE_INFINITY } = call.limits;
    const timeout = sleep(timeoutInSeconds * 1_000, AbortSignal.any([options.signal, ended.signal])).then(() => {
      throw new StateError('States.Timeout');
    });
    try {
      return await Promise.race([completeTask(call, options, ended.signal), timeout]);
    } finally {
      ended.abort();
      options.onWaiting(false);
    }
  }

  /** Resolves with the response of the resource or, with a token, with the output of the call that completes it. */
  async function completeTask(call: TaskCall, { record, onWaiting }: RunOptions, ended: AbortSignal): Promise<Json> {
    const { resource, parameters, limits, token } = call;
    if (token === undefined) return task(resource, parameters);
    const { heartbeatInSeconds = Number.POSITIVE_INFINITY } = limits;
    const completed = tokens.open(token, timerMs(heartbeatInSeconds * 1_000), ended);
    const submitted = task(resource, parameters).then((output) => {
      if (ended.aborted) return completed;
      record(taskSubmitted(now(), resource, output));
      onWaiting(true);
      return completed;
    });
    return Promise.race([completed, submitted]);
  }
}

interface TaskCall extends Pick<TaskState, 'resource'> {
  readonly parameters: Json;
  readonly limits: TaskLimits;
  readonly token: string | undefined;
}

/** Above this delay Node's timers fire at once. */
const maxTimerMs = 2 ** 31 - 1;

/** At most 24 days, longer than any engine runs. */
function timerMs(ms: number): number {
  return Math.min(Math.max(0, ms), maxTimerMs);
}

/** Rejects when the signal aborts. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await delay(timerMs(ms), undefined, { signal });
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

function definedDelayMs(retrier: Retrier, retries: number): number {
  const { IntervalSeconds, BackoffRate, MaxDelaySeconds, JitterStrategy } = retrier;
  const ms = Math.min(IntervalSeconds * BackoffRate ** retries, MaxDelaySeconds) * 1_000;
  return JitterStrategy === 'FULL' ? Math.random() * ms : ms;
}

/** Step Functions' limit on a number of seconds: about three years. */
const maxSeconds = 99_999_999;

/** A limit of a task, from its constant or its path. @throws StateError States.Runtime */
function readSeconds(state: TaskState, field: 'TimeoutSeconds' | 'HeartbeatSeconds', scope: Scope): number | undefined {
  const path = state[`${field}Path` as const];
  if (!path) return state[field];
  const value = path(scope);
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= maxSeconds) return value;
  throw runtimeError(`The ${field}Path must reference an integer from 1 to ${maxSeconds}`);
}
