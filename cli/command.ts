import { Command } from 'commander';

export interface CommandHelp {
  readonly description: string;
  /** Whole command lines, without the program's name. */
  readonly examples: readonly string[];
}

const withExamples = (command: Command, { description, examples }: CommandHelp): Command =>
  command
    .description(description)
    .addHelpText('after', `\nExamples:\n${examples.map((line) => `  $ livechat ${line}`).join('\n')}`);

/** A command that has commands of its own. */
export const commandGroup = (name: string, described: CommandHelp, commands: readonly Command[]): Command => {
  const command = withExamples(new Command(name), described);
  for (const one of commands) command.addCommand(one);
  return command;
};

/** A command that does something by itself, without a bridge. */
export const plainCommand = (name: string, described: CommandHelp): Command =>
  withExamples(new Command(name), described).option('--json', 'print one JSON object');

/** A command that works on a bridge: the local engine's, or a deployed stage's. Its options fit {@link bridgeOptions}. */
export const bridgeCommand = (name: string, described: CommandHelp): Command =>
  plainCommand(name, described).option(
    '--stage <name>',
    'a deployed stage, found with your AWS credentials; without it the local engine (AWS_ENDPOINT_URL, or http://127.0.0.1:4566)',
  );

/** For commands that ask before they change something. Their options fit {@link confirmationOptions}. */
export const withConfirmation = (command: Command): Command => command.option('--yes', 'do it without asking');
