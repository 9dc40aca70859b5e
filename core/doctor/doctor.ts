import { supportedActions } from '../livechat/registration-plan.ts';
import type { Environment } from '../platform/configuration.ts';
import { checkAccount } from './account.ts';
import { checkEventRules, type ExpectedRule } from './event-rules.ts';
import { type Finding, fault, type NamedFinding } from './finding.ts';
import {
  checkBucket,
  checkConcurrency,
  checkQueues,
  checkSettings,
  checkStateMachine,
  checkTables,
} from './resources.ts';
import { checkLatestWebhooks, checkSending, checkWebhookEndpoint } from './traffic.ts';

/** A bridge and its expected resources. */
export interface Bridge {
  /** The environment of its functions. */
  readonly environment: Environment;
  readonly webhookUrl: string;
  /** The address that should be registered at LiveChat. Default: `webhookUrl`. */
  readonly registeredUrl?: string | undefined;
  /** The concurrent executions that its functions reserve. Throws ConfigurationError. */
  reservedConcurrency(): number;
  readonly rules: readonly ExpectedRule[];
  readonly organizationIds: readonly string[];
  /** Organizations with credentials of their own; undefined for the default credentials. */
  readonly accounts: readonly (string | undefined)[];
}

/** A check that runs independently of the others. */
export interface Check {
  readonly name: string;
  run(): Promise<readonly (Finding | NamedFinding)[]>;
}

/** The actions of the latest API version; earlier versions lack a few. */
const actions = supportedActions({ major: 3, minor: 6 });

export function listChecks(bridge: Bridge): Check[] {
  const { environment, webhookUrl, registeredUrl = webhookUrl, organizationIds, accounts } = bridge;
  const { LIVECHAT_API_BASE_URL: apiUrl } = environment;
  const simulatorUrl = isLoopback(apiUrl) ? apiUrl : undefined;
  const isSimulator = simulatorUrl !== undefined;
  return [
    { name: 'settings', run: async () => checkSettings(environment) },
    ...accounts.map((organizationId) => ({
      name: 'credentials',
      run: () => checkAccount({ organizationId, webhookUrl: registeredUrl, simulatorUrl }),
    })),
    { name: 'webhook', run: () => checkWebhookEndpoint(webhookUrl) },
    { name: 'last webhooks', run: () => checkLatestWebhooks(organizationIds, actions, isSimulator) },
    { name: 'tables', run: () => checkTables(environment) },
    { name: 'queues', run: () => checkQueues(environment) },
    { name: 'bus and rules', run: () => checkEventRules(bridge.rules, environment) },
    { name: 'state machine', run: () => checkStateMachine(environment) },
    { name: 'concurrency', run: () => checkConcurrency(bridge.reservedConcurrency()) },
    { name: 'bucket', run: () => checkBucket(environment) },
    { name: 'sending', run: () => checkSending(organizationIds, Date.now()) },
  ];
}

/** The simulator is the only LiveChat API with a loopback address. */
function isLoopback(url: string | undefined): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(URL.parse(url ?? '')?.hostname ?? '');
}

/** Runs all checks concurrently. A check that throws becomes a fault. */
export async function runChecks(checks: readonly Check[], onDone: () => void): Promise<NamedFinding[]> {
  const results = await Promise.all(
    checks.map(async ({ name, run }) => {
      const found = await run().catch((error: unknown) => [checkFailed(error)]);
      onDone();
      return found.map((one) => ({ check: name, ...one }));
    }),
  );
  return results.flat();
}

function checkFailed(error: unknown): Finding {
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return fault(`The check failed (${reason}).`, 'Check your own AWS credentials and permissions.');
}
