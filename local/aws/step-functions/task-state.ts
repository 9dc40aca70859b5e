import { setTimeout as delay } from 'node:timers/promises';
import { timerMs } from '../../timers.ts';
import type { Json } from '../protocol.ts';
import { assertSize, mergeResult } from './data-flow.ts';
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
  /** Stores the position of the execution, with the events so far. */
  save(position: Position): void;
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
  /** The id of the StateEntered event. */
  readonly enteredId: number;
}

/**
 * The position of an execution: its visit of a Wait or Task state. After a restart, the execution continues at this position.
 */
export interface Position extends Visit {
  /** The number of retries by each retrier of the state. */
  readonly retries?: readonly number[];
  /** When the next attempt starts, in milliseconds since 1970. */
  readonly retryAt?: number;
  /** The running attempt. */
  readonly attempt?: Attempt;
}

interface Attempt {
  /** In milliseconds since 1970. */
  readonly startedAt: number;
  readonly token?: string | undefined;
  /** Whether the resource has responded, and the task waits for a call with its token. */
  readonly submitted?: boolean;
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
  /** @param visit a new visit, or one of an earlier run to continue */
  return async (state: TaskState, visit: Position, options: RunOptions): Promise<Transition> => {
    const { input, name, enteredId } = visit;
    const retries = state.Retry.map((_, index) => visit.retries?.[index] ?? 0);
    const save = (more: Partial<Position>) => options.save({ name, input, enteredId, retries, ...more });
    if (visit.retryAt !== undefined) await waitForRetry(visit.retryAt, options);
    for (let { attempt: earlier } = visit; ; earlier = undefined) {
      try {
        const result = await attemptTask(state, { visit, earlier, save: (attempt) => save({ attempt }) }, options);
        return { next: state.Next, output: mergeResult(state.ResultPath, input, result, name) };
      } catch (error) {
        options.signal.throwIfAborted();
        const failure = toStateError(error);
        const delayMs = countRetry(state.Retry, retries, failure);
        if (delayMs === undefined) return catchFailure(state, visit, failure);
        const retryAt = now().getTime() + delayMs;
        save({ retryAt });
        await waitForRetry(retryAt, options);
      }
    }
  };

  /** Returns the delay before the next attempt, or undefined if no retrier allows one. */
  function countRetry(retriers: readonly Retrier[], retries: number[], failure: StateError): number | undefined {
    const index = retriers.findIndex(({ ErrorEquals }) => matchesError(ErrorEquals, failure));
    const [retrier, used = 0] = [retriers[index], retries[index]];
    if (!retrier || used >= retrier.MaxAttempts) return undefined;
    retries[index] = used + 1;
    return retryDelayMs ?? definedDelayMs(retrier, used);
  }

  async function waitForRetry(retryAt: number, options: RunOptions): Promise<void> {
    await sleep(retryAt - now().getTime(), options.signal);
    options.onTransition();
  }

  /** Calls the resource once, or continues an earlier attempt, and records the events of the task. */
  async function attemptTask(
    state: TaskState,
    { visit: { input, name }, earlier, save }: TaskVisit,
    options: RunOptions,
  ): Promise<Json> {
    const { resource } = state;
    const token = earlier ? earlier.token : newToken(resource);
    const scope = { input, token };
    const parameters = assertSize(state.parameters(scope), name);
    const limits = {
      timeoutInSeconds: readSeconds(state, 'TimeoutSeconds', scope),
      heartbeatInSeconds: readSeconds(state, 'HeartbeatSeconds', scope),
    };
    const attempt = earlier ?? { startedAt: now().getTime(), token };
    if (!earlier) {
      for (const event of taskStarted(now(), resource, parameters, limits)) options.record(event);
      save(attempt);
    }
    try {
      const call = { resource, parameters, limits, attempt, isEarlier: earlier !== undefined, save };
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

  function newToken({ integration }: Resource): string | undefined {
    return integration?.service === 'lambda' ? tokens.create() : undefined;
  }

  /** Waits until the task completes, its time limit ends or the run is aborted. */
  async function awaitTask(call: TaskCall, options: RunOptions): Promise<Json> {
    const ended = new AbortController();
    const { timeoutInSeconds = Number.POSITIVE_INFINITY } = call.limits;
    const left = call.attempt.startedAt + timeoutInSeconds * 1_000 - now().getTime();
    const timeout = sleep(left, AbortSignal.any([options.signal, ended.signal])).then(() => {
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
    const { resource, parameters, limits, attempt, isEarlier, save } = call;
    const { token, startedAt } = attempt;
    const isWaiting = token !== undefined && (attempt.submitted || tokens.isCompleted(token));
    if (isEarlier && !isWaiting) throw interrupted(resource);
    if (token === undefined) return task(resource, parameters);
    const { heartbeatInSeconds = Number.POSITIVE_INFINITY } = limits;
    const completed = tokens.open(token, { heartbeatMs: heartbeatInSeconds * 1_000, openedAt: startedAt }, ended);
    if (isEarlier) {
      onWaiting(true);
      return completed;
    }
    const submitted = task(resource, parameters).then((output) => {
      if (ended.aborted) return completed;
      record(taskSubmitted(now(), resource, output));
      save({ ...attempt, submitted: true });
      onWaiting(true);
      return completed;
    });
    return Promise.race([completed, submitted]);
  }
}

interface TaskVisit {
  readonly visit: Visit;
  /** The attempt that was running when the engine ended. */
  readonly earlier: Attempt | undefined;
  save(attempt: Attempt): void;
}

interface TaskCall extends Pick<TaskState, 'resource'> {
  readonly parameters: Json;
  readonly limits: TaskLimits;
  readonly attempt: Attempt;
  /** Whether an earlier run of the engine started the attempt. */
  readonly isEarlier: boolean;
  save(attempt: Attempt): void;
}

/**
 * The error of a call that was running when the engine ended. A function ended too; the outcome of a call to another service is
 * unknown.
 */
function interrupted({ integration }: Resource): StateError {
  const message = 'The engine ended during the task';
  if (integration?.service === 'sqs') return new StateError('SQS.SdkClientException', message);
  return new StateError(
    'Runtime.ExitError',
    JSON.stringify({ errorType: 'Runtime.ExitError', errorMessage: message, trace: [] }),
  );
}

/** Rejects when the signal aborts. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await delay(timerMs(ms), undefined, { signal });
}

function catchFailure(state: TaskState, { name, input }: Visit, failure: StateError): Transition {
  const catcher = state.Catch.find(({ ErrorEquals }) => matchesError(ErrorEquals, failure));
  if (!catcher) throw failure;
  const caught = { Error: failure.name, Cause: failure.message };
  return { next: catcher.Next, output: mergeResult(catcher.ResultPath, input, caught, name) };
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
