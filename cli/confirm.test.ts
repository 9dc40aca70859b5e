import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { cliFor } from '../test/cli.ts';
import { printed } from '../test/local.ts';
import { outbound } from '../test/outbound.ts';
import { type SharedLocal, sharedLocal } from '../test/shared-local.ts';
import { startInTerminal } from '../test/terminal.ts';

const question = 'Erase all this, for good?';

const keys = { enter: '\r', controlC: '\u0003', controlD: '\u0004', escape: '\u001b' };

describe('a command that changes what cannot be taken back', () => {
  let local: SharedLocal;
  let chatId: string;
  beforeAll(async () => {
    local = await sharedLocal();
  });
  beforeEach(async () => {
    chatId = await outbound(local).chat();
    await local.idle();
  });

  const isThere = async () => (await cliFor(local).run('conversations', 'show', chatId)).code === 0;
  const erase = (...more: string[]) =>
    startInTerminal(['conversations', 'erase', chatId, ...more], { AWS_ENDPOINT_URL: local.aws });
  const asked = async () => {
    const terminal = erase();
    await expect.poll(terminal.shown, printed).toContain(question);
    return terminal;
  };

  test('asks, and does it on a yes', async () => {
    const { type, ended, shown } = await asked();
    expect(shown().indexOf('conversations')).toBeLessThan(shown().indexOf(question));
    expect(await isThere()).toBe(true);
    type('y');
    expect(await ended).toBe(0);
    expect(shown()).toContain('Erased.');
    expect(await isThere()).toBe(false);
  });

  test.each([
    ['a no', 'n'],
    ['Enter alone', keys.enter],
    ['Escape', keys.escape],
    ['Ctrl-C', keys.controlC],
    ['the end of what is typed, Ctrl-D', keys.controlD],
  ])('does nothing on %s', async (_what, answer) => {
    const { type, ended, shown } = await asked();
    type(answer);
    expect(await ended).toBe(1);
    expect(shown()).toContain('error: Nothing was done.');
    expect(await isThere()).toBe(true);
  });

  test('does not ask with --yes', async () => {
    const { ended, shown } = erase('--yes');
    expect(await ended).toBe(0);
    expect(shown()).not.toContain(question);
    expect(await isThere()).toBe(false);
  });

  test.each([[[]], [['--json']]])('does nothing where nobody can be asked, and names --yes (%j)', async (more) => {
    const { code, stdout, stderr } = await cliFor(local).run('conversations', 'erase', chatId, ...more);
    expect(`${stdout}${stderr}`).toContain('Nobody can be asked here, so nothing was done: add --yes');
    expect(code).toBe(2);
    expect(await isThere()).toBe(true);
  });

  test('--json asks nobody, even at a terminal', async () => {
    const { ended, shown } = erase('--json');
    expect(await ended).toBe(2);
    expect(shown()).toContain('add --yes');
    expect(await isThere()).toBe(true);
  });
});
