import { Command, type CommandUnknownOpts, Option } from '@commander-js/extra-typings';
import * as z from 'zod/mini';
import { UsageError } from './errors.ts';

export interface CommandHelp {
  readonly description: string;
  /** Whole command lines, without the program's name. */
  readonly examples: readonly string[];
}

const describedCommand = (name: string, { description, examples }: CommandHelp) =>
  new Command(name)
    .description(description)
    .addHelpText('after', `\nExamples:\n${examples.map((line) => `  $ livechat ${line}`).join('\n')}`);

/**
 * An option whose value is parsed with a schema. The error text of the schema says what the option expects.
 *
 * @throws UsageError when parsing; it names the option but not its value, which can be a secret
 */
export const option = <Flags extends string, Value>(
  flags: Flags,
  description: string,
  schema: z.ZodMiniType<Value>,
) => {
  const created = new Option(flags, description);
  return created.argParser((text: string): Value => {
    const parsed = schema.safeParse(text);
    if (parsed.success) return parsed.data;
    throw new UsageError(`${created.long} must be ${parsed.error.issues[0]?.message}.`);
  });
};

const jsonOption = () => new Option('--json', 'print one JSON object');

const stageName = 'a stage name of letters, digits and hyphens, such as production';
const stageOption = () =>
  option(
    '--stage <name>',
    'a deployed stage, found with your AWS credentials (default: the local engine at AWS_ENDPOINT_URL or http://127.0.0.1:4566)',
    z.string().check(z.regex(/^[A-Za-z0-9-]{1,64}$/, stageName)),
  );

/** Lets the options of every command stand before its name too: `livechat --json send` is `livechat send --json`. */
export const withGlobalOptions = (command: Command) =>
  command.enablePositionalOptions().addOption(jsonOption().hideHelp()).addOption(stageOption().hideHelp());

/** Sets the options that stand before the command's name. An option after it applies instead. */
export const applyGlobalOptions = (command: CommandUnknownOpts): void => {
  for (let group = command.parent; group; group = group.parent) {
    for (const given of group.options) {
      const name = given.attributeName();
      const value: unknown = group.getOptionValue(name);
      if (value === undefined) continue;
      if (!command.options.some(({ long }) => long === given.long)) {
        throw new UsageError(`The command ${command.name()} has no option ${given.long}.`);
      }
      if (command.getOptionValue(name) === undefined) command.setOptionValue(name, value);
    }
  }
};

/** A command that only has subcommands. */
export const commandGroup = (
  name: string,
  help: CommandHelp & { readonly commands: readonly CommandUnknownOpts[] },
) => {
  const group = withGlobalOptions(describedCommand(name, help));
  for (const command of help.commands) group.addCommand(command);
  return group;
};

/** A command that needs no bridge. */
export const plainCommand = (name: string, help: CommandHelp) => describedCommand(name, help).addOption(jsonOption());

/** A command that works on a bridge: the local engine or a deployed stage. */
export const bridgeCommand = (name: string, help: CommandHelp) => plainCommand(name, help).addOption(stageOption());

/** A command that asks before it makes a change. */
export const confirmedCommand = (name: string, help: CommandHelp) =>
  bridgeCommand(name, help).option('--yes', 'do not ask for confirmation');

/** Collects the values of an option that can be repeated. */
export const collect = (value: string, previous: readonly string[] = []): string[] => [...previous, value];

/** Digits only. Rejects an empty string, such as that of an unset shell variable. */
export const wholeNumber = (min: number, max = Number.MAX_SAFE_INTEGER) => {
  const expected =
    max === Number.MAX_SAFE_INTEGER ? `a whole number, ${min} or more` : `a whole number from ${min} to ${max}`;
  return z
    .pipe(z.string().check(z.regex(/^\d+$/, expected)), z.transform(Number))
    .check(z.minimum(min, expected), z.maximum(max, expected));
};

export const positiveNumber = z.coerce.number('a number above 0').check(z.gt(0, 'a number above 0'));

export const minLength = (min: number, expected: string) => z.string().check(z.minLength(min, expected));

export const address = z.url({ protocol: /^https?$/, error: 'an address such as http://localhost:4600' });

/** In lower case, as ids are stored. */
export const uuid = z.guid('a UUID').check(z.toLowerCase());

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A whole number and its unit; parsed to ms. */
export const duration = z.pipe(
  z.string().check(z.regex(/^[1-9]\d{0,5}[smhd]$/, 'a time such as 30m, 12h or 7d')),
  z.transform((text) => Number(text.slice(0, -1)) * (unitMs[text.slice(-1)] ?? 0)),
);

const timeExpected = 'a time before now such as 2h or 7d, or a time such as 2026-11-27T14:00:00Z';

/** A time in the past: how long ago, or in RFC 3339. Parsed to ms since 1970. */
export const pastTime = z
  .union(
    [
      z.pipe(
        duration,
        z.transform((ms) => Date.now() - ms),
      ),
      z.pipe(
        z.iso.datetime({ offset: true }),
        z.transform((text) => Date.parse(text)),
      ),
    ],
    timeExpected,
  )
  .check(z.refine((time) => time <= Date.now(), 'in the past'));
