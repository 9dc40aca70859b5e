import { type Command, Option } from 'commander';
import * as z from 'zod/mini';
import type { DeadLetterFilter } from '../../core/outbound/dead-letter.ts';
import { withBridge } from '../bridge.ts';
import {
  bridgeCommand,
  bridgeOptions,
  collect,
  commandGroup,
  confirmationOptions,
  duration,
  flag,
  wholeNumber,
  withConfirmation,
} from '../command.ts';
import { UsageError } from '../errors.ts';

const statuses = ['open', 'redriven', 'resolved'] as const;
const kinds = ['send', 'rejected', 'event', 'unreadable'] as const;
const filterNames = ['kind', 'error', 'organization', 'conversation', 'request'] as const;
const filterExpected =
  'kind=send, kind=rejected, kind=event, kind=unreadable, error=…, organization=…, conversation=… or request=…';

const condition = z
  .string(filterExpected)
  .check(
    z.regex(
      /^(?:kind=(?:send|rejected|event|unreadable)|(?:error|organization|conversation|request)=.+)$/,
      filterExpected,
    ),
  );

/** Parses `name=value` conditions. If a name is repeated, its last value applies. */
const parseFilter = (conditions: string[]): DeadLetterFilter => {
  const values = new Map(
    conditions.map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]),
  );
  const { kind, ...rest } = Object.fromEntries(filterNames.map((name) => [name, values.get(name)]));
  return { ...rest, kind: kinds.find((one) => one === kind) };
};

const filterOptions = {
  filter: z.pipe(z._default(z.array(condition), []), z.transform(parseFilter)),
  maxAge: z.optional(duration),
};

const listOptions = z.object({
  ...bridgeOptions,
  ...filterOptions,
  status: z.enum(statuses),
  limit: wholeNumber(1),
});
export type ListOptions = z.infer<typeof listOptions>;
const showOptions = z.object({ ...bridgeOptions, id: z.string() });
export type ShowOptions = z.infer<typeof showOptions>;
const redriveOptions = z.object({
  ...confirmationOptions,
  ...filterOptions,
  id: z.array(z.string()),
  all: flag,
  dryRun: flag,
  force: flag,
});
export type RedriveOptions = z.infer<typeof redriveOptions>;

const withFilter = (command: Command): Command =>
  command
    .option(
      '--filter <name=value>',
      `only dead letters that match; repeat it for several conditions, all of which must match. Names: ${filterNames.join(', ')}`,
      collect,
    )
    .option('--max-age <time>', 'only dead letters up to this age, e.g. 30m, 12h or 7d');

const listCommand = () =>
  withFilter(
    bridgeCommand('list', {
      description:
        'Lists dead letters, newest first: failed send requests, events that no function could handle, and unreadable messages.',
      examples: [
        'dead-letters list',
        'dead-letters list --filter kind=send --filter error=LiveChatServerError --max-age 12h',
        'dead-letters list --status redriven --stage production --json',
      ],
    }),
  )
    .addOption(new Option('--status <status>', 'only dead letters with this status').choices(statuses).default('open'))
    .option('--limit <number>', 'the maximum number of dead letters', '50')
    .action(withBridge(listOptions, async (input) => (await import('../dead-letters.ts')).listDeadLetters(input)));

const showCommand = () =>
  bridgeCommand('show', {
    description: 'Shows everything stored about a dead letter, including the message.',
    examples: ['dead-letters show 0f3b5c7d9e1a2b4c6d8e0f1a3b5c7d9e'],
  })
    .argument('<id>', 'the id of the dead letter')
    .action(withBridge(showOptions, async (input) => (await import('../dead-letters.ts')).showDeadLetter(input)));

const requireSelection = ({ id, all, filter, maxAge }: RedriveOptions): void => {
  const filtered = Object.values(filter).some((value) => value !== undefined) || maxAge !== undefined;
  if ([id.length > 0, filtered, all].filter(Boolean).length === 1) return;
  throw new UsageError('Pass exactly one selection: ids; --filter and/or --max-age; or --all.');
};

const redriveCommand = () =>
  withFilter(
    withConfirmation(
      bridgeCommand('redrive', {
        description:
          'Redrives dead letters: starts a new execution for a send request, and puts an event on the bus again.',
        examples: [
          'dead-letters redrive 0f3b5c7d9e1a2b4c6d8e0f1a3b5c7d9e',
          'dead-letters redrive --filter error=LiveChatServerError --max-age 2h --dry-run',
          'dead-letters redrive --all --yes --stage production',
        ],
      }),
    ),
  )
    .argument('[id...]', 'the ids of the dead letters')
    .option('--all', 'every open dead letter')
    .option('--dry-run', 'show what would be redriven, without redriving it')
    .option(
      '--force',
      'also redrive dead letters that will fail again unless their cause has been fixed, such as a 422',
    )
    .action(
      withBridge(redriveOptions, async (input) => {
        requireSelection(input);
        await (await import('../dead-letters.ts')).redriveDeadLetters(input);
      }),
    );

export const register = (program: Command): void => {
  const help = {
    description: 'Lists, shows and redrives dead letters.',
    examples: ['dead-letters list', 'dead-letters redrive --all --dry-run'],
  };
  program.addCommand(commandGroup('dead-letters', help, [listCommand(), showCommand(), redriveCommand()]));
};
