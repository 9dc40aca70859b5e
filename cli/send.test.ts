import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { cliFor } from '../test/cli.ts';
import { organizationId, pollOptions } from '../test/local.ts';
import { outbound } from '../test/outbound.ts';
import { type SharedLocal, sharedLocal } from '../test/shared-local.ts';

const folder = mkdtempSync(join(tmpdir(), 'livechat-send-'));
const createFile = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const card = {
  templateId: 'cards',
  elements: [{ title: 'Where to?', buttons: [{ type: 'message', text: 'Home', value: 'home', postback_id: 'home' }] }],
};

describe('livechat send', () => {
  let local: SharedLocal;
  let cli: ReturnType<typeof cliFor>;
  let bus: ReturnType<typeof outbound>;
  beforeAll(async () => {
    local = await sharedLocal();
    cli = cliFor(local);
    bus = outbound(local);
  });

  const chat = async (): Promise<string> => {
    const id = await bus.chat();
    await local.idle();
    return id;
  };
  const events = async (chatId: string) =>
    z
      .object({ events: z.array(z.looseObject({ type: z.string(), custom_id: z.optional(z.string()) })) })
      .parse(await bus.simulator('GET', `/simulator/chats/${chatId}`))
      .events.filter(({ custom_id }) => custom_id?.startsWith('out-'));

  test('sends a text and waits until it is delivered', async () => {
    const chatId = await chat();
    const { code, stdout } = await cli.run('send', '--chat', chatId, '--text', 'Your parcel has left.', '--wait');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^requested +\S+\n(?:(?:queued|sending|sent)\n)*delivered +\S+\n$/);
    expect(await bus.sentTexts(chatId)).toEqual(['Your parcel has left.']);
  });

  test('returns without --wait when the request is on the bus, and sends the same request once', async () => {
    const chatId = await chat();
    const args = ['send', '--chat', chatId, '--text', 'Once', '--request-id', 'order-4711'];
    const answer = { ok: true, requestId: 'order-4711', organizationId, conversationId: chatId };
    expect(await cli.json(...args)).toEqual(answer);
    expect(await cli.json(...args)).toEqual(answer);
    await bus.waitForExecutions();
    expect(await bus.sentTexts(chatId)).toEqual(['Once']);
  });

  test('sends a local file and a card', async () => {
    const chatId = await chat();
    const file = createFile('invoice 1.png', png);
    expect(await cli.json('send', '--chat', chatId, '--file', file, '--wait')).toMatchObject({ status: 'delivered' });
    const cardFile = createFile('card.json', JSON.stringify(card));
    expect(await cli.json('send', '--chat', chatId, '--card', cardFile, '--wait')).toMatchObject({
      status: 'delivered',
      parts: [{ status: 'delivered', messageId: expect.any(String) }],
    });
    expect(await events(chatId)).toMatchObject([
      { type: 'file', name: 'invoice 1.png', content_type: 'image/png' },
      { type: 'rich_message', template_id: 'cards', elements: [{ title: 'Where to?' }] },
    ]);
  });

  test.each([
    ['Two\nlines\n', 'Two\nlines'],
    ['No line feed', 'No line feed'],
    ['Windows\r\n', 'Windows'],
  ])('sends a text from stdin: %j', async (input, expected) => {
    const chatId = await chat();
    const { code } = await cli.runWithInput(input, 'send', '--chat', chatId, '--text', '-', '--wait');
    expect(code).toBe(0);
    expect(await bus.sentTexts(chatId)).toEqual([expected]);
  });

  describe('a request with the requestId of an earlier one', { timeout: 60_000 }, () => {
    const listedDeliveries = z.object({ pending: z.array(z.looseObject({ status: z.string() })) });
    const deliveries = async (chatId: string) =>
      listedDeliveries.parse(await cli.json('conversations', 'show', chatId, '--organization', organizationId)).pending;
    const follow = async (chatId: string, requestId: string, ...message: string[]) => {
      const args = ['send', '--chat', chatId, '--request-id', requestId, ...message, '--wait', '--json'];
      const { code, stdout } = await cli.run(...args, '--organization', organizationId);
      return { code, ...z.looseObject({}).parse(JSON.parse(stdout)) };
    };
    const conflict = { code: 1, ok: false, status: 'conflict' };

    test('conflicts with it if the content differs, and changes none of its deliveries', async () => {
      const chatId = await chat();
      const requestId = `conflict-${chatId}`;
      await bus.fault({ kind: 'error', type: 'validation', method: 'send_event', count: 1 });
      expect(await follow(chatId, requestId, '--text', 'One')).toMatchObject({ code: 1, status: 'failed' });
      const before = await deliveries(chatId);
      expect(before).toMatchObject([{ status: 'failed' }]);
      expect(await follow(chatId, requestId, '--text', 'Two')).toMatchObject(conflict);
      await expect.poll(() => bus.deadLetters(chatId), pollOptions).toHaveLength(2);
      expect(await deliveries(chatId)).toEqual(before);
      await cli.json('dead-letters', 'redrive', `${before[0]?.deadLetterId}`, '--force', '--yes');
      expect(await follow(chatId, requestId, '--text', 'One')).toMatchObject({ code: 0, status: 'delivered' });
      expect(await bus.sentTexts(chatId)).toEqual(['One']);
    });

    test('conflicts with it if it is for another chat, and names the dead letter', async () => {
      const [first, second] = [await chat(), await chat()];
      const requestId = `conflict-${first}`;
      expect(await follow(first, requestId, '--text', 'One')).toMatchObject({ code: 0, status: 'delivered' });
      expect(await follow(second, requestId, '--text', 'One')).toMatchObject({
        ...conflict,
        deadLetter: { kind: 'rejected', errorName: 'RequestConflict', conversationId: second },
      });
      const { stdout } = await cli.run(
        ...['send', '--chat', second, '--text', 'One', '--request-id', requestId, '--wait'],
      );
      expect(stdout).toMatch(/^conflict: .*use a new requestId \(livechat dead-letters show [0-9a-f]{32}\)$/m);
      expect(await bus.sentTexts(second)).toEqual([]);
    });

    test('conflicts with it if another file has the same name, and does not replace its file', async () => {
      const chatId = await chat();
      const requestId = `conflict-${chatId}`;
      const path = createFile('report.txt', 'first');
      expect(await follow(chatId, requestId, '--file', path)).toMatchObject({ code: 0, status: 'delivered' });
      expect(await follow(chatId, requestId, '--file', path)).toMatchObject({ code: 0, status: 'delivered' });
      createFile('report.txt', 'second');
      expect(await follow(chatId, requestId, '--file', path)).toMatchObject(conflict);
      expect(await events(chatId)).toHaveLength(1);
    });
  });

  test('sends a note that only agents see', async () => {
    const chatId = await chat();
    const args = ['send', '--chat', chatId, '--text', 'Call her back', '--note', '--wait'];
    expect(await cli.json(...args)).toMatchObject({ status: 'delivered' });
    expect(await bus.sentTexts(chatId)).toEqual([]);
  });

  test('reports the dead letter of a request that LiveChat rejects', async () => {
    const { code, stdout } = await cli.run(
      ...['send', '--chat', 'TNOWHERE00', '--text', 'Hi', '--wait'],
      '--organization',
      organizationId,
    );
    expect(code).toBe(1);
    expect(stdout).toMatch(/^failed: ChannelClientError .*livechat dead-letters show [0-9a-f]{32}\)$/m);
  });

  test('delivers after failed calls', async () => {
    const chatId = await chat();
    await bus.fault({ kind: 'error', status: 500, method: 'send_event', count: 1 });
    const { code, stdout } = await cli.run('send', '--chat', chatId, '--text', 'At last', '--wait');
    expect(stdout).toContain('delivered');
    expect(code).toBe(0);
    expect(await bus.sentTexts(chatId)).toEqual(['At last']);
  });

  test.each([
    [['--text', 'Hi', '--card', 'card.json'], 2, 'Pass exactly one of --text, --file and --card'],
    [[], 2, 'Pass exactly one of'],
    [['--text', '-'], 2, '--text - reads the text from stdin, which is empty.'],
    [['--text', ''], 2, '--text must be a text that is not empty'],
    [['--file', '/nowhere/at.all'], 1, '/nowhere/at.all cannot be read: ENOENT'],
    [['--file', createFile('large.bin', Buffer.alloc(10 * 1024 * 1024 + 1))], 2, 'is larger than 10 MB'],
    [['--card', createFile('no.json', 'Hello')], 1, 'no.json is not JSON'],
    [['--card', createFile('odd.json', '{"templateId":"cards","elements":[]}')], 2, 'The message cannot be sent. '],
    [['--text', 'Hi', '--on-inactive', 'shout'], 2, 'shout'],
    [['--text', 'Hi', '--expires-in-seconds', '0'], 2, '--expires-in-seconds must be'],
    [
      ['--text', 'Hi', '--expires-in-seconds', '86401'],
      2,
      '--expires-in-seconds must be a whole number from 1 to 86400',
    ],
  ])('%j ends with exit code %i: %s', async (args, expected, message) => {
    const { code, stderr } = await cli.run('send', '--chat', 'T8RM2K0V9X', '--organization', organizationId, ...args);
    expect(stderr).toContain(message);
    expect(code).toBe(expected);
  });
});
