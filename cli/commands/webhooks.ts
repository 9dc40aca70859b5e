import type { Command } from 'commander';
import * as z from 'zod/mini';
import { withBridge } from '../bridge.ts';
import {
  address,
  bridgeCommand,
  bridgeOptions,
  collect,
  commandGroup,
  confirmationOptions,
  flag,
  organizationOption,
  wholeNumber,
  withConfirmation,
} from '../command.ts';

const targetOptions = {
  organization: organizationOption,
  url: z.optional(address.check(z.maxLength(500, "at most 500 characters, LiveChat's limit"))),
};
const listOptions = z.object({ ...bridgeOptions, ...targetOptions });
export type ListOptions = z.infer<typeof listOptions>;
const removeOptions = z.object({ ...confirmationOptions, ...targetOptions, action: z.optional(z.array(z.string())) });
export type RemoveOptions = z.infer<typeof removeOptions>;
const syncOptions = z.object({
  ...confirmationOptions,
  ...targetOptions,
  rotateSecret: flag,
  dryRun: flag,
  propagationSeconds: wholeNumber(0),
  cacheSeconds: z.optional(wholeNumber(0)),
});
export type SyncOptions = z.infer<typeof syncOptions>;

const withTarget = (command: Command, url: string): Command =>
  command
    .option('--url <address>', `${url} (default: the webhook of the stage)`)
    .option(
      '--organization <uuid>',
      'the organization whose secret has the LiveChat credentials (default: the default secret)',
    );

const listCommand = () =>
  withTarget(
    bridgeCommand('list', {
      description: 'Lists the webhook registrations of the application, and what is missing or wrong.',
      examples: ['webhooks list', 'webhooks list --stage production --json'],
    }),
    'the webhook of this bridge',
  ).action(withBridge(listOptions, async (...args) => (await import('../webhooks.ts')).listRegistrations(...args)));

const syncCommand = () =>
  withTarget(
    withConfirmation(
      bridgeCommand('sync', {
        description: 'Registers every webhook that the bridge supports, and replaces registrations that are wrong.',
        examples: [
          'webhooks sync',
          'webhooks sync --stage production --dry-run',
          'webhooks sync --stage production --yes',
          'webhooks sync --stage production --rotate-secret',
          'webhooks sync --url https://abc.tunnel.example/livechat/webhook',
        ],
      }),
    ),
    'the address that LiveChat calls',
  )
    .option('--rotate-secret', 'create a new webhook secret and replace the old one without rejecting a webhook')
    .option('--dry-run', 'show the plan, without applying it')
    .option('--propagation-seconds <number>', 'how long LiveChat takes to apply a change everywhere', '120')
    .option(
      '--cache-seconds <number>',
      'how long a function caches a secret (default: SECRET_CACHE_SECONDS of the stage, or 300)',
    )
    .addHelpText(
      'after',
      `
A replacement takes a few minutes: the old registration is removed when the new one is in effect. If the command is
interrupted, run it again to continue. Registrations of other addresses are not changed.`,
    )
    .action(withBridge(syncOptions, async (...args) => (await import('../webhooks.ts')).syncRegistrations(...args)));

const removeCommand = () =>
  withTarget(
    withConfirmation(
      bridgeCommand('remove', {
        description: 'Removes the webhook registrations of an address: LiveChat no longer calls it.',
        examples: [
          'webhooks remove',
          'webhooks remove --action thread_tagged --action thread_untagged --yes',
          'webhooks remove --url https://old.example/livechat/webhook',
        ],
      }),
    ),
    'the address',
  )
    .option('--action <name>', 'only registrations of this action; can be repeated', collect)
    .action(
      withBridge(removeOptions, async (...args) => (await import('../webhooks.ts')).removeRegistrations(...args)),
    );

export const register = (program: Command): void => {
  const help = {
    description: 'Manages the webhook registrations at LiveChat.',
    examples: ['webhooks list', 'webhooks sync', 'webhooks sync --rotate-secret'],
  };
  program.addCommand(commandGroup('webhooks', help, [syncCommand(), listCommand(), removeCommand()]));
};
