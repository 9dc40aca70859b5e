import { Command } from 'commander';
import { chatCommand } from '../simulate/chat.ts';
import { loadCommand } from '../simulate/load.ts';
import { replayCommand } from '../simulate/replay.ts';

export const register = (program: Command): void => {
  const simulate = new Command('simulate')
    .description('Acts as LiveChat: one chat, many chats, or recorded webhooks.')
    .addHelpText(
      'after',
      `
Examples:
  $ livechat simulate chat
  $ livechat simulate load --chats 100 --messages 20
  $ livechat simulate replay test/fixtures/livechat --secret "$SECRET"`,
    );
  for (const command of [chatCommand(), loadCommand(), replayCommand()]) simulate.addCommand(command);
  program.addCommand(simulate);
};
