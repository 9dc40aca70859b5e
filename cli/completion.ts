import type { CommandUnknownOpts, Option } from '@commander-js/extra-typings';
import { print, printJson } from './output.ts';

/** A command as a shell completes it. */
interface Completed {
  /** The names of the command and its groups: empty for `livechat` itself. */
  readonly path: readonly string[];
  readonly description: string;
  readonly commands: readonly { readonly name: string; readonly description: string }[];
  readonly options: readonly CompletedOption[];
  /** The fixed values of its arguments. */
  readonly values: readonly string[];
}

interface CompletedOption {
  readonly flags: readonly string[];
  readonly description: string;
  readonly takesValue: boolean;
  /** Its fixed values. Without any, a shell completes files. */
  readonly values: readonly string[];
}

type Shell = keyof typeof scripts;

export const printCompletion = (shell: Shell, program: CommandUnknownOpts | null, { json }: { json?: true }): void => {
  const script = scripts[shell](program === null ? [] : describe(program, []));
  if (json) printJson({ ok: true, shell, script });
  else print(script);
};

const describe = (command: CommandUnknownOpts, path: readonly string[]): Completed[] => {
  const help = command.createHelp();
  const inner = help.visibleCommands(command).filter((one) => one.name() !== 'help');
  // Groups accept the options of every command too, but hide them in their help.
  const options = [...new Set([...help.visibleOptions(command), ...command.options])];
  return [
    {
      path,
      description: command.description(),
      commands: inner.map((one) => ({ name: one.name(), description: one.description() })),
      options: options.map(describeOption),
      values: command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
    },
    ...inner.flatMap((one) => describe(one, [...path, one.name()])),
  ];
};

const describeOption = ({ short, long, description, required, argChoices = [] }: Option): CompletedOption => ({
  flags: [short, long].filter((flag) => flag !== undefined),
  description,
  takesValue: required,
  values: argChoices,
});

/** In single quotes, for bash and zsh. */
const quote = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
const words = (list: readonly string[]): string => list.join(' ');

/** The options after which a word is a value, in any command. */
const listValueFlags = (commands: readonly Completed[]): readonly string[] => [
  ...new Set(commands.flatMap(({ options }) => options.filter((one) => one.takesValue).flatMap((one) => one.flags))),
];

/** Without any match, bash completes files. Works with bash 3.2, which macOS has. */
const toBash = (commands: readonly Completed[]): string => {
  const valueFlags = listValueFlags(commands).join('|');
  const paths = commands.flatMap(({ path }) => (path.length > 0 ? [quote(words(path))] : []));
  const valueCases = commands.flatMap(({ path, options }) =>
    options.flatMap(({ flags, values }) =>
      values.length > 0 ? [`    ${quote(words([...path, ...flags]))}) words=${quote(words(values))} ;;`] : [],
    ),
  );
  const commandCases = commands.map(({ path, commands: inner, values, options }) => {
    const found = [...inner.map(({ name }) => name), ...values];
    return `    ${quote(words(path))}) words=${quote(words(found))} options=${quote(words(options.flatMap(({ flags }) => flags)))} ;;`;
  });
  return `# Completion of livechat for bash.
_livechat() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD - 1]}"
  local path='' words='' options='' index
  for ((index = 1; index < COMP_CWORD; index += 1)); do
    case "\${COMP_WORDS[index]}" in
    ${valueFlags}) index=$((index + 1)); continue ;;
    esac
    case "\${path:+$path }\${COMP_WORDS[index]}" in
    ${paths.join('|')}) path="\${path:+$path }\${COMP_WORDS[index]}" ;;
    esac
  done
  case "$previous" in
  ${valueFlags})
    case "\${path:+$path }$previous" in
${valueCases.join('\n')}
    esac
    ;;
  *)
    case "$path" in
${commandCases.join('\n')}
    esac
    ;;
  esac
  if [[ $current == -* ]]; then words="$options"; fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _livechat livechat`;
};

/** A function for each command, which calls those of its commands. */
const toZsh = (commands: readonly Completed[]): string => {
  const name = (path: readonly string[]) => ['_livechat', ...path].join('_').replaceAll('-', '_');
  const escapeText = (text: string) => text.replaceAll(/[[\]:\\]/g, String.raw`\$&`);
  const optionSpec = ({ flags, description, takesValue, values }: CompletedOption): string[] =>
    flags.map((flag) => {
      const argument = values.length > 0 ? `:value:(${words(values)})` : ':value:_files';
      return quote(`*${flag}[${escapeText(description)}]${takesValue ? argument : ''}`);
    });
  const functions = commands.map(({ path, commands: inner, options, values }) => {
    const specs = options.flatMap(optionSpec);
    if (inner.length === 0) {
      const rest = values.length > 0 ? `'*:value:(${words(values)})'` : "'*:file:_files'";
      return `${name(path)}() {\n  _arguments -s ${[...specs, rest].join(' \\\n    ')}\n}`;
    }
    const list = inner.map((one) => quote(`${one.name}:${escapeText(one.description)}`));
    const cases = inner.map((one) => `      ${one.name}) ${name([...path, one.name])} ;;`);
    return `${name(path)}() {
  local state line
  _arguments -C ${[...specs, "'1:command:->command'", "'*::argument:->argument'"].join(' \\\n    ')}
  case "$state" in
  command)
    local -a commands=(
      ${list.join('\n      ')}
    )
    _describe 'command' commands
    ;;
  argument)
    case "$line[1]" in
${cases.join('\n')}
    esac
    ;;
  esac
}`;
  });
  return `#compdef livechat\n# Completion of livechat for zsh.\n${functions.join('\n\n')}\n\ncompdef _livechat livechat`;
};

/** One line for each command, option and value, with the condition under which it applies. */
const toFish = (commands: readonly Completed[]): string => {
  const quoteText = (text: string) => `'${text.replaceAll(/[\\']/g, String.raw`\$&`)}'`;
  const lines = commands.flatMap(({ path, commands: inner, options, values }) => {
    const complete = `complete -c livechat -n ${quoteText(`__livechat_in ${words(path)}`.trim())}`;
    return [
      ...inner.map((one) => `${complete} -f -a ${quoteText(one.name)} -d ${quoteText(one.description)}`),
      ...(values.length > 0 ? [`${complete} -f -a ${quoteText(words(values))}`] : []),
      ...options.map(({ flags, description, takesValue, values: fixed }) => {
        const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
        const argument = fixed.length > 0 ? ` -x -a ${quoteText(words(fixed))}` : takesValue ? ' -r' : '';
        return `${complete} ${names.join(' ')}${argument} -d ${quoteText(description)}`;
      }),
    ];
  });
  const paths = commands.flatMap(({ path }) => (path.length > 0 ? [quoteText(words(path))] : []));
  return `# Completion of livechat for fish.
# Whether the words before the cursor name this command.
function __livechat_in
  set -l tokens (commandline -opc)
  set -l path
  set -l skip no
  for token in $tokens[2..-1]
    if test $skip = yes
      set skip no
    else if contains -- $token ${words(listValueFlags(commands))}
      set skip yes
    else if contains -- (string join " " $path $token) ${words(paths)}
      set path $path $token
    end
  end
  test "$path" = "$argv"
end
${lines.join('\n')}`;
};

const scripts = { bash: toBash, zsh: toZsh, fish: toFish };
