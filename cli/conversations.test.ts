import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { PurgeQueueCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { DeleteCommand, DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod/mini';
import { cliFor, startLivechat } from '../test/cli.ts';
import { type Local, organizationId, pollOptions, startLocal } from '../test/local.ts';
import { awsClientConfig, putStage } from '../test/local-aws.ts';
import { outbound } from '../test/outbound.ts';

const customerId = (n: number) => `5f0c1d7e-2a84-4c39-9b61-7c2e9d1a4b0${n}`;

describe('livechat conversations', () => {
  let local: Local;
  let cli: ReturnType<typeof cliFor>;
  let bus: ReturnType<typeof outbound>;
  beforeAll(async () => {
    local = await startLocal({ EVENT_MAX_BYTES: '20000' });
    cli = cliFor(local);
    bus = outbound(local);
  });
  afterAll(() => local.stop());

  const access = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
  const start = async (name: string, n: number, text = 'Hello'): Promise<string> => {
    const id = await bus.chat({
      customer: { name, email: `${name.toLowerCase()}@shop.example` },
      customerId: customerId(n),
      text,
    });
    await local.idle();
    return id;
  };
  /** The contents of all tables and of the bucket. */
  const everything = async (): Promise<string> => {
    const documents = DynamoDBDocumentClient.from(new DynamoDBClient({ endpoint: local.aws, ...access }));
    const tables = await Promise.all(
      ['conversations', 'messages', 'control'].map((TableName) => documents.send(new ScanCommand({ TableName }))),
    );
    const s3 = new S3Client({ endpoint: local.aws, ...access });
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'media' }));
    const objects = await Promise.all(
      Contents.map(async ({ Key }) => {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'media', Key }));
        return `${Key} ${await Body?.transformToString()}`;
      }),
    );
    return JSON.stringify([tables.map(({ Items }) => Items), objects]);
  };
  const putMedia = (Key: string) =>
    new S3Client({ endpoint: local.aws, ...access }).send(
      new PutObjectCommand({ Bucket: 'media', Key, Body: 'a picture' }),
    );

  test('are listed by latest activity', async () => {
    const first = await start('Ada', 1);
    const second = await start('Ben', 2);
    const { stdout } = await cli.run('conversations', 'list');
    expect(stdout).toMatch(new RegExp(`^${second} +open +\\S+ +Ben`, 'm'));
    expect(stdout.indexOf(second)).toBeLessThan(stdout.indexOf(first));
    expect(await cli.json('conversations', 'list', '--limit', '1')).toMatchObject({
      conversations: [{ id: second }],
      more: true,
    });
    await bus.act(first, { action: 'leave' });
    await local.idle();
    expect(await cli.json('conversations', 'list', '--status', 'closed')).toMatchObject({
      conversations: [{ id: first, status: 'closed' }],
      more: false,
    });
    expect(await cli.json('conversations', 'list', '--organization', customerId(9))).toMatchObject({
      conversations: [],
    });
  });

  test('are shown with messages, deliveries and ids, without control characters', async () => {
    const chatId = await start('Eve', 3, 'Look: \u001b[2J\u001b]0;owned\u0007 \u009b31m\nsecond line');
    await bus.fault({ method: 'send_event', kind: 'error', status: 500, type: 'internal', count: 1 });
    await bus.send(chatId, bus.text('Our answer'));
    await bus.waitForExecutions();
    await bus.act(chatId, { as: 'agent', action: 'note', text: 'Be careful' });
    await local.idle();
    const { code, stdout } = await cli.run('conversations', 'show', chatId);
    expect(code).toBe(0);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not occur.
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
    expect(stdout).toMatch(/^\S+ {2}Eve \(customer\) {2}\S+\n {4}Look:.*\n {4}second line$/m);
    expect(stdout).toMatch(/ {2}\S+_\d+\n {4}Our answer\n {4}delivered, 1 failed calls.* \(out-[0-9a-f]{32}-0\.0\)$/m);
    const piped = cli.start('conversations', 'show', chatId);
    piped.closeOutput();
    expect(await piped.ended).toMatchObject({ stderr: '' });
    const time = '\\d{4}-\\d\\d-\\d\\dT\\S+Z';
    for (const step of [
      'requested',
      'attempt 1 failed: ChannelServerError \\(500 internal\\)',
      'attempt 2 sent',
      'sent',
      'delivered',
    ])
      expect(stdout).toMatch(new RegExp(`^ {6}${time} {2}${step}$`, 'm'));
    expect(stdout).toMatch(new RegExp(`^ {6}received ${time}, stored ${time}$`, 'm'));
    expect(stdout).toMatch(/\[note\] {2}\S+\n {4}Be careful$/m);
    expect(await cli.json('conversations', 'show', chatId)).toMatchObject({
      ok: true,
      conversation: { id: chatId },
      messages: [
        { receivedAt: expect.any(String), storedAt: expect.any(String) },
        {
          content: 'Our answer',
          delivery: { status: 'delivered', attempts: [{ outcome: 'failed' }, { outcome: 'sent' }] },
        },
      ],
      notes: [{ content: 'Be careful' }],
      pending: [],
    });
  });

  test('are erased with all other data of the customer, and of no other customer', async () => {
    const [one, two] = [
      await start('Dana', 4, 'My secret is ORDER-4711'),
      await start('Dana', 4, 'Another ORDER-4711'),
    ];
    const other = await start('Fay', 5, 'My number is 815');
    // Stores a large event, deliveries, a dead letter and files.
    await bus.act(one, { action: 'message', text: `ORDER-4711 ${'x'.repeat(15_000)}`.slice(0, 16_000) });
    await bus.act(one, { as: 'agent', action: 'message', text: 'x'.repeat(15_000) });
    await bus.send(one, bus.text('Dear Dana'));
    await bus.send(other, bus.text('Dear Fay'));
    await bus.waitForExecutions();
    await bus.fault({ kind: 'error', type: 'validation', method: 'send_event', count: 1 });
    await bus.send(two, bus.text('Refused'));
    await bus.waitForExecutions();
    await expect.poll(() => bus.deadLetters(two), pollOptions).toHaveLength(1);
    await putMedia(`${organizationId}/${one}/message/picture.png`);
    await putMedia(`${organizationId}/${other}/message/picture.png`);
    await putMedia(`events/${organizationId}/large.json`);
    // Files that services put there to send: for one customer, and for all.
    const invoice = `${organizationId}/outbound/${two}/invoice of Dana.pdf`;
    const prices = `${organizationId}/outbound/prices.pdf`;
    await putMedia(invoice);
    await putMedia(`${organizationId}/outbound/customers/${customerId(4)}.pdf`);
    await putMedia(prices);
    for (const key of [invoice, prices]) await bus.send(two, { messages: [{ type: 'media', content: { key } }] });
    await bus.waitForExecutions();
    const large = JSON.stringify({ metadata: {}, data: { conversationId: two, text: 'large' } });
    await new S3Client({ endpoint: local.aws, ...access }).send(
      new PutObjectCommand({ Bucket: 'media', Key: `events/${organizationId}/of-two.json`, Body: large }),
    );

    const declined = await cli.run('conversations', 'erase', one);
    expect(declined.code).toBe(2);
    expect(declined.stdout).toMatch(/^Dana +dana@shop.example/m);
    for (const what of ['conversations', 'messages and notes', 'deliveries', 'dead letters', 'files', 'large events']) {
      expect(declined.stdout).toMatch(new RegExp(`^${what} +\\d+$`, 'm'));
    }
    expect(declined.stdout).toContain('erase it in LiveChat');
    const dryRun = await cli.json('conversations', 'erase', one, '--dry-run');
    expect(dryRun).toMatchObject({ dryRun: true, erased: { conversations: 2, 'dead letters': 1 } });
    expect(await everything()).toContain('My secret is ORDER-4711');

    const erased = await cli.json('conversations', 'erase', one, '--yes');
    expect(erased).toMatchObject({ ok: true, organizationId, erased: { conversations: 2 } });
    const { conversationIds } = z.object({ conversationIds: z.array(z.string()) }).parse(erased);
    expect(conversationIds.toSorted()).toEqual([one, two].toSorted());
    const left = await everything();
    for (const trace of [one, two, customerId(4), 'ORDER-4711', 'Dana', 'dana@shop.example', 'Refused', 'invoice']) {
      expect(left).not.toContain(trace);
    }
    for (const trace of [
      other,
      customerId(5),
      'My number is 815',
      'Dear Fay',
      `${other}/message/picture.png`,
      prices,
    ]) {
      expect(left).toContain(trace);
    }
    expect((await cli.run('conversations', 'show', one)).code).toBe(1);
  });

  test('are erased by the e-mail address of the customer', async () => {
    await start('Gus', 6);
    expect(await cli.json('conversations', 'erase', '--customer', 'gus@shop.example', '--yes')).toMatchObject({
      erased: { conversations: 1, 'messages and notes': 1 },
    });
    const { code, stderr } = await cli.run('conversations', 'erase', '--customer', 'gus@shop.example');
    expect(code).toBe(1);
    expect(stderr).toContain('No data is stored for gus@shop.example');
  });

  test('are all erased after an erasure that was interrupted once it had deleted the events of the chat', async () => {
    const [one, two] = [await start('Kim', 0), await start('Kim', 0)];
    const documents = DynamoDBDocumentClient.from(new DynamoDBClient({ endpoint: local.aws, ...access }));
    const { Items = [] } = await documents.send(new ScanCommand({ TableName: 'conversations' }));
    for (const { pk, sk, conversationId, __edb_e__: entity } of Items) {
      if (conversationId !== one || entity !== 'event') continue;
      await documents.send(new DeleteCommand({ TableName: 'conversations', Key: { pk, sk } }));
    }
    const erased = await cli.json('conversations', 'erase', one, '--yes');
    expect(erased).toMatchObject({ erased: { conversations: 2 } });
    expect(await everything()).not.toContain(two);
  });

  test('are not erased while an execution is sending', async () => {
    const chatId = await start('Hal', 7);
    await cli.json('limits', 'pause', '--yes', '--organization', organizationId);
    await bus.send(chatId, bus.text('Wait'));
    await expect
      .poll(() => cli.run('conversations', 'erase', chatId, '--yes'), { timeout: 15_000 })
      .toMatchObject({
        code: 1,
        stderr: expect.stringContaining('1 executions are sending into these chats'),
      });
    expect(await everything()).toContain(customerId(7));
    await cli.json('limits', 'resume', '--organization', organizationId);
  });

  test('are not erased while dead letters wait to be archived', async () => {
    const chatId = await start('Ida', 8);
    const QueueUrl = `${local.aws}/000000000000/quarantine`;
    await putStage(local, 'quarantine', { environment: { DEAD_LETTER_QUEUE_URL: QueueUrl } });
    const sqs = new SQSClient(awsClientConfig(local));
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: '{}' }));
    const { code, stderr } = await startLivechat(['conversations', 'erase', chatId, '--yes', '--stage', 'quarantine'], {
      AWS_ENDPOINT_URL: local.aws,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'mine',
      AWS_SECRET_ACCESS_KEY: 'mine',
    }).ended;
    expect(stderr).toContain('Nothing was erased: 1 dead letters are not archived yet');
    expect(code).toBe(1);
    expect(await everything()).toContain(customerId(8));
    await sqs.send(new PurgeQueueCommand({ QueueUrl }));
  });

  test.each([
    [['show', 'TNOWHERE00'], 1, 'Conversation TNOWHERE00 not found'],
    [['show'], 2, 'missing required argument'],
    [['list', '--status', 'lost'], 2, 'lost'],
    [['list', '--limit', '1001'], 2, '--limit must be a whole number from 1 to 1000'],
    [['erase'], 2, 'Pass either a chat or --customer'],
    [['erase', 'T1', '--customer', 'dana@shop.example'], 2, 'Pass either a chat or --customer'],
    [['erase', 'TNOWHERE00'], 1, 'Conversation TNOWHERE00 not found'],
  ])('%j ends with exit code %i: %s', async (args, expected, message) => {
    const { code, stderr } = await cli.run('conversations', ...args);
    expect(stderr).toContain(message);
    expect(code).toBe(expected);
  });
});
