import { StateMachine, type StateMachineDefinition } from 'aws-local-stepfunctions';
import * as z from 'zod/mini';
import { InvocationError, throttledName, toFunctionFailure } from '../lambda/invocation.ts';
import { stateMachineArn } from './arn.ts';
import { type Faults, faultError } from './control.ts';
import { type Json, toJson } from './protocol.ts';
import type { Storage } from './sqs-s3.ts';

type LibraryRun = ReturnType<StateMachine['run']>;

/** An event in the library's log. */
export type MachineEvent = LibraryRun['eventLogs'] extends AsyncGenerator<infer Event> ? Event : never;

/** One call of a task; the library's events lack it. */
export interface TaskCall {
  readonly input: Json;
  output?: Json;
}

export type CompiledMachine = ReturnType<typeof compileMachine>;

/** A running execution. */
export type MachineRun = ReturnType<CompiledMachine['run']>;

/** Fixed delays instead of the definition's, for tests and demonstrations. */
export interface MachineDelays {
  /** Before every retry of a task. */
  readonly retryMs?: number;
  /** In every Wait state. */
  readonly waitMs?: number;
}

export interface CompileOptions {
  readonly name: string;
  readonly definition: unknown;
  readonly task: Task;
  readonly delays: MachineDelays;
}

export class UnsupportedStateMachineError extends Error {
  override readonly name = 'UnsupportedStateMachineError';

  constructor(machine: string, what: string) {
    super(`${what} in the state machine "${machine}" is not supported by the local engine`);
  }
}

/** Step Functions' limit on a state's input and output and on an execution's input. */
export const maxStateBytes = 262_144;

/** AWS has no limit for a task without TimeoutSeconds, the library has 60 s. Node's maximum timer is 24.8 days. */
const noTimeoutSeconds = 2_000_000;

const supportedTypes: ReadonlySet<string> = new Set(['Task', 'Pass', 'Wait', 'Choice', 'Succeed', 'Fail']);

const definitionSchema = z.looseObject({
  StartAt: z.string(),
  States: z.record(z.string(), z.looseObject({ Type: z.string(), Resource: z.optional(z.string()) })),
});

type Definition = z.output<typeof definitionSchema>;

/**
 * Validates a definition and compiles it. The library's validation takes 40 ms per StateMachine object, so all executions
 * share one.
 *
 * @throws UnsupportedStateMachineError
 * @throws Error that lists all problems if the definition is not valid Amazon States Language.
 */
export function compileMachine({ name, definition, task, delays }: CompileOptions) {
  const parsed = definitionSchema.parse(definition);
  const resources = supportedResources(name, parsed);
  const machine = new StateMachine(runnable(parsed));
  const states = Object.keys(parsed.States);
  const forEachState = (ms: number | undefined): Record<string, number> =>
    ms === undefined ? {} : Object.fromEntries(states.map((state) => [state, ms]));
  const overrides = {
    retryIntervalOverrides: forEachState(delays.retryMs),
    waitTimeOverrides: forEachState(delays.waitMs),
  };
  const arn = stateMachineArn(name);

  function run(input: Json, execution: { readonly arn: string; readonly name: string }) {
    const calls: TaskCall[] = [];
    let aborted = false;
    const handlers = [...resources].map(([state, resource]) => {
      const handle = async (taskInput: Json): Promise<Json> => {
        // An abort ends the delay before a retry early, and the library would then retry.
        if (aborted) throw new FinalError('States.Runtime', 'The execution has ended');
        const call: TaskCall = { input: assertSize(state, taskInput) };
        calls.push(call);
        call.output = assertSize(state, await task(resource, taskInput));
        return call.output;
      };
      return [state, handle] as const;
    });
    const { eventLogs, result, abort } = machine.run(input, {
      context: { Execution: { Id: execution.arn, Name: execution.name }, StateMachine: { Id: arn, Name: name } },
      overrides: { ...overrides, taskResourceLocalHandlers: Object.fromEntries(handlers) },
    });
    // The events include the end.
    result.catch(() => undefined);
    return {
      events: eventLogs,
      /** In order; one for each entry and retry of a Task state. */
      calls,
      /** Starts no more tasks; the current task continues. */
      abort() {
        aborted = true;
        abort();
      },
    };
  }

  return {
    name,
    arn,
    createdAt: new Date(),
    definition,
    /** The resource of each Task state, by the state's name. */
    resources,
    run,
  };
}

function supportedResources(name: string, { States, ...rest }: Definition): Map<string, Resource> {
  if (rest.QueryLanguage === 'JSONata') throw new UnsupportedStateMachineError(name, 'JSONata');
  const resources = new Map<string, Resource>();
  for (const [state, { Type, Resource, QueryLanguage }] of Object.entries(States)) {
    if (QueryLanguage === 'JSONata') throw new UnsupportedStateMachineError(name, `JSONata of the state "${state}"`);
    if (!supportedTypes.has(Type)) throw new UnsupportedStateMachineError(name, `The ${Type} state "${state}"`);
    if (Type !== 'Task') continue;
    const resource = parseResource(Resource ?? '');
    if (!resource) throw new UnsupportedStateMachineError(name, `The resource ${Resource} of the state "${state}"`);
    resources.set(state, resource);
  }
  return resources;
}

/** A copy with a timeout for every task. */
function runnable(definition: Definition): StateMachineDefinition {
  const states = Object.entries(definition.States).map(([name, state]) => [
    name,
    state.Type === 'Task' && !('TimeoutSecondsPath' in state) ? { TimeoutSeconds: noTimeoutSeconds, ...state } : state,
  ]);
  const copy: unknown = { ...definition, States: Object.fromEntries(states) };
  if (!isDefinition(copy)) throw new TypeError('The definition is not a state machine');
  return copy;
}

/** The library's own validation, which follows, reports the details. */
function isDefinition(value: unknown): value is StateMachineDefinition {
  return definitionSchema.safeParse(value).success;
}

function assertSize(state: string, value: Json): Json {
  if (Buffer.byteLength(JSON.stringify(value)) <= maxStateBytes) return value;
  throw new FinalError(
    'States.DataLimitExceeded',
    `The input or result of the state/task '${state}' is above the maximum of ${maxStateBytes} bytes.`,
  );
}

/** An error that is neither retried nor caught. The library reads these two fields. */
class FinalError extends Error {
  override readonly name: string;
  readonly isRetryable = false;
  readonly isCatchable = false;

  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

/** The resource of a Task state: a function or another service. */
export type Resource =
  | { readonly kind: 'lambda'; readonly arn: string; readonly function: string }
  | { readonly kind: 'service'; readonly type: 'sqs'; readonly action: 'sendMessage' };

export type Task = (resource: Resource, input: Json) => Promise<Json>;

/** A failed task. Retry and Catch match its name; its message becomes the cause. */
export class TaskError extends Error {
  override readonly name: string;

  constructor(name: string, cause: string) {
    super(cause);
    this.name = name;
  }
}

/** Undefined for an unsupported resource. */
export function parseResource(arn: string): Resource | undefined {
  if (arn === 'arn:aws:states:::sqs:sendMessage') return { kind: 'service', type: 'sqs', action: 'sendMessage' };
  const name = /^arn:aws:lambda:[^:]+:\d+:function:([\w-]+)(?::[\w$-]+)?$/.exec(arn)?.[1];
  return name === undefined ? undefined : { kind: 'lambda', arn, function: name };
}

export interface TaskOptions {
  invoke(name: string, event: unknown): Promise<unknown>;
  readonly storage: Pick<Storage, 'sendMessage'>;
  readonly faults: Pick<Faults, 'take'>;
}

const sendMessageSchema = z.strictObject({
  QueueUrl: z.string(),
  MessageBody: z.unknown(),
  DelaySeconds: z.optional(z.number()),
});

/** Runs tasks as Step Functions does.
 *
 * @throws TaskError for every failure. */
export function createTasks({ invoke, storage, faults }: TaskOptions): Task {
  async function invokeFunction(name: string, input: Json): Promise<Json> {
    try {
      return toJson(await invoke(name, input));
    } catch (error) {
      throw functionFailed(error);
    }
  }

  async function sendMessage(input: Json): Promise<Json> {
    const parameters = sendMessageSchema.safeParse(input);
    if (!parameters.success) throw new TaskError('States.Runtime', z.prettifyError(parameters.error));
    const { QueueUrl, MessageBody, DelaySeconds } = parameters.data;
    const body = typeof MessageBody === 'string' ? MessageBody : JSON.stringify(MessageBody);
    try {
      const fault = faults.take('sqs', 'SendMessage');
      if (fault && fault !== 'partial') throw faultError('sqs', fault);
      const delay = DelaySeconds !== undefined && { delaySeconds: DelaySeconds };
      return { ...(await storage.sendMessage(QueueUrl, { body, ...delay })) };
    } catch (error) {
      throw new TaskError('SQS.AmazonSQSException', error instanceof Error ? error.message : String(error));
    }
  }

  return (resource, input) =>
    resource.kind === 'lambda' ? invokeFunction(resource.function, input) : sendMessage(input);
}

/** The cause of a function's error is JSON; of an error of Lambda's API, text. */
function functionFailed(error: unknown): TaskError {
  if (error instanceof InvocationError && error.name === throttledName) {
    return new TaskError(`Lambda.${throttledName}`, `${error.message} (Service: Lambda, Status Code: 429)`);
  }
  const failure = toFunctionFailure(error);
  return new TaskError(failure.errorType, JSON.stringify(failure));
}
