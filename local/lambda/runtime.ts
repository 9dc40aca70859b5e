import { randomUUID } from 'node:crypto';
import { throttled } from './errors.ts';
import type { LambdaFunction } from './messages.ts';
import { type Sandbox, startSandbox } from './sandbox.ts';

/** One finished run of a function. */
export interface Run {
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
  readonly onRun?: (run: Run) => void;
}

export interface InvokeOptions {
  /** Lambda keeps the request's id over the retries of an asynchronous invocation. */
  readonly requestId?: string;
}

/** @throws InvocationError when the function fails, times out, is throttled, or its runtime ends. */
export type Invoke = (name: string, event: unknown, options?: InvokeOptions) => Promise<unknown>;

export interface Runtime {
  readonly invoke: Invoke;
  /** Ends the thread in the middle of whatever runs in it, as a crash would; a new one takes its place. */
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
 * A function that runs out of time fails for its caller, but what it had begun goes on in the thread, unlike on AWS.
 * A thread that dies takes every invocation in flight with it, and a new one takes its place.
 *
 * @throws FunctionLoadError when a handler's file or export is missing or fails on import.
 */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { functions, root, env, onLog = () => {}, onRun } = options;
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
    const done = (outcome: Pick<Run, 'ok' | 'error'>) =>
      onRun?.({ function: name, ms: Math.round(performance.now() - started), ...outcome });
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
