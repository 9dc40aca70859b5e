import type { MessagePort } from 'node:worker_threads';
import type { Context } from 'aws-lambda';
import type { FunctionSpec } from '../../stacks/topology.ts';
import type { JsonResponse } from '../aws/endpoint.ts';

/** The configuration of a function. A reserved concurrency of 0 is no limit. */
export type LambdaFunction = Omit<FunctionSpec, 'permissions'>;

/** Lambda's context without the callbacks, which Node 24's runtime no longer has. */
export type LambdaContext = Omit<Context, 'done' | 'fail' | 'succeed'>;

/** The worker's input. */
export interface WorkerSettings {
  readonly root: string;
  readonly functions: Readonly<Record<string, LambdaFunction>>;
  /** The port for a debugger. */
  readonly inspectPort: number | undefined;
  readonly aws: AwsConnection | undefined;
}

/** The connection of the functions to the local AWS without HTTP. */
export interface AwsConnection {
  /** The value of AWS_ENDPOINT_URL. */
  readonly url: string;
  readonly port: MessagePort;
}

/** A call through the connection. `target` is the header X-Amz-Target. */
export interface AwsCall {
  readonly id: number;
  readonly target: string;
  readonly body: string;
}

export type AwsResponse = JsonResponse & Pick<AwsCall, 'id'>;

/** The worker's first message. */
export interface WorkerReady {
  /** The functions that could not be loaded, with the reasons. */
  readonly broken: readonly string[];
  /** The WebSocket for a debugger. */
  readonly debuggerUrl: string | undefined;
}

/** A thrown error as Lambda reports it. */
export interface FunctionFailure {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace: readonly string[];
}

export interface Invocation {
  readonly requestId: string;
  /** The function's name. */
  readonly name: string;
  /** JSON, as on Lambda. */
  readonly payload: string;
  /** In milliseconds since 1970. */
  readonly deadline: number;
}

/** The worker answers through the port. It answers a message without an invocation, a ping, at once. */
export interface ToWorker {
  readonly port: MessagePort;
  readonly invocation?: Invocation;
}

export type Answer = { readonly payload: string } | { readonly failure: FunctionFailure };

/**
 * A failed invocation. `name` is Lambda's error type: the thrown error's own name, or
 * `Sandbox.Timedout`, `Runtime.ExitError`, `Runtime.ImportModuleError` if the runtime ended the invocation.
 */
export class InvocationError extends Error {
  override readonly name: string;
  readonly trace: readonly string[];

  constructor(failure: FunctionFailure, options?: ErrorOptions) {
    super(failure.errorMessage, options);
    this.name = failure.errorType;
    this.trace = failure.trace;
  }
}

/** Lambda's error above a function's reserved concurrency. The function was not invoked. */
export class ThrottledError extends InvocationError {
  /** The HTTP status of a synchronous invocation. */
  readonly statusCode = 429;

  constructor() {
    super({ errorType: 'TooManyRequestsException', errorMessage: 'Rate Exceeded.', trace: [] });
  }
}

export function timedOut(requestId: string, timeoutSeconds: number): InvocationError {
  return new InvocationError({
    errorType: 'Sandbox.Timedout',
    errorMessage: `RequestId: ${requestId} Error: Task timed out after ${timeoutSeconds.toFixed(2)} seconds`,
    trace: [],
  });
}

export function runtimeExited(requestId: string, exitCode: number, cause?: unknown): InvocationError {
  return new InvocationError(
    {
      errorType: 'Runtime.ExitError',
      errorMessage: `RequestId: ${requestId} Error: Runtime exited with error: exit status ${exitCode}`,
      trace: [],
    },
    { cause },
  );
}

/** A thrown value as Lambda's Node runtime reports it. */
export function toFunctionFailure(thrown: unknown): FunctionFailure {
  if (thrown instanceof InvocationError) {
    return { errorType: thrown.name, errorMessage: thrown.message, trace: thrown.trace };
  }
  if (!(thrown instanceof Error)) return { errorType: typeof thrown, errorMessage: String(thrown), trace: [] };
  return { errorType: thrown.name, errorMessage: thrown.message, trace: thrown.stack?.split('\n') ?? [] };
}
