import { type Command, Option } from 'commander';
import { withBridge } from '../bridge.ts';
import { bridgeCommand, commandGroup, withConfirmation } from '../command.ts';
import { eraseOptions, listOptions, showOptions, statuses } from '../conversations/options.ts';
import { UsageError } from '../errors.ts';

const listCommand = () =>
  bridgeCommand('list', {
    description: 'Lists conversations, those with the latest activity first.',
    examples: ['conversations list', 'conversations list --status queued --stage production --json'],
  })
    .addOption(new Option('--status <status>', 'of these alone').choices(statuses))
    .option('--organization <uuid>', 'of this one alone')
    .option('--limit <number>', 'at most so many', '20')
    .action(
      withBridge(listOptions, async (given) => {
        const { listThem } = await import('../conversations/list.ts');
        await listThem(given);
      }),
    );

const showCommand = () =>
  bridgeCommand('show', {
    description:
      "Shows a conversation: who took part, what was said, LiveChat's ids, each message's times and each attempt to send it.",
    examples: ['conversations show T8RM2K0V9X', 'conversations show T8RM2K0V9X --stage production --json'],
  })
    .argument('<chat>', "the chat, by LiveChat's id")
    .option('--organization <uuid>', 'whose, where more than one has a chat of this id')
    .option('--limit <number>', 'at most so many messages, and as many notes', '2000')
    .action((chat: string, options: unknown) =>
      withBridge(showOptions, async (given) => {
        const { show } = await import('../conversations/show.ts');
        await show(chat, given);
      })(options),
    );

const eraseCommand = () =>
  withConfirmation(
    bridgeCommand('erase', {
      description: 'Erases everything that is stored of one customer, in every conversation.',
      examples: [
        'conversations erase T8RM2K0V9X',
        'conversations erase --customer dana@shop.example --stage production',
      ],
    }),
  )
    .argument('[chat]', 'a chat of the customer, by its id')
    .option('--dry-run', 'list what would be erased, and do nothing')
    .option('--customer <id>', 'the customer, by id or e-mail address')
    .option('--organization <uuid>', 'whose customer; needed where more than one has conversations')
    .addHelpText(
      'after',
      `
Erased are conversations with what happened in them, messages, notes, clicks, deliveries, dead letters, files, and events
kept in the bucket. It lists them and asks first. It also says what it cannot erase.`,
    )
    .action((chat: string | undefined, options: unknown) =>
      withBridge(eraseOptions, async (given) => {
        if ((chat === undefined) === (given.customer === undefined)) {
          throw new UsageError('Say whose data: a chat, or --customer.');
        }
        const { eraseCustomer } = await import('../conversations/erase.ts');
        await eraseCustomer(chat, given);
      })(options),
    );

export const register = (program: Command): void => {
  const described = {
    description: 'Shows and erases what the bridge has stored of conversations.',
    examples: ['conversations list', 'conversations show T8RM2K0V9X', 'conversations erase T8RM2K0V9X'],
  };
  program.addCommand(commandGroup('conversations', described, [listCommand(), showCommand(), eraseCommand()]));
};
