import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import {
  type FromWorker,
  InvocationError,
  type LambdaFunction,
  runtimeExited,
  type ToWorker,
  throttled,
  timedOut,
  type WorkerSettings,
} from './invocation.ts';

/** One finished run of a function. */
export interface InvocationOutcome {
  readonly function: string;
  readonly ok: boolean;
  readonly ms: number;
  /** The error's name. */
  readonly error?: string;
}

export interface RuntimeOptions {
  readonly functions: Readonly<Record<string, LambdaFunction>>;
  /** The folder in which the handlers' paths start. */
  readonly root: string;
  /** The whole environment of the functions; nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly onLog?: (line: string) => void;
  readonly onInvocation?: (run: InvocationOutcome) => void;
}

export interface InvokeOptions {
  /** Lambda keeps the request's id over the retries of an asynchronous invocation. */
  readonly requestId?: string;
}

/** @throws InvocationError when the function fails, times out, is throttled, or its runtime ends. */
export type Invoke = (name: string, event: unknown, options?: InvokeOptions) => Promise<unknown>;

export interface Runtime {
  readonly invoke: Invoke;
  /** Ends the thread in the middle of whatever outcomes in it, as a crash would; a new one takes its place. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export class FunctionLoadError extends Error {
  override readonly name = 'FunctionLoadError';

  constructor(broken: readonly string[]) {
    super(`Functions that cannot be loaded:\n${broken.map((reason) => `  ${reason}`).join('\n')}`);
  }
}

/**
 * Local Lambda: every function in one worker thread, invoked with JSON and answered with JSON.
 *
 * A function that outcomes out of time fails for its caller, but what it had begun goes on in the thread, unlike on AWS.
 * A thread that dies takes every invocation in flight with it, and a new one takes its place.
 *
 * @throws FunctionLoadError when a handler's file or export is missing or fails on import.
 */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { functions, root, env, onLog = () => {}, onInvocation } = options;
  const running = new Map<string, number>();
  let sandbox: Sandbox | undefined;
  let stopping = false;

  function launch(): Sandbox {
    let loaded = false;
    const started = startSandbox({
      root,
      functions,
      env,
      onLog,
      onExit() {
        if (sandbox === started) sandbox = undefined;
        // One that died while loading is tried again by the next invocation only: otherwise it would loop.
        if (loaded && !stopping) sandbox = launch();
      },
    });
    started.ready.then(
      () => {
        loaded = true;
      },
      () => undefined,
    );
    return started;
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

  async function invoke(name: string, event: unknown, { requestId = randomUUID() }: InvokeOptions = {}) {
    const spec = functions[name];
    if (!spec) throw new Error(`No function is called "${name}"`);
    if (stopping) throw new Error('The runtime is stopping');
    if ((running.get(name) ?? 0) >= (spec.concurrency ?? Number.POSITIVE_INFINITY)) throw throttled(name);
    count(name, 1);
    const started = performance.now();
    const done = (outcome: Pick<InvocationOutcome, 'ok' | 'error'>) =>
      onInvocation?.({ function: name, ms: Math.round(performance.now() - started), ...outcome });
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
  }

  return {
    invoke,
    async kill() {
      await sandbox?.terminate();
    },
    async stop() {
      stopping = true;
      await sandbox?.terminate();
    },
  };
}

export interface SandboxOptions extends WorkerSettings {
  readonly env: Readonly<Record<string, string>>;
  /** Every line that the functions write to stdout or stderr. */
  onLog(line: string): void;
  /** Called once, after every invocation in flight was rejected. */
  onExit(): void;
}

export interface Invocation {
  readonly requestId: string;
  readonly name: string;
  readonly payload: string;
  readonly spec: LambdaFunction;
}

/** One worker thread with all functions in it. */
export interface Sandbox {
  /** Functions that could not be loaded, each with the reason. Rejects if the thread ends before it has loaded them. */
  readonly ready: Promise<readonly string[]>;
  invoke(invocation: Invocation): Promise<unknown>;
  terminate(): Promise<void>;
}

interface Flight {
  resolve(payload: string): void;
  reject(error: InvocationError): void;
}

/** How long a thread may leave a ping unanswered, after one of its functions timed out, before it is taken to be stuck. */
const stuckAfterMs = 1_000;

export function startSandbox(options: SandboxOptions): Sandbox {
  const { root, functions, env, onLog, onExit } = options;
  const workerData: WorkerSettings = { root, functions };
  // AWS_LAMBDA_MAX_CONCURRENCY: invocations share the process, so Powertools must keep their state apart.
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    name: 'lambda',
    workerData,
    env: { ...env, AWS_LAMBDA_MAX_CONCURRENCY: '1000' },
    execArgv: [],
    stdout: true,
    stderr: true,
  });
  const flights = new Map<string, Flight>();
  const ready = Promise.withResolvers<readonly string[]>();
  // Who starts the sandbox awaits it; a restart that nobody awaits must not end this process.
  ready.promise.catch(() => undefined);
  let uncaught: unknown;
  let exitCode: number | undefined;
  let stuckTimer: NodeJS.Timeout | undefined;

  const post = (message: ToWorker): void => worker.postMessage(message);

  function settled(requestId: string): Flight | undefined {
    const flight = flights.get(requestId);
    flights.delete(requestId);
    return flight;
  }

  function receive(message: FromWorker): void {
    switch (message.kind) {
      case 'ready':
        ready.resolve(message.broken);
        break;
      case 'pong':
        clearTimeout(stuckTimer);
        stuckTimer = undefined;
        break;
      case 'result':
        settled(message.requestId)?.resolve(message.payload);
        break;
      case 'failure':
        settled(message.requestId)?.reject(new InvocationError(message.failure));
        break;
    }
  }

  // A function that loops without end would hold up all others, so the thread is ended as Lambda ends an environment.
  function endIfStuck(): void {
    // The first unanswered ping counts: others that time out meanwhile must not put the end off.
    stuckTimer ??= setTimeout(() => void worker.terminate(), stuckAfterMs);
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
    clearTimeout(stuckTimer);
    ready.reject(runtimeExited('init', code, uncaught));
    for (const [requestId, flight] of flights) flight.reject(runtimeExited(requestId, code, uncaught));
    flights.clear();
    onExit();
  });

  async function invoke({ requestId, name, payload, spec }: Invocation): Promise<unknown> {
    await ready.promise;
    if (exitCode !== undefined) throw runtimeExited(requestId, exitCode, uncaught);
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    flights.set(requestId, { resolve, reject });
    const timeoutMs = spec.timeoutSeconds * 1_000;
    const timer = setTimeout(() => {
      settled(requestId)?.reject(timedOut(requestId, spec.timeoutSeconds));
      endIfStuck();
    }, timeoutMs);
    try {
      post({ kind: 'invoke', requestId, name, payload, deadline: Date.now() + timeoutMs });
      return JSON.parse(await promise);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    ready: ready.promise,
    invoke,
    async terminate() {
      await worker.terminate();
    },
  };
}
