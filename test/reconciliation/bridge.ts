import { createServer } from 'node:http';
import { vi } from 'vitest';
import type { Envelope } from '../../local/aws/event-bridge.ts';
import { startLocalAws } from '../../local/aws/local-aws.ts';
import { functionEnvironment } from '../../local/environment.ts';
import { createInFlight } from '../../local/in-flight.ts';
import { close, listen } from '../../local/listen.ts';
import * as topology from '../../stacks/topology.ts';
import { lambdaContext } from '../webhook-event.ts';

/** The secret of every organization. */
export const webhookSecret = 'whsec-drill-3f9c1a7be2';
/** Who sends for the bridge. */
export const bridgeAgent = 'bridge@acme.example';
export const clientId = '9a0d3c7741be4f6e8d52c0f1a7be2e60';

/** The start of virtual time. */
export const epoch = Date.parse('2026-11-27T08:00:00.000Z');

/** Of every invocation. */
const remainingMs = 60_000;

type Handler = (event: unknown, context: ReturnType<typeof lambdaContext>) => unknown;

const isHandler = (value: unknown): value is Handler => typeof value === 'function';

export type DeployedBridge = Awaited<ReturnType<typeof deployBridge>>;

/**
 * The bridge in this process: the local AWS with every function of the topology, in virtual time. The clock starts at
 * {@link epoch} and stands still until a test moves it; timers stay real. Once per test file, because modules read the names
 * of their tables when they are imported; each world has organizations of its own.
 */
export async function deployBridge() {
  vi.useFakeTimers({ toFake: ['Date'], now: epoch });
  const handlers = new Map<string, Handler>();
  const pendingWebhooks = createInFlight();
  const events: Envelope[] = [];
  const problems: string[] = [];
  const aws = await startLocalAws({
    resources: topology,
    port: 0,
    asyncRetryDelayMs: 20,
    machineRetryDelayMs: 20,
    otherInFlight: pendingWebhooks,
    report: (message) => problems.push(message),
    onEvent: (event) => events.push(event),
    invoke: async (name, event) => {
      const handler = handlers.get(name);
      if (!handler) throw new Error(`no function ${name}`);
      // Functions receive and return JSON.
      const context = { ...lambdaContext(), functionName: name, getRemainingTimeInMillis: () => remainingMs };
      const result = await handler(JSON.parse(JSON.stringify(event)), context);
      return result === undefined ? null : JSON.parse(JSON.stringify(result));
    },
  });
  const files = await serveFiles();
  const environment = functionEnvironment({
    topology,
    inherited: {},
    endpoint: aws.url,
    secretPrefix: 'livechat',
    deadLetterQueueUrl: aws.deadLetterQueueUrl,
    liveChatUrl: files.url,
  });
  const settings = {
    ...environment,
    LOG_LEVEL: 'SILENT',
    POWERTOOLS_METRICS_DISABLED: 'true',
    LIVECHAT_CALLS_PER_SECOND: '1000',
    ROUTING_CACHE_SECONDS: '0',
  };
  for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value);
  aws.secrets.call('CreateSecret', {
    Name: 'livechat/default',
    SecretString: JSON.stringify({
      LIVECHAT_WEBHOOK_SECRET: webhookSecret,
      LIVECHAT_ACCESS_TOKEN: 'token',
      LIVECHAT_CLIENT_ID: clientId,
      LIVECHAT_AGENT_ID: bridgeAgent,
    }),
  });
  for (const name of Object.keys(topology.functions)) {
    const module: Record<string, unknown> = await import(`../../functions/${name}.ts`);
    if (!isHandler(module.handler)) throw new Error(`functions/${name}.ts has no handler`);
    handlers.set(name, module.handler);
  }
  const [conversations, messages, rules, reconciliation, { liveChatReconciliation }, { logger }] = await Promise.all([
    import('../../core/conversations/queries.ts'),
    import('../../core/messages/queries.ts'),
    import('../../core/routing/store.ts'),
    import('../../core/reconciliation/reconcile.ts'),
    import('../../core/livechat/reconcile.ts'),
    import('../../core/platform/logger.ts'),
  ]);
  return {
    aws,
    pendingWebhooks,
    events,
    problems,
    conversations,
    messages,
    rules,
    reconciliation,
    channel: liveChatReconciliation(),
    logger,
    async stop(): Promise<void> {
      await aws.stop();
      await files.stop();
      vi.useRealTimers();
      vi.unstubAllEnvs();
    },
  };
}

export function moveClock(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}

let clockUsers = 0;
let clockTimer: NodeJS.Timeout | undefined;

/** Lets the clock follow the real time, for code that waits. */
export async function whileClockRuns<T>(run: () => Promise<T>): Promise<T> {
  const stepMs = 2;
  clockUsers += 1;
  clockTimer ??= setInterval(() => moveClock(stepMs), stepMs);
  try {
    return await run();
  } finally {
    clockUsers -= 1;
    if (clockUsers === 0) {
      clearInterval(clockTimer);
      clockTimer = undefined;
    }
  }
}

/** Serves the files of the current world's simulator: functions read the address of files when they are imported. */
async function serveFiles() {
  const server = createServer(async (request, response) => {
    const url = `${process.env.LIVECHAT_API_BASE_URL}${request.url}`;
    const file = await fetch(url, { headers: { connection: 'close' } });
    response.writeHead(file.status, { 'content-type': file.headers.get('content-type') ?? '' });
    response.end(Buffer.from(await file.arrayBuffer()));
  });
  const port = await listen(server, 0, '--livechat-port');
  return { url: `http://127.0.0.1:${port}`, stop: () => close(server) };
}
