import type { TableSpec } from '../../stacks/topology.ts';
import { type AsyncInvocations, createAsyncInvocations } from '../lambda/async.ts';
import type { Invoke } from '../lambda/runtime.ts';
import { close, listen } from '../listen.ts';
import { createCalls } from './calls.ts';
import { createControl } from './control.ts';
import { createDatabase, createTables } from './database.ts';
import { createEndpoint } from './endpoint.ts';
import { createEvents, type Envelope, type Rule } from './events.ts';
import { createFaults } from './faults.ts';
import { createSecrets, type Secrets } from './secrets.ts';
import { createStorage } from './storage.ts';

/** The part of the topology that lies outside the functions. */
export interface CloudResources {
  readonly busName: string;
  readonly rules: Readonly<Record<string, Rule>>;
  readonly tables: Readonly<Record<string, Pick<TableSpec, 'layout'>>>;
  readonly queues: { readonly deadLetters: string };
  readonly bucket: { readonly name: string };
}

export interface CloudOptions {
  readonly resources: CloudResources;
  /** 0 takes any free port. */
  readonly port: number;
  readonly invoke: Invoke;
  /** The waits before the retries of an asynchronous invocation. */
  readonly retryDelaysMs: readonly number[];
  report(message: string): void;
  onEvent?(event: Envelope): void;
}

export interface Cloud {
  readonly port: number;
  /** What AWS_ENDPOINT_URL shall be. By address, since S3 clients put the bucket before a host name. */
  readonly url: string;
  readonly deadLetterQueueUrl: string;
  readonly secrets: Secrets;
  /** Invokes a function and waits for it, counted like the calls of the other services. */
  readonly invoke: Invoke;
  readonly idle: AsyncInvocations['idle'];
  stop(): Promise<void>;
}

/**
 * The AWS side of the app on this machine, in memory.
 *
 * @throws PortTakenError
 * @throws UnsupportedPatternError when a rule's pattern uses an operator that cannot be matched here.
 */
export async function startCloud(options: CloudOptions): Promise<Cloud> {
  const { resources, retryDelaysMs, report } = options;
  const calls = createCalls();
  const faults = createFaults();
  const secrets = createSecrets();
  const database = createDatabase();
  const storage = await createStorage();
  const deadLetters = Promise.withResolvers<string>();

  const invoke: Invoke = (name, event, invokeOptions) => {
    calls.add(`lambda.Invoke:${name}`);
    return options.invoke(name, event, invokeOptions);
  };
  const invocations = createAsyncInvocations({
    invoke,
    retryDelaysMs,
    report,
    sendToDestination: async (letter) => storage.sendMessage(await deadLetters.promise, JSON.stringify(letter)),
  });
  const events = createEvents({
    busName: resources.busName,
    rules: resources.rules,
    start: invocations.start,
    ...(options.onEvent && { onEvent: options.onEvent }),
  });
  const control = createControl({ faults, calls, idle: invocations.idle });
  const server = createEndpoint({ database, storage, events, secrets, faults, calls, control, report });

  async function stop(): Promise<void> {
    invocations.stop();
    await Promise.all([close(server), storage.close()]);
  }

  try {
    const port = await listen(server, options.port, '--aws-port');
    const url = `http://127.0.0.1:${port}`;
    deadLetters.resolve(await storage.createQueue(resources.queues.deadLetters, port));
    await storage.createBucket(resources.bucket.name);
    const layouts = Object.entries(resources.tables).map(([name, { layout }]) => [name, layout] as const);
    await createTables(url, Object.fromEntries(layouts));
    calls.clear();
    const deadLetterQueueUrl = await deadLetters.promise;
    return { port, url, deadLetterQueueUrl, secrets, invoke, idle: invocations.idle, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
