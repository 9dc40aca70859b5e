import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DeleteCommand, DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod/mini';
import { type Local, organizationId, pollOptions, post, startLocal } from '../../test/local.ts';
import { awsClientConfig } from '../../test/local-aws.ts';
import { outbound } from '../../test/outbound.ts';
import { startStage } from '../../test/stage.ts';

const page = z.object({ entries: z.array(z.object({ id: z.string(), type: z.string(), status: z.string() })) });
const details = z.looseObject({
  replayObstacle: z.optional(z.string()),
  replayPeriod: z.optional(
    z.object({ from: z.string(), to: z.string(), isEstimated: z.boolean(), functions: z.array(z.string()) }),
  ),
});
const started = z.object({ name: z.string(), eventIds: z.array(z.string()) });

let local: Local;
let stage: Awaited<ReturnType<typeof startStage>>;
let bridge: ReturnType<typeof outbound>;
let chatId: string;

beforeAll(async () => {
  local = await startLocal();
  bridge = outbound(local);
  chatId = await bridge.chat({ text: 'Where is my parcel?' });
  await local.idle();
  await bridge.send(chatId, bridge.text('On its way.'));
  await bridge.waitForExecutions();
  await post(local, { action: 'incoming_event', organization_id: organizationId, secret_key: 'wrong', payload: {} });
  const metadata = { id: 'shop-1', version: '1', correlationId: 'shop', organizationId, carrier: 'livechat' };
  const at = { occurredAt: '2026-03-11T09:14:20Z', receivedAt: '2026-03-11T09:14:20Z' };
  const data = { organizationId, conversationId: chatId, by: { id: 'a', type: 'agent' }, seenUpTo: at.occurredAt };
  await bridge.put('omnichannel.livechat', 'message.seen', { metadata: { ...metadata, ...at }, data });
  await local.idle();
  const caused = { ...metadata, id: 'shop-3', causationId: metadata.id, ...at };
  const deleted = { organizationId, conversationId: chatId, threadId: 'T', messageId: 'T_1' };
  await bridge.put('omnichannel.livechat', 'message.deleted', { metadata: caused, data: deleted });
  // Invalid, so that no run starts.
  const requested = { metadata: { ...metadata, id: 'shop-2', ...at }, data: { organizationId } };
  await bridge.put('omnichannel.livechat', 'reconciliation.requested', requested);
  await local.idle();
  stage = await startStage(local);
}, 60_000);
afterAll(async () => {
  await stage?.stop();
  await local?.stop();
});
beforeEach(() => {
  stage.setClock();
  stage.failures.clear();
});

async function findId(type: string, status = ''): Promise<string> {
  const { body } = await stage.request(
    'GET',
    `/api/events?${new URLSearchParams({ type, ...(status && { status }) })}`,
  );
  const { id } = page.parse(body).entries.at(-1) ?? {};
  return encodeURIComponent(id ?? '');
}

const read = async (id: string) => details.parse((await stage.request('GET', `/api/events/${id}`)).body);
const replay = (id: string) => stage.request('POST', `/api/events/${id}/replay`);

async function replayAndWait(id: string) {
  const { status, body } = await replay(id);
  expect(status, JSON.stringify(body)).toBe(200);
  await local.idle();
  return started.parse(body);
}

/** Deletes the stored messages with this text. Returns how many there were. */
async function deleteMessages(text: string): Promise<number> {
  const tables = DynamoDBDocumentClient.from(new DynamoDBClient(awsClientConfig(local)));
  const TableName = local.environment.MESSAGES_TABLE;
  const { Items = [] } = await tables.send(new ScanCommand({ TableName }));
  const found = Items.filter((item) => JSON.stringify(item).includes(text));
  for (const { pk, sk } of found) await tables.send(new DeleteCommand({ TableName, Key: { pk, sk } }));
  return found.length;
}

/** Ignores `storedAt`, which a replay changes. */
const conversation = async () =>
  JSON.stringify(await bridge.read(chatId), (key, value) => (key === 'storedAt' ? null : value));

describe('a replay on a stage', () => {
  it.each(['message.received', 'incoming_chat'])(
    'stores the lost message of %s again, and a second replay changes nothing',
    async (type) => {
      const id = await findId(type);
      const [before, sent] = [await conversation(), await bridge.sentTexts(chatId)];
      expect(await deleteMessages('Where is my parcel?')).toBeGreaterThan(0);
      expect(await conversation()).not.toContain('Where is my parcel?');
      for (const _ of [1, 2]) {
        await replayAndWait(id);
        await vi.waitFor(async () => expect(await conversation()).toEqual(before), pollOptions);
      }
      await bridge.waitForExecutions();
      expect(await bridge.sentTexts(chatId)).toEqual(sent);
    },
  );

  it('covers the seconds of the publication and the rules of the functions that accept the event', async () => {
    const { replayPeriod } = await read(await findId('message.received'));
    await replayAndWait(await findId('message.received'));
    const request = stage.started().at(-1);
    const arn = 'arn:aws:events:us-east-1:000000000000';
    expect(request).toMatchObject({
      ReplayName: expect.stringMatching(/^\d{8}T\d{6}-[0-9a-f]{4}$/),
      EventSourceArn: `${arn}:archive/bus`,
      Destination: { Arn: `${arn}:event-bus/omnichannel`, FilterArns: [`${arn}:rule/omnichannel/message-received`] },
    });
    const { EventStartTime = 0, EventEndTime = 0 } = request ?? {};
    expect(replayPeriod).toEqual({
      from: new Date(EventStartTime * 1_000).toISOString(),
      to: new Date(EventEndTime * 1_000).toISOString(),
      isEstimated: false,
      functions: ['message-received'],
    });
    expect(EventEndTime - EventStartTime).toBeGreaterThanOrEqual(4);
    expect(EventEndTime - EventStartTime).toBeLessThan(60);
  });

  it('of a webhook covers the rules of the events that it published', async () => {
    await replayAndWait(await findId('incoming_chat'));
    expect(stage.started().at(-1)?.Destination.FilterArns).toEqual([
      expect.stringMatching(/\/chat-started$/),
      expect.stringMatching(/\/message-received$/),
    ]);
  });

  it('covers the minute before the first invocation if the logs do not contain the publication', async () => {
    const { replayPeriod } = await read(await findId('message.seen'));
    expect(replayPeriod).toMatchObject({ isEstimated: true, functions: ['message-seen'] });
    const { from = '', to = '' } = replayPeriod ?? {};
    expect(Date.parse(to) - Date.parse(from)).toBeGreaterThanOrEqual(64_000);
    expect(Date.parse(to) - Date.parse(from)).toBeLessThanOrEqual(65_000);
  });

  it('covers the invocation that published an event with a cause', async () => {
    const { replayPeriod } = await read(await findId('message.deleted'));
    expect(replayPeriod).toMatchObject({ isEstimated: false, functions: ['message-deleted'] });
    const { from = '', to = '' } = replayPeriod ?? {};
    expect(Date.parse(to) - Date.parse(from)).toBeLessThan(30_000);
  });

  it('has a state, and is in the audit log', async () => {
    const id = await findId('message.received');
    const { name } = await replayAndWait(id);
    expect(await stage.request('GET', `/api/replays/${name}`)).toEqual({
      status: 200,
      body: { name, state: 'COMPLETED' },
    });
    expect((await stage.request('GET', '/api/replays/unknown')).status).toBe(404);
    expect(stage.audited).toContainEqual({ request: `POST /api/events/${decodeURIComponent(id)}/replay` });
  });
});

describe('an event of a stage cannot be replayed', () => {
  it.each([
    ['a send request', 'message.send.requested', '', 'send requests are not archived'],
    ['a requested reconciliation', 'reconciliation.requested', '', 'a replay would start another run'],
    ['a refused webhook', 'incoming_event', 'refused', 'the logs contain no event that this webhook published'],
  ])('if it is %s', async (_what, type, status, obstacle) => {
    const id = await findId(type, status);
    expect((await read(id)).replayObstacle).toContain(obstacle);
    expect(await replay(id)).toMatchObject({
      status: 409,
      body: { error: { field: 'id', expected: expect.stringContaining(obstacle) } },
    });
  });

  it('during the first ten minutes, before the archive contains it', async () => {
    stage.setClock(0);
    const { replayObstacle } = await read(await findId('message.received'));
    const [, at = ''] = /Try again at (.*Z)$/.exec(replayObstacle ?? '') ?? [];
    expect(Date.parse(at) - Date.now()).toBeGreaterThan(9 * 60_000);
    stage.setClock(Date.parse(at) - Date.now());
    expect((await read(await findId('message.received'))).replayObstacle).toBeUndefined();
  });

  it('after the retention of the archive', async () => {
    stage.setClock(15 * 86_400_000);
    const { replayObstacle } = await read(await findId('message.received'));
    expect(replayObstacle).toBe('the archive keeps events for 14 days');
  });

  it.each([
    ['without an archive', 'ResourceNotFoundException', 'the archive "bus" does not exist'],
    [
      'without the permission; the page names it',
      'AccessDeniedException',
      'the archive cannot be read (AccessDeniedException). The console requires the permissions events:DescribeArchive, events:StartReplay and events:DescribeReplay',
    ],
  ])('%s', async (_what, error, obstacle) => {
    stage.failures.set('DescribeArchive', error);
    expect((await read(await findId('message.received'))).replayObstacle).toBe(obstacle);
  });

  it.each([
    ['while ten replays run', 'LimitExceededException', 'EventBridge allows ten concurrent replays'],
    ['without the permission to start one', 'AccessDeniedException', 'events:DescribeArchive, events:StartReplay'],
    [
      'if the rule does not exist',
      'ResourceNotFoundException',
      'The replay cannot be started (ResourceNotFoundException). no',
    ],
  ])('%s', async (_what, error, message) => {
    stage.failures.set('StartReplay', error);
    expect(await replay(await findId('message.received'))).toMatchObject({
      status: 502,
      body: { error: { message: expect.stringContaining(message) } },
    });
  });

  it('reports a missing permission for the state', async () => {
    stage.failures.set('DescribeReplay', 'AccessDeniedException');
    expect(await stage.request('GET', '/api/replays/any')).toMatchObject({
      status: 502,
      body: { error: { message: expect.stringMatching(/cannot be read .*DescribeReplay/) } },
    });
  });
});
