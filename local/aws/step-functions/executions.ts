import type { InFlight } from '../../in-flight.ts';
import { executionArn } from '../arn.ts';
import type { BusEvent } from '../event-bridge.ts';
import type { CompiledMachine } from './definition.ts';
import { type ExecutionEnd, executionEnded, executionStarted, type HistoryEvent } from './history.ts';
import type { Interpreter, StartedExecution } from './interpreter.ts';
import { startTimer } from './timer.ts';

export type ExecutionStatus = 'RUNNING' | ExecutionEnd['status'];

export interface Execution extends StartedExecution {
  /** Counts up from 1 with every execution. */
  readonly number: number;
  readonly stoppedAt?: Date;
  readonly end?: ExecutionEnd;
  readonly history: readonly HistoryEvent[];
}

export interface ExecutionsOptions {
  readonly interpreter: Interpreter;
  /** Maximum number of ended executions to keep. Their names stay taken. */
  readonly maxEnded: number;
  /** Counts running executions, except those in a Wait state or waiting for a task token. */
  readonly inFlight: InFlight;
  /** Counts all running executions. */
  readonly openExecutions: InFlight;
  /** Called when an execution starts and ends. */
  onChange(execution: Execution): void;
  /** Called for every state transition that AWS bills: entries and retries. */
  onTransition(): void;
  readonly now: () => Date;
}

/** Step Functions' limit on an execution's history. */
const maxHistoryEvents = 25_000;

interface RunningExecution {
  execution: Execution;
  readonly history: HistoryEvent[];
  readonly controller: AbortController;
  stopTimeout(): void;
  /** Decrements `inFlight`; undefined while the execution waits. */
  leaveInFlight: (() => void) | undefined;
  /** Decrements `openExecutions`. */
  readonly close: () => void;
}

export function executionStatus({ end }: Pick<Execution, 'end'>): ExecutionStatus {
  return end?.status ?? 'RUNNING';
}

export type Executions = ReturnType<typeof createExecutions>;

/** Runs executions, and keeps the running and the latest ended ones. */
export function createExecutions(options: ExecutionsOptions) {
  const { interpreter, maxEnded, inFlight, openExecutions, onChange, onTransition, now } = options;
  const executions = new Map<string, Execution>();
  const running = new Map<string, RunningExecution>();
  const ended: string[] = [];
  const names = new Set<string>();
  let count = 0;

  function start(machine: CompiledMachine, name: string, input: string): Execution {
    const arn = executionArn(machine.name, name);
    const startedAt = now();
    const history = [executionStarted(startedAt, input)];
    count += 1;
    const execution: Execution = { arn, name, machine, number: count, input, startedAt, history };
    const { timeoutSeconds } = machine;
    const timeOut = (): void => finish(entry, { status: 'TIMED_OUT', error: 'States.Timeout' });
    const entry: RunningExecution = {
      execution,
      history,
      controller: new AbortController(),
      stopTimeout: timeoutSeconds === undefined ? () => {} : startTimer(timeoutSeconds * 1_000, timeOut),
      leaveInFlight: inFlight.track(),
      close: openExecutions.track(),
    };
    names.add(arn);
    executions.set(arn, execution);
    running.set(arn, entry);
    onChange(execution);
    void run(entry);
    return execution;
  }

  async function run(entry: RunningExecution): Promise<void> {
    const { signal } = entry.controller;
    try {
      const end = await interpreter.run(entry.execution, {
        signal,
        onTransition,
        record: (event) => record(entry, event),
        onWaiting: (waiting) => setWaiting(entry, waiting),
      });
      finish(entry, end);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  function record(entry: RunningExecution, event: HistoryEvent): number {
    entry.controller.signal.throwIfAborted();
    if (entry.history.length >= maxHistoryEvents - 1) {
      const cause = `The execution reached the maximum number of history events (${maxHistoryEvents}).`;
      finish(entry, { status: 'FAILED', error: 'States.Runtime', cause });
      entry.controller.signal.throwIfAborted();
    }
    return entry.history.push(event);
  }

  function setWaiting(entry: RunningExecution, waiting: boolean): void {
    if (entry.controller.signal.aborted || waiting === (entry.leaveInFlight === undefined)) return;
    entry.leaveInFlight?.();
    entry.leaveInFlight = waiting ? undefined : inFlight.track();
  }

  /** Has no effect on an ended execution. */
  function finish(entry: RunningExecution, end: ExecutionEnd): void {
    const { arn } = entry.execution;
    if (!running.delete(arn)) return;
    const stoppedAt = now();
    entry.history.push(executionEnded(stoppedAt, end));
    entry.execution = { ...entry.execution, stoppedAt, end };
    entry.stopTimeout();
    entry.controller.abort();
    executions.set(arn, entry.execution);
    ended.push(arn);
    for (const old of ended.splice(0, Math.max(0, ended.length - maxEnded))) executions.delete(old);
    onChange(entry.execution);
    entry.leaveInFlight?.();
    entry.close();
  }

  return {
    start,

    find: (arn: string): Execution | undefined => executions.get(arn),

    /** Whether an execution with this ARN was started, even if it is no longer kept. */
    isTaken: (arn: string): boolean => names.has(arn),

    /** Newest first. */
    list(machine: CompiledMachine): readonly Execution[] {
      return [...executions.values()].filter((entry) => entry.machine === machine).sort((a, b) => b.number - a.number);
    },

    /** Aborts a running execution; the result of its task is ignored. Has no effect on an ended execution. */
    abort(arn: string, reason: Pick<ExecutionEnd, 'error' | 'cause'>): void {
      const entry = running.get(arn);
      if (entry) finish(entry, { status: 'ABORTED', ...reason });
    },

    /** Aborts all executions without events. */
    stop(): void {
      for (const entry of running.values()) {
        entry.stopTimeout();
        entry.controller.abort();
      }
      running.clear();
    },
  };
}

/** Above this size AWS omits the input, then the output. */
const maxBodyBytes = 248 * 1_024;

/** The event of an execution's status change. Times are in milliseconds since 1970. */
export function statusChange(execution: Execution): BusEvent {
  const { arn, name, machine, startedAt, stoppedAt, end } = execution;
  const { output, error, cause } = end ?? {};
  const outputBytes = escapedBytes(output);
  return {
    source: 'aws.states',
    detailType: 'Step Functions Execution Status Change',
    resources: [arn],
    detail: {
      executionArn: arn,
      stateMachineArn: machine.arn,
      name,
      status: executionStatus(execution),
      startDate: startedAt.getTime(),
      stopDate: stoppedAt?.getTime() ?? null,
      ...included('input', execution.input, escapedBytes(execution.input) + outputBytes <= maxBodyBytes),
      ...included('output', output, outputBytes <= maxBodyBytes),
      ...(error !== undefined && { error }),
      ...(cause !== undefined && { cause }),
    },
  };
}

function included(field: 'input' | 'output', text: string | undefined, fits: boolean): Record<string, unknown> {
  if (text === undefined) return { [field]: null, [`${field}Details`]: null };
  return { [field]: fits ? text : null, [`${field}Details`]: { included: fits } };
}

function escapedBytes(text: string | undefined): number {
  return text === undefined ? 0 : Buffer.byteLength(JSON.stringify(text));
}
