import type { InFlight } from '../in-flight.ts';
import { executionArn } from './arn.ts';
import type { CompiledMachine, MachineEvent, MachineRun } from './state-machine.ts';

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

/** How an execution ended. `output` is JSON. */
export interface ExecutionEnd {
  readonly status: Exclude<ExecutionStatus, 'RUNNING'>;
  readonly output?: string;
  readonly error?: string;
  readonly cause?: string;
}

export interface Execution {
  readonly arn: string;
  readonly name: string;
  readonly machine: CompiledMachine;
  /** Counts up from 1 with every execution. */
  readonly number: number;
  /** The JSON text as the caller sent it. */
  readonly input: string;
  readonly startedAt: Date;
  readonly stoppedAt?: Date;
  readonly end?: ExecutionEnd;
  /** The library's events of states, in order. */
  readonly log: readonly MachineEvent[];
  readonly calls: MachineRun['calls'];
}

export interface ExecutionsOptions {
  /** Maximum number of ended executions to keep. */
  readonly maxEnded: number;
  /** Counts running executions, except those in a Wait state. */
  readonly inFlight: InFlight;
  /** Counts all running executions. */
  readonly openExecutions: InFlight;
  /** Called when an execution starts and ends. */
  onChange(execution: Execution): void;
  /** Called for every state transition that AWS bills: entries and retries. */
  onTransition(): void;
  readonly now?: () => Date;
}

/** Step Functions' limit on an execution's history, which the library's log approximates. */
const maxHistoryEvents = 25_000;

interface RunningExecution {
  execution: Execution;
  readonly log: MachineEvent[];
  readonly run: MachineRun;
  /** Decrements `inFlight`; undefined in a Wait state. */
  leaveInFlight: (() => void) | undefined;
  /** Decrements `openExecutions`. */
  readonly close: () => void;
}

export function executionStatus({ end }: Execution): ExecutionStatus {
  return end?.status ?? 'RUNNING';
}

/** Runs executions, and keeps the running and the latest ended ones. */
export function createExecutions(options: ExecutionsOptions) {
  const { maxEnded, inFlight, openExecutions, onChange, onTransition, now = () => new Date() } = options;
  const executions = new Map<string, Execution>();
  const running = new Map<string, RunningExecution>();
  const ended: string[] = [];
  let count = 0;

  function start(machine: CompiledMachine, name: string, input: string): Execution {
    const arn = executionArn(machine.name, name);
    const log: MachineEvent[] = [];
    const run = machine.run(JSON.parse(input), { arn, name });
    count += 1;
    const execution = { arn, name, machine, number: count, input, startedAt: now(), log, calls: run.calls };
    const entry: RunningExecution = {
      execution,
      log,
      run,
      leaveInFlight: inFlight.track(),
      close: openExecutions.track(),
    };
    executions.set(arn, execution);
    running.set(arn, entry);
    onChange(execution);
    void follow(entry);
    return execution;
  }

  async function follow(entry: RunningExecution): Promise<void> {
    for await (const event of entry.run.events) {
      if (running.has(entry.execution.arn)) record(entry, event);
    }
  }

  function record(entry: RunningExecution, event: MachineEvent): void {
    const end = toExecutionEnd(event);
    if (end) {
      finish(entry, end);
      return;
    }
    entry.log.push(event);
    if (event.type === 'StateEntered' || event.type === 'StateRetried') onTransition();
    if ('state' in event && event.state.type === 'Wait') {
      entry.leaveInFlight?.();
      entry.leaveInFlight = event.type === 'StateEntered' ? undefined : inFlight.track();
    }
    if (entry.log.length < maxHistoryEvents) return;
    const cause = `The execution reached the maximum number of history events (${maxHistoryEvents}).`;
    finish(entry, { status: 'FAILED', error: 'States.Runtime', cause });
    entry.run.abort();
  }

  function finish(entry: RunningExecution, end: ExecutionEnd): void {
    const { arn } = entry.execution;
    entry.execution = { ...entry.execution, stoppedAt: now(), end };
    running.delete(arn);
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

    /** Newest first. */
    list(machine: CompiledMachine): readonly Execution[] {
      return [...executions.values()].filter((entry) => entry.machine === machine).sort((a, b) => b.number - a.number);
    },

    /** Aborts a running execution; its current task continues. Has no effect on an ended execution. */
    abort(arn: string, reason: Pick<ExecutionEnd, 'error' | 'cause'>): void {
      const entry = running.get(arn);
      if (!entry) return;
      finish(entry, { status: 'ABORTED', ...reason });
      entry.run.abort();
    },

    /** Aborts all executions without events. */
    stop(): void {
      for (const entry of [...running.values()]) {
        running.delete(entry.execution.arn);
        entry.run.abort();
      }
    },
  };
}

export type Executions = ReturnType<typeof createExecutions>;

function toExecutionEnd(event: MachineEvent): ExecutionEnd | undefined {
  switch (event.type) {
    case 'ExecutionSucceeded':
      return { status: 'SUCCEEDED', output: JSON.stringify(event.output) };
    case 'ExecutionFailed':
      return { status: 'FAILED', error: event.Error, cause: causeText(event.Cause) };
    case 'ExecutionTimeout':
      return { status: 'TIMED_OUT', error: 'States.Timeout' };
    case 'ExecutionAborted':
      return { status: 'ABORTED' };
    default:
      return undefined;
  }
}

function causeText(cause: unknown): string {
  return typeof cause === 'string' ? cause : (JSON.stringify(cause) ?? '');
}

/** An event of an AWS service on the default bus. */
export interface AwsEvent {
  readonly source: `aws.${string}`;
  readonly detailType: string;
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Above this size AWS omits the input, then the output. */
const maxBodyBytes = 248 * 1_024;

/** The event of an execution's status change. Times are in milliseconds since 1970. */
export function statusChange(execution: Execution): AwsEvent {
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
