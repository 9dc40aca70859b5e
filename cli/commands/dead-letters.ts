import { Option } from '@commander-js/extra-typings';
import * as z from 'zod/mini';
import { deadLetterCategories } from '../../core/outbound/errors.ts';
import { bridgeCommand, commandGroup, confirmedCommand, duration, option, wholeNumber } from '../command.ts';
import { UsageError } from '../errors.ts';

const filterExpected = `kind=send, kind=rejected, kind=event, kind=unreadable, error=…, organization=…, conversation=…, request=…, or category= and one of ${deadLetterCategories.join(', ')}`;
const filterSchema = z.strictObject({
  kind: z.optional(z.enum(['send', 'rejected', 'event', 'unreadable'])),
  category: z.optional(z.enum(deadLetterCategories)),
  error: z.optional(z.string()),
  organization: z.optional(z.string()),
  conversation: z.optional(z.string()),
  request: z.optional(z.string()),
});
type Filter = z.infer<typeof filterSchema>;

/** Adds a `name=value` condition. If a name is repeated, its last value applies. */
const addCondition = (text: string, filter: Filter = {}): Filter => {
  const [, name = '', value = ''] = /^(\w+)=(.+)$/s.exec(text) ?? [];
  const parsed = filterSchema.safeParse({ ...filter, [name]: value });
  if (parsed.success) return parsed.data;
  throw new UsageError(`--filter must be ${filterExpected}.`);
};

const filter = new Option(
  '--filter <name=value>',
  `only dead letters that match this condition; repeat the option to combine conditions with AND. Names: ${z.keyof(filterSchema).options.join(', ')}`,
).argParser(addCondition);
const maxAge = option('--max-age <time>', 'only dead letters up to this age, e.g. 30m, 12h or 7d', duration);

const list = bridgeCommand('list', {
  description:
    'Lists dead letters, newest first: failed send requests, events that no function could handle, and unreadable messages.',
  examples: [
    'dead-letters list',
    'dead-letters list --filter kind=send --filter error=ChannelServerError --max-age 12h',
    'dead-letters list --filter category=Server',
    'dead-letters list --status redriven --stage production --json',
  ],
})
  .addOption(filter)
  .addOption(maxAge)
  .addOption(
    new Option('--status <status>', 'only dead letters with this status')
      .choices(['open', 'redriven', 'dismissed', 'resolved'] as const)
      .default('open'),
  )
  .addOption(option('--limit <number>', 'the maximum number of dead letters', wholeNumber(1)).default(50));
export type ListOptions = ReturnType<typeof list.opts>;

const show = bridgeCommand('show', {
  description: 'Shows everything stored about a dead letter, including the message.',
  examples: ['dead-letters show 0f3b5c7d9e1a2b4c6d8e0f1a3b5c7d9e'],
}).argument('<id>', 'the id of the dead letter');

const redrive = confirmedCommand('redrive', {
  description: 'Redrives dead letters: starts a new execution for a send request, and puts an event on the bus again.',
  examples: [
    'dead-letters redrive 0f3b5c7d9e1a2b4c6d8e0f1a3b5c7d9e',
    'dead-letters redrive --filter error=ChannelServerError --max-age 2h --dry-run',
    'dead-letters redrive --all --yes --stage production',
  ],
})
  .argument('[id...]', 'the ids of the dead letters')
  .addOption(filter)
  .addOption(maxAge)
  .option('--all', 'every open dead letter')
  .option('--dry-run', 'show what would be redriven, without redriving it')
  .option('--force', 'also redrive dead letters that will fail again unless their cause has been fixed, such as a 422');
export type RedriveOptions = ReturnType<typeof redrive.opts>;

const reasonExpected = 'a text of 1 to 500 characters';
const dismiss = confirmedCommand('dismiss', {
  description:
    'Dismisses dead letters that require no action. Stores the reason, keeps the dead letters and sends nothing.',
  examples: [
    'dead-letters dismiss 0f3b5c7d9e1a2b4c6d8e0f1a3b5c7d9e --reason "The customer called"',
    'dead-letters dismiss --filter error=RequestExpired --reason "Too late" --dry-run',
    'dead-letters dismiss --all --reason "Test messages" --yes --stage staging',
  ],
})
  .argument('[id...]', 'the ids of the dead letters')
  .addOption(
    option(
      '--reason <text>',
      'why the dead letters require no action',
      z.string().check(z.trim(), z.minLength(1, reasonExpected), z.maxLength(500, reasonExpected)),
    ).makeOptionMandatory(),
  )
  .addOption(filter)
  .addOption(maxAge)
  .option('--all', 'every open dead letter')
  .option('--dry-run', 'show what would be dismissed, without dismissing it');
export type DismissOptions = ReturnType<typeof dismiss.opts>;

const checkSelection = (ids: readonly string[], { all, filter, maxAge }: Omit<DismissOptions, 'reason'>): void => {
  const selections = [ids.length > 0, filter !== undefined || maxAge !== undefined, all];
  if (selections.filter(Boolean).length === 1) return;
  throw new UsageError('Pass exactly one of: ids, --filter and/or --max-age, --all.');
};

const work = () => import('../dead-letters.ts');
list.action(async (options) => (await work()).listDeadLetters(options));
show.action(async (id, options) => (await work()).showDeadLetter(id, options));
redrive.action(async (ids, options) => {
  checkSelection(ids, options);
  await (await work()).redriveDeadLetters(ids, options);
});
dismiss.action(async (ids, options) => {
  checkSelection(ids, options);
  await (await work()).dismissDeadLetters(ids, options);
});

export const deadLetters = commandGroup('dead-letters', {
  description: 'Lists, shows, redrives and dismisses dead letters.',
  examples: ['dead-letters list', 'dead-letters redrive --all --dry-run'],
  commands: [list, show, redrive, dismiss],
});
