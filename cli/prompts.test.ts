import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { cliFor } from '../test/cli.ts';
import { pollOptions } from '../test/local.ts';
import { outbound } from '../test/outbound.ts';
import { type SharedLocal, sharedLocal } from '../test/shared-local.ts';
import { startInTerminal } from '../test/terminal.ts';
import { withActivity, withProgress, withSpinner } from './prompts.ts';

const question = 'Erase this data permanently?';

const keys = { enter: '\r', controlC: '\u0003', controlD: '\u0004', escape: '\u001b' };

describe('a command that asks for confirmation', () => {
  let local: SharedLocal;
  let chatId: string;
  beforeAll(async () => {
    local = await sharedLocal();
  });
  beforeEach(async () => {
    chatId = await outbound(local).chat();
    await local.idle();
  });

  const exists = async () => (await cliFor(local).run('conversations', 'show', chatId)).code === 0;
  const erase = (...more: string[]) =>
    startInTerminal(['conversations', 'erase', chatId, ...more], { environment: { AWS_ENDPOINT_URL: local.aws } });
  const askToErase = async () => {
    const terminal = erase();
    await expect.poll(terminal.shown, pollOptions).toContain(question);
    return terminal;
  };

  test('makes the change after a yes', async () => {
    const { type, ended, shown } = await askToErase();
    expect(shown().indexOf('conversations')).toBeLessThan(shown().indexOf(question));
    expect(await exists()).toBe(true);
    type('y');
    expect(await ended).toBe(0);
    expect(shown()).toContain('Erased.');
    expect(await exists()).toBe(false);
  });

  test.each([
    ['n', 'n'],
    ['Enter', keys.enter],
    ['Escape', keys.escape],
    ['Ctrl-C', keys.controlC],
    ['the end of input, Ctrl-D', keys.controlD],
  ])('changes nothing after %s', async (_what, answer) => {
    const { type, ended, shown } = await askToErase();
    type(answer);
    expect(await ended).toBe(1);
    expect(shown()).toContain('error: Nothing was changed.');
    expect(await exists()).toBe(true);
  });

  test('does not ask with --yes', async () => {
    const { ended, shown } = erase('--yes');
    expect(await ended).toBe(0);
    expect(shown()).not.toContain(question);
    expect(await exists()).toBe(false);
  });

  test.each([[[]], [['--json']]])('changes nothing without a terminal and suggests --yes (%j)', async (more) => {
    const { code, stdout, stderr } = await cliFor(local).run('conversations', 'erase', chatId, ...more);
    expect(`${stdout}${stderr}`).toContain('Cannot ask for confirmation here. Nothing was changed: add --yes');
    expect(code).toBe(2);
    expect(await exists()).toBe(true);
  });

  test('does not ask with --json, even in a terminal', async () => {
    const { ended, shown } = erase('--json');
    expect(await ended).toBe(2);
    expect(shown()).toContain('add --yes');
    expect(await exists()).toBe(true);
  });
});

test('Ctrl-C during a progress bar ends the command with exit code 130', async () => {
  const local = await sharedLocal();
  const args = ['simulate', 'load', '--simulator', local.livechat, '--chats', '1', '--messages', '100', '--rate', '2'];
  const { type, ended, shown } = startInTerminal(args);
  await expect.poll(shown, pollOptions).toMatch(/Playing \d+\/101/);
  type(keys.controlC);
  expect(await ended).toBe(130);
});

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe('a progress bar', () => {
  // The module is loaded on demand, which must not happen while the timers are mocked.
  beforeAll(() => import('@clack/prompts'));

  const before = process.stderr.isTTY;
  let written = '';
  beforeEach(() => {
    written = '';
    vi.useFakeTimers();
    vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
      written += String(chunk);
      return true;
    });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
    process.stderr.isTTY = before;
  });

  /** Runs for `milliseconds`, with one of two steps done at the start. */
  const run = async (milliseconds: number, terminal: boolean): Promise<string> => {
    process.stderr.isTTY = terminal;
    const work = withProgress('Doing', 2, async ({ step, say }) => {
      step();
      await sleep(milliseconds);
      say('Nearly there');
      await sleep(500);
      step();
      return 'done';
    });
    await vi.advanceTimersByTimeAsync(milliseconds + 1000);
    return work;
  };

  test('appears on stderr of a terminal after a second', async () => {
    expect(await run(2000, true)).toBe('done');
    expect(written).toContain('Doing 1/2');
    expect(written).toContain('Nearly there');
  });

  test('does not appear for work of less than a second', async () => {
    await run(200, true);
    expect(written).toBe('Nearly there\n');
  });

  test('does not appear without a terminal, where messages are printed as lines', async () => {
    await run(2000, false);
    expect(written).toBe('Nearly there\n');
  });

  const runActivity = async (terminal: boolean): Promise<void> => {
    process.stderr.isTTY = terminal;
    const work = withActivity(async ({ show, say }) => {
      for (const line of ['Page 1', 'Page 2', 'Page 3', 'Page 3']) {
        show(line);
        await sleep(3000);
      }
      say('Waiting');
    });
    await vi.advanceTimersByTimeAsync(12_500);
    await work;
  };

  test('of unknown length shows the current state in one line', async () => {
    await runActivity(true);
    expect(stripVTControlCharacters(written)).toMatch(/^(. Page 1)+(. Page 2)+(. Page 3)+Waiting\n$/);
  });

  test.each([
    [true, /^(. Reading)+$/],
    [false, /^$/],
  ])('without messages shows a label, and only on a terminal (%s)', async (terminal, expected) => {
    process.stderr.isTTY = terminal;
    const work = withSpinner('Reading', () => sleep(3000));
    await vi.advanceTimersByTimeAsync(3000);
    await work;
    expect(stripVTControlCharacters(written)).toMatch(expected);
  });

  test('of unknown length prints a line now and then without a terminal', async () => {
    await runActivity(false);
    expect(written).toBe('Page 1\nPage 3\nWaiting\n');
  });
});
