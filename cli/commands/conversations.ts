import { type Command, Option } from 'commander';
import * as z from 'zod/mini';
import { withBridge } from '../bridge.ts';
import {
  bridgeCommand,
  bridgeOptions,
  commandGroup,
  confirmationOptions,
  flag,
  organizationOption,
  wholeNumber,
  withConfirmation,
} from '../command.ts';
import { UsageError } from '../errors.ts';

const statuses = ['queued', 'open', 'idle', 'closed'] as const;

const listOptions = z.object({
  ...bridgeOptions,
  organization: organizationOption,
  status: z.optional(z.enum(statuses)),
  limit: wholeNumber(1, 1000),
});
export type ListOptions = z.infer<typeof listOptions>;

const showOptions = z.object({
  ...bridgeOptions,
  chat: z.string(),
  organization: organizationOption,
  limit: wholeNumber(1, 10_000),
});
export type ShowOptions = z.infer<typeof showOptions>;

const eraseOptions = z.object({
  ...confirmationOptions,
  chat: z.optional(z.string()),
  organization: organizationOption,
  dryRun: flag,
  customer: z.optional(z.string().check(z.minLength(3, "a customer's id or e-mail address"))),
});
export type EraseOptions = z.infer<typeof eraseOptions>;

const listCommand = () =>
  bridgeCommand('list', {
    description: 'Lists conversations, latest activity first.',
    examples: ['conversations list', 'conversations list --status queued --stage production --json'],
  })
    .addOption(new Option('--status <status>', 'only conversations with this status').choices(statuses))
    .option('--organization <uuid>', 'only conversations of this organization')
    .option('--limit <number>', 'the maximum number of conversations', '20')
    .action(withBridge(listOptions, async (input) => (await import('../conversations.ts')).listLatest(input)));

const showCommand = () =>
  bridgeCommand('show', {
    description:
      "Shows a conversation: participants, messages, notes, LiveChat's ids, and the timeline and send attempts of each message.",
    examples: ['conversations show T8RM2K0V9X', 'conversations show T8RM2K0V9X --stage production --json'],
  })
    .argument('<chat>', "LiveChat's id of the chat")
    .option('--organization <uuid>', 'required if more than one organization has a chat with this id')
    .option('--limit <number>', 'the maximum number of messages and of notes', '2000')
    .action(withBridge(showOptions, async (input) => (await import('../conversations.ts')).showConversation(input)));

const eraseCommand = () =>
  withConfirmation(
    bridgeCommand('erase', {
      description: 'Erases all stored data of one customer, in every conversation.',
      examples: [
        'conversations erase T8RM2K0V9X',
        'conversations erase --customer dana@shop.example --stage production',
      ],
    }),
  )
    .argument('[chat]', "LiveChat's id of a chat of the customer")
    .option('--dry-run', 'show what would be erased, without erasing it')
    .option('--customer <id>', "the customer's id or e-mail address")
    .option('--organization <uuid>', 'required if more than one organization has conversations')
    .addHelpText(
      'after',
      `
Erases conversations and their events, messages, notes, button clicks, deliveries, dead letters, files, and events stored in
the bucket. Lists them and asks for confirmation first. Also lists the data that it cannot erase.`,
    )
    .action(
      withBridge(eraseOptions, async (input) => {
        if ((input.chat === undefined) === (input.customer === undefined)) {
          throw new UsageError('Pass either a chat or --customer.');
        }
        await (await import('../conversations.ts')).eraseCustomer(input);
      }),
    );

export const register = (program: Command): void => {
  const help = {
    description: 'Lists, shows and erases stored conversations.',
    examples: ['conversations list', 'conversations show T8RM2K0V9X', 'conversations erase T8RM2K0V9X'],
  };
  program.addCommand(commandGroup('conversations', help, [listCommand(), showCommand(), eraseCommand()]));
};
