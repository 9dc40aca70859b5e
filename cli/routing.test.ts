import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cliFor, livechat } from '../test/cli.ts';
import { type Local, organizationId, startLocal } from '../test/local.ts';
import { outbound } from '../test/outbound.ts';

const fixtures = 'test/fixtures/livechat';

describe('livechat routing', () => {
  let local: Local;
  let cli: ReturnType<typeof cliFor>;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'routing-'));
    local = await startLocal({ ROUTING_CACHE_SECONDS: '0' });
    cli = cliFor(local);
  });
  afterAll(async () => {
    await local.stop();
    await rm(folder, { recursive: true });
  });

  /** A file with rules. */
  async function file(name: string, content: unknown): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  }
  const rules = (...given: object[]) => ({ match: 'first', rules: given });
  const pro = { name: 'pro', when: { fact: 'session.plan', is: 'pro' }, do: { transfer: [{ group: 4, queue: true }] } };
  const hello = { name: 'hello', when: { fact: 'message', words: 'hello' }, do: { tag: ['hello'], answer: 'Hello!' } };

  test('requires --organization if there is none', async () => {
    const { code, stderr } = await cli.run('routing', 'show');
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--organization is required'),
    });
  });

  test('tests rules on recorded webhooks', async () => {
    const path = await file('pro.json', rules(pro));
    const { code, stdout } = await cli.run('routing', 'test', '--rules', path, '--payload', fixtures);
    expect(code).toBe(0);
    expect(stdout).toMatch(/T8RM2K0V9X +no rule matches +pro: transfer to group 4 or its queue +differs/);
    expect(stdout).toContain('1 of 1 chats would be routed differently.');
    const json = await cli.json('routing', 'test', '--rules', path, '--payload', `${fixtures}/incoming_chat.json`);
    expect(json).toMatchObject({
      ok: true,
      activeVersion: 0,
      differing: 1,
      results: [{ candidate: { matched: ['pro'] } }],
    });
  });

  test('applies a file, shows it, and tests another on stored conversations', async () => {
    const chatId = await outbound(local).chat({ text: 'Hello there' });
    await expect.poll(() => local.api(`/api/conversations/${chatId}`)).toMatchObject({ status: 200 });
    await local.idle();
    const [first, second] = [await file('first.json', rules(pro)), await file('second.json', rules(pro, hello))];
    expect(await cli.json('routing', 'apply', '--rules', first, '--comment', 'Pro first')).toEqual({
      ok: true,
      organizationId,
      version: 1,
      changed: true,
    });
    expect((await cli.run('routing', 'apply', '--rules', first)).stdout).toContain('nothing was changed');
    const { stdout } = await cli.run('routing', 'show');
    expect(stdout).toContain('Pro first');
    expect(stdout).toMatch(/pro +session.plan is "pro" +transfer to group 4 or its queue/);
    const compared = await cli.run('routing', 'test', '--rules', second, '--explain');
    expect(compared.stdout).toMatch(
      new RegExp(`${chatId} +no rule matches +hello: tag hello; answer “Hello!” +differs`),
    );
    expect(compared.stdout).toContain('session.plan is "pro": does not hold');
    expect(await cli.json('routing', 'test', '--rules', second, '--conversations', '1')).toMatchObject({
      activeVersion: 1,
      differing: 1,
      results: [{ conversationId: chatId, candidate: { matched: ['hello'] }, differs: true }],
    });
  });

  test('restores an earlier version', async () => {
    await cli.json('routing', 'apply', '--rules', await file('third.json', rules(hello)));
    expect((await cli.run('routing', 'apply', '--version', '1')).stdout).toBe('Version 1 is active.\n');
    expect((await cli.run('routing', 'apply', '--version', '1')).stdout).toContain('Version 1 is already active');
    expect(await cli.json('routing', 'show')).toMatchObject({
      activeVersion: 1,
      versions: [{ version: 2 }, { version: 1 }],
    });
    expect(await cli.json('routing', 'show', '--version', '2')).toMatchObject({ shown: { ruleSet: rules(hello) } });
    expect((await cli.run('routing', 'apply', '--version', '0')).stdout).toBe('The default rules are active.\n');
    expect((await cli.run('routing', 'show')).stdout).toContain("LiveChat's own routing assigns every chat");
  });

  test('changes nothing if --replaces is not the active version', async () => {
    const organization = '0c1f3a52-7a6e-4f5c-9d0e-2b8f6f1f4a10';
    const apply = (...args: string[]) => cli.run('routing', 'apply', '--organization', organization, ...args);
    const path = await file('replacing.json', rules(hello));
    expect((await apply('--rules', path, '--replaces', '0')).stdout).toBe('Version 1 is active.\n');
    const conflict = { code: 1, stderr: expect.stringContaining('Version 1 is active, not 0: nothing was changed.') };
    expect(await apply('--rules', await file('other.json', rules()), '--replaces', '0')).toMatchObject(conflict);
    expect(await apply('--version', '0', '--replaces', '0')).toMatchObject(conflict);
    expect((await apply('--version', '0', '--replaces', '1')).stdout).toBe('The default rules are active.\n');
  });

  test.each<[string, unknown, string]>([
    ['missing', undefined, 'cannot be read: ENOENT'],
    ['not JSON', '{', 'is not JSON'],
    ['invalid', { match: 'first', rules: [{ name: 'x', do: { tag: [] } }] }, 'rules.0.do.tag: expected 1 to 20 tags'],
  ])('reports a rules file that is %s', async (_what, content, message) => {
    const path = content === undefined ? join(folder, 'nowhere.json') : await file('wrong.json', content);
    for (const command of ['test', 'apply']) {
      const { code, stderr } = await cli.run('routing', command, '--rules', path);
      expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(message) });
    }
  });

  test.each<[string[], number, string]>([
    [['apply'], 2, '--rules or --version'],
    [['apply', '--rules', 'a', '--version', '1'], 2, '--rules or --version'],
    [['apply', '--version', '99'], 1, 'There is no version 99'],
    [['show', '--version', '99'], 1, 'There is no version 99'],
    [['test'], 2, "required option '--rules <file>'"],
    [['test', '--rules', 'a', '--payload', 'b', '--conversations', '1'], 2, 'not both'],
    [['test', '--rules', 'a', '--conversations', '0'], 2, '--conversations must be a whole number'],
  ])('rejects %j', async (args, exitCode, message) => {
    const { code, stderr } = await cli.run('routing', ...args);
    expect({ code, stderr }).toEqual({ code: exitCode, stderr: expect.stringContaining(message) });
  });

  test('rejects webhooks of other kinds', async () => {
    const path = await file('any.json', rules());
    const { code, stderr } = await cli.run(
      'routing',
      'test',
      '--rules',
      path,
      '--payload',
      `${fixtures}/tag_created.v3.5_plus.json`,
    );
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining('pass bodies of incoming_chat webhooks'),
    });
  });
});

test('livechat routing --help lists the commands', async () => {
  const { code, stdout } = await livechat('routing', '--help');
  expect(code).toBe(0);
  for (const command of ['show', 'test', 'apply']) expect(stdout).toContain(`livechat routing ${command}`);
});
