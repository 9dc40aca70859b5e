import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { describe, expect, test } from 'vitest';
import packageJson from '../package.json' with { type: 'json' };
import { livechat, splitArguments, startLivechat } from '../test/cli.ts';
import { outputs } from './output-schema.ts';
import { program } from './program.ts';

/** Modules of core that hold the values which an option can have, and nothing else. */
const definitions = [
  'core/conversations/projection.ts',
  'core/outbound/errors.ts',
  'core/channel/channel.ts',
  'core/channel/deferred.ts',
];

const page = new URL('../docs/reference/cli.md', import.meta.url);

interface NamedCommand {
  readonly path: readonly string[];
  readonly command: CommandUnknownOpts;
}

const listCommands = (command: CommandUnknownOpts, path: readonly string[] = []): NamedCommand[] =>
  command.commands.flatMap((one) => [
    { path: [...path, one.name()], command: one },
    ...listCommands(one, [...path, one.name()]),
  ]);

const commands = listCommands(program);
const named = commands.map(({ path, command }) => [path.join(' '), command] as const);
const leaves = named.filter(([, { commands: inner }]) => inner.length === 0).map(([path]) => path);

/** Parses the arguments without running the command. */
const parseOnly = async (args: readonly string[]): Promise<void> => {
  for (const { command } of commands) {
    if (command.commands.length === 0) command.action(() => {});
  }
  await program.parseAsync(args, { from: 'user' });
};

describe('every command', () => {
  test('exists', () => expect(named.length).toBeGreaterThan(6));

  test.each(named)('%s has a description and valid examples', async (path) => {
    const { code, stdout } = await livechat(...path.split(' '), '--help');
    expect(code).toBe(0);
    expect(stdout).not.toContain('\u001b');
    const [usage, description] = stdout.split('\n\n').map((paragraph) => paragraph.replaceAll('\n', ' '));
    expect(usage).toMatch(new RegExp(`^Usage: livechat ${path}( |$)`));
    expect(description).toMatch(/^[A-Z].*\.$/);
    const examples = stdout.match(/^ {2}\$ livechat .*$/gm) ?? [];
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      const args = splitArguments(example.replace('  $ livechat ', ''));
      expect(args.join(' ')).toContain(path);
      await parseOnly(args);
    }
  });

  test.each(named.filter(([, { commands: inner }]) => inner.length === 0))(
    '%s has the option --json',
    (_path, command) => {
      expect(command.options.map(({ long }) => long)).toContain('--json');
    },
  );
});

test('docs/reference/cli.md lists every command and no other', () => {
  const [, section = ''] = /^## Commands\n(.*?)^## /ms.exec(readFileSync(page, 'utf8')) ?? [];
  const rows = [...section.matchAll(/^\| `([^`]+)`/gm)].map(([, path]) => path);
  expect(rows.toSorted()).toEqual(leaves.toSorted());
});

test('docs/reference/cli.schema.json describes the output of every command and no other', () => {
  expect(Object.keys(outputs).toSorted()).toEqual(leaves.toSorted());
});

describe('the exit code', () => {
  test.each([[['--help']], [['limits', '--help']], [['--version']]])('%j is 0', async (args) => {
    expect((await livechat(...args)).code).toBe(0);
  });

  test.each([
    [[]],
    [['dance']],
    [['limits']],
    [['limits', 'dance']],
    [['simulate', 'replay']],
    [['simulate', 'chat', '--loud']],
    [['limits', 'set', '--calls-per-second']],
    [['limits', 'set', '--calls-per-second', 'many']],
    [['limits', 'set', '--calls-per-second', '1001']],
    [['limits', 'show', '--organization', 'acme']],
    [['limits', 'show', '--stage', '../other']],
    [['--stage', '../other', 'limits', 'show']],
    [['--loud', 'limits', 'show']],
    [['--stage', 'production', 'simulate', 'chat']],
  ])('%j is 2, a usage error', async (args) => {
    const { code, stderr } = await livechat(...args);
    expect(code).toBe(2);
    expect(stderr).not.toContain('    at ');
  });

  test.each([
    ['routing apply --version', 'a whole number, 0 or more'],
    ['webhooks sync --cache-seconds', 'a whole number, 0 or more'],
    ['webhooks sync --propagation-seconds', 'a whole number, 0 or more'],
    ['console --port', 'a whole number from 0 to 65535'],
    ['routing apply --rules', 'the path of a JSON file'],
    ['simulate chat --script', 'the path of a JSON file'],
    ['reset --data', 'the path of a folder'],
  ])('%s with an empty value is 2, a usage error that names the option', async (line, expected) => {
    const { code, stderr } = await livechat(...line.split(' '), '');
    expect(stderr).toContain(`${line.split(' ').at(-1)} must be ${expected}.`);
    expect(code).toBe(2);
  });

  test('is 141 without an error if the reader of stdout has closed it', async () => {
    const command = startLivechat(['--help']);
    command.closeOutput();
    expect(await command.ended).toMatchObject({ code: 141, stderr: '' });
  });
});

test('--version prints the version of package.json', async () => {
  expect((await livechat('--version')).stdout).toBe(`${packageJson.version}\n`);
});

/** Prints the address of each file that is loaded. */
const printLoaded = `import { registerHooks } from 'node:module';
registerHooks({
  load(url, context, next) {
    if (url.startsWith('file:')) process.stderr.write(url + '\\n');
    return next(url, context);
  },
});`;

describe('a start', () => {
  const loadedFiles = async (args: readonly string[], environment = {}): Promise<string[]> => {
    const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(printLoaded)}`;
    const { stderr } = await startLivechat(args, { NODE_OPTIONS, ...environment }).ended;
    return stderr.split('\n').filter((line) => line.startsWith('file:'));
  };
  const root = new URL('..', import.meta.url).href;
  const own = (files: readonly string[]) =>
    files.filter((file) => file.startsWith(root) && file.endsWith('.ts')).map((file) => file.slice(root.length));

  test.each([[['--help']], [['dead-letters', 'redrive', '--help']], [['send']], [['--version']]])(
    'of %j loads only the definitions of the commands',
    async (args) => {
      const files = await loadedFiles(args);
      const parts = ['main', 'program', 'command', 'errors', 'output'].map((name) => `cli/${name}.ts`);
      const others = own(files).filter((file) => !parts.includes(file) && !file.startsWith('cli/commands/'));
      expect(others.filter((file) => !definitions.includes(file))).toEqual([]);
      expect(files.filter((file) => /aws-sdk|electrodb|smithy|powertools|clack/.test(file))).toEqual([]);
    },
  );

  test.each([
    [['simulate', 'chat', '--simulator', 'http://127.0.0.1:1'], /aws-sdk|electrodb|core\/outbound\/(?!errors)|stacks/],
    [['limits', 'show'], /client-(?!ssm)|electrodb|cli\/(?:send|dead-letters|doctor\/|simulate\/)/],
  ])('of %j loads no other command, and nothing that it does not reach', async (args, unneeded) => {
    const files = await loadedFiles(args, { AWS_ENDPOINT_URL: 'http://127.0.0.1:1' });
    expect(files.filter((file) => unneeded.test(file.replace('cli/commands', '')))).toEqual([]);
  });
});

test.each(['--version', '--help', 'dead-letters redrive --help'])('%s uses at most 0.6 s of CPU', (line) => {
  const shim = fileURLToPath(new URL('livechat.js', import.meta.url));
  const script = `TIMEFORMAT='%U %S'; time "${process.execPath}" "${shim}" ${line} > /dev/null`;
  const { stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
  const [user, system] = stderr.split(' ').map(Number);
  expect(Number(user) + Number(system)).toBeLessThan(0.6);
});

describe('global options', () => {
  const nowhere = { AWS_ENDPOINT_URL: 'http://127.0.0.1:1' };

  test.each([
    [['--json', 'conversations', 'list']],
    [['conversations', '--json', 'list']],
    [['conversations', 'list', '--json']],
  ])('%j prints JSON', async (args) => {
    const { code, stdout } = await startLivechat(args, nowhere).ended;
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: expect.stringContaining('ECONNREFUSED') });
  });

  test.each([
    [['--stage', 'blue', 'limits', 'show']],
    [['limits', '--stage', 'blue', 'show']],
    [['--stage', 'green', 'limits', 'show', '--stage', 'blue']],
  ])('%j finds the stage blue', async (args) => {
    const aws = { ...nowhere, AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'mine', AWS_SECRET_ACCESS_KEY: 'mine' };
    const { stderr } = await startLivechat(args, aws).ended;
    expect(stderr).toContain('No response from http://127.0.0.1:1');
  });

  test('the value of another option can look like a global option', async () => {
    const args = ['send', '--chat', 'T8RM2K0V9X', '--text', '--json'];
    const { stdout, stderr } = await startLivechat(args, nowhere).ended;
    expect(stdout + stderr).toContain('ECONNREFUSED');
  });
});
