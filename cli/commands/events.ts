import * as z from 'zod/mini';
import { bridgeCommand, collect, commandGroup, minLength, option, uuid, wholeNumber } from '../command.ts';
import { UsageError } from '../errors.ts';

const typeSchema = z.string().check(z.regex(/^[\w.-]+\*?$/));

const collectTypes = (text: string, previous?: readonly string[]): string[] => {
  if (typeSchema.safeParse(text).success) return collect(text, previous);
  throw new UsageError('--type must be a detail-type such as message.received, or a prefix such as message.*');
};

const tail = bridgeCommand('tail', {
  description: 'Prints the domain events on the bus as they are published, until Ctrl-C.',
  examples: [
    'events tail',
    'events tail --type message.* --type alert.raised --stage production',
    'events tail --chat T8RM2K0V9X --json',
    'events tail --type message.failed --limit 1 --json',
  ],
})
  .option(
    '--type <detail-type>',
    'only events of this type, or with this prefix, such as message.*; can be repeated',
    collectTypes,
  )
  .addOption(option('--chat <id>', 'only events of this chat', minLength(1, "a chat's id")))
  .addOption(option('--organization <uuid>', 'only events of this organization', uuid))
  .addOption(option('--limit <number>', 'end after this number of events', wholeNumber(1)))
  .addHelpText(
    'after',
    `
With --json, each event is one line. The events contain the messages of customers and agents.
The command creates a rule and a queue whose names contain "tail-", and deletes them when it ends.
After kill -9, livechat doctor deletes them. AWS can take up to a minute to apply a new rule.`,
  );
export type TailOptions = ReturnType<typeof tail.opts>;

tail.action(async (options) => (await import('../events.ts')).tailEvents(options));

export const events = commandGroup('events', {
  description: 'Prints the domain events on the bus.',
  examples: ['events tail', 'events tail --type message.received --json'],
  commands: [tail],
});
