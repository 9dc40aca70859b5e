import type { Command } from 'commander';
import { commandGroup } from '../command.ts';
import { chatCommand } from '../simulate/chat.ts';
import { loadCommand } from '../simulate/load.ts';
import { replayCommand } from '../simulate/replay.ts';

export const register = (program: Command): void => {
  const described = {
    description: 'Acts as LiveChat: one chat, many chats, or recorded webhooks.',
    examples: [
      'simulate chat',
      'simulate load --chats 100 --messages 20',
      'simulate replay test/fixtures/livechat --secret "$SECRET"',
    ],
  };
  program.addCommand(commandGroup('simulate', described, [chatCommand(), loadCommand(), replayCommand()]));
};
