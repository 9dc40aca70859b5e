import { readdir } from 'node:fs/promises';
import { Command } from 'commander';
import * as z from 'zod/mini';

const commandFile = z.object({
  register: z.custom<(program: Command) => void>((value) => typeof value === 'function', 'a function'),
});

/** Every file in commands/ is a command: it exports `register`, which adds itself to the program. */
const registerCommands = async (program: Command): Promise<void> => {
  const folder = new URL('commands/', import.meta.url);
  const files = (await readdir(folder)).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  for (const file of files.sort()) {
    const loaded: unknown = await import(new URL(file, folder).href);
    commandFile.parse(loaded).register(program);
  }
};

/** What goes wrong is thrown rather than ending the process, so that one place decides how it is told. */
const throwing = (command: Command): void => {
  command.exitOverride().showHelpAfterError('(add --help for what is possible)');
  command.commands.forEach(throwing);
};

export const createProgram = async (): Promise<Command> => {
  const program = new Command('livechat')
    .description('Operates and inspects the bridge between LiveChat and the message bus.')
    .addHelpText(
      'after',
      '\nEvery command takes --json and --help. Exit codes: 0 success, 1 failure, 2 the command was not given right.',
    );
  await registerCommands(program);
  throwing(program);
  return program;
};
