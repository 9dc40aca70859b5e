import type { InFlight } from '../../in-flight.ts';
import type { State } from '../../state.ts';
import { executionArn } from '../arn.ts';
import type { BusEvent } from '../event-bridge.ts';
import type { CompiledMachine } from './definition.ts';
import { type ExecutionEnd, executionEnded, executionStarted, type HistoryEvent } from './history.ts';
import type { Interpreter } from './interpreter.ts';
import { type Position, sleep } from './task-state.ts';

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
}

export interface ExecutionsOptions {
  readonly interpreter: Interpreter;
  readonly state: State;
  /** Deletes the stored record of a task token. */
  forgetToken(token: string): void;
  /** Maximum number of ended executions to keep. */
  readonly maxEnded: number;
  /** Maximum number of names that cannot be reused after their executions are deleted. Step Functions allows reuse after 90 days. */
  readonly maxReservedNames: number;
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
  position?: Position | undefined;
  /** The number of stored events. */
  storedEvents: number;
  /** Events that are not stored yet. */
  readonly newEvents: HistoryEvent[];
  readonly controller: AbortController;
  /** Decrements `inFlight`; undefined while the execution waits. */
  leaveInFlight: (() => void) | undefined;
  /** Decrements `openExecutions`. */
  readonly close: () => void;
}

/** An execution as it is stored, by its ARN. Times are in milliseconds since 1970. */
interface StoredExecution extends Pick<Entry, 'name' | 'number' | 'input' | 'position' | 'storedEvents'> {
  readonly end?: ExecutionEnd | undefined;
  /** The ARN of the state machine. */
  readonly machine: string;
  readonly startedAt: number;
  readonly stoppedAt?: number | undefined;
}

export function executionStatus({ end }: Pick<Execution, 'end'>): ExecutionStatus {
  return end?.status ?? 'RUNNING';
}

/**
 * Runs executions. Keeps the running executions and the latest ended ones. A running execution is stored when it starts, when
 * it waits, and before every task call, so that `resume` continues it after a restart.
 */
export function createExecutions(options: ExecutionsOptions) {
  const {
    interpreter,
    state,
    maxEnded,
    maxReservedNames,
    inFlight,
    openExecutions,
    onChange,
    onTransition,
    forgetToken,
    now,
  } = options;
  const stored = state.collection<StoredExecution>('executions');
  /** The events of an execution, in parts, by its ARN and the id of their first event. */
  const history = state.collection<readonly HistoryEvent[]>('execution history');
  /** The ARNs of deleted executions. */
  const reservedNames = state.collection<true>('reserved execution names');
  const executions = new Map<string, Entry>();
  const ended: string[] = [];
  // Read before the first execution starts: `resume` must not start that one a second time.
  const earlier = stored.entries();
  let count = earlier.reduce((highest, [, { number }]) => Math.max(highest, number), 0);

  function start(machine: CompiledMachine, name: string, input: string): Execution {
    const startedAt = now();
    count += 1;
    const entry = track({
      arn: executionArn(machine.name, name),
      name,
      machine,
      number: count,
      input,
      startedAt,
      storedEvents: 0,
      newEvents: [executionStarted(startedAt, input)],
    });
    state.transaction(() => {
      store(entry);
      onChange(entry);
    });
    void run(entry);
    return entry;
  }

  /** Adds a running execution. */
  function track(execution: Omit<Entry, 'controller' | 'leaveInFlight' | 'close'>): Entry {
    const entry = {
      ...execution,
      controller: new AbortController(),
      leaveInFlight: inFlight.track(),
      close: openExecutions.track(),
    };
    executions.set(entry.arn, entry);
    return entry;
  }

  /** Stores an execution with its new events. Within a transaction. */
  function store(entry: Entry): void {
    const { arn, name, machine, number, input, startedAt, stoppedAt, end, position } = entry;
    if (entry.newEvents.length > 0) history.put(historyKey(arn, entry.storedEvents), entry.newEvents);
    entry.storedEvents += entry.newEvents.splice(0).length;
    stored.put(arn, {
      ...{ name, machine: machine.arn, number, input, end, position, storedEvents: entry.storedEvents },
      startedAt: startedAt.getTime(),
      stoppedAt: stoppedAt?.getTime(),
    });
  }

  function save(entry: Entry, position: Position | undefined): void {
    const token = entry.position?.attempt?.token;
    entry.position = position;
    state.transaction(() => {
      store(entry);
      if (token !== undefined && position?.attempt?.token !== token) forgetToken(token);
    });
  }

  async function run(entry: Entry): Promise<void> {
    const { machine, input, position, startedAt, controller } = entry;
    const { signal } = controller;
    const completed = interpreter(
      machine,
      { input: JSON.parse(input), position },
      {
        signal,
        onTransition,
        record: (event) => record(entry, event),
        save: (changed) => save(entry, changed),
        onWaiting: (waiting) => setWaiting(entry, waiting),
      },
    );
    const { timeoutSeconds = Number.POSITIVE_INFINITY } = machine;
    const left = startedAt.getTime() + timeoutSeconds * 1_000 - now().getTime();
    try {
      finish(entry, await Promise.race([completed, timeOut(left, signal)]));
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Returns the id of the event. */
  function record(entry: Entry, event: HistoryEvent): number {
    const { controller, newEvents } = entry;
    controller.signal.throwIfAborted();
    if (entry.storedEvents + newEvents.length >= maxHistoryEvents - 1) {
      const cause = `The execution reached the maximum number of history events (${maxHistoryEvents}).`;
      finish(entry, { status: 'FAILED', error: 'States.Runtime', cause });
      controller.signal.throwIfAborted();
    }
    newEvents.push(event);
    return entry.storedEvents + newEvents.length;
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
    entry.newEvents.push(executionEnded(entry.stoppedAt, end));
    entry.controller.abort();
    state.transaction(() => {
      save(entry, undefined);
      addEnded(entry.arn);
      onChange(entry);
    });
    entry.leaveInFlight?.();
    entry.close();
  }

  /** Marks an execution of an earlier run as ended. */
  function markEnded(entry: Entry, end: ExecutionEnd, stoppedAt: Date): void {
    entry.end = end;
    entry.stoppedAt = stoppedAt;
    ended.push(entry.arn);
    entry.leaveInFlight?.();
    entry.close();
  }

  function addEnded(arn: string): void {
    ended.push(arn);
    for (const old of ended.splice(0, Math.max(0, ended.length - maxEnded))) {
      executions.delete(old);
      stored.delete(old);
      history.deleteRange(historyKeys(old));
      reservedNames.put(old, true);
    }
    reservedNames.keepLatest(maxReservedNames);
  }

  return {
    start,

    find: (arn: string): Execution | undefined => executions.get(arn),

    /** The events so far, oldest first. */
    history(arn: string): readonly HistoryEvent[] {
      const parts = [...history.range(historyKeys(arn))].flatMap(([, events]) => events);
      return [...parts, ...(executions.get(arn)?.newEvents ?? [])];
    },

    /** Whether an execution with this ARN exists, or is one of the latest `maxReservedNames` that were deleted. */
    isTaken: (arn: string): boolean => executions.has(arn) || reservedNames.get(arn) === true,

    /** Newest first. */
    list: (machine: CompiledMachine): readonly Execution[] =>
      [...executions.values()].filter((entry) => entry.machine === machine).reverse(),

    /** Aborts a running execution; the result of its task is ignored. Has no effect on an ended execution. */
    abort(arn: string, reason: Pick<ExecutionEnd, 'error' | 'cause'>): void {
      const entry = executions.get(arn);
      if (entry) finish(entry, { status: 'ABORTED', ...reason });
    },

    /** Loads the executions of an earlier run, and continues those that had not ended. */
    resume(findMachine: (arn: string) => CompiledMachine | undefined): void {
      for (const [arn, { machine: machineArn, startedAt, stoppedAt, end, ...rest }] of earlier.splice(0)) {
        const machine = findMachine(machineArn);
        if (!machine) continue;
        const entry = track({ ...rest, arn, machine, startedAt: new Date(startedAt), newEvents: [] });
        if (end) markEnded(entry, end, new Date(stoppedAt ?? startedAt));
        else void run(entry);
      }
    },

    /** Aborts all executions without events. They continue after a restart. */
    stop(): void {
      for (const { controller } of executions.values()) controller.abort();
    },
  };
}

/** `~` sorts after every digit. */
const historyKeys = (arn: string) => ({ gt: historyKey(arn), lt: `${historyKey(arn)}~` });

function historyKey(arn: string, firstId?: number): string {
  return `${arn} ${firstId === undefined ? '' : String(firstId).padStart(6, '0')}`;
}

/** Resolves when the time of the state machine has passed. Rejects when the signal aborts. */
async function timeOut(ms: number, signal: AbortSignal) {
  await sleep(ms, signal);
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
