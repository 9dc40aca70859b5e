import { carrierOf } from '../../core/channel/carrier.ts';
import { type ChannelDoctor, type Finding, fault } from '../../core/channel/finding.ts';
import { loadPorts } from '../../core/channel/ports.ts';
import { channelDoctors } from '../../core/channels.ts';
import { organizations } from '../../core/conversations/queries.ts';
import type { DoctorOptions } from '../commands/doctor.ts';
import { exitCodes } from '../errors.ts';
import { colours, print, printable, printJson } from '../output.ts';
import { withProgress } from '../prompts.ts';
import { checkEventRules } from './event-rules.ts';
import { sweepTails } from './event-tails.ts';
import {
  checkBucket,
  checkConcurrency,
  checkQueues,
  checkSettings,
  checkStateMachine,
  checkTables,
} from './resources.ts';
import { checkReconciliation, checkSending, checkWebhookEndpoint } from './traffic.ts';

/** Runs all checks concurrently and prints the findings. An unreadable table must not stop the other checks. */
export const runDoctor = async (options: DoctorOptions): Promise<void> => {
  const checks = [...(await listChecks(options.organization, options.url)), ...listLoadChecks(options)];
  const results = await withProgress('Checking', checks.length, ({ step }) =>
    Promise.all(
      checks.map(async ([check, run]) => {
        const found = await run().catch((error: unknown) => [checkFailed(error)]);
        step();
        return found.map((one) => ({ check, ...one }));
      }),
    ),
  );
  const findings = results.flat();
  const faults = findings.filter(({ severity }) => severity === 'fault').length;
  const warnings = findings.filter(({ severity }) => severity === 'warning').length;
  if (faults > 0) process.exitCode = exitCodes.failure;
  if (options.json) return printJson({ ok: faults === 0, faults, warnings, findings });
  for (const { check, severity, message, fix } of findings) {
    print(`${labels[severity]}  ${check.padEnd(14)} ${printable(message)}`);
    if (fix !== undefined) print(`${' '.repeat(25)}${colours.bold('→')} ${fix}`);
  }
  print(
    faults + warnings === 0 ? colours.green('\nNo problems found.') : `\nFaults: ${faults}, warnings: ${warnings}.`,
  );
};

const labels = {
  ok: colours.green('ok     '),
  note: colours.dim('note   '),
  warning: colours.yellow('warning'),
  fault: colours.red('FAULT  '),
};

type Check = readonly [name: string, run: () => Promise<readonly Finding[]>];

const listChecks = async (organization: string | undefined, registeredUrl: string | undefined): Promise<Check[]> => {
  const { WEBHOOK_URL: webhookUrl = '' } = process.env;
  const organizationIds = organization === undefined ? await organizations().catch(() => []) : [organization];
  const channelChecks = await Promise.all(
    [...(await loadPorts(channelDoctors))].map(async ([carrier, create]) => {
      const own = organizationIds.filter((id) => carrierOf(id) === carrier);
      if (organization !== undefined && own.length === 0) return [];
      return listChannelChecks(create(), own, organization, registeredUrl ?? webhookUrl);
    }),
  );
  return [
    ['settings', checkSettings],
    ['webhook', () => checkWebhookEndpoint(webhookUrl)],
    ...channelChecks.flat(),
    ['tables', checkTables],
    ['queues', checkQueues],
    ['bus and rules', checkEventRules],
    ['event tails', () => sweepTails(Date.now())],
    ['state machine', checkStateMachine],
    ['concurrency', checkConcurrency],
    ['bucket', checkBucket],
    ['sending', () => checkSending(organizationIds, Date.now())],
    ['reconciliation', () => checkReconciliation(organizationIds, Date.now())],
  ];
};

const listChannelChecks = async (
  doctor: ChannelDoctor,
  organizationIds: readonly string[],
  organization: string | undefined,
  webhookUrl: string,
): Promise<Check[]> => {
  const accounts =
    organization === undefined ? await doctor.listAccounts(organizationIds).catch(() => [undefined]) : [organization];
  return [
    ...accounts.map((account): Check => ['credentials', () => doctor.checkAccount(account, webhookUrl)]),
    ['last webhooks', () => doctor.checkLatestWebhooks(organizationIds)],
  ];
};

const listLoadChecks = ({ webhooksPerSecond, sendsPerSecond, stage }: DoctorOptions): Check[] => {
  if (webhooksPerSecond === undefined && sendsPerSecond === undefined) return [];
  const load = { webhooksPerSecond: webhooksPerSecond ?? 0, sendsPerSecond: sendsPerSecond ?? 0 };
  return [['quotas', async () => (await import('./quotas.ts')).checkQuotas(load, stage)]];
};

const checkFailed = (error: unknown): Finding => {
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return fault(`The check failed (${reason}).`, 'Check your own AWS credentials and permissions.');
};
