import { plainCommand } from '../command.ts';

export const reset = plainCommand('reset', {
  description:
    'Deletes what the local engine keeps in its folder: tables, queues, executions, and the simulated chats.',
  examples: ['reset', 'reset --data /tmp/livechat-demo --yes'],
})
  .option('--data <folder>', 'the folder of `npm start -- --data` (default: .livechat in the project)')
  .option('--yes', 'do not ask for confirmation');
export type ResetOptions = ReturnType<typeof reset.opts>;

reset.action(async (options) => (await import('../reset.ts')).resetLocalEngine(options));
