import type { Command } from 'commander';
import * as z from 'zod/mini';
import { withBridge } from '../bridge.ts';
import { address, bridgeCommand, bridgeOptions, organizationOption } from '../command.ts';

const doctorOptions = z.object({ ...bridgeOptions, organization: organizationOption, url: z.optional(address) });
export type DoctorOptions = z.infer<typeof doctorOptions>;

export const register = (program: Command): void => {
  const command = bridgeCommand('doctor', {
    description: 'Checks every part of a bridge and shows how to fix each problem.',
    examples: ['doctor', 'doctor --stage production', 'doctor --stage production --json'],
  })
    .option('--organization <uuid>', 'check only this organization (default: all with conversations)')
    .option('--url <address>', "the webhook address registered at LiveChat (default: the stage's own)")
    .addHelpText(
      'after',
      `
Checks the settings, the secret, LiveChat's credentials and their scopes, the API version, the registered webhooks, the
webhook endpoint, the last webhook of each kind, tables, queues, the bus and its rules, the state machine, the account's
limit of concurrent executions, the bucket, rate limits and dead letters. It makes six LiveChat calls per secret, which change nothing. The exit code is 1 if there is a
fault; a warning does not affect it.`,
    )
    .action(
      withBridge(doctorOptions, async (given, bridge) => {
        const { doctor } = await import('../doctor/doctor.ts');
        await doctor(given, bridge);
      }),
    );
  program.addCommand(command);
};
