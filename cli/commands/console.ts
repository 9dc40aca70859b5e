import type { Command } from 'commander';
import * as z from 'zod/mini';
import { withBridge } from '../bridge.ts';
import { bridgeCommand, bridgeOptions, wholeNumber } from '../command.ts';

const consoleOptions = z.object({ ...bridgeOptions, port: wholeNumber(0, 65_535) });
export type ConsoleOptions = z.infer<typeof consoleOptions>;

export const register = (program: Command): void => {
  const command = bridgeCommand('console', {
    description: 'Serves the console of a bridge on this machine.',
    examples: ['console --stage production', 'console --stage production --port 0 --json'],
  }).option('--port <number>', 'the port on 127.0.0.1; 0 for any free port', '3001');
  program.addCommand(
    command.action(
      withBridge(consoleOptions, async (options) => (await import('../console.ts')).serveConsole(options)),
    ),
  );
};
