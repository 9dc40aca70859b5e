import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import { InvocationError, runtimeExited, timedOut } from './errors.ts';
import type { FromWorker, LambdaFunction, ToWorker, WorkerSettings } from './messages.ts';

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
