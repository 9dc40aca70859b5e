import { Command, type CommandUnknownOpts } from '@commander-js/extra-typings';
import packageJson from '../package.json' with { type: 'json' };
import { withGlobalOptions } from './command.ts';
import { backfill } from './commands/backfill.ts';
import { completion } from './commands/completion.ts';
import { consoleCommand } from './commands/console.ts';
import { conversations } from './commands/conversations.ts';
import { deadLetters } from './commands/dead-letters.ts';
import { doctor } from './commands/doctor.ts';
import { events } from './commands/events.ts';
import { executions } from './commands/executions.ts';
import { limits } from './commands/limits.ts';
import { reset } from './commands/reset.ts';
import { routing } from './commands/routing.ts';
import { send } from './commands/send.ts';
import { simulate } from './commands/simulate.ts';
import { webhooks } from './commands/webhooks.ts';

export const program = withGlobalOptions(new Command('livechat'))
  .description('Operates and inspects the bridge between LiveChat and the message bus.')
  .version(packageJson.version, '-V, --version', 'print the version')
  .addHelpText(
    'after',
    `
Every command accepts --json and --help. All commands except reset and simulate accept --stage. These options can also precede the command.
Exit codes: 0 success, 1 failure, 2 usage error, 130 interrupted, 141 the reader of the output closed it.`,
  );
const groups = [conversations, deadLetters, events, executions, limits, routing, simulate, webhooks];
for (const command of [backfill, completion, consoleCommand, doctor, reset, send, ...groups])
  program.addCommand(command);

/** Makes commander throw instead of exiting, so that main.ts handles every error. */
const throwErrors = (command: CommandUnknownOpts): void => {
  command.exitOverride().showHelpAfterError('(add --help for usage)');
  command.commands.forEach(throwErrors);
};
throwErrors(program);
