import { Option } from '@commander-js/extra-typings';
import { statuses } from '../../core/conversations/projection.ts';
import { bridgeCommand, commandGroup, confirmedCommand, minLength, option, uuid, wholeNumber } from '../command.ts';
import { UsageError } from '../errors.ts';

const list = bridgeCommand('list', {
  description: 'Lists conversations, latest activity first.',
  examples: ['conversations list', 'conversations list --status queued --stage production --json'],
})
  .addOption(new Option('--status <status>', 'only conversations with this status').choices(statuses))
  .addOption(option('--organization <uuid>', 'only conversations of this organization', uuid))
  .addOption(option('--limit <number>', 'the maximum number of conversations', wholeNumber(1, 1000)).default(20));
export type ListOptions = ReturnType<typeof list.opts>;

const show = bridgeCommand('show', {
  description:
    "Shows a conversation: participants, messages, notes, the channel's ids, and the timeline and send attempts of each message.",
  examples: ['conversations show T8RM2K0V9X', 'conversations show T8RM2K0V9X --stage production --json'],
})
  .argument('<chat>', 'the id of the chat')
  .addOption(option('--organization <uuid>', 'required if more than one organization has a chat with this id', uuid))
  .addOption(
    option('--limit <number>', 'the maximum number of messages and notes', wholeNumber(1, 10_000)).default(2000),
  );
export type ShowOptions = ReturnType<typeof show.opts>;

const erase = confirmedCommand('erase', {
  description: 'Erases all stored data of one customer, in every conversation.',
  examples: ['conversations erase T8RM2K0V9X', 'conversations erase --customer dana@shop.example --stage production'],
})
  .argument('[chat]', 'the id of a chat of the customer')
  .option('--dry-run', 'show what would be erased, without erasing it')
  .addOption(
    option('--customer <id>', "the customer's id or e-mail address", minLength(3, "a customer's id or e-mail address")),
  )
  .addOption(option('--organization <uuid>', 'required if more than one organization has conversations', uuid))
  .addHelpText(
    'after',
    `
Erases conversations and their events, messages, notes, button clicks, deliveries, dead letters, files, and events stored in
the bucket. Lists them and asks for confirmation first. Also lists the data that it cannot erase.`,
  );
export type EraseOptions = ReturnType<typeof erase.opts>;

list.action(async (options) => (await import('../conversations.ts')).listLatest(options));
show.action(async (chat, options) => (await import('../conversations.ts')).showConversation(chat, options));
erase.action(async (chat, options) => {
  if ((chat === undefined) === (options.customer === undefined)) {
    throw new UsageError('Pass either a chat or --customer.');
  }
  await (await import('../conversations.ts')).eraseCustomer(chat, options);
});

export const conversations = commandGroup('conversations', {
  description: 'Lists, shows and erases stored conversations.',
  examples: ['conversations list', 'conversations show T8RM2K0V9X', 'conversations erase T8RM2K0V9X'],
  commands: [list, show, erase],
});
