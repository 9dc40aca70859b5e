import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { livechat } from '../test/cli.ts';
import { createProgram } from './program.ts';

const page = new URL('../docs/reference/cli.md', import.meta.url);

interface Leaf {
  readonly path: readonly string[];
  readonly command: Command;
}

const commandsOf = (command: Command, path: readonly string[] = []): Leaf[] =>
  command.commands.flatMap((one) => [
    { path: [...path, one.name()], command: one },
    ...commandsOf(one, [...path, one.name()]),
  ]);

const commands = commandsOf(await createProgram());
const named = commands.map(({ path, command }) => [path.join(' '), command] as const);

/** As a shell would cut it: words, and what stands in quotes. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, word]) => double ?? single ?? word ?? '');

/** Does nothing, but reads the arguments as the command would. */
const parseOnly = async (words: readonly string[]): Promise<void> => {
  const program = await createProgram();
  for (const { command } of commandsOf(program)) {
    if (command.commands.length === 0) command.action(() => {});
  }
  await program.parseAsync(words, { from: 'user' });
};

describe('every command', () => {
  test('there are some', () => expect(named.length).toBeGreaterThan(6));

  test.each(named)('%s says what it does, and shows examples that it takes', async (path) => {
    const { code, stdout } = await livechat(...path.split(' '), '--help');
    expect(code).toBe(0);
    expect(stdout).not.toContain('\u001b');
    const [usage, description] = stdout.split('\n\n').map((paragraph) => paragraph.replaceAll('\n', ' '));
    expect(usage).toMatch(new RegExp(`^Usage: livechat ${path}( |$)`));
    expect(description).toMatch(/^[A-Z].*\.$/);
    const examples = stdout.match(/^ {2}\$ livechat .*$/gm) ?? [];
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      const words = wordsOf(example.replace('  $ livechat ', ''));
      expect(words.join(' ')).toContain(path);
      await parseOnly(words);
    }
  });

  test.each(named.filter(([, { commands: inner }]) => inner.length === 0))('%s takes --json', (_path, command) => {
    expect(command.options.map(({ long }) => long)).toContain('--json');
  });
});

test('docs/reference/cli.md lists every command, and no other', () => {
  const [, section = ''] = /^## Commands\n(.*?)^## /ms.exec(readFileSync(page, 'utf8')) ?? [];
  const rows = [...section.matchAll(/^\| `([^`]+)`/gm)].map(([, path]) => path);
  const leaves = named.filter(([, { commands: inner }]) => inner.length === 0).map(([path]) => path);
  expect(rows.toSorted()).toEqual(leaves.toSorted());
});

describe('the exit code', () => {
  test.each([[['--help']], [['gate', '--help']]])('%j is 0', async (args) => {
    expect((await livechat(...args)).code).toBe(0);
  });

  test.each([
    [[]],
    [['dance']],
    [['gate']],
    [['gate', 'dance']],
    [['simulate', 'replay']],
    [['simulate', 'chat', '--loud']],
    [['gate', 'set', '--calls-per-second']],
    [['gate', 'set', '--calls-per-second', 'many']],
    [['gate', 'set', '--calls-per-second', '1001']],
    [['gate', 'show', '--organization', 'acme']],
    [['gate', 'show', '--stage', '../other']],
  ])('%j is 2: it was not given right', async (args) => {
    const { code, stderr } = await livechat(...args);
    expect(code).toBe(2);
    expect(stderr).not.toContain('    at ');
  });
});
