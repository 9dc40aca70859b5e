import { readdir } from 'node:fs/promises';
import { Command } from 'commander';
import * as z from 'zod/mini';
import { CliError } from './errors.ts';
import { colours, printJson } from './output.ts';

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

const report = (error: CliError): void => {
  if (process.argv.includes('--json')) printJson({ ok: false, error: error.message });
  else process.stderr.write(`${colours.red('error:')} ${error.message}\n`);
};

const program = new Command('livechat')
  .description('Drives and inspects the bridge between LiveChat and the message bus.')
  .showHelpAfterError('(add --help for what is possible)');

await registerCommands(program);

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CliError)) throw error;
  report(error);
  process.exitCode = 1;
}
