import type { Command } from 'commander';
import { withBridge } from '../bridge.ts';
import { bridgeCommand } from '../command.ts';
import { doctorOptions } from '../doctor/options.ts';

export const register = (program: Command): void => {
  const command = bridgeCommand('doctor', {
    description: 'Examines a bridge from end to end, and says how to mend what is wrong.',
    examples: ['doctor', 'doctor --stage production', 'doctor --stage production --json'],
  })
    .option('--organization <uuid>', 'of this one alone; without it of every one that has conversations')
    .option('--url <address>', "where LiveChat shall call; without it the stage's own webhook")
    .addHelpText(
      'after',
      `
Examined are settings, the secret, LiveChat's credentials and their scopes, the API's version, the registered webhooks and
their state, the webhook itself, when each webhook was last seen, tables, queues, bus and rules, the state machine, the
bucket, gates and dead letters. For each secret it makes six calls of LiveChat, none of which changes anything. A fault gives the exit
code 1; a warning does not.`,
    )
    .action(
      withBridge(doctorOptions, async (given, bridge) => {
        const { doctor } = await import('../doctor/doctor.ts');
        await doctor(given, bridge);
      }),
    );
  program.addCommand(command);
};
