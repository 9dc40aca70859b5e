import { organizations } from '../../core/conversations/queries.ts';
import { listChecks, runChecks } from '../../core/doctor/doctor.ts';
import type { NamedFinding, Severity } from '../../core/doctor/finding.ts';
import { credentialOwners } from '../../core/livechat/connection.ts';
import { type StageOutputs, wholeNumber } from '../../core/platform/configuration.ts';
import {
  type FunctionSpec,
  functions,
  reserveConcurrency,
  resolvePattern,
  rules,
  stateMachines,
  sumReserved,
} from '../../stacks/topology.ts';
import type { DoctorOptions } from '../commands/doctor.ts';
import { exitCodes } from '../errors.ts';
import { colours, print, printable, printJson } from '../output.ts';
import { withProgress } from '../prompts.ts';

const labels: Readonly<Record<Severity, string>> = {
  ok: colours.green('ok     '),
  note: colours.dim('note   '),
  warning: colours.yellow('warning'),
  fault: colours.red('FAULT  '),
};

const printFinding = ({ check, severity, message, fix }: NamedFinding): void => {
  print(`${labels[severity]}  ${check.padEnd(14)} ${printable(message)}`);
  if (fix !== undefined) print(`${' '.repeat(25)}${colours.bold('→')} ${fix}`);
};

/** Checks a bridge and prints the findings. An unreadable table must not stop the other checks. */
export const doctor = async (options: DoctorOptions, { webhookUrl, environment }: StageOutputs): Promise<void> => {
  const { organization, url, json } = options;
  const all = organization === undefined;
  const organizationIds = all ? await organizations().catch(() => []) : [organization.toLowerCase()];
  const checks = listChecks({
    environment,
    webhookUrl,
    registeredUrl: url,
    reservedConcurrency: () => {
      const concurrency = wholeNumber('SEND_CONCURRENCY', functions.send.concurrency, 0, environment);
      return sumReserved(reserveConcurrency<FunctionSpec>(functions, concurrency));
    },
    rules: Object.entries(rules).map(([name, rule]) => ({
      name,
      pattern: resolvePattern(rule, () => environment[stateMachines.send.variable] ?? ''),
      onDefaultBus: rule.bus === 'default',
    })),
    organizationIds,
    accounts: all ? await credentialOwners(organizationIds).catch(() => [undefined]) : [organization],
  });
  const findings = await withProgress('Checking', checks.length, ({ step }) => runChecks(checks, step));
  const faults = findings.filter(({ severity }) => severity === 'fault').length;
  const warnings = findings.filter(({ severity }) => severity === 'warning').length;
  if (faults > 0) process.exitCode = exitCodes.failure;
  if (json) return printJson({ ok: faults === 0, faults, warnings, findings });
  findings.forEach(printFinding);
  print(
    faults + warnings === 0 ? colours.green('\nNo problems found.') : `\nFaults: ${faults}, warnings: ${warnings}.`,
  );
};
