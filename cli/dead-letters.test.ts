import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { cliFor } from '../test/cli.ts';
import { type Local, organizationId, pollOptions, startLocal } from '../test/local.ts';
import { outbound } from '../test/outbound.ts';

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
  const listForChat = (chatId: string, ...args: string[]) => list('--filter', `conversation=${chatId}`, ...args);

  /** Sends a request that LiveChat rejects once. Returns the chat. */
  const sendRejected = async (): Promise<string> => {
    const chatId = await bus.chat();
    await bus.fault({ kind: 'error', type: 'validation', method: 'send_event', count: 1 });
    await bus.send(chatId, bus.text(`Hello ${chatId}`));
    await bus.waitForExecutions();
    await expect.poll(() => bus.deadLetters(chatId), pollOptions).toHaveLength(1);
    return chatId;
  };
  /** Puts a message into the dead-letter queue, as EventBridge does. */
  const putInQueue = async (body: unknown) => {
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

  test('lists, shows and redrives a send request once', async () => {
    const chatId = await sendRejected();
    const [deadLetter] = await listForChat(chatId);
    expect(deadLetter).toMatchObject({ kind: 'send', errorName: 'LiveChatClientError', organizationId, redrives: 0 });
    const id = deadLetter?.id ?? '';
    const piped = cli.start('dead-letters', 'list');
    piped.closeOutput();
    expect(await piped.ended).toMatchObject({ stderr: '' });
    const { stdout } = await cli.run('dead-letters', 'show', id);
    expect(stdout).toContain(`Hello ${chatId}`);
    expect(await cli.json('dead-letters', 'show', id)).toMatchObject({ deadLetter, letter: { kind: 'send' } });

    expect(await cli.json('dead-letters', 'redrive', id, '--yes')).toEqual({ ok: true, redriven: 1, refused: [] });
    await bus.waitForExecutions();
    expect(await bus.sentTexts(chatId)).toEqual([`Hello ${chatId}`]);
    expect(await listForChat(chatId)).toEqual([]);
    expect(await listForChat(chatId, '--status', 'redriven')).toMatchObject([{ id }]);

    const again = await cli.run('dead-letters', 'redrive', id, '--yes');
    expect(again.code).toBe(1);
    expect(again.stdout).toContain('is not open: it is redriven');
  });

  test('puts an event that no function could handle on the bus again', async () => {
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
    await putInQueue({ ...event, detail });
    const [deadLetter] = await listForChat(chatId, '--filter', 'kind=event');
    expect(deadLetter).toMatchObject({ kind: 'event', errorName: 'NotDelivered' });
    expect((await cli.run('dead-letters', 'redrive', deadLetter?.id ?? '', '--yes')).code).toBe(0);
    await local.idle();
    expect(JSON.stringify((await local.api(`/api/conversations/${chatId}`)).body)).toContain('redriven-tag');
  });

  test('archives an unreadable message and does not redrive it', async () => {
    await putInQueue({ some: 'thing' });
    const [deadLetter] = await list('--filter', 'kind=unread');
    expect(deadLetter).toMatchObject({ kind: 'unread', errorName: 'Unread' });
    const { code, stdout } = await cli.run('dead-letters', 'redrive', '--filter', 'kind=unread', '--yes');
    expect(code).toBe(1);
    expect(stdout).toContain('cannot be read, so there is nothing to redrive');
    expect((await cli.run('dead-letters', 'show', deadLetter?.id ?? '')).stdout).toContain('"some": "thing"');
  });

  test('redrives what a filter matches, and nothing in a dry run', async () => {
    const [one, two] = [await sendRejected(), await sendRejected()];
    const filter = ['--filter', 'error=LiveChatClientError', '--filter', `conversation=${one}`, '--max-age', '1h'];
    expect(await cli.json('dead-letters', 'redrive', ...filter, '--dry-run')).toMatchObject({
      dryRun: true,
      deadLetters: [{ conversationId: one }],
    });
    const { stdout } = await cli.run('dead-letters', 'redrive', ...filter, '--dry-run');
    expect(stdout).toContain('1 would be redriven: 1 send LiveChatClientError.');
    expect(await listForChat(one)).toHaveLength(1);
    expect(await cli.json('dead-letters', 'redrive', ...filter, '--yes')).toMatchObject({ redriven: 1 });
    await bus.waitForExecutions();
    expect([await bus.sentTexts(one), await bus.sentTexts(two)]).toEqual([[`Hello ${one}`], []]);
    expect(await listForChat(two)).toHaveLength(1);
  });

  test('excludes older dead letters with --max-age', async () => {
    const chatId = await sendRejected();
    expect(await listForChat(chatId, '--max-age', '1h')).toHaveLength(1);
    await expect.poll(() => listForChat(chatId, '--max-age', '1s'), pollOptions).toEqual([]);
  });

  test('redrives nothing without a terminal to ask for confirmation', async () => {
    const chatId = await sendRejected();
    const { code, stdout, stderr } = await cli.run('dead-letters', 'redrive', '--all');
    expect(code).toBe(2);
    expect(stdout).toContain(chatId);
    expect(stderr).toContain('add --yes');
    expect(await listForChat(chatId)).toHaveLength(1);
  });

  test.each([
    [['redrive'], 2, 'Pass one of: ids, --filter or --max-age, --all.'],
    [['redrive', 'x', '--all'], 2, 'Pass one of'],
    [['redrive', 'nowhere', '--yes'], 1, 'Dead letter nowhere not found. Nothing was redriven'],
    [['show', 'nowhere'], 1, 'Dead letter nowhere not found'],
    [['list', '--filter', 'colour=red'], 2, '--filter must be kind=send'],
    [['list', '--filter', 'kind=odd'], 2, '--filter must be kind=send'],
    [['list', '--max-age', 'long'], 2, '--max-age must be a time such as 30m'],
    [['list', '--limit', '0'], 2, '--limit must be'],
    [['list', '--status', 'lost'], 2, 'lost'],
  ])('%j ends with exit code %i: %s', async (args, expected, message) => {
    const { code, stderr } = await cli.run('dead-letters', ...args);
    expect(stderr).toContain(message);
    expect(code).toBe(expected);
  });
});
