import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { cliFor } from '../../test/cli.ts';
import { type Local, organizationId, printed, startLocal } from '../../test/local.ts';
import { outbound } from '../../test/outbound.ts';

const listed = z.object({
  deadLetters: z.array(z.looseObject({ id: z.string(), kind: z.string(), conversationId: z.string() })),
  more: z.boolean(),
});

describe('livechat dead-letters', () => {
  let local: Local;
  let cli: ReturnType<typeof cliFor>;
  let bus: ReturnType<typeof outbound>;
  beforeAll(async () => {
    local = await startLocal();
    cli = cliFor(local);
    bus = outbound(local);
  });
  afterAll(() => local.stop());

  const list = async (...args: string[]) => listed.parse(await cli.json('dead-letters', 'list', ...args)).deadLetters;
  const ofChat = (chatId: string, ...args: string[]) => list('--filter', `conversation=${chatId}`, ...args);

  /** A request that LiveChat refuses, and would take afterwards. */
  const refused = async (): Promise<string> => {
    const chatId = await bus.chat();
    await bus.fault({ kind: 'error', type: 'validation', method: 'send_event', count: 1 });
    await bus.send(chatId, bus.text(`Hello ${chatId}`));
    await bus.settled();
    await expect.poll(() => bus.deadLetters(chatId), printed).toHaveLength(1);
    return chatId;
  };
  /** Puts a message into the dead-letter queue, as EventBridge or anybody else would. */
  const throwIn = async (body: unknown) => {
    const client = new SQSClient({
      endpoint: local.aws,
      region: 'us-east-1',
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    });
    await client.send(
      new SendMessageCommand({
        QueueUrl: `${local.aws}/000000000000/dead-letters`,
        MessageBody: JSON.stringify(body),
      }),
    );
    await local.idle();
  };

  test('a send request is listed, shown and redriven, once', async () => {
    const chatId = await refused();
    const [letter] = await ofChat(chatId);
    expect(letter).toMatchObject({ kind: 'send', errorName: 'LiveChatClientError', organizationId, redrives: 0 });
    const id = letter?.id ?? '';
    const { stdout } = await cli.run('dead-letters', 'show', id);
    expect(stdout).toContain(`Hello ${chatId}`);
    expect(await cli.json('dead-letters', 'show', id)).toMatchObject({ deadLetter: letter, letter: { kind: 'send' } });

    expect(await cli.json('dead-letters', 'redrive', id, '--yes')).toEqual({ ok: true, redriven: 1, refused: [] });
    await bus.settled();
    expect(await bus.shown(chatId)).toEqual([`Hello ${chatId}`]);
    expect(await ofChat(chatId)).toEqual([]);
    expect(await ofChat(chatId, '--status', 'redriven')).toMatchObject([{ id }]);

    const again = await cli.run('dead-letters', 'redrive', id, '--yes');
    expect(again.code).toBe(1);
    expect(again.stdout).toContain('is not open: it is redriven');
  });

  test('an event that no function could handle goes onto the bus again', async () => {
    const chatId = await bus.chat();
    await local.idle();
    const detail = {
      metadata: {
        ...{ id: 'event-of-the-test', version: '1', correlationId: 'c', organizationId, carrier: 'livechat' },
        ...{ occurredAt: '2026-03-11T09:14:14.120349Z', receivedAt: '2026-03-11T09:14:15.000Z' },
      },
      data: { conversationId: chatId, tag: 'redriven-tag' },
    };
    const event = {
      id: 'e1',
      source: 'omnichannel.livechat',
      'detail-type': 'chat.updated',
      time: '2026-03-11T09:14:15Z',
    };
    await throwIn({ ...event, detail });
    const [letter] = await ofChat(chatId, '--filter', 'kind=event');
    expect(letter).toMatchObject({ kind: 'event', errorName: 'NotDelivered' });
    expect((await cli.run('dead-letters', 'redrive', letter?.id ?? '', '--yes')).code).toBe(0);
    await local.idle();
    expect(JSON.stringify((await local.api(`/api/conversations/${chatId}`)).body)).toContain('redriven-tag');
  });

  test('what nobody can read is kept to be read by a human, and never redriven', async () => {
    await throwIn({ some: 'thing' });
    const [letter] = await list('--filter', 'kind=unread');
    expect(letter).toMatchObject({ kind: 'unread', errorName: 'Unread' });
    const { code, stdout } = await cli.run('dead-letters', 'redrive', '--filter', 'kind=unread', '--yes');
    expect(code).toBe(1);
    expect(stdout).toContain('cannot be read, so there is nothing to redrive');
    expect((await cli.run('dead-letters', 'show', letter?.id ?? '')).stdout).toContain('"some": "thing"');
  });

  test('a filter redrives what fits; a dry run only shows it', async () => {
    const [one, two] = [await refused(), await refused()];
    const filter = ['--filter', 'error=LiveChatClientError', '--filter', `conversation=${one}`, '--max-age', '1h'];
    expect(await cli.json('dead-letters', 'redrive', ...filter, '--dry-run')).toMatchObject({
      dryRun: true,
      deadLetters: [{ conversationId: one }],
    });
    const { stdout } = await cli.run('dead-letters', 'redrive', ...filter, '--dry-run');
    expect(stdout).toContain('1 would be redriven: 1 send LiveChatClientError.');
    expect(await ofChat(one)).toHaveLength(1);
    expect(await cli.json('dead-letters', 'redrive', ...filter, '--yes')).toMatchObject({ redriven: 1 });
    await bus.settled();
    expect([await bus.shown(one), await bus.shown(two)]).toEqual([[`Hello ${one}`], []]);
    expect(await ofChat(two)).toHaveLength(1);
  });

  test('--max-age leaves older ones out', async () => {
    const chatId = await refused();
    expect(await ofChat(chatId, '--max-age', '1h')).toHaveLength(1);
    await expect.poll(() => ofChat(chatId, '--max-age', '1s'), printed).toEqual([]);
  });

  test('without anybody to ask it redrives nothing', async () => {
    const chatId = await refused();
    const { code, stdout, stderr } = await cli.run('dead-letters', 'redrive', '--all');
    expect(code).toBe(2);
    expect(stdout).toContain(chatId);
    expect(stderr).toContain('add --yes');
    expect(await ofChat(chatId)).toHaveLength(1);
  });

  test.each([
    [['redrive'], 2, 'Say which: ids, or --filter and --max-age, or --all.'],
    [['redrive', 'x', '--all'], 2, 'Say which'],
    [['redrive', 'nowhere', '--yes'], 1, 'There is no dead letter nowhere, so none was redriven'],
    [['show', 'nowhere'], 1, 'There is no dead letter nowhere'],
    [['list', '--filter', 'colour=red'], 2, '--filter must be kind=send'],
    [['list', '--filter', 'kind=odd'], 2, '--filter must be kind=send'],
    [['list', '--max-age', 'long'], 2, '--max-age must be a time such as 30m'],
    [['list', '--limit', '0'], 2, '--limit must be'],
    [['list', '--status', 'lost'], 2, 'lost'],
  ])('%j: exit code %i, %s', async (args, expected, message) => {
    const { code, stderr } = await cli.run('dead-letters', ...args);
    expect(stderr).toContain(message);
    expect(code).toBe(expected);
  });
});
