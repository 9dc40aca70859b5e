import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { MessageChannel, Worker } from 'node:worker_threads';
import * as z from 'zod/mini';
import { debugTimeoutSeconds } from '../../stacks/topology.ts';
import type { CallJson } from '../aws/endpoint.ts';
import { PortTakenError } from '../listen.ts';
import { openConnection } from './aws-connection.ts';
import {
  type Answer,
  type Invocation,
  InvocationError,
  type LambdaFunction,
  runtimeExited,
  ThrottledError,
  type ToWorker,
  timedOut,
  type WorkerReady,
  type WorkerSettings,
} from './invocation.ts';

/** A finished invocation. */
export type InvocationOutcome = {
  readonly function: string;
  readonly ok: boolean;
  readonly ms: number;
  /** The error's name. */
  readonly error?: string;
  /** The id of the handled event: the event on the bus, or the event that caused the send request. */
  readonly eventId?: string;
};

export interface RuntimeOptions {
  readonly functions: Readonly<Record<string, LambdaFunction>>;
  /** The base folder of the handlers' paths. */
  readonly root: string;
  /** The complete environment of the functions; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** The port for a debugger. With a port, each function has Lambda's maximum timeout. */
  readonly inspectPort?: number | undefined;
  /** The local AWS, for calls of the functions without HTTP. Default: HTTP for all calls. */
  readonly aws?: { readonly url: string; readonly callJson: CallJson } | undefined;
  /** Receives every line that the functions write to stdout or stderr. */
  onLog(line: string): void;
  onInvocation(outcome: InvocationOutcome): void;
}

export interface InvokeOptions {
  /** All retries of an asynchronous invocation have the same request id. */
  readonly requestId?: string;
}

/** @throws InvocationError when the function fails, times out, is throttled, or its runtime ends. */
export type Invoke = (name: string, event: unknown, options?: InvokeOptions) => Promise<unknown>;

export type Runtime = Awaited<ReturnType<typeof startRuntime>>;

export class FunctionLoadError extends Error {
  override readonly name = 'FunctionLoadError';

  constructor(broken: readonly string[]) {
    super(`Functions that cannot be loaded:\n${broken.map((reason) => `  ${reason}`).join('\n')}`);
  }
}

/**
 * Local Lambda: every function in one worker thread, with JSON events and results.
 *
 * A function that times out fails for its caller but, unlike on AWS, continues in the thread. When the thread exits, all
 * invocations in flight fail and a new thread starts.
 *
 * @throws FunctionLoadError if a handler's file or export is missing or its import fails.
 * @throws PortTakenError if another process uses `inspectPort`.
 */
export async function startRuntime(options: RuntimeOptions) {
  const { functions, root, env, aws, inspectPort, onLog, onInvocation } = options;
  const running = new Map<string, number>();
  let sandbox: Sandbox | undefined;
  let stopping = false;

  function launch(): Sandbox {
    return startSandbox({
      root,
      functions,
      env,
      inspectPort,
      aws,
      onLog,
      onExit(loaded) {
        // After a failed load only the next invocation starts a thread; otherwise it would loop.
        sandbox = loaded && !stopping ? launch() : undefined;
      },
    });
  }

  sandbox = launch();
  const { broken, debuggerUrl } = await sandbox.ready;
  const isPortTaken = inspectPort !== undefined && debuggerUrl === undefined;
  if (broken.length > 0 || isPortTaken) {
    stopping = true;
    await sandbox.terminate();
    throw isPortTaken ? new PortTakenError(inspectPort, '--inspect') : new FunctionLoadError(broken);
  }

  function count(name: string, change: 1 | -1): void {
    running.set(name, (running.get(name) ?? 0) + change);
  }

  const invoke: Invoke = async (name, event, { requestId = randomUUID() } = {}) => {
    const spec = functions[name];
    if (!spec) throw new Error(`There is no function "${name}"`);
    if (stopping) throw new Error('The runtime is stopping');
    if ((running.get(name) ?? 0) >= (spec.concurrency || Number.POSITIVE_INFINITY)) throw new ThrottledError();
    count(name, 1);
    const started = performance.now();
    const done = (outcome: Pick<InvocationOutcome, 'ok' | 'error'>) =>
      onInvocation({ function: name, ms: Math.round(performance.now() - started), ...outcome, ...findEventId(event) });
    try {
      sandbox ??= launch();
      const result = await sandbox.invoke(
        { requestId, name, payload: JSON.stringify(event) ?? 'null' },
        spec.timeoutSeconds,
      );
      done({ ok: true });
      return result;
    } catch (error) {
      done({ ok: false, error: error instanceof Error ? error.name : String(error) });
      throw error;
    } finally {
      count(name, -1);
    }
  };

  return {
    invoke,
    /** Terminates the thread during its invocations, as a crash would, and starts a new one. */
    async kill(): Promise<void> {
      await sandbox?.terminate();
    },
    async stop(): Promise<void> {
      stopping = true;
      await sandbox?.terminate();
    },
  };
}

const handledEvent = z.union([
  z.pipe(
    z.object({ id: z.string(), 'detail-type': z.string() }),
    z.transform(({ id: eventId }) => ({ eventId })),
  ),
  z.pipe(
    z.object({ request: z.object({ causationId: z.string() }) }),
    z.transform(({ request }) => ({ eventId: request.causationId })),
  ),
]);

function findEventId(payload: unknown): { readonly eventId?: string } {
  return handledEvent.safeParse(payload).data ?? {};
}

interface SandboxOptions extends Omit<RuntimeOptions, 'onInvocation'> {
  /** Called once, when every invocation in flight fails, with whether the functions were loaded before. */
  onExit(loaded: boolean): void;
}

type Sandbox = ReturnType<typeof startSandbox>;

/** After a function's timeout, a thread that does not answer a ping within this time is terminated. */
const pingTimeoutMs = 1_000;

/** Starts one worker thread with all functions. */
function startSandbox(options: SandboxOptions) {
  const { root, functions, env, inspectPort, onLog, onExit } = options;
  const aws = options.aws && openConnection(options.aws.url, options.aws.callJson);
  const workerData: WorkerSettings = { root, functions, inspectPort, aws };
  // AWS_LAMBDA_MAX_CONCURRENCY: invocations share the process, so Powertools must isolate their state.
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    name: 'lambda',
    workerData,
    transferList: aws ? [aws.port] : [],
    env: { ...env, AWS_LAMBDA_MAX_CONCURRENCY: '1000' },
    execArgv: [],
    stdout: true,
    stderr: true,
  });
  const exited = new AbortController();
  const ready = Promise.withResolvers<WorkerReady>();
  // An unhandled rejection of a restart must not end this process.
  ready.promise.catch(() => undefined);
  let loaded: WorkerReady | undefined;
  let uncaught: unknown;
  let exitCode = 0;

  for (const input of [worker.stdout, worker.stderr]) createInterface({ input }).on('line', onLog);
  worker.once('message', (message: WorkerReady) => {
    loaded = message;
    ready.resolve(message);
  });
  worker.on('error', (error) => {
    uncaught = error;
    onLog(error instanceof Error ? (error.stack ?? error.message) : String(error));
  });
  worker.on('exit', (code) => {
    exitCode = code;
    ready.reject(runtimeExited('init', code, uncaught));
    exited.abort();
    onExit(loaded !== undefined);
  });

  /** Waits for the worker's answer. Rejects when the thread exits or after the time limit. */
  async function call(invocation: Invocation | undefined, timeout: AbortSignal): Promise<Answer> {
    const { port1, port2 } = new MessageChannel();
    try {
      const message: ToWorker = { port: port2, ...(invocation && { invocation }) };
      worker.postMessage(message, [port2]);
      const [answer] = await once(port1, 'message', { signal: AbortSignal.any([exited.signal, timeout]) });
      return answer;
    } finally {
      port1.close();
    }
  }

  async function terminate(): Promise<void> {
    const terminated = worker.terminate();
    // A thread that is paused at a breakpoint ends only after it resumes and its debuggers disconnect.
    if (loaded?.debuggerUrl) continueExecution(loaded.debuggerUrl);
    await terminated;
  }

  /** An endless loop blocks all functions, so the thread is terminated, as Lambda terminates an environment. */
  async function terminateIfStuck(): Promise<void> {
    await call(undefined, AbortSignal.timeout(pingTimeoutMs)).catch(terminate);
  }

  async function invoke(invocation: Omit<Invocation, 'deadline'>, limitSeconds: number): Promise<unknown> {
    await ready.promise;
    const { requestId } = invocation;
    const timeoutSeconds = inspectPort === undefined ? limitSeconds : debugTimeoutSeconds;
    const timeoutMs = timeoutSeconds * 1_000;
    const timeout = AbortSignal.timeout(timeoutMs);
    const answer = await call({ ...invocation, deadline: Date.now() + timeoutMs }, timeout).catch((error) => {
      if (exited.signal.aborted) throw runtimeExited(requestId, exitCode, uncaught);
      if (!timeout.aborted) throw error;
      void terminateIfStuck();
      throw timedOut(requestId, timeoutSeconds);
    });
    if ('failure' in answer) throw new InvocationError(answer.failure);
    return JSON.parse(answer.payload);
  }

  return {
    /** Rejects if the thread exits before it has loaded the functions. */
    ready: ready.promise,
    invoke,
    terminate,
  };
}

/** Connects as a second debugger, and resumes a thread that is paused at a breakpoint. */
function continueExecution(debuggerUrl: string): void {
  const socket = new WebSocket(debuggerUrl);
  const send = (id: number, method: string) => socket.send(JSON.stringify({ id, method }));
  socket.addEventListener('open', () => {
    send(1, 'Debugger.enable');
    send(2, 'Debugger.resume');
  });
  socket.addEventListener('message', ({ data }) => {
    if (String(data).startsWith('{"id":2,')) socket.close();
  });
}
