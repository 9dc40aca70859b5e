import type { Check } from '../select.ts';
import { checkConsumers, checkFunctions, checkLogRetention } from './functions.ts';
import { checkFunctionPermissions, checkRolePolicies, checkTrustPolicies, checkWebhookRole } from './iam.ts';
import { checkInventory } from './inventory.ts';
import { checkStateMachines } from './machine.ts';
import { checkAlarms, checkDashboard, checkRequiredAlarms } from './monitoring.ts';
import { checkFunctionPolicies, checkQueues, checkResourcePolicies } from './queues.ts';
import { checkArchive, checkRules } from './rules.ts';
import { checkBucket, checkSecret, checkTables } from './storage.ts';
import { checkApi } from './webhook.ts';

/** Checks of a synthesized stage, by the behaviour that they verify. */
export const checks: Readonly<Record<string, Check>> = {
  'deploys exactly the resources of the topology': checkInventory,
  'configures functions as in the topology, with logs, traces and a failure destination': checkFunctions,
  'sets the log retention of the stage': checkLogRetention,
  'gives every rule its pattern, target, retry policy and dead-letter queue': checkRules,
  'archives all events except send requests': checkArchive,
  'connects the dead-letter queue to its function': checkConsumers,
  'encrypts queues, retains messages for 14 days and sets the quarantine queue': checkQueues,
  'restricts queue and topic policies to sources in the account': checkResourcePolicies,
  'restricts function policies to sources in the account': checkFunctionPolicies,
  'deploys the state machine of core and logs no execution data': checkStateMachines,
  'allows exact actions on exact resources': checkRolePolicies,
  'lets only one service assume each role': checkTrustPolicies,
  'grants functions exactly their permissions': checkFunctionPermissions,
  'limits the webhook to the bus, its secrets and large events': checkWebhookRole,
  'throttles the webhook and enables no CORS': checkApi,
  'creates tables with recovery, TTL and deletion protection': checkTables,
  'keeps the bucket private, encrypted and expiring': checkBucket,
  'creates the secret without a value': checkSecret,
  'bases alarms on emitted metrics and links them to the runbook': checkAlarms,
  'has an alarm for every required condition': checkRequiredAlarms,
  'shows every metric on the dashboard': checkDashboard,
};
