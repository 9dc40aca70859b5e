import { beforeAll, describe, expect, test } from 'vitest';
import { organizationId, pollOptions } from '../test/local.ts';
import { outbound } from '../test/outbound.ts';
import { type SharedLocal, sharedLocal } from '../test/shared-local.ts';
import { startInTerminal, startShell } from '../test/terminal.ts';

const controlC = '\u0003';

describe('in a terminal', () => {
  let local: SharedLocal;
  let environment: Readonly<Record<string, string>>;
  let chatId: string;
  beforeAll(async () => {
    local = await sharedLocal();
    environment = { AWS_ENDPOINT_URL: local.aws };
    chatId = await outbound(local).chat();
    await local.idle();
  });

  test.each([
    ['conversations list'],
    ['conversations list --json'],
    ['dead-letters list'],
    ['limits show'],
    ['simulate chat --simulator $SIMULATOR'],
    ['--help'],
  ])('%s ends quietly with 141 if the reader of its output has ended', async (line) => {
    const variables = { ...environment, SIMULATOR: local.livechat };
    const shell = startShell(`livechat ${line} | true; echo "code \${PIPESTATUS[0]}"`, { environment: variables });
    await shell.ended;
    expect(shell.shown()).toBe('code 141\r\n');
  });

  test('conversations show prints what head reads, without an error', async () => {
    const shell = startShell(`livechat conversations show ${chatId} | head -1`, { environment });
    expect(await shell.ended).toBe(0);
    expect(shell.shown()).toMatch(/^\S+ {2}open, last activity .*\r\n$/);
    expect(shell.shown()).toContain(chatId);
  });

  test.each([
    ['simulate load', '--chats 1 --messages 100 --rate 2', /Playing \d+\/101/],
    ['simulate load --json', '--chats 1 --messages 100 --rate 2', /Playing \d+\/101/],
    ['simulate replay', '--rate 0.5 test/fixtures/livechat', /Sending \d+\/\d+/],
  ])('Ctrl-C ends %s with 130', async (command, options, progress) => {
    const target = command.startsWith('simulate load') ? `--simulator ${local.livechat}` : `--url ${local.webhook}`;
    const shell = startInTerminal(`${command} ${target} ${options}`.split(' '), { environment });
    await expect.poll(shell.shown, pollOptions).toMatch(progress);
    shell.type(controlC);
    expect(await shell.ended).toBe(130);
    expect(shell.shown()).not.toContain('    at ');
  });

  test('uses colours, unless NO_COLOR is set or the output is a pipe', async () => {
    const run = async (line: string, variables = {}) => {
      const shell = startShell(line, { environment: { ...environment, ...variables } });
      expect(await shell.ended).toBe(0);
      return shell.raw();
    };
    expect(await run('livechat limits show')).toContain('\u001b[');
    expect(await run('livechat limits show', { NO_COLOR: '1' })).not.toContain('\u001b[');
    expect(await run('livechat limits show | cat')).not.toContain('\u001b[');
  });

  test.each([60, 80, 120, 200])('tables fit a terminal of %i columns', async (columns) => {
    for (const args of [
      ['conversations', 'list'],
      ['limits', 'show'],
      ['dead-letters', 'list'],
      ['executions', 'list'],
      ['routing', 'show', '--organization', organizationId],
    ]) {
      const session = startInTerminal(args, { environment, columns });
      expect(await session.ended, `${args.join(' ')}:\n${session.shown()}`).toBe(0);
      const widths = session
        .shown()
        .split('\r\n')
        .map((line) => line.length);
      expect(Math.max(...widths), `${args.join(' ')}:\n${session.shown()}`).toBeLessThanOrEqual(columns);
    }
  });
});
