import type { Command } from 'commander';
import * as z from 'zod/mini';
import { withBridge } from '../bridge.ts';
import { bridgeCommand, commandGroup, withConfirmation } from '../command.ts';
import { address, bridgeOptions, confirmationOptions, flag, organizationOption, wholeNumber } from '../options.ts';

const whose = {
  organization: organizationOption,
  url: z.optional(address.check(z.maxLength(500, 'at most 500 characters, which LiveChat takes'))),
};
const listOptions = z.object({ ...bridgeOptions, ...whose });
const removeOptions = z.object({ ...confirmationOptions, ...whose, action: z.optional(z.array(z.string())) });
const syncOptions = z.object({
  ...confirmationOptions,
  ...whose,
  rotateSecret: flag,
  dryRun: flag,
  settleSeconds: wholeNumber(0),
  cacheSeconds: z.optional(wholeNumber(0)),
});

const withWhose = (command: Command, url: string): Command =>
  command
    .option('--url <address>', url)
    .option('--organization <uuid>', 'the organization whose secret holds the credentials; without it the default one');

const listCommand = () =>
  withWhose(
    bridgeCommand('list', {
      description: "Lists the application's registrations at LiveChat, and what is missing or wrong.",
      examples: ['webhooks list', 'webhooks list --stage production --json'],
    }),
    "this bridge's webhook; without it the stage's own",
  ).action(
    withBridge(listOptions, async (given, bridge) => {
      const { list } = await import('../webhooks/list.ts');
      await list(given, bridge);
    }),
  );

const syncCommand = () =>
  withWhose(
    withConfirmation(
      bridgeCommand('sync', {
        description: 'Registers every webhook that the bridge understands at LiveChat, and mends what is registered.',
        examples: [
          'webhooks sync',
          'webhooks sync --stage production --dry-run',
          'webhooks sync --stage production --yes',
          'webhooks sync --stage production --rotate-secret',
          'webhooks sync --url https://abc.tunnel.example/livechat/webhook',
        ],
      }),
    ),
    "where LiveChat shall call; without it the stage's own webhook",
  )
    .option('--rotate-secret', 'make a new webhook secret, and replace the old one without refusing a call')
    .option('--dry-run', 'show the plan, and do nothing')
    .option('--settle-seconds <number>', 'how long LiveChat takes until a change holds everywhere', '120')
    .option(
      '--cache-seconds <number>',
      "how long a function keeps a secret; without it the stage's SECRET_CACHE_SECONDS, or 300",
    )
    .addHelpText(
      'after',
      `
A replacement takes some minutes: the new registration comes first, and the old one goes when the new one is in effect.
Interrupted, the same command goes on where it stopped. Registrations of other addresses are left alone.`,
    )
    .action(
      withBridge(syncOptions, async (given, bridge) => {
        const { sync } = await import('../webhooks/sync.ts');
        await sync(given, bridge);
      }),
    );

const removeCommand = () =>
  withWhose(
    withConfirmation(
      bridgeCommand('remove', {
        description: "Removes an address's registrations at LiveChat: no webhook is sent to it any more.",
        examples: [
          'webhooks remove',
          'webhooks remove --action thread_tagged --action thread_untagged --yes',
          'webhooks remove --url https://old.example/livechat/webhook',
        ],
      }),
    ),
    "the address; without it the stage's own webhook",
  )
    .option('--action <name>', 'of this action alone; may be given again', (name: string, before: string[] = []) => [
      ...before,
      name,
    ])
    .action(
      withBridge(removeOptions, async (given, bridge) => {
        const { remove } = await import('../webhooks/remove.ts');
        await remove(given, bridge);
      }),
    );

export const register = (program: Command): void => {
  const described = {
    description: 'Keeps the webhooks registered at LiveChat as they ought to be.',
    examples: ['webhooks list', 'webhooks sync', 'webhooks sync --rotate-secret'],
  };
  program.addCommand(commandGroup('webhooks', described, [syncCommand(), listCommand(), removeCommand()]));
};
