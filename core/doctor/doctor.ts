import { supportedActions } from '../livechat/registration-plan.ts';
import type { Environment } from '../platform/configuration.ts';
import { account } from './account.ts';
import { door } from './door.ts';
import { type Examination, type Finding, found } from './finding.ts';
import { webhooksSeen } from './last-seen.ts';
import { bucket, machine } from './machine.ts';
import { queues } from './queues.ts';
import { type ExpectedRule, rules } from './rules.ts';
import { sending } from './sending.ts';
import { settings } from './settings.ts';
import { type ExpectedTable, tables } from './tables.ts';

/** A bridge, and what there ought to be of it. */
export interface Patient {
  /** What its functions have in theirs. */
  readonly environment: Environment;
  readonly webhookUrl: string;
  /** Where LiveChat shall call, where that is another address. */
  readonly registeredUrl?: string | undefined;
  readonly tables: readonly ExpectedTable[];
  readonly rules: readonly ExpectedRule[];
  readonly organizationIds: readonly string[];
  /** Whose credentials; undefined for the default ones. */
  readonly accounts: readonly (string | undefined)[];
}

/** Every version has these; an action more or less does not matter to when one was seen. */
const actions = supportedActions({ major: 3, minor: 6 });

/** All that can be examined, each on its own. */
export function examinationsOf(patient: Patient): Examination[] {
  const { environment, webhookUrl, registeredUrl = webhookUrl, organizationIds, accounts } = patient;
  return [
    settings(environment),
    ...accounts.map((organizationId) => account({ organizationId, webhookUrl: registeredUrl })),
    door(webhookUrl),
    webhooksSeen(organizationIds, actions),
    tables(patient.tables),
    queues(environment),
    rules(patient.rules, environment),
    machine(environment),
    bucket(environment),
    sending(organizationIds, Date.now),
  ];
}

/** Runs every examination; one that cannot be made is a fault itself. */
export async function examine(examinations: readonly Examination[], onDone: () => void): Promise<Finding[]> {
  const findings = await Promise.all(
    examinations.map(async ({ about, run }) => {
      const all = await run().catch((error: unknown) => [unexaminable(about, error)]);
      onDone();
      return all;
    }),
  );
  return findings.flat();
}

function unexaminable(about: string, error: unknown): Finding {
  const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return found(about).fault(`it cannot be examined (${why})`, 'Check your own AWS credentials and permissions.');
}
