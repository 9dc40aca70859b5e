import { organizations } from '../../core/conversations/queries.ts';
import { examinationsOf, examine } from '../../core/doctor/doctor.ts';
import type { Finding, Severity } from '../../core/doctor/finding.ts';
import { credentialOwners } from '../../core/livechat/connection.ts';
import type { StageOutputs } from '../../core/platform/configuration.ts';
import { exitCodes } from '../errors.ts';
import { colours, print, printable, printJson } from '../output.ts';
import { withProgress } from '../progress.ts';
import { expectedRules, expectedTables } from './expected.ts';
import type { DoctorOptions } from './options.ts';

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

/** The organizations that there are; none where the table itself is what is wrong. */
const known = async ({ organization }: DoctorOptions): Promise<readonly string[]> =>
  organization === undefined ? organizations().catch(() => []) : [organization.toLowerCase()];

/** Examines a bridge, and says what is wrong with it. */
export const doctor = async (given: DoctorOptions, { webhookUrl, environment }: StageOutputs): Promise<void> => {
  const organizationIds = await known(given);
  const examinations = examinationsOf({
    environment,
    webhookUrl,
    registeredUrl: given.url,
    tables: expectedTables(environment),
    rules: expectedRules(environment),
    organizationIds,
    accounts:
      given.organization === undefined
        ? await credentialOwners(organizationIds).catch(() => [undefined])
        : [given.organization],
  });
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
