import { fileURLToPath } from 'node:url';
import * as z from 'zod/mini';
import type { ConsoleOptions, createConsole } from '../console/server.ts';
import { localStage, outputsParameter, type StageOutputs, wholeNumber } from '../core/platform/configuration.ts';
import { isLoopbackHost } from '../core/platform/loopback.ts';
import * as deployed from '../stacks/topology.ts';
import { type Activity, createActivityStream } from './activity.ts';
import { type AwsResources, type LocalAwsOptions, startLocalAws } from './aws/local-aws.ts';
import { createSecrets } from './aws/secrets-manager.ts';
import { type Execution, executionStatus } from './aws/step-functions/executions.ts';
import {
  type Environment,
  type EnvironmentTopology,
  functionEnvironment,
  localCredentials,
  pickSettings,
  replaceProcessEnvironment,
} from './environment.ts';
import { createEventLog } from './event-log.ts';
import { createHttpApi, type Route } from './http-api.ts';
import { createInFlight } from './in-flight.ts';
import type { LambdaFunction } from './lambda/invocation.ts';
import { type Runtime, startRuntime } from './lambda/runtime.ts';
import { close, listen } from './listen.ts';
import type { RunningSimulator, SimulatorSettings } from './livechat/server.ts';
import { openState } from './state.ts';

/** The engine's input, in the shape of stacks/topology.ts. */
export type Topology = AwsResources &
  EnvironmentTopology & {
    readonly functions: Readonly<Record<string, LambdaFunction>>;
    /** LiveChat's route. */
    readonly webhookRoute: Route;
    readonly webhookRoutes: readonly Route[];
  };

type Console = ReturnType<typeof createConsole>;

/** Injectable for tests. */
export interface EngineParts {
  startSimulator(settings: SimulatorSettings): Promise<RunningSimulator>;
  createConsole(options: ConsoleOptions): Promise<Console>;
}

export interface EngineOptions
  extends Pick<LocalAwsOptions, 'asyncRetryDelayMs' | 'asyncConcurrency' | 'machineRetryDelayMs'> {
  /** 0 selects a free port. */
  readonly port: number;
  readonly awsPort: number;
  readonly livechatPort: number;
  /** The folder of the stored state. Default: the state is in memory only. */
  readonly dataFolder?: string | undefined;
  /** The port for a debugger of the functions. With a port, each function has a timeout of 15 minutes. Default: no port. */
  readonly inspectPort?: number | undefined;
  /** Receives messages for the operator: unsupported calls, dead letters, lost events. */
  report(message: string): void;
  /** Receives every line that the functions log. */
  onLog(line: string): void;
  readonly environment?: Environment;
  readonly topology?: Topology;
  /** The base folder of the handlers' paths. */
  readonly root?: string;
  readonly parts?: EngineParts;
}

export type Engine = Awaited<ReturnType<typeof startEngine>>;

export type Addresses = Engine['addresses'];

const secretPrefix = 'livechat';
const secretId = `${secretPrefix}/default`;

const defaultParts: EngineParts = {
  startSimulator: async (settings) => (await import('./livechat/server.ts')).startSimulatorThread(settings),
  // Imported lazily, because the console's clients read the environment on import.
  createConsole: async (options) => (await import('../console/server.ts')).createConsole(options),
};

/**
 * Starts the whole bridge on this machine: the AWS side, the functions, the webhook, the console and, unless
 * LIVECHAT_API_BASE_URL points elsewhere, the LiveChat simulator. Only one engine per process: it replaces process.env
 * until it stops.
 *
 * @throws ConfigurationError if SEND_CONCURRENCY or RECONCILIATION_MINUTES is malformed
 * @throws StateError
 * @throws PortTakenError
 * @throws FunctionLoadError
 * @throws InvalidPatternError
 * @throws UnsupportedStateMachineError
 */
export async function startEngine(options: EngineOptions) {
  const { report, onLog, environment = process.env, parts = defaultParts } = options;
  const topology: Topology = options.topology ?? deployed;
  const root = options.root ?? fileURLToPath(new URL('..', import.meta.url));
  const activities = createActivityStream();
  const state = openState(options.dataFolder);
  const eventLog = createEventLog(state);
  const storedSecret = readSecret(createSecrets(state));
  const credentials = localCredentials(environment, storedSecret);
  const runtimeReady = Promise.withResolvers<Runtime>();
  const consoleReady = Promise.withResolvers<Console>();
  const pendingWebhooks = createInFlight();
  const cleanups: (() => unknown)[] = [];
  let stopping = false;

  // Failures that a stop causes are not reported.
  const publish = (activity: Activity) => {
    if (!stopping) activities.publish(activity);
  };
  const now = () => new Date().toISOString();

  async function stop(): Promise<void> {
    stopping = true;
    // In start order: the local AWS stops first and reports unfinished work, so that no new work starts.
    for (const cleanup of cleanups.splice(0)) await cleanup();
    state.close();
  }

  async function findLiveChat(webhookUrl: string): Promise<{ url: string; simulated: boolean }> {
    const url = environment.LIVECHAT_API_BASE_URL;
    if (url && !isSimulator(url, options.livechatPort)) return { url, simulated: false };
    const { secret } = credentials;
    const simulator = await parts.startSimulator({
      port: options.livechatPort,
      webhookUrl,
      secretKey: secret.LIVECHAT_WEBHOOK_SECRET,
      organizationId: credentials.organizationId,
      clientId: secret.LIVECHAT_CLIENT_ID,
      agentId: secret.LIVECHAT_AGENT_ID,
      accountId: secret.LIVECHAT_ACCOUNT_ID,
      apiKey: secret.LIVECHAT_API_KEY,
      pendingWebhooks: pendingWebhooks.memory,
      dataFolder: options.dataFolder,
    });
    cleanups.push(() => simulator.stop());
    return { url: `http://localhost:${simulator.port}`, simulated: true };
  }

  async function start() {
    const sendConcurrency = wholeNumber('SEND_CONCURRENCY', deployed.functions.send.concurrency, 0, environment);
    const functions = deployed.reserveConcurrency(topology.functions, sendConcurrency);
    const schedules = Object.values(deployed.schedules).map(({ function: name, setting, defaultMinutes }) => ({
      function: name,
      setting,
      minutes: wholeNumber(setting, defaultMinutes, 0, environment),
    }));
    const aws = await startLocalAws({
      resources: topology,
      state,
      port: options.awsPort,
      reservedConcurrency: deployed.sumReserved(functions),
      schedules,
      // A run waits until other functions have stored what it published.
      withoutConcurrencyLimit: new Set(['reconcile']),
      // The servers listen before the functions are loaded, since each needs the others' addresses.
      invoke: async (...invocation) => (await runtimeReady.promise).invoke(...invocation),
      kill: async () => (await runtimeReady.promise).kill(),
      asyncRetryDelayMs: options.asyncRetryDelayMs,
      asyncConcurrency: options.asyncConcurrency,
      machineRetryDelayMs: options.machineRetryDelayMs,
      otherInFlight: pendingWebhooks,
      report,
      readArchive: eventLog.readArchive,
      onExecution: (execution) => publish({ type: 'execution', at: now(), ...toExecutionActivity(execution) }),
      onEvent: (event) => {
        const { 'detail-type': detailType, source, detail } = event;
        const at = now();
        eventLog.recordEvent(event, at);
        publish({ type: 'event', at, detailType, source, detail });
      },
    });
    cleanups.push(() => aws.stop());
    const SecretString = JSON.stringify({ ...storedSecret, ...credentials.secret });
    if (!storedSecret) aws.secrets.call('CreateSecret', { Name: secretId, SecretString });
    else if (SecretString !== JSON.stringify(storedSecret)) {
      aws.secrets.call('PutSecretValue', { SecretId: secretId, SecretString });
    }

    const httpApi = createHttpApi({
      routes: topology.webhookRoutes,
      invoke: aws.invoke,
      fallback: async (request) => (await consoleReady.promise).fetch(request),
      onWebhook: (activity, body) => {
        if (stopping) return;
        const secret = readSecret(aws.secrets)?.LIVECHAT_WEBHOOK_SECRET;
        eventLog.recordWebhook(activity, body, secret ? [secret] : []);
        publish(activity);
      },
      report,
    });
    const httpPort = await listen(httpApi, options.port, '--port');
    cleanups.push(() => close(httpApi));
    const webhookUrl = `http://localhost:${httpPort}${topology.webhookRoute.path}`;
    const { url: liveChatUrl, simulated } = await findLiveChat(webhookUrl);

    const { deadLetterQueueUrl } = aws;
    const resources = { topology, endpoint: aws.url, secretPrefix, deadLetterQueueUrl, liveChatUrl };
    const env = functionEnvironment({ ...resources, inherited: environment });
    const outputs: StageOutputs = {
      version: 1,
      webhookUrl,
      environment: {
        ...functionEnvironment({ ...resources, inherited: pickSettings(deployed.settings, environment) }),
        SEND_CONCURRENCY: String(sendConcurrency),
        ...Object.fromEntries(schedules.map(({ setting, minutes }) => [setting, String(minutes)])),
      },
    };
    aws.parameters.call('PutParameter', {
      Name: outputsParameter(localStage),
      Value: JSON.stringify(outputs),
      Type: 'String',
      Overwrite: true,
    });
    cleanups.push(replaceProcessEnvironment(env));
    const started = await startRuntime({
      functions,
      root,
      env,
      aws,
      inspectPort: options.inspectPort,
      onLog,
      onInvocation: (outcome) => {
        if (stopping) return;
        const activity = { type: 'invocation', at: now(), ...outcome } as const;
        eventLog.recordInvocation(activity);
        publish(activity);
      },
    });
    cleanups.push(() => started.stop());
    runtimeReady.resolve(started);
    consoleReady.resolve(
      await parts.createConsole({
        subscribe: activities.subscribe,
        bus: topology.busName,
        events: eventLog,
        simulator: simulated ? liveChatUrl : undefined,
      }),
    );

    const consoleUrl = `http://localhost:${httpPort}/`;
    return { webhook: webhookUrl, console: consoleUrl, aws: aws.url, livechat: liveChatUrl, bus: topology.busName };
  }

  try {
    const addresses = await start();
    return { addresses, generated: credentials.generated, subscribe: activities.subscribe, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const secretFields = z.record(z.string(), z.string());

/** The credentials of the last run, such as a rotated webhook secret. Undefined before the first run. */
function readSecret(secrets: ReturnType<typeof createSecrets>): Readonly<Record<string, string>> | undefined {
  const text = secrets.read(secretId);
  return text === undefined ? undefined : secretFields.parse(JSON.parse(text));
}

function toExecutionActivity(execution: Execution) {
  const error = execution.end?.error;
  return { name: execution.name, arn: execution.arn, status: executionStatus(execution), ...(error && { error }) };
}

function isSimulator(url: string, port: number): boolean {
  if (!URL.canParse(url)) {
    throw new Error(`LIVECHAT_API_BASE_URL must be a URL such as https://api.livechatinc.com, not "${url}"`);
  }
  const { host, port: urlPort } = new URL(url);
  return isLoopbackHost(host) && urlPort === String(port);
}
