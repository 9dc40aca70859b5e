import { fileURLToPath } from 'node:url';
import { localStage, outputsParameter, type StageOutputs } from '../core/platform/outputs.ts';
import * as deployed from '../stacks/topology.ts';
import { type Activity, createActivities, type Listener } from './activity.ts';
import { type Execution, statusOf } from './aws/executions.ts';
import { type CloudResources, startCloud } from './aws/local-aws.ts';
import type { MachineDelays } from './aws/state-machine.ts';
import {
  type Environment,
  type EnvironmentTopology,
  functionEnvironment,
  type LocalCredentials,
  localCredentials,
  only,
  takeEnvironment,
} from './environment.ts';
import { createFront, type FrontOptions } from './http-api.ts';
import { sharedCount, sharedWork } from './in-flight.ts';
import type { LambdaFunction } from './lambda/invocation.ts';
import { type Runtime, startRuntime } from './lambda/runtime.ts';
import { close, isPortTaken, listen, PortTakenError } from './listen.ts';

/** What the engine builds from, in the shape of stacks/topology.ts. */
export interface Topology extends CloudResources, EnvironmentTopology {
  readonly functions: Readonly<Record<string, LambdaFunction>>;
  readonly webhookRoute: FrontOptions['route'];
  readonly tables: CloudResources['tables'] & EnvironmentTopology['tables'];
  readonly bucket: EnvironmentTopology['bucket'];
  readonly stateMachines: CloudResources['stateMachines'] & EnvironmentTopology['stateMachines'];
}

export interface SimulatorSettings {
  readonly port: number;
  readonly webhookUrl: string;
  readonly secretKey: string;
  readonly organizationId: string;
  readonly clientId: string;
  readonly agentId: string;
  /** What our own calls of its API are made with. */
  readonly accountId: string;
  readonly apiKey: string;
  /** Where it counts the webhooks that it owes us, see `sharedWork`. */
  readonly owed: SharedArrayBuffer;
}

export interface Console {
  fetch(request: Request): Response | Promise<Response>;
}

/** The parts that stand beside the engine; tests put their own in. */
export interface Parts {
  startSimulator(settings: SimulatorSettings): Promise<{ readonly port: number; stop(): Promise<void> }>;
  createConsole(dependencies: {
    subscribe(listener: Listener): () => void;
    bus: string;
    /** Left out where LiveChat itself is called. */
    simulator?: string | undefined;
  }): Promise<Console>;
}

export interface EngineOptions {
  /** 0 takes any free port. */
  readonly port: number;
  readonly awsPort: number;
  readonly livechatPort: number;
  /** The wait before the first retry of an asynchronous invocation; the second waits twice that. Also before a message of a queue is tried again. */
  readonly asyncRetryDelayMs: number;
  /** Fixed waits in state machines, instead of their definitions'. */
  readonly machineDelays?: MachineDelays;
  /** Told what an operator must know: refused calls, dead letters, lost events. */
  report(message: string): void;
  /** Every line that the functions log. */
  onLog?(line: string): void;
  readonly environment?: Environment;
  readonly topology?: Topology;
  /** Where the handlers' paths start. */
  readonly root?: string;
  readonly parts?: Parts;
}

export interface Addresses {
  readonly webhook: string;
  readonly console: string;
  readonly aws: string;
  readonly livechat: string;
  readonly bus: string;
}

export interface Engine {
  readonly addresses: Addresses;
  /** Credentials that were made up for this run, by variable. */
  readonly generated: LocalCredentials['generated'];
  subscribe(listener: Listener): () => void;
  stop(): Promise<void>;
}

const secretPrefix = 'livechat';

const ownParts: Parts = {
  startSimulator: async (settings) => (await import('./livechat/worker.ts')).startSimulatorThread(settings),
  // The console's clients read their settings when they are loaded, hence not before they are known.
  createConsole: async (dependencies) => (await import('../console/server.ts')).createConsole(dependencies),
};

/**
 * Starts the whole bridge on this machine: the AWS side, the functions, the webhook, the console and, unless
 * LIVECHAT_API_BASE_URL points elsewhere, the LiveChat simulator. One engine a process: it takes over process.env
 * until it stops.
 *
 * @throws PortTakenError
 * @throws FunctionLoadError
 * @throws UnsupportedPatternError
 * @throws UnsupportedStateMachineError
 */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const { report, onLog = () => {}, topology = deployed, environment = process.env, parts = ownParts } = options;
  const root = options.root ?? fileURLToPath(new URL('..', import.meta.url));
  const activities = createActivities();
  const credentials = localCredentials(environment);
  const runtimeReady = Promise.withResolvers<Runtime>();
  const consoleReady = Promise.withResolvers<Console>();
  const owed = sharedCount();
  const cleanups: (() => unknown)[] = [];
  let stopping = false;

  // What a stop interrupts is no failure that anyone should read about.
  const publish = (activity: Activity) => {
    if (!stopping) activities.publish(activity);
  };
  const now = () => new Date().toISOString();

  async function stop(): Promise<void> {
    stopping = true;
    // In the order of the start: nothing new begins once the AWS side, which reports what is unfinished, is gone.
    for (const cleanup of cleanups.splice(0)) await cleanup();
  }

  async function findLiveChat(webhookUrl: string): Promise<{ url: string; simulated: boolean }> {
    const given = environment.LIVECHAT_API_BASE_URL;
    if (given && !isSimulator(given, options.livechatPort)) return { url: given, simulated: false };
    const { secret } = credentials;
    const settings: SimulatorSettings = {
      port: options.livechatPort,
      webhookUrl,
      secretKey: secret.LIVECHAT_WEBHOOK_SECRET,
      organizationId: credentials.organizationId,
      clientId: secret.LIVECHAT_CLIENT_ID,
      agentId: secret.LIVECHAT_AGENT_ID,
      accountId: secret.LIVECHAT_ACCOUNT_ID,
      apiKey: secret.LIVECHAT_API_KEY,
      owed,
    };
    const simulator = await parts.startSimulator(settings).catch((cause: unknown) => {
      throw isPortTaken(cause) ? new PortTakenError(settings.port, '--livechat-port', { cause }) : cause;
    });
    cleanups.push(() => simulator.stop());
    return { url: `http://localhost:${simulator.port}`, simulated: true };
  }

  async function start(): Promise<Addresses> {
    // Without its function nothing takes messages from a queue.
    const consumers = Object.fromEntries(
      Object.entries(topology.consumers).filter(([, { function: name }]) => Object.hasOwn(topology.functions, name)),
    );
    const cloud = await startCloud({
      resources: { ...topology, consumers },
      port: options.awsPort,
      // The servers listen before the functions are loaded, since each needs to know where the others are.
      invoke: async (...invocation) => (await runtimeReady.promise).invoke(...invocation),
      kill: async () => (await runtimeReady.promise).kill(),
      delays: {
        asyncRetriesMs: [options.asyncRetryDelayMs, 2 * options.asyncRetryDelayMs],
        redeliveryMs: options.asyncRetryDelayMs,
        ...options.machineDelays,
      },
      elsewhere: sharedWork(owed),
      report,
      onExecution: (execution) => publish({ type: 'execution', at: now(), ...activityOf(execution) }),
      onEvent: ({ 'detail-type': detailType, source, detail }) =>
        publish({ type: 'event', at: now(), detailType, source, detail }),
    });
    cleanups.push(() => cloud.stop());
    cloud.secrets.call('CreateSecret', {
      Name: `${secretPrefix}/default`,
      SecretString: JSON.stringify(credentials.secret),
    });

    const front = createFront({
      route: topology.webhookRoute,
      invoke: cloud.invoke,
      fallback: async (request) => (await consoleReady.promise).fetch(request),
      onWebhook: publish,
      report,
    });
    const frontPort = await listen(front, options.port, '--port');
    cleanups.push(() => close(front));
    const webhookUrl = `http://localhost:${frontPort}${topology.webhookRoute.path}`;
    const { url: liveChatUrl, simulated } = await findLiveChat(webhookUrl);

    const found = {
      topology,
      endpoint: cloud.url,
      secretPrefix,
      deadLetterQueueUrl: cloud.deadLetterQueueUrl,
      liveChatUrl,
    };
    const env = functionEnvironment({ ...found, inherited: environment });
    const known = functionEnvironment({ ...found, inherited: only(deployed.settings, environment) });
    const outputs: StageOutputs = { version: 1, webhookUrl, environment: known };
    cloud.parameters.call('PutParameter', { Name: outputsParameter(localStage), Value: JSON.stringify(outputs) });
    cleanups.push(takeEnvironment(env));
    const started = await startRuntime({
      functions: topology.functions,
      root,
      env,
      onLog,
      onRun: (run) => publish({ type: 'run', at: now(), ...run }),
    });
    cleanups.push(() => started.stop());
    runtimeReady.resolve(started);
    consoleReady.resolve(
      await parts.createConsole({
        subscribe: activities.subscribe,
        bus: topology.busName,
        simulator: simulated ? liveChatUrl : undefined,
      }),
    );

    const consoleUrl = `http://localhost:${frontPort}/`;
    return { webhook: webhookUrl, console: consoleUrl, aws: cloud.url, livechat: liveChatUrl, bus: topology.busName };
  }

  try {
    const addresses = await start();
    return { addresses, generated: credentials.generated, subscribe: activities.subscribe, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function activityOf(execution: Execution) {
  const error = execution.ending?.error;
  return { name: execution.name, arn: execution.arn, status: statusOf(execution), ...(error && { error }) };
}

function isSimulator(url: string, port: number): boolean {
  if (!URL.canParse(url)) {
    throw new Error(`LIVECHAT_API_BASE_URL must be a URL such as https://api.livechatinc.com, not "${url}"`);
  }
  const { hostname, port: given } = new URL(url);
  return ['localhost', '127.0.0.1'].includes(hostname) && given === String(port);
}
