import type { Command } from 'commander';
import * as z from 'zod/mini';
import { withBridge } from '../bridge.ts';
import { bridgeCommand } from '../command.ts';
import { bridgeOptions } from '../options.ts';

const port = 'a whole number from 0 to 65535';
const consoleOptions = z.object({
  ...bridgeOptions,
  port: z.coerce.number(port).check(z.int(port), z.minimum(0, port), z.maximum(65_535, port)),
});

export const register = (program: Command): void => {
  const command = bridgeCommand('console', {
    description: 'Serves the console on this machine: for a deployed stage, above all.',
    examples: ['console --stage production', 'console --stage production --port 0 --json'],
  }).option('--port <number>', 'where it listens on 127.0.0.1; 0 takes any free port', '3001');
  program.addCommand(
    command.action(
      withBridge(consoleOptions, async (given) => {
        const { serveConsole } = await import('../console/serve.ts');
        await serveConsole(given);
      }),
    ),
  );
};
