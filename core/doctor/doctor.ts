import { supportedActions } from '../livechat/registration-plan.ts';
import type { Environment } from '../platform/configuration.ts';
import { account } from './account.ts';
import { type ExpectedRule, eventRules } from './event-rules.ts';
import { type Check, type Finding, findings } from './finding.ts';
import { bucket, type ExpectedTable, queues, settings, stateMachine, tables } from './resources.ts';
import { latestWebhooks, sending, webhookEndpoint } from './traffic.ts';

/** A bridge and its expected resources. */
export interface Bridge {
  /** The environment of its functions. */
  readonly environment: Environment;
  readonly webhookUrl: string;
  /** The address that should be registered at LiveChat. Default: `webhookUrl`. */
  readonly registeredUrl?: string | undefined;
  readonly tables: readonly ExpectedTable[];
  readonly rules: readonly ExpectedRule[];
  readonly organizationIds: readonly string[];
  /** Organizations with credentials of their own; undefined for the default credentials. */
  readonly accounts: readonly (string | undefined)[];
}

/** The actions of the latest API version; earlier versions lack a few. */
const actions = supportedActions({ major: 3, minor: 6 });

export function listChecks(bridge: Bridge): Check[] {
  const { environment, webhookUrl, registeredUrl = webhookUrl, organizationIds, accounts } = bridge;
  const { LIVECHAT_API_BASE_URL: apiUrl } = environment;
  const simulatorUrl = isLoopback(apiUrl) ? apiUrl : undefined;
  return [
    settings(environment),
    ...accounts.map((organizationId) => account({ organizationId, webhookUrl: registeredUrl, simulatorUrl })),
    webhookEndpoint(webhookUrl),
    latestWebhooks(organizationIds, actions, simulatorUrl !== undefined),
    tables(bridge.tables),
    queues(environment),
    eventRules(bridge.rules, environment),
    stateMachine(environment),
    bucket(environment),
    sending(organizationIds, Date.now),
  ];
}

/** The simulator is the only LiveChat API with a loopback address. */
function isLoopback(url: string | undefined): boolean {
  return ['localhost', '127.0.0.1', '[::1]'].includes(URL.parse(url ?? '')?.hostname ?? '');
}

/** Runs all checks concurrently. A check that throws becomes a fault. */
export async function runChecks(checks: readonly Check[], onDone: () => void): Promise<Finding[]> {
  const results = await Promise.all(
    checks.map(async ({ name, run }) => {
      const found = await run().catch((error: unknown) => [checkFailed(name, error)]);
      onDone();
      return found;
    }),
  );
  return results.flat();
}

function checkFailed(name: string, error: unknown): Finding {
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return findings(name).fault(`The check failed (${reason}).`, 'Check your own AWS credentials and permissions.');
}
