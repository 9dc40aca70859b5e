import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { cliFor } from '../test/cli.ts';
import { type Local, organizationId, pollOptions, startLocal } from '../test/local.ts';
import { outbound } from '../test/outbound.ts';

/** Often, to interrupt a redrive before it ends. */
const pollInterrupt = { timeout: 60_000, interval: 5 };

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
    expect(deadLetter).toMatchObject({ kind: 'send', errorName: 'ChannelClientError', organizationId, redrives: 0 });
    expect(await listForChat(chatId, '--filter', 'category=Client')).toEqual([deadLetter]);
    expect(await listForChat(chatId, '--filter', 'category=Server')).toEqual([]);
    const id = deadLetter?.id ?? '';
    const piped = cli.start('dead-letters', 'list');
    piped.closeOutput();
    expect(await piped.ended).toMatchObject({ stderr: '' });
    const { stdout } = await cli.run('dead-letters', 'show', id);
    expect(stdout).toContain(`Hello ${chatId}`);
    expect(await cli.json('dead-letters', 'show', id)).toMatchObject({
      deadLetter,
      content: { kind: 'send' },
      messages: [{ status: 'failed', content: { event: { text: `Hello ${chatId}` } } }],
    });

    expect(await cli.json('dead-letters', 'redrive', id, '--force', '--yes')).toEqual({
      ...{ ok: true, redriven: 1, refused: [], leftOut: [] },
    });
    await bus.waitForExecutions();
    expect(await bus.sentTexts(chatId)).toEqual([`Hello ${chatId}`]);
    expect(await listForChat(chatId)).toEqual([]);
    expect(await listForChat(chatId, '--status', 'redriven')).toMatchObject([{ id }]);

    const again = await cli.run('dead-letters', 'redrive', id, '--yes');
    expect(again.code).toBe(1);
    expect(again.stdout).toContain(`Left out: ${id}, it is already redriven`);
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
    const [deadLetter] = await list('--filter', 'kind=unreadable');
    expect(deadLetter).toMatchObject({ kind: 'unreadable', errorName: 'Unreadable' });
    const redrive = ['dead-letters', 'redrive', '--filter', 'kind=unreadable', '--yes', '--force'];
    const { code, stdout } = await cli.run(...redrive);
    expect(stdout).toBe(`Left out: ${deadLetter?.id}, it is unreadable\nNothing to redrive.\n`);
    expect(code).toBe(0);
    expect((await cli.run('dead-letters', 'show', deadLetter?.id ?? '')).stdout).toContain('"some": "thing"');
  });

  test('redrives what a filter matches, and nothing in a dry run', async () => {
    const [one, two] = [await sendRejected(), await sendRejected()];
    const filter = [
      '--filter',
      'error=ChannelClientError',
      '--filter',
      `conversation=${one}`,
      '--max-age',
      '1h',
      '--force',
    ];
    expect(await cli.json('dead-letters', 'redrive', ...filter, '--dry-run')).toMatchObject({
      dryRun: true,
      deadLetters: [{ conversationId: one }],
    });
    const { stdout } = await cli.run('dead-letters', 'redrive', ...filter, '--dry-run');
    expect(stdout).toContain('1 would be redriven: 1 send ChannelClientError.');
    expect(await listForChat(one)).toHaveLength(1);
    expect(await cli.json('dead-letters', 'redrive', ...filter, '--yes')).toMatchObject({ redriven: 1 });
    await bus.waitForExecutions();
    expect([await bus.sentTexts(one), await bus.sentTexts(two)]).toEqual([[`Hello ${one}`], []]);
    expect(await listForChat(two)).toHaveLength(1);
  });

  test('dismisses what a filter matches, with a reason, and nothing in a dry run', async () => {
    const [one, two] = [await sendRejected(), await sendRejected()];
    const dismiss = ['dead-letters', 'dismiss', '--filter', `conversation=${one}`, '--reason', ' Sent by phone '];
    expect((await cli.run(...dismiss, '--dry-run')).stdout).toContain(
      '1 would be dismissed: 1 send ChannelClientError.',
    );
    expect(await bus.deadLetters(one)).toHaveLength(1);
    expect(await cli.json(...dismiss, '--yes')).toEqual({ ok: true, dismissed: 1, refused: [] });
    expect(await listForChat(one, '--status', 'dismissed')).toMatchObject([{ dismissReason: 'Sent by phone' }]);
    expect(await bus.deadLetters(two)).toHaveLength(1);
    expect((await cli.run(...dismiss, '--yes')).stdout).toBe('No open dead letter matches.\n');
  });

  test('dismisses by id after a confirmation, and not what was redriven', async () => {
    const chatId = await sendRejected();
    const id = (await bus.deadLetters(chatId))[0]?.id ?? '';
    const dismiss = ['dead-letters', 'dismiss', id, '--reason', 'Too late'];
    expect((await cli.run(...dismiss)).code).toBe(2);
    await bus.redrive(id, { force: true });
    const refused = [{ id, refused: `dead letter ${id} is already redriven` }];
    const { code, stdout } = await cli.run(...dismiss, '--yes', '--json');
    expect([code, JSON.parse(stdout)]).toEqual([1, { ok: false, dismissed: 0, refused }]);
  });

  test.each([
    [['--all'], /--reason/],
    [['--all', '--reason', ' '], /--reason must be a text of 1 to 500 characters/],
    [['--reason', 'Test'], /exactly one of/],
    [['--all', 'some-id', '--reason', 'Test'], /exactly one of/],
  ])('dismiss %j is a usage error', async (args, message) => {
    const { code, stderr } = await cli.run('dead-letters', 'dismiss', ...args, '--yes');
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });

  describe('leaves out', () => {
    const redrive = (chatId: string, ...more: string[]) =>
      cli.json('dead-letters', 'redrive', '--filter', `conversation=${chatId}`, '--yes', ...more);

    test('a request that LiveChat has rejected, unless forced', async () => {
      const chatId = await sendRejected();
      const id = (await listForChat(chatId))[0]?.id ?? '';
      const reason = expect.stringMatching(
        /^ChannelClientError: the same request will fail again.*--force redrives it$/,
      );
      const leftOut = [{ id, reason }];
      expect(await redrive(chatId, '--dry-run')).toEqual({ ok: true, dryRun: true, deadLetters: [], leftOut });
      expect(await redrive(chatId)).toEqual({ ok: true, redriven: 0, refused: [], leftOut });
      expect((await cli.run('dead-letters', 'redrive', id, '--yes')).code).toBe(1);
      expect(await listForChat(chatId)).toHaveLength(1);
      expect(await redrive(chatId, '--force')).toMatchObject({ redriven: 1, leftOut: [] });
    });

    test('a request with a refused file, unless forced', async () => {
      const chatId = await bus.chat();
      await bus.send(chatId, {
        messages: [{ type: 'media', content: { key: `${organizationId}/outbound/none.pdf` } }],
      });
      await expect.poll(() => listForChat(chatId), pollOptions).toMatchObject([{ errorName: 'FileRefused' }]);
      expect(await redrive(chatId)).toMatchObject({
        redriven: 0,
        leftOut: [{ reason: expect.stringMatching(/--force/) }],
      });
    });

    test('a rejected request, even if forced', async () => {
      const chatId = await bus.chat();
      await bus.send(chatId, { messages: [] });
      const filter = ['--filter', 'kind=rejected'];
      await expect.poll(() => listForChat(chatId, ...filter), pollOptions).toMatchObject([{ kind: 'rejected' }]);
      const reason = 'RequestInvalid: send a corrected request with a new requestId';
      expect(await redrive(chatId, '--force')).toMatchObject({ redriven: 0, leftOut: [{ reason }] });
      const { stdout } = await cli.run('dead-letters', 'redrive', ...filter, '--yes');
      expect(stdout).toMatch(new RegExp(`^Left out: [0-9a-f]{32}, ${reason}$`, 'm'));
    });
  });

  test('leaves no dead letter without its execution if a redrive is interrupted', { timeout: 180_000 }, async () => {
    await cli.json('limits', 'set', '--calls-per-second', '200', '--yes');
    const chatIds = await Promise.all(Array.from({ length: 24 }, () => bus.chat()));
    await bus.fault({ kind: 'error', type: 'validation', method: 'send_event', count: chatIds.length });
    await Promise.all(chatIds.map((chatId) => bus.send(chatId, bus.text(`Hello ${chatId}`))));
    const inStatus = async (status: string) => {
      const all = await list('--status', status, '--limit', '500');
      return all.filter(({ conversationId }) => chatIds.includes(conversationId));
    };
    await expect.poll(() => inStatus('open'), { timeout: 60_000 }).toHaveLength(chatIds.length);
    await bus.clearFaults();

    const command = cli.start('dead-letters', 'redrive', '--all', '--force', '--yes');
    await expect
      .poll(async () => JSON.stringify((await local.api('/api/dead-letters?status=redriven')).body), pollInterrupt)
      .toMatch(new RegExp(chatIds.join('|')));
    command.kill('SIGINT');
    await command.ended;
    await bus.waitForExecutions();
    const sent = async ({ conversationId }: { conversationId: string }) => bus.sentTexts(conversationId);
    const redriven = await inStatus('redriven');
    expect(redriven.length).toBeGreaterThan(0);
    expect(await Promise.all(redriven.map(sent))).toEqual(
      redriven.map(({ conversationId }) => [`Hello ${conversationId}`]),
    );

    await cli.json('dead-letters', 'redrive', '--all', '--force', '--yes');
    await bus.waitForExecutions();
    expect(await Promise.all(chatIds.map((chatId) => bus.sentTexts(chatId)))).toEqual(
      chatIds.map((chatId) => [`Hello ${chatId}`]),
    );
    expect(await inStatus('open')).toEqual([]);
  });

  test('excludes older dead letters with --max-age', async () => {
    const chatId = await sendRejected();
    expect(await listForChat(chatId, '--max-age', '1h')).toHaveLength(1);
    await expect.poll(() => listForChat(chatId, '--max-age', '1s'), pollOptions).toEqual([]);
  });

  test('redrives nothing without a terminal to ask for confirmation', async () => {
    const chatId = await sendRejected();
    const { code, stdout, stderr } = await cli.run('dead-letters', 'redrive', '--all', '--force');
    expect(code).toBe(2);
    expect(stdout).toContain(chatId);
    expect(stderr).toContain('add --yes');
    expect(await listForChat(chatId)).toHaveLength(1);
  });

  test.each([
    [['redrive'], 2, 'Pass exactly one of: ids, --filter and/or --max-age, --all.'],
    [['redrive', 'x', '--all'], 2, 'Pass exactly one of: ids'],
    [['redrive', 'nowhere', '--yes'], 1, 'Dead letter nowhere not found. Nothing was redriven'],
    [['show', 'nowhere'], 1, 'Dead letter nowhere not found'],
    [['list', '--filter', 'colour=red'], 2, '--filter must be kind=send'],
    [['list', '--filter', 'kind=odd'], 2, '--filter must be kind=send'],
    [['list', '--filter', 'category=odd'], 2, 'category= and one of Authentication, '],
    [['list', '--max-age', 'long'], 2, '--max-age must be a time such as 30m'],
    [['list', '--limit', '0'], 2, '--limit must be'],
    [['list', '--status', 'lost'], 2, 'lost'],
  ])('%j ends with exit code %i: %s', async (args, expected, message) => {
    const { code, stderr } = await cli.run('dead-letters', ...args);
    expect(stderr).toContain(message);
    expect(code).toBe(expected);
  });
});
