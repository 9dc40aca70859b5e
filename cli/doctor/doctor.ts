import { organizations } from '../../core/conversations/queries.ts';
import { account } from '../../core/doctor/account.ts';
import { examine } from '../../core/doctor/doctor.ts';
import { door } from '../../core/doctor/door.ts';
import type { Examination, Finding, Severity } from '../../core/doctor/finding.ts';
import { webhooksSeen } from '../../core/doctor/last-seen.ts';
import { bucket, machine } from '../../core/doctor/machine.ts';
import { queues } from '../../core/doctor/queues.ts';
import { rules } from '../../core/doctor/rules.ts';
import { sending } from '../../core/doctor/sending.ts';
import { settings } from '../../core/doctor/settings.ts';
import { tables } from '../../core/doctor/tables.ts';
import { wantedActions } from '../../core/livechat/registrations/plan.ts';
import type { StageOutputs } from '../../core/platform/outputs.ts';
import type { DoctorOptions } from '../commands/doctor.ts';
import { exitCodes } from '../errors.ts';
import { colours, print, printable, printJson } from '../output.ts';
import { withProgress } from '../progress.ts';
import { expectedRules, expectedTables } from './expected.ts';

const signs: Readonly<Record<Severity, string>> = {
  ok: colours.green('ok     '),
  note: colours.dim('note   '),
  warning: colours.yellow('warning'),
  fault: colours.red('FAULT  '),
};

const printFinding = ({ about, severity, says, mend }: Finding): void => {
  print(`${signs[severity]}  ${about.padEnd(14)} ${printable(says)}`);
  if (mend !== undefined) print(`${' '.repeat(25)}${colours.bold('→')} ${mend}`);
};

/** Every version has these; an action more or less does not matter to when one was seen. */
const actions = wantedActions({ major: 3, minor: 6 });

/** The organizations that there are; none where the table itself is what is wrong. */
const known = async ({ organization }: DoctorOptions): Promise<readonly string[]> =>
  organization === undefined ? organizations().catch(() => []) : [organization.toLowerCase()];

/** Examines a bridge, and says what is wrong with it. */
export const doctor = async (given: DoctorOptions, { webhookUrl, environment }: StageOutputs): Promise<void> => {
  const ids = await known(given);
  const examinations: Examination[] = [
    settings(environment),
    account({ organizationId: given.organization, webhookUrl: given.url ?? webhookUrl }),
    door(webhookUrl),
    webhooksSeen(ids, actions),
    tables(expectedTables(environment)),
    queues(environment),
    rules(expectedRules(environment), environment),
    machine(environment),
    bucket(environment),
    sending(ids, Date.now),
  ];
  const findings = await withProgress('Examining', examinations.length, ({ step }) => examine(examinations, step));
  const faults = findings.filter(({ severity }) => severity === 'fault').length;
  const warnings = findings.filter(({ severity }) => severity === 'warning').length;
  if (faults > 0) process.exitCode = exitCodes.failure;
  if (given.json) {
    printJson({ ok: faults === 0, faults, warnings, findings });
    return;
  }
  findings.forEach(printFinding);
  print(faults + warnings === 0 ? colours.green('\nAll is well.') : `\nFaults: ${faults}, warnings: ${warnings}.`);
};
