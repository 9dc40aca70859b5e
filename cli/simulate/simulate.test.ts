import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startSimulator } from '../../local/livechat/server.ts';
import { livechat, startLivechat } from '../../test/cli.ts';
import { sharedLocal } from '../../test/shared-local.ts';
import { nina, organizationId, ownClientId, startReceiver, until } from '../../test/test-simulator.ts';

const fixtures = fileURLToPath(new URL('../../test/fixtures/livechat', import.meta.url));
const secret = 'whsec-of-the-test';

const simulator = async () => {
  const receiver = await startReceiver();
  const identity = { secretKey: secret, organizationId, clientId: ownClientId, agentId: nina };
  const running = await startSimulator({ port: 0, webhookUrl: receiver.url, ...identity });
  onTestFinished(running.stop);
  return { receiver, at: `http://127.0.0.1:${running.port}` };
};

describe('simulate chat', () => {
  test('plays the default scenario and prints one line a step', async () => {
    const { receiver, at } = await simulator();
    const { code, stdout } = await livechat('simulate', 'chat', '--simulator', at, '--customer', 'Ben', '--text', 'Hi');
    expect(code).toBe(0);
    expect(stdout.trim().split('\n')).toHaveLength(8);
    expect(stdout).not.toContain('\u001b');
    await until(() => receiver.bodies.some(({ action }) => action === 'chat_deactivated'));
    expect(JSON.stringify(receiver.bodies[0])).toContain('"name":"Ben"');
  });

  test('stops quietly if the reader of its output stops, like head', async () => {
    const { at } = await simulator();
    const command = startLivechat(['simulate', 'chat', '--simulator', at]);
    command.closeOutput();
    expect(await command.ended).toMatchObject({ code: 141, stderr: '' });
  });

  test('plays a script and replaces $previous by the last event', async () => {
    const { receiver, at } = await simulator();
    const script = join(mkdtempSync(join(tmpdir(), 'livechat-script-')), 'script.json');
    const steps = [
      { customer: { name: 'Ben' }, text: 'Hi' },
      { as: 'agent', action: 'message', text: 'Helo' },
      { as: 'agent', action: 'edit', eventId: '$previous', text: 'Hello' },
    ];
    writeFileSync(script, JSON.stringify(steps));
    const { code, stdout } = await livechat('simulate', 'chat', '--simulator', at, '--script', script, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, steps: [{ action: 'start' }, {}, { action: 'edit' }] });
    await until(() => receiver.bodies.length === 3);
    expect(receiver.bodies[2]?.action).toBe('event_updated');
  });

  test('reports why the simulator rejects a step', async () => {
    const { at } = await simulator();
    const { code, stderr } = await livechat('simulate', 'chat', '--simulator', at, '--text', '');
    expect(code).toBe(1);
    expect(stderr).toContain('text: expected a non-empty string');
  });

  test('reports how to start a simulator if none responds', async () => {
    const { code, stdout } = await livechat('simulate', 'chat', '--simulator', 'http://127.0.0.1:1', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: expect.stringContaining('npm start') });
  });
});

test('simulate load sends every message of every chat', async () => {
  const { receiver, at } = await simulator();
  const args = ['--chats', '5', '--messages', '4', '--simulator', at, '--json'];
  const { code, stdout } = await livechat('simulate', 'load', ...args);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ ok: true, chats: 5, calls: 25, failedChats: 0 });
  await until(() => receiver.bodies.length === 25);
});

describe('simulate replay', () => {
  test('sends a folder with the given secret and organization, and does not print the secret', async () => {
    const receiver = await startReceiver();
    const organization = '11111111-2222-4333-8444-555555555555';
    const args = ['--url', receiver.url, '--secret', secret, '--organization', organization];
    const { code, stdout, stderr } = await livechat('simulate', 'replay', fixtures, ...args);
    expect(stdout).toContain(`${receiver.bodies.length} sent: ${receiver.bodies.length} × 200`);
    expect(code).toBe(0);
    expect(stdout + stderr).not.toContain(secret);
    expect(receiver.bodies[1]?.action).toBe('incoming_chat');
    for (const body of receiver.bodies)
      expect(body).toMatchObject({ secret_key: secret, organization_id: organization });
  });

  test('lists ten files that failed, and counts the others', async () => {
    const { code, stdout } = await livechat(
      'simulate',
      'replay',
      'test/fixtures/livechat',
      '--url',
      'http://127.0.0.1:1',
    );
    const lines = stdout.trim().split('\n');
    expect(code).toBe(1);
    expect(lines.filter((line) => line.includes('.json: '))).toHaveLength(10);
    expect(lines.at(-1)).toMatch(/^ {2}and \d+ more, see --json$/);
  });

  test('says what 401 means and where the secret is set', async () => {
    const { webhook } = await sharedLocal();
    const body = join(fixtures, 'incoming_chat.json');
    const { code, stdout } = await livechat('simulate', 'replay', body, '--url', webhook, '--secret', 'wrong-secret');
    expect(code).toBe(1);
    expect(stdout).toContain('1 sent: 1 × 401');
    expect(stdout).toMatch(
      /401: the webhook secret is wrong.*--secret.*npm start prints the secret.*livechat\/default/,
    );
    expect(stdout).not.toContain('wrong-secret');
  });

  test('fails if a response is not 200, and lists file and status', async () => {
    const receiver = await startReceiver(({ action }) => (action === 'chat_transferred' ? 500 : 200));
    const { code, stdout } = await livechat(
      'simulate',
      'replay',
      fixtures,
      '--url',
      receiver.url,
      '--json',
      '--shuffle',
      '7',
    );
    expect(code).toBe(1);
    const summary: unknown = JSON.parse(stdout);
    expect(summary).toMatchObject({ ok: false, seed: 7, byStatus: { 500: 5 } });
    expect(stdout).toContain('chat_transferred.manual_to_agent.json');
  });

  test.each([
    [['/nowhere'], 'File or folder /nowhere not found'],
    [[fixtures, '--signature', '--secret', ''], 'needs a secret'],
    [[fixtures, '--rate', '0'], '--rate must be a number above 0'],
    [[fixtures, '--repeat', '1.5'], '--repeat must be a whole number'],
    [[fixtures, '--organization', 'acme'], '--organization must be a UUID'],
    [[fixtures, '--url', 'localhost'], '--url must be an address'],
    [[fixtures, '--shuffle', 'much'], '--shuffle must be'],
  ])('rejects %j', async (args, message) => {
    const { code, stderr } = await livechat('simulate', 'replay', ...args);
    expect(code).toBe(message.startsWith('File') ? 1 : 2);
    expect(stderr).toContain(message);
  });
});
