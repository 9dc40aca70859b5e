import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import {
  type FromWorker,
  InvocationError,
  type LambdaFunction,
  runtimeExited,
  ThrottledError,
  type ToWorker,
  timedOut,
  type WorkerSettings,
} from './invocation.ts';

/** A finished invocation. */
export type InvocationOutcome = {
  readonly function: string;
  readonly ok: boolean;
  readonly ms: number;
  /** The error's name. */
  readonly error?: string;
};

export interface RuntimeOptions {
  readonly functions: Readonly<Record<string, LambdaFunction>>;
  /** The base folder of the handlers' paths. */
  readonly root: string;
  /** The complete environment of the functions; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
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
 */
export async function startRuntime(options: RuntimeOptions) {
  const { functions, root, env, onLog, onInvocation } = options;
  const running = new Map<string, number>();
  let sandbox: Sandbox | undefined;
  let stopping = false;

  function launch(): Sandbox {
    return startSandbox({
      root,
      functions,
      env,
      onLog,
      onExit(loaded) {
        // After a failed load only the next invocation starts a thread; otherwise it would loop.
        sandbox = loaded && !stopping ? launch() : undefined;
      },
    });
  }

  sandbox = launch();
  const broken = await sandbox.ready;
  if (broken.length > 0) {
    stopping = true;
    await sandbox.terminate();
    throw new FunctionLoadError(broken);
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
      onInvocation({ function: name, ms: Math.round(performance.now() - started), ...outcome });
    try {
      sandbox ??= launch();
      const result = await sandbox.invoke({ requestId, name, payload: JSON.stringify(event) ?? 'null', spec });
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

interface SandboxOptions extends Omit<RuntimeOptions, 'onInvocation'> {
  /** Called once, after every invocation in flight was rejected, with whether the functions were loaded before. */
  onExit(loaded: boolean): void;
}

interface Invocation {
  readonly requestId: string;
  readonly name: string;
  readonly payload: string;
  readonly spec: LambdaFunction;
}

type Sandbox = ReturnType<typeof startSandbox>;

/** After a function's timeout, a thread that does not answer a ping within this time is terminated. */
const pingTimeoutMs = 1_000;

/** Starts one worker thread with all functions. */
function startSandbox(options: SandboxOptions) {
  const { root, functions, env, onLog, onExit } = options;
  const workerData: WorkerSettings = { root, functions };
  // AWS_LAMBDA_MAX_CONCURRENCY: invocations share the process, so Powertools must isolate their state.
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    name: 'lambda',
    workerData,
    env: { ...env, AWS_LAMBDA_MAX_CONCURRENCY: '1000' },
    execArgv: [],
    stdout: true,
    stderr: true,
  });
  const pending = new Map<string, PromiseWithResolvers<string>>();
  const ready = Promise.withResolvers<readonly string[]>();
  // An unhandled rejection of a restart must not end this process.
  ready.promise.catch(() => undefined);
  let loaded = false;
  let uncaught: unknown;
  let exitCode: number | undefined;
  let pingTimer: NodeJS.Timeout | undefined;

  const post = (message: ToWorker): void => worker.postMessage(message);

  function takePending(requestId: string): PromiseWithResolvers<string> | undefined {
    const result = pending.get(requestId);
    pending.delete(requestId);
    return result;
  }

  function receive(message: FromWorker): void {
    switch (message.kind) {
      case 'ready':
        loaded = true;
        ready.resolve(message.broken);
        break;
      case 'pong':
        clearTimeout(pingTimer);
        pingTimer = undefined;
        break;
      case 'result':
        takePending(message.requestId)?.resolve(message.payload);
        break;
      case 'failure':
        takePending(message.requestId)?.reject(new InvocationError(message.failure));
        break;
    }
  }

  // An endless loop blocks all functions, so the thread is terminated, as Lambda terminates an environment.
  function terminateIfStuck(): void {
    // The first unanswered ping counts: further timeouts must not extend it.
    pingTimer ??= setTimeout(() => void worker.terminate(), pingTimeoutMs);
    post({ kind: 'ping' });
  }

  for (const input of [worker.stdout, worker.stderr]) createInterface({ input }).on('line', onLog);
  worker.on('message', receive);
  worker.on('error', (error) => {
    uncaught = error;
    onLog(error instanceof Error ? (error.stack ?? error.message) : String(error));
  });
  worker.on('exit', (code) => {
    exitCode = code;
    clearTimeout(pingTimer);
    ready.reject(runtimeExited('init', code, uncaught));
    for (const [requestId, { reject }] of pending) reject(runtimeExited(requestId, code, uncaught));
    pending.clear();
    onExit(loaded);
  });

  async function invoke({ requestId, name, payload, spec }: Invocation): Promise<unknown> {
    await ready.promise;
    if (exitCode !== undefined) throw runtimeExited(requestId, exitCode, uncaught);
    const result = Promise.withResolvers<string>();
    pending.set(requestId, result);
    const timeoutMs = spec.timeoutSeconds * 1_000;
    const timer = setTimeout(() => {
      takePending(requestId)?.reject(timedOut(requestId, spec.timeoutSeconds));
      terminateIfStuck();
    }, timeoutMs);
    try {
      post({ kind: 'invoke', requestId, name, payload, deadline: Date.now() + timeoutMs });
      return JSON.parse(await result.promise);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    /** The functions that could not be loaded, with the reasons. Rejects if the thread exits before it has loaded them. */
    ready: ready.promise,
    invoke,
    terminate: () => worker.terminate(),
  };
}
