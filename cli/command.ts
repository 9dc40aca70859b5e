import { Command } from 'commander';
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

/** A command that only has subcommands. */
export const commandGroup = (name: string, help: CommandHelp, commands: readonly Command[]): Command => {
  const command = withExamples(new Command(name), help);
  for (const one of commands) command.addCommand(one);
  return command;
};

/** A command that needs no bridge. */
export const plainCommand = (name: string, help: CommandHelp): Command =>
  withExamples(new Command(name), help).option('--json', 'print one JSON object');

/** A command that works on a bridge: the local engine or a deployed stage. Its schema includes {@link bridgeOptions}. */
export const bridgeCommand = (name: string, help: CommandHelp): Command =>
  plainCommand(name, help).option(
    '--stage <name>',
    'a deployed stage, found with your AWS credentials (default: the local engine at AWS_ENDPOINT_URL or http://127.0.0.1:4566)',
  );

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

/** @throws UsageError that names the option but not its value, which can be a secret */
export const parseOptions = <Schema extends z.ZodMiniType>(schema: Schema, options: unknown): z.output<Schema> => {
  const parsed = schema.safeParse(options);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UsageError(`${toFlag(String(issue?.path[0]))} must be ${issue?.message}.`);
};
