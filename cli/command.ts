import { Command, Option } from 'commander';
import * as z from 'zod/mini';
import { UsageError } from './errors.ts';

export interface CommandHelp {
  readonly description: string;
  /** Whole command lines, without the program's name. */
  readonly examples: readonly string[];
}

const withExamples = (command: Command, { description, examples }: CommandHelp): Command =>
  command
    .description(description)
    .addHelpText('after', `\nExamples:\n${examples.map((line) => `  $ livechat ${line}`).join('\n')}`);

const jsonOption = () => new Option('--json', 'print one JSON object');
const stageOption = () =>
  new Option(
    '--stage <name>',
    'a deployed stage, found with your AWS credentials (default: the local engine at AWS_ENDPOINT_URL or http://127.0.0.1:4566)',
  );

/** Lets the options of every command stand before its name too: `livechat --json send` is `livechat send --json`. */
export const withGlobalOptions = (command: Command): Command =>
  command.enablePositionalOptions().addOption(jsonOption().hideHelp()).addOption(stageOption().hideHelp());

/** A command that only has subcommands. */
export const commandGroup = (name: string, help: CommandHelp, commands: readonly Command[]): Command => {
  const command = withGlobalOptions(withExamples(new Command(name), help));
  for (const one of commands) command.addCommand(one);
  return command;
};

/** A command that needs no bridge. */
export const plainCommand = (name: string, help: CommandHelp): Command =>
  withExamples(new Command(name), help).addOption(jsonOption());

/** A command that works on a bridge: the local engine or a deployed stage. Its schema includes {@link bridgeOptions}. */
export const bridgeCommand = (name: string, help: CommandHelp): Command =>
  plainCommand(name, help).addOption(stageOption());

/** For a command that asks before it makes a change. Its schema includes {@link confirmationOptions}. */
export const withConfirmation = (command: Command): Command => command.option('--yes', 'do not ask for confirmation');

/** Collects the values of an option that can be repeated. */
export const collect = (value: string, previous: readonly string[] = []): string[] => [...previous, value];

// Option values arrive as strings. The error text of each schema says what the option expects.

export const flag = z._default(z.boolean(), false);

export const wholeNumber = (min: number, max = Number.MAX_SAFE_INTEGER) => {
  const expected =
    max === Number.MAX_SAFE_INTEGER ? `a whole number, ${min} or more` : `a whole number from ${min} to ${max}`;
  return z.coerce
    .number(expected)
    .check(z.refine((value) => Number.isSafeInteger(value) && value >= min && value <= max, expected));
};

export const positiveNumber = z.coerce.number('a number above 0').check(z.gt(0, 'a number above 0'));

export const nonEmpty = (expected: string) => z.string().check(z.minLength(1, expected));

const webAddress = 'an address such as http://localhost:4600';
export const address = z.string(webAddress).check(z.url({ protocol: /^https?$/, error: webAddress }));

export const organizationOption = z.optional(z.guid('a UUID'));

const stageName = 'a stage name of letters, digits and hyphens, such as production';

/** The options that {@link bridgeCommand} adds. */
export const bridgeOptions = {
  json: flag,
  stage: z.optional(z.string(stageName).check(z.regex(/^[A-Za-z0-9-]{1,64}$/, stageName))),
};

/** The options of a {@link bridgeCommand} with {@link withConfirmation}. */
export const confirmationOptions = { ...bridgeOptions, yes: flag };

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const durationExpected = 'a time such as 30m, 12h or 7d';

/** A whole number and its unit; parsed to ms. */
export const duration = z.pipe(
  z.string(durationExpected).check(z.regex(/^[1-9]\d{0,5}[smhd]$/, durationExpected)),
  z.transform((text) => Number(text.slice(0, -1)) * (unitMs[text.slice(-1)] ?? 0)),
);

const toFlag = (name: string): string => `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

/** The values of the arguments and options of a command by name. A global option applies unless the command has its own. */
const readInput = (command: Command): Record<string, unknown> => {
  const input = { ...command.opts() };
  for (let group = command.parent; group; group = group.parent) {
    for (const [name, value] of Object.entries(group.opts())) {
      if (!command.options.some((option) => option.attributeName() === name)) {
        throw new UsageError(`The command ${command.name()} has no option ${toFlag(name)}.`);
      }
      input[name] ??= value;
    }
  }
  command.registeredArguments.forEach((argument, index) => {
    input[argument.name()] = command.processedArgs[index];
  });
  return input;
};

/** @throws UsageError that names the option but not its value, which can be a secret */
const parseInput = <Schema extends z.ZodMiniType>(schema: Schema, input: unknown): z.output<Schema> => {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UsageError(`${toFlag(String(issue?.path[0]))} must be ${issue?.message}.`);
};

/** A command's action: parses its arguments and options, by name, and runs `work`. */
export const withInput =
  <Schema extends z.ZodMiniType>(schema: Schema, work: (input: z.output<Schema>) => Promise<void>) =>
  // Commander passes the command last.
  async (...args: unknown[]): Promise<void> => {
    const command = args.at(-1);
    if (!(command instanceof Command)) throw new TypeError('expected to be called by commander');
    await work(parseInput(schema, readInput(command)));
  };
