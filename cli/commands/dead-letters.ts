import { type Command, Option } from 'commander';
import { withBridge } from '../bridge.ts';
import { bridgeCommand, commandGroup, withConfirmation } from '../command.ts';
import {
  filterNames,
  listOptions,
  type RedriveOptions,
  redriveOptions,
  showOptions,
  statuses,
} from '../dead-letters/options.ts';
import { UsageError } from '../errors.ts';

const withFilter = (command: Command): Command =>
  command
    .option(
      '--filter <name=value>',
      `only those; may be given again, and all must fit. Names: ${filterNames.join(', ')}`,
      (text: string, before: string[] = []) => [...before, text],
    )
    .option('--max-age <time>', 'only those that are no older, such as 30m, 12h or 7d');

const listCommand = () =>
  withFilter(
    bridgeCommand('list', {
      description:
        'Lists what was given up: send requests, events that no function could handle, and what nobody can read.',
      examples: [
        'dead-letters list',
        'dead-letters list --filter kind=send --filter error=LiveChatServerError --max-age 12h',
        'dead-letters list --status redriven --stage production --json',
      ],
    }),
  )
    .addOption(new Option('--status <status>', 'of these').choices(statuses).default('open'))
    .option('--limit <number>', 'at most so many', '50')
    .action(
      withBridge(listOptions, async (given) => {
        const { listThem } = await import('../dead-letters/list.ts');
        await listThem(given);
      }),
    );

const showCommand = () =>
  bridgeCommand('show', {
    description: 'Shows one dead letter with everything that it holds, the message included.',
    examples: ['dead-letters show 0f3b5c7d9e1a2b4c6d8e0f1a3b5c7d9e'],
  })
    .argument('<id>', "the letter's id")
    .action((id: string, options: unknown) =>
      withBridge(showOptions, async (given) => {
        const { show } = await import('../dead-letters/show.ts');
        await show(id, given);
      })(options),
    );

const requireChoice = (ids: readonly string[], { all, filter: conditions, maxAge }: RedriveOptions): void => {
  const filtered = Object.values(conditions).some((value) => value !== undefined) || maxAge !== undefined;
  if ([ids.length > 0, filtered, all].filter(Boolean).length === 1) return;
  throw new UsageError('Say which: ids, or --filter and --max-age, or --all.');
};

const redriveCommand = () =>
  withFilter(
    withConfirmation(
      bridgeCommand('redrive', {
        description: 'Tries dead letters again, each once: a send request by a new run, an event by the bus.',
        examples: [
          'dead-letters redrive 0f3b5c7d9e1a2b4c6d8e0f1a3b5c7d9e',
          'dead-letters redrive --filter error=LiveChatServerError --max-age 2h --dry-run',
          'dead-letters redrive --all --yes --stage production',
        ],
      }),
    ),
  )
    .argument('[id...]', 'these letters')
    .option('--all', 'every open letter')
    .option('--dry-run', 'show what would be redriven, and do nothing')
    .action((ids: string[], options: unknown) =>
      withBridge(redriveOptions, async (given) => {
        requireChoice(ids, given);
        const { redriveThem } = await import('../dead-letters/redrive.ts');
        await redriveThem(ids, given);
      })(options),
    );

export const register = (program: Command): void => {
  const described = {
    description: 'Shows and redrives what was given up.',
    examples: ['dead-letters list', 'dead-letters redrive --all --dry-run'],
  };
  program.addCommand(commandGroup('dead-letters', described, [listCommand(), showCommand(), redriveCommand()]));
};
