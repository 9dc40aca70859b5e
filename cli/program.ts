import { readdir } from 'node:fs/promises';
import { Command } from 'commander';
import * as z from 'zod/mini';
import { withGlobalOptions } from './command.ts';

const commandModule = z.object({
  register: z.custom<(program: Command) => void>((value) => typeof value === 'function', 'a function'),
});

/** Each file in commands/ exports `register`, which adds its command to the program. */
const registerCommands = async (program: Command): Promise<void> => {
  const folder = new URL('commands/', import.meta.url);
  const files = (await readdir(folder)).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  for (const file of files.sort()) {
    const loaded: unknown = await import(new URL(file, folder).href);
    commandModule.parse(loaded).register(program);
  }
};

/** Makes commander throw instead of exiting, so that main.ts handles every error. */
const throwErrors = (command: Command): void => {
  command.exitOverride().showHelpAfterError('(add --help for usage)');
  command.commands.forEach(throwErrors);
};

export const createProgram = async (): Promise<Command> => {
  const program = withGlobalOptions(new Command('livechat'))
    .description('Operates and inspects the bridge between LiveChat and the message bus.')
    .addHelpText(
      'after',
      `
Every command takes --json and --help, and all but simulate take --stage. They may stand before the command too.
Exit codes: 0 success, 1 failure, 2 usage error, 130 interrupted, 141 the reader of the output closed it.`,
    );
  await registerCommands(program);
  throwErrors(program);
  return program;
};
