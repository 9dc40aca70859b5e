import { minLength, option, plainCommand } from '../command.ts';

export const reset = plainCommand('reset', {
  description: 'Deletes the state of the local engine: tables, queues, executions and simulated chats.',
  examples: ['reset', 'reset --data /tmp/livechat-demo --yes'],
})
  .addOption(
    option(
      '--data <folder>',
      'the folder of `npm start -- --data` (default: .livechat in the project)',
      minLength(1, 'the path of a folder'),
    ),
  )
  .option('--yes', 'do not ask for confirmation');
export type ResetOptions = ReturnType<typeof reset.opts>;

reset.action(async (options) => (await import('../reset.ts')).resetLocalEngine(options));
