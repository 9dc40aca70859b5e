import inspector from 'node:inspector';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import { InvokeStore, InvokeStoreBase } from '@aws/lambda-invoke-store';
import { functionArn } from '../aws/arn.ts';
import { useConnection } from './aws-connection.ts';
import type {
  Answer,
  Invocation,
  LambdaContext,
  LambdaFunction,
  ToWorker,
  WorkerReady,
  WorkerSettings,
} from './invocation.ts';
import { toFunctionFailure } from './invocation.ts';
import { createStartQueue } from './start-queue.ts';

/**
 * The worker thread of the local Lambda, with every handler.
 *
 * Invocations run concurrently, as in Lambda's multi-concurrency environments, so each has its own invoke store, in which
 * Powertools keeps log attributes and metrics (enabled by AWS_LAMBDA_MAX_CONCURRENCY).
 */

type Handler = (event: unknown, context: LambdaContext) => unknown;

const settings: WorkerSettings = workerData;
const invokeStore = await InvokeStore.getInstanceAsync(true);
const handlers = new Map<string, Handler>();
const broken: string[] = [];
const startQueue = createStartQueue();

function isHandler(value: unknown): value is Handler {
  return typeof value === 'function';
}

async function load(name: string, spec: LambdaFunction): Promise<void> {
  const dot = spec.handler.lastIndexOf('.');
  const file = `${spec.handler.slice(0, dot)}.ts`;
  const exportName = spec.handler.slice(dot + 1);
  try {
    const module: Record<string, unknown> = await import(pathToFileURL(join(settings.root, file)).href);
    const handler = module[exportName];
    if (!isHandler(handler)) throw new TypeError(`it exports no function "${exportName}"`);
    handlers.set(name, handler);
  } catch (error) {
    broken.push(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function createContext({ requestId, name, deadline }: Invocation): LambdaContext {
  return {
    functionName: name,
    functionVersion: '$LATEST',
    invokedFunctionArn: functionArn(name),
    memoryLimitInMB: String(settings.functions[name]?.memoryMb ?? 128),
    awsRequestId: requestId,
    logGroupName: `/aws/lambda/${name}`,
    logStreamName: 'local/[$LATEST]',
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
}

async function run(invocation: Invocation): Promise<string> {
  const handler = handlers.get(invocation.name);
  if (!handler) {
    const missing = new Error(`Cannot load the function "${invocation.name}"`);
    missing.name = 'Runtime.ImportModuleError';
    throw missing;
  }
  const scope = { [InvokeStoreBase.PROTECTED_KEYS.REQUEST_ID]: invocation.requestId };
  const result = await invokeStore.run(scope, () => handler(JSON.parse(invocation.payload), createContext(invocation)));
  return JSON.stringify(result) ?? 'null';
}

async function invoke(invocation: Invocation): Promise<Answer> {
  const { requestId, name } = invocation;
  try {
    return { payload: await run(invocation) };
  } catch (error) {
    const failure = toFunctionFailure(error);
    console.error(JSON.stringify({ level: 'ERROR', message: 'Invoke Error', function: name, requestId, ...failure }));
    return { failure };
  }
}

// Opens the inspector of the thread, so that a breakpoint pauses the functions but not the engine. Node prints the address to
// stderr.
if (settings.inspectPort !== undefined) inspector.open(settings.inspectPort, '127.0.0.1');
if (settings.aws) useConnection(settings.aws);
await Promise.all(Object.entries(settings.functions).map(([name, spec]) => load(name, spec)));

parentPort?.on('message', ({ port, invocation }: ToWorker) => {
  const answer = (message: Answer): void => port.postMessage(message);
  if (!invocation) answer({ payload: 'null' });
  else startQueue(() => void invoke(invocation).then(answer));
});
const ready: WorkerReady = { broken, debuggerUrl: inspector.url() };
parentPort?.postMessage(ready);
