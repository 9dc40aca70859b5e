import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { livechat } from '../test/cli.ts';

const shells = ['bash', 'zsh', 'fish'];
const folder = mkdtempSync(join(tmpdir(), 'livechat-completion-'));
const scripts = new Map<string, string>();
beforeAll(async () => {
  for (const shell of shells) {
    const { code, stdout } = await livechat('completion', shell);
    expect(code).toBe(0);
    scripts.set(shell, stdout);
    writeFileSync(join(folder, shell), stdout);
  }
});

const isInstalled = (shell: string) => spawnSync(shell, ['-c', 'exit 0']).status === 0;
const run = (shell: string, ...args: string[]): string => {
  const { status, stdout, stderr } = spawnSync(shell, args, { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
};

/** What bash completes after these words. */
const completeInBash = (...typed: string[]): string[] => {
  const list = ['livechat', ...typed].map((word) => `'${word}'`).join(' ');
  const script = `source '${join(folder, 'bash')}'; complete -p livechat > /dev/null || exit 1
COMP_WORDS=(${list}); COMP_CWORD=${typed.length}; _livechat; printf '%s\n' "\${COMPREPLY[@]}"`;
  return run('bash', '--norc', '-c', script).split('\n').filter(Boolean);
};
const completeInFish = (line: string): string[] =>
  run('fish', '--no-config', '-c', `source '${join(folder, 'fish')}'; complete -C '${line}'`)
    .split('\n')
    .flatMap((found) => found.split('\t').slice(0, 1))
    .filter(Boolean);

describe('bash completes', () => {
  test.each([[['']], [['--json', '']], [['--stage', 'production', '']], [['--stage', 'send', '']]])(
    'the commands after %j',
    (typed) => {
      expect(completeInBash(...typed)).toEqual(
        expect.arrayContaining(['send', 'dead-letters', 'completion', 'doctor']),
      );
    },
  );

  test.each([
    [
      ['dead-letters', ''],
      ['list', 'show', 'redrive'],
    ],
    [['dead-letters', 'l'], ['list']],
    [
      ['dead-letters', 'list', '--sta'],
      ['--status', '--stage'],
    ],
    [
      ['dead-letters', 'list', '--status', ''],
      ['open', 'redriven', 'resolved'],
    ],
    [['--stage', 'blue', 'conversations', '--json', 'list', '--status', 'q'], ['queued']],
    [
      ['send', '--chat', 'doctor', '--on-inactive', ''],
      ['resume', 'append', 'fail'],
    ],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['--vers'], ['--version']],
  ])('%j', (typed, expected) => {
    expect(completeInBash(...typed).toSorted()).toEqual(expect.arrayContaining(expected.toSorted()));
    const prefix = typed.at(-1) ?? '';
    for (const found of completeInBash(...typed)) expect(found.startsWith(prefix)).toBe(true);
  });

  test('files, where a value is free', () => {
    expect(completeInBash('routing', 'test', '--rules', '')).toEqual([]);
    expect(completeInBash('simulate', 'replay', '')).toEqual([]);
  });
});

test.each(shells.filter(isInstalled))('%s accepts its script', (shell) => {
  run(shell, '-n', join(folder, shell));
});

test.each(['fish'].filter(isInstalled))('%s completes commands, options and values', () => {
  expect(completeInFish('livechat ')).toEqual(expect.arrayContaining(['send', 'dead-letters']));
  expect(completeInFish('livechat --stage blue dead-letters ')).toEqual(expect.arrayContaining(['list', 'redrive']));
  expect(completeInFish('livechat dead-letters list --sta').toSorted()).toEqual(['--stage', '--status']);
  expect(completeInFish('livechat conversations list --status q')).toEqual(['queued']);
  expect(completeInFish('livechat completion ')).toEqual(expect.arrayContaining(['bash', 'fish', 'zsh']));
});

test.each(shells)('the script for %s has every command, option and value', (shell) => {
  const script = scripts.get(shell) ?? '';
  for (const word of ['dead-letters', 'redrive', 'on-inactive', 'append', 'propagation-seconds']) {
    expect(script).toContain(word);
  }
});
