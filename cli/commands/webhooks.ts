import * as z from 'zod/mini';
import {
  address,
  bridgeCommand,
  collect,
  commandGroup,
  confirmedCommand,
  option,
  uuid,
  wholeNumber,
} from '../command.ts';

const organization = option(
  '--organization <uuid>',
  'the organization whose secret has the LiveChat credentials (default: the default secret)',
  uuid,
);
const url = (description: string) =>
  option(
    '--url <address>',
    `${description} (default: the webhook of the stage)`,
    address.check(z.maxLength(500, "at most 500 characters, LiveChat's limit")),
  );

const list = bridgeCommand('list', {
  description: 'Lists the webhook registrations of the application, and what is missing or wrong.',
  examples: ['webhooks list', 'webhooks list --stage production --json'],
})
  .addOption(url('the webhook of this bridge'))
  .addOption(organization);
export type ListOptions = ReturnType<typeof list.opts>;

const sync = confirmedCommand('sync', {
  description: 'Registers every webhook that the bridge supports, and replaces registrations that are wrong.',
  examples: [
    'webhooks sync',
    'webhooks sync --stage production --dry-run',
    'webhooks sync --stage production --yes',
    'webhooks sync --stage production --rotate-secret',
    'webhooks sync --url https://abc.tunnel.example/livechat/webhook',
  ],
})
  .addOption(url('the address that LiveChat calls'))
  .addOption(organization)
  .option('--rotate-secret', 'create a new webhook secret and replace the old one without rejecting a webhook')
  .option('--dry-run', 'show the plan, without applying it')
  .addOption(
    option(
      '--propagation-seconds <number>',
      'how long LiveChat takes to apply a change everywhere',
      wholeNumber(0),
    ).default(120),
  )
  .addOption(
    option(
      '--cache-seconds <number>',
      'how long a function caches a secret (default: SECRET_CACHE_SECONDS of the stage, or 300)',
      wholeNumber(0),
    ),
  )
  .addHelpText(
    'after',
    `
A replacement takes a few minutes: the old registration is removed when the new one is in effect. If the command is
interrupted, run it again to continue. Registrations of other addresses are not changed.`,
  );
export type SyncOptions = ReturnType<typeof sync.opts>;

const remove = confirmedCommand('remove', {
  description: 'Removes the webhook registrations of an address: LiveChat no longer calls it.',
  examples: [
    'webhooks remove',
    'webhooks remove --action thread_tagged --action thread_untagged --yes',
    'webhooks remove --url https://old.example/livechat/webhook',
  ],
})
  .addOption(url('the address'))
  .addOption(organization)
  .option('--action <name>', 'only registrations of this action; can be repeated', collect);
export type RemoveOptions = ReturnType<typeof remove.opts>;

const work = () => import('../webhooks.ts');
list.action(async (options) => (await work()).listRegistrations(options));
sync.action(async (options) => (await work()).syncRegistrations(options));
remove.action(async (options) => (await work()).removeRegistrations(options));

export const webhooks = commandGroup('webhooks', {
  description: 'Manages the webhook registrations at LiveChat.',
  examples: ['webhooks list', 'webhooks sync', 'webhooks sync --rotate-secret'],
  commands: [sync, list, remove],
});
