import * as z from 'zod/mini';
import { bridgeCommand, collect, commandGroup, minLength, option, uuid, wholeNumber } from '../command.ts';
import { UsageError } from '../errors.ts';

const typeSchema = z.string().check(z.regex(/^[\w.-]+\*?$/));

const collectTypes = (text: string, previous?: readonly string[]): string[] => {
  if (typeSchema.safeParse(text).success) return collect(text, previous);
  throw new UsageError('--type must be a detail-type such as message.received, or the start of one such as message.*');
};

const tail = bridgeCommand('tail', {
  description: 'Shows the domain events on the bus as they happen, until Ctrl-C.',
  examples: [
    'events tail',
    'events tail --type message.* --type alert.raised --stage production',
    'events tail --chat T8RM2K0V9X --json',
    'events tail --type message.failed --limit 1 --json',
  ],
})
  .option(
    '--type <detail-type>',
    'only events of this type; message.* are all that begin so; can be repeated',
    collectTypes,
  )
  .addOption(option('--chat <id>', 'only events of this chat', minLength(1, "a chat's id")))
  .addOption(option('--organization <uuid>', 'only events of this organization', uuid))
  .addOption(option('--limit <number>', 'end after this number of events', wholeNumber(1)))
  .addHelpText(
    'after',
    `
With --json, each event is one line. The events contain what customers and agents write.
The command adds a rule and a queue whose names contain "tail-" to the bridge, and removes them when it ends. If it cannot,
for example after kill -9, livechat doctor removes them. AWS applies a new rule after some seconds, up to a minute.`,
  );
export type TailOptions = ReturnType<typeof tail.opts>;

tail.action(async (options) => (await import('../events.ts')).tailEvents(options));

export const events = commandGroup('events', {
  description: 'Shows the domain events on the bus.',
  examples: ['events tail', 'events tail --type message.received --json'],
  commands: [tail],
});
