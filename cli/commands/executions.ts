import { Option } from '@commander-js/extra-typings';
import { bridgeCommand, commandGroup, minLength, option, pastTime, wholeNumber } from '../command.ts';

const list = bridgeCommand('list', {
  description: 'Lists executions of the send state machine with their requests, latest first.',
  examples: [
    'executions list',
    'executions list --status failed --since 12h',
    'executions list --error ChannelServerError --stage production --json',
    'executions list --search T8RM2K0V9X',
  ],
})
  .addOption(
    new Option('--status <status>', 'only executions with this status').choices([
      'running',
      'succeeded',
      'failed',
      'timed_out',
      'aborted',
    ] as const),
  )
  .addOption(
    option(
      '--error <name>',
      'only executions that failed with this error, such as ChannelServerError',
      minLength(1, 'the name of an error, such as ChannelServerError'),
    ),
  )
  .addOption(
    option('--since <time>', 'only executions that started at or after this time: 2h, 7d, or RFC 3339', pastTime),
  )
  .addOption(option('--until <time>', 'only executions that started at or before this time', pastTime))
  .addOption(
    option(
      '--search <id>',
      'only executions of this request, chat or message, or the execution with this name',
      minLength(1, 'the id of a request, chat, message or execution'),
    ),
  )
  .addOption(option('--limit <number>', 'the maximum number of executions', wholeNumber(1, 1000)).default(50));
export type ListOptions = ReturnType<typeof list.opts>;

const show = bridgeCommand('show', {
  description: 'Shows an execution with its request and its history. Step Functions keeps executions for 90 days.',
  examples: [
    'executions show 4d9f1c0e7b3a5d8f2e6c9b1a0d4f7e3c',
    'executions show order-4711 --stage production --json',
  ],
}).argument('<id>', 'the name or ARN of the execution, or the id of its request');

const work = () => import('../executions.ts');
list.action(async (options) => (await work()).listLatestExecutions(options));
show.action(async (id, options) => (await work()).showExecution(id, options));

export const executions = commandGroup('executions', {
  description: 'Lists and shows executions of the send state machine.',
  examples: ['executions list', 'executions show order-4711'],
  commands: [list, show],
});
