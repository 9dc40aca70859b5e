import type { InFlight } from '../../in-flight.ts';
import { executionArn } from '../arn.ts';
import type { BusEvent } from '../event-bridge.ts';
import type { CompiledMachine } from './definition.ts';
import { type ExecutionEnd, executionEnded, executionStarted, type HistoryEvent } from './history.ts';
import type { Interpreter } from './interpreter.ts';
import { sleep } from './task-state.ts';

export type ExecutionStatus = 'RUNNING' | ExecutionEnd['status'];

export interface Execution {
  readonly arn: string;
  readonly name: string;
  readonly machine: CompiledMachine;
  /** Counts up from 1 with every execution. */
  readonly number: number;
  /** JSON. */
  readonly input: string;
  readonly startedAt: Date;
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

/** An execution with what changes while it runs. */
interface Entry extends Execution {
  stoppedAt?: Date;
  end?: ExecutionEnd;
  readonly history: HistoryEvent[];
  readonly controller: AbortController;
  /** Decrements `inFlight`; undefined while the execution waits. */
  leaveInFlight: (() => void) | undefined;
  /** Decrements `openExecutions`. */
  readonly close: () => void;
}

export function executionStatus({ end }: Pick<Execution, 'end'>): ExecutionStatus {
  return end?.status ?? 'RUNNING';
}

/** Runs executions, and keeps the running and the latest ended ones. */
export function createExecutions(options: ExecutionsOptions) {
  const { interpreter, maxEnded, inFlight, openExecutions, onChange, onTransition, now } = options;
  const executions = new Map<string, Entry>();
  const ended: string[] = [];
  const names = new Set<string>();

  function start(machine: CompiledMachine, name: string, input: string): Execution {
    const arn = executionArn(machine.name, name);
    const startedAt = now();
    names.add(arn);
    const entry: Entry = {
      arn,
      name,
      machine,
      number: names.size,
      input,
      startedAt,
      history: [executionStarted(startedAt, input)],
      controller: new AbortController(),
      leaveInFlight: inFlight.track(),
      close: openExecutions.track(),
    };
    executions.set(arn, entry);
    onChange(entry);
    void run(entry);
    return entry;
  }

  async function run(entry: Entry): Promise<void> {
    const { machine, input, controller } = entry;
    const { signal } = controller;
    const completed = interpreter(machine, JSON.parse(input), {
      signal,
      onTransition,
      record: (event) => record(entry, event),
      onWaiting: (waiting) => setWaiting(entry, waiting),
    });
    try {
      finish(entry, await Promise.race([completed, timeOut(machine, signal)]));
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  function record(entry: Entry, event: HistoryEvent): number {
    const { controller, history } = entry;
    controller.signal.throwIfAborted();
    if (history.length >= maxHistoryEvents - 1) {
      const cause = `The execution reached the maximum number of history events (${maxHistoryEvents}).`;
      finish(entry, { status: 'FAILED', error: 'States.Runtime', cause });
      controller.signal.throwIfAborted();
    }
    return history.push(event);
  }

  function setWaiting(entry: Entry, waiting: boolean): void {
    if (entry.controller.signal.aborted || waiting === (entry.leaveInFlight === undefined)) return;
    entry.leaveInFlight?.();
    entry.leaveInFlight = waiting ? undefined : inFlight.track();
  }

  /** Has no effect on an ended execution. */
  function finish(entry: Entry, end: ExecutionEnd): void {
    if (entry.end) return;
    entry.stoppedAt = now();
    entry.end = end;
    entry.history.push(executionEnded(entry.stoppedAt, end));
    entry.controller.abort();
    ended.push(entry.arn);
    for (const old of ended.splice(0, Math.max(0, ended.length - maxEnded))) executions.delete(old);
    onChange(entry);
    entry.leaveInFlight?.();
    entry.close();
  }

  return {
    start,

    find: (arn: string): Execution | undefined => executions.get(arn),

    /** Whether an execution with this ARN was started, even if it is no longer kept. */
    isTaken: (arn: string): boolean => names.has(arn),

    /** Newest first. */
    list: (machine: CompiledMachine): readonly Execution[] =>
      [...executions.values()].filter((entry) => entry.machine === machine).reverse(),

    /** Aborts a running execution; the result of its task is ignored. Has no effect on an ended execution. */
    abort(arn: string, reason: Pick<ExecutionEnd, 'error' | 'cause'>): void {
      const entry = executions.get(arn);
      if (entry) finish(entry, { status: 'ABORTED', ...reason });
    },

    /** Aborts all executions without events. */
    stop(): void {
      for (const { controller } of executions.values()) controller.abort();
    },
  };
}

/** Resolves after the time limit of the state machine. Rejects when the signal aborts. */
async function timeOut({ timeoutSeconds = Number.POSITIVE_INFINITY }: CompiledMachine, signal: AbortSignal) {
  await sleep(timeoutSeconds * 1_000, signal);
  return { status: 'TIMED_OUT', error: 'States.Timeout' } as const;
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
    'detail-type': 'Step Functions Execution Status Change',
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
