import { randomUUID } from 'node:crypto';
import type { StateMachineResources } from '../../core/outbound/state-machine.ts';
import { scheduledEvent, type TableSpec } from '../../stacks/topology.ts';
import { createInFlight, type InFlight, waitUntilAllIdle } from '../in-flight.ts';
import { createAsyncInvocations } from '../lambda/async-invocation.ts';
import { ThrottledError } from '../lambda/invocation.ts';
import type { Invoke } from '../lambda/runtime.ts';
import { close, listen } from '../listen.ts';
import { type Collection, openState, type State } from '../state.ts';
import { timerMs } from '../timers.ts';
import { accountId, functionArn, queueArn } from './arn.ts';
import type { Rule } from './bus-rules.ts';
import { type ControlOptions, createCalls, createControl, createFaults } from './control.ts';
import { createDatabase, createTables } from './dynamodb.ts';
import { createEndpoint } from './endpoint.ts';
import { createEvents, type Envelope } from './event-bridge.ts';
import { type EventSourceMapping, startEventSourceMapping } from './event-source-mapping.ts';
import { createParameters } from './parameter-store.ts';
import type { ArchivedEvent, ArchiveResource } from './replays.ts';
import { createSecrets } from './secrets-manager.ts';
import { createQueues, createStorage, type OutgoingMessage } from './sqs-s3.ts';
import { type Execution, statusChange } from './step-functions/executions.ts';
import { createStepFunctions } from './step-functions/step-functions.ts';

export interface StateMachineResource {
  definition(resources: StateMachineResources): object;
  /** The names of the functions. */
  readonly functions: Omit<StateMachineResources, 'deadLetterQueueUrl'>;
  readonly queue: string;
}

export interface ConsumerResource {
  readonly queue: string;
  readonly function: string;
  readonly batchSize: number;
  /** After this many receives SQS moves a message to the quarantine queue. */
  readonly maxReceiveCount: number;
  readonly quarantine: string;
}

/** The resources of the topology, without the functions. */
export interface AwsResources {
  /** The name of the app's bus. */
  readonly busName: string;
  readonly archive: ArchiveResource;
  readonly rules: Readonly<Record<string, Rule>>;
  readonly tables: Readonly<Record<string, Pick<TableSpec, 'indexes'>>>;
  /** The SQS names of the queues, by their names in the topology. */
  readonly queues: Readonly<Record<string, string>> & { readonly deadLetters: string };
  readonly bucket: { readonly name: string };
  readonly stateMachines: Readonly<Record<string, StateMachineResource>>;
  readonly consumers: Readonly<Record<string, ConsumerResource>>;
}

export interface LocalAwsOptions {
  readonly resources: AwsResources;
  /** Default: in memory. The caller closes it. */
  readonly state?: State;
  /** 0 selects a free port. */
  readonly port: number;
  readonly invoke: Invoke;
  /** Terminates the functions' worker thread. */
  kill?(): Promise<void>;
  /**
   * The delay before the first retry of an asynchronous invocation and before a failed queue message is received again,
   * in milliseconds.
   */
  readonly asyncRetryDelayMs: number;
  /** Maximum number of concurrent asynchronous invocations. */
  readonly asyncConcurrency?: number | undefined;
  /** A fixed delay before every retry of a state machine's task instead of the definition's, in milliseconds. */
  readonly machineRetryDelayMs?: number | undefined;
  /** Functions that wait for the work of others: their asynchronous invocations do not count toward the limit. */
  readonly withoutConcurrencyLimit?: ReadonlySet<string>;
  /** Functions that are invoked at an interval; never with 0. */
  readonly schedules?: readonly { readonly function: string; readonly minutes: number }[];
  /** Concurrent executions that the functions reserve. Default 0. */
  readonly reservedConcurrency?: number;
  /** Work outside the local AWS that leads to calls, such as webhooks. Idle waits for it. */
  readonly otherInFlight?: InFlight;
  /** Maximum number of ended executions to keep. Default 10,000. */
  readonly maxEndedExecutions?: number;
  /** Maximum number of names of deleted executions to keep. Default 200,000. */
  readonly maxReservedNames?: number;
  /**
   * How often expired items of the tables are deleted, in milliseconds. Default 1 hour. DynamoDB typically
   * deletes expired items within a few days.
   */
  readonly expirySweepMs?: number;
  report(message: string): void;
  onEvent?(event: Envelope): void;
  /** The events of a period, oldest first, for replays. The times are in milliseconds since 1970. Default: none. */
  readArchive?(from: number, to: number): readonly ArchivedEvent[];
  /** Called when an execution starts and ends. */
  onExecution?(execution: Execution): void;
}

const defaultMaxEndedExecutions = 10_000;
const defaultMaxReservedNames = 200_000;

/**
 * Starts the app's AWS resources on this machine, and continues the unfinished work in the stored state.
 *
 * @throws PortTakenError
 * @throws InvalidPatternError for a pattern of a rule that EventBridge rejects.
 * @throws UnsupportedStateMachineError if a state machine uses an unsupported feature.
 */
export async function startLocalAws(options: LocalAwsOptions) {
  const { resources, asyncRetryDelayMs, report, onExecution, state = openState() } = options;
  const calls = createCalls();
  const faults = createFaults();
  const secrets = createSecrets(state);
  const parameters = createParameters(state);
  const database = createDatabase(state);
  const consumed = Object.values(resources.consumers).map(({ queue }) => resources.queues[queue] ?? queue);
  const storage = await createStorage({ folder: state.folder, consumed });
  const inFlight = createInFlight();
  const openExecutions = createInFlight();
  /** The value of AWS_ENDPOINT_URL. An IP address, since S3 clients put the bucket before a host name. */
  let url = '';

  /** The URL of a queue by its name in the topology. */
  function queueUrl(queue: string): string {
    const name = resources.queues[queue];
    if (name === undefined) throw new Error(`The topology has no queue "${queue}"`);
    return `${url}/${accountId}/${name}`;
  }

  /** Invokes a function synchronously, and counts the call. */
  const invoke: Invoke = async (name, event, invokeOptions) => {
    calls.add(`lambda.Invoke:${name}`);
    try {
      return await options.invoke(name, event, invokeOptions);
    } catch (error) {
      // The count of CloudWatch's metric Throttles.
      if (error instanceof ThrottledError) calls.add(`lambda.Throttles:${name}`);
      throw error;
    }
  };
  /** Sends to a queue by its name in SQS. */
  const sendToQueue = async (name: string, message: OutgoingMessage) =>
    storage.sendMessage(`${url}/${accountId}/${name}`, message);
  const invocations = createAsyncInvocations({
    invoke,
    retryDelayMs: asyncRetryDelayMs,
    inFlight,
    state,
    report,
    concurrency: options.asyncConcurrency,
    withoutConcurrencyLimit: options.withoutConcurrencyLimit,
    sendToDestination: (failed) => sendToQueue(resources.queues.deadLetters, { body: JSON.stringify(failed) }),
  });
  const stepFunctions = createStepFunctions({
    invoke,
    storage,
    faults,
    retryDelayMs: options.machineRetryDelayMs,
    maxEnded: options.maxEndedExecutions ?? defaultMaxEndedExecutions,
    maxReservedNames: options.maxReservedNames ?? defaultMaxReservedNames,
    inFlight,
    state,
    openExecutions,
    onTransition: () => calls.add('states.Transition'),
    onChange(execution) {
      onExecution?.(execution);
      events.emit(statusChange(execution));
    },
  });
  const events = createEvents({
    busName: resources.busName,
    archive: resources.archive,
    rules: resources.rules,
    queues: resources.queues,
    startFunction: invocations.start,
    sendToQueue,
    retryDelayMs: asyncRetryDelayMs,
    inFlight,
    state,
    report,
    readArchive: (from, to) => options.readArchive?.(from, to) ?? [],
    ...(options.onEvent && { onEvent: options.onEvent }),
  });
  const idle: ControlOptions['idle'] = (limitMs, waitForExecutions) =>
    waitUntilAllIdle([inFlight, options.otherInFlight ?? [], waitForExecutions ? openExecutions : []].flat(), limitMs);
  const control = createControl({ faults, calls, idle, replay: events.replay, kill: options.kill ?? (async () => {}) });
  const services = { dynamodb: database, sqsAndS3: storage, events, secretsmanager: secrets, ssm: parameters };
  const { server, callJson } = createEndpoint({
    ...services,
    states: stepFunctions,
    reservedConcurrency: options.reservedConcurrency ?? 0,
    faults,
    calls,
    control,
    report,
  });
  const consumers: EventSourceMapping[] = [];
  const timers = new Map<string, NodeJS.Timeout>();

  function createStateMachines(): void {
    for (const [name, { definition, functions, queue }] of Object.entries(resources.stateMachines)) {
      stepFunctions.create(
        name,
        definition({
          sendFunctionArn: functionArn(functions.sendFunctionArn),
          waitForTurnFunctionArn: functionArn(functions.waitForTurnFunctionArn),
          deadLetterQueueUrl: queueUrl(queue),
        }),
      );
    }
  }

  function startConsumers(): void {
    for (const { queue, ...consumer } of Object.values(resources.consumers)) {
      const name = resources.queues[queue] ?? queue;
      const source = { name, arn: queueArn(name), url: queueUrl(queue) };
      const dependencies = { storage, invoke, report, inFlight, redeliveryDelayMs: asyncRetryDelayMs };
      consumers.push(startEventSourceMapping({ ...consumer, queue: source, ...dependencies }));
    }
  }

  /**
   * Invokes each scheduled function one interval after its last invocation, or immediately if that time passed while the engine
   * was stopped.
   */
  function startSchedules(): void {
    const lastRuns = state.collection<number>('scheduled runs');
    for (const { function: name, minutes } of options.schedules ?? []) {
      if (minutes > 0) scheduleNext(name, minutes * 60_000, lastRuns);
    }
  }

  function startExpirySweeps(): void {
    const sweep = () =>
      database.deleteExpired(Date.now()).catch((error: unknown) => {
        if (server.listening) report(`Expired items could not be deleted: ${error}`);
      });
    timers.set('expiry', setInterval(sweep, options.expirySweepMs ?? 3_600_000).unref());
  }

  function scheduleNext(name: string, intervalMs: number, lastRuns: Collection<number>): void {
    const lastRun = lastRuns.get(name) ?? Date.now();
    lastRuns.put(name, lastRun);
    const invokeNow = () =>
      state.transaction(() => {
        invocations.start(name, scheduledEvent(randomUUID(), new Date().toISOString()));
        lastRuns.put(name, Date.now());
        scheduleNext(name, intervalMs, lastRuns);
      });
    timers.set(name, setTimeout(invokeNow, timerMs(lastRun + intervalMs - Date.now())).unref());
  }

  async function stop(): Promise<void> {
    for (const timer of timers.values()) clearTimeout(timer);
    invocations.stop();
    stepFunctions.stop();
    events.stop();
    for (const consumer of consumers) consumer.stop();
    await Promise.all([close(server), storage.close()]);
  }

  try {
    const port = await listen(server, options.port, '--aws-port');
    url = `http://127.0.0.1:${port}`;
    await createQueues(storage, resources, port);
    await storage.createBucket(resources.bucket.name);
    createStateMachines();
    startConsumers();
    await createTables(url, resources.tables);
    startSchedules();
    startExpirySweeps();
    stepFunctions.resume();
    invocations.resume();
    events.resume();
    calls.clear();
    return {
      port,
      url,
      callJson,
      deadLetterQueueUrl: queueUrl('deadLetters'),
      secrets,
      parameters,
      invoke,
      idle,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
