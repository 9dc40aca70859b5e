import { bridgeCommand, option, wholeNumber } from '../command.ts';

export const consoleCommand = bridgeCommand('console', {
  description:
    'Serves the console of a bridge on this machine. With --stage, access requires the printed link, and an audit log records opened items and actions.',
  examples: ['console --stage production', 'console --stage production --port 0 --json'],
}).addOption(
  option('--port <number>', 'the port on 127.0.0.1; 0 for any free port', wholeNumber(0, 65_535)).default(3001),
);
export type ConsoleOptions = ReturnType<typeof consoleCommand.opts>;

consoleCommand.action(async (options) => (await import('../console.ts')).serveConsole(options));
