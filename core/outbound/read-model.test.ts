import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { sendRequest } from '../../test/model/requests.ts';
import { meter } from '../../test/read-units.ts';
import { useSharedLocal } from '../../test/shared-local.ts';
import type { StoredMessage } from '../messages/queries.ts';
import { deriveDeadLetterId } from './dead-letter.ts';
import type { Delivery } from './delivery.ts';
import { buildTranscript, type Reader } from './read-model.ts';
import { executionName, parseSendRequested } from './request.ts';

const now = 1_790_000_000_000;
const iso = (ms: number) => new Date(ms).toISOString();
const arn = (execution: string) => `arn:aws:states:us-east-1:000000000000:execution:send:${execution}`;
const inProgress = { startedAt: now };
const failed = {
  startedAt: now - 900,
  endedAt: now - 800,
  outcome: 'failed',
  error: 'ChannelServerError',
  cause: '500 internal',
} as const;
const delivery: Delivery = {
  id: 'out-1',
  organizationId: 'organization',
  conversationId: 'chat',
  requestId: 'request',
  status: 'sending',
  content: '{"text":"Hi"}',
  hash: 'hash',
  orderKey: now - 990,
  requestedAt: now - 1_000,
  acceptedAt: now - 990,
  leaseUntil: now + 60_000,
  unknown: 'no',
  settledAt: 0,
  firstAttemptAt: now - 900,
  failedCalls: 1,
  redrive: 0,
  lastError: 'ChannelServerError',
  threadId: '',
  messageId: '',
  attempts: [failed, inProgress],
};

beforeAll(() => {
  vi.stubEnv('SEND_MACHINE_ARN', 'arn:aws:states:us-east-1:000000000000:stateMachine:send');
});
afterAll(() => {
  vi.unstubAllEnvs();
});

const transcript = (deliveries: readonly Delivery[], messages: readonly StoredMessage[] = [], marks: Reader[] = []) =>
  buildTranscript(messages, new Map(deliveries.map((one) => [one.id, one])), marks, now);
const pendingPart = (one: Delivery) => transcript([one]).pending[0];

describe('a pending part', () => {
  it('exists from acceptance on, before any attempt', () => {
    const { firstAttemptAt: _, ...accepted } = delivery;
    const part = pendingPart({
      ...accepted,
      status: 'queued',
      leaseUntil: 0,
      failedCalls: 0,
      lastError: '',
      attempts: [],
    });
    expect(part).toEqual({
      id: 'out-1',
      requestId: 'request',
      status: 'queued',
      failedCalls: 0,
      redrive: 0,
      requestedAt: iso(now - 1_000),
      acceptedAt: iso(now - 990),
      attempts: [],
      execution: arn(executionName(delivery)),
      content: { text: 'Hi' },
    });
  });

  it('has each attempt with its execution, the one in progress last', () => {
    expect(pendingPart(delivery)).toMatchObject({
      status: 'sending',
      failedCalls: 1,
      lastError: 'ChannelServerError',
      execution: arn(executionName(delivery)),
      attempts: [
        {
          startedAt: iso(now - 900),
          endedAt: iso(now - 800),
          ...{ outcome: 'failed', error: 'ChannelServerError', category: 'Server', cause: '500 internal' },
          execution: arn(executionName(delivery)),
        },
        { startedAt: iso(now), outcome: 'in progress', execution: arn(executionName(delivery)) },
      ],
    });
  });

  it.each<[string, Partial<Delivery>]>([
    ['its lease is over', { leaseUntil: now - 1 }],
    ['its delivery is not being sent any more', { status: 'failed' }],
    ['another has followed', { attempts: [inProgress, { startedAt: now + 1 }] }],
  ])('has a lost attempt if it has no outcome and %s', (_name, more) => {
    const { attempts = [] } = pendingPart({ ...delivery, ...more }) ?? {};
    expect(attempts.find(({ startedAt }) => startedAt === iso(now))?.outcome).toBe('lost');
  });

  it('names the dead letter that each redrive followed, and its own while it is failed', () => {
    const again = { startedAt: now, redrive: 1, redrivenAt: now - 5 };
    const redriven = { ...delivery, redrive: 1, redrivenAt: now - 5, attempts: [failed, again], deadLetterId: 'old' };
    const part = pendingPart(redriven);
    expect(part?.attempts).toMatchObject([
      { execution: arn(executionName(delivery)), deadLetterId: deriveDeadLetterId('send', executionName(delivery)) },
      { execution: arn(executionName(redriven)), redrive: 1, redrivenAt: iso(now - 5) },
    ]);
    expect(part?.attempts[1]).not.toHaveProperty('deadLetterId');
    expect(part).not.toHaveProperty('deadLetterId');
    const dead = { ...redriven, status: 'failed', failedAt: now + 9, deadLetterId: 'new' } as const;
    expect(pendingPart(dead)).toMatchObject({ failedAt: iso(now + 9), deadLetterId: 'new' });
  });

  it('says how many attempts are no longer stored', () => {
    expect(pendingPart({ ...delivery, omittedAttempts: 3 })).toMatchObject({ omittedAttempts: 3 });
  });

  it('is listed in the order of the requests, and of the parts of each', () => {
    const parse = (requestId: string) =>
      parseSendRequested(
        {
          id: 'e',
          time: iso(now),
          detail: {
            data: {
              ...{ requestId, organizationId: 'organization', conversationId: 'chat' },
              messages: [{ type: 'text', content: 'Hi' }],
            },
          },
        },
        new Map([
          [
            'livechat',
            () => [
              { messageIndex: 0, splitIndex: 0, content: '', hasFile: false },
              { messageIndex: 0, splitIndex: 1, content: '', hasFile: false },
              { messageIndex: 9, splitIndex: 12, content: '', hasFile: false },
            ],
          ],
        ]),
      ).parts;
    const requests = (orderKeys: readonly [number, number]) =>
      ['first', 'second'].flatMap((requestId, index) =>
        parse(requestId).map(({ id }) => ({ ...delivery, id, requestId, orderKey: orderKeys[index] ?? 0 })),
      );
    // The ids contain hashes. The parts of requests with the same time are not interleaved.
    const [stored, simultaneous] = [requests([0, 1]), requests([0, 0])];
    const places = [
      { messageIndex: 0, splitIndex: 0 },
      { messageIndex: 0, splitIndex: 1 },
      { messageIndex: 9, splitIndex: 12 },
    ];
    for (const deliveries of [stored, stored.toReversed(), simultaneous, simultaneous.toReversed()]) {
      expect(transcript(deliveries).pending.map(({ requestId, part }) => ({ requestId, part }))).toEqual(
        ['first', 'second'].flatMap((requestId) => places.map((part) => ({ requestId, part }))),
      );
    }
  });

  it('is no longer pending once its message is shown, or delivered', () => {
    expect(transcript([{ ...delivery, status: 'delivered' }]).pending).toEqual([]);
    expect(transcript([{ ...delivery, status: 'sent' }]).pending).toHaveLength(1);
    expect(transcript([{ ...delivery, status: 'sent' }], [message()])).toMatchObject({
      pending: [],
      messages: [{ delivery: { id: 'out-1', status: 'sent' } }],
    });
  });

  it('is no longer pending once its note is shown, with its delivery', () => {
    const note = message({ visibility: 'agents' });
    for (const status of ['sent', 'delivered'] as const) {
      expect(transcript([{ ...delivery, status }], [note])).toMatchObject({
        messages: [],
        notes: [{ id: note.id, delivery: { id: 'out-1', status, attempts: [{}, {}] } }],
        pending: [],
      });
    }
  });
});

function message(more: Partial<StoredMessage> = {}): StoredMessage {
  return {
    id: 'T_1',
    organizationId: 'organization',
    conversationId: 'chat',
    threadId: 'T',
    carrier: 'livechat',
    direction: 'outbound',
    type: 'text',
    timestamp: '2026-03-11T09:14:14.120349Z',
    author: { id: 'nina', type: 'agent' },
    visibility: 'all',
    metadata: { customId: 'out-1' },
    ...more,
  };
}

describe('a message', () => {
  const mark = (minute: number, more: Partial<Reader> = {}): Reader => ({
    id: 'dana',
    type: 'customer',
    seenUpTo: `2026-03-11T09:${minute}:00.000000Z`,
    seenAt: `2026-03-11T09:${minute}:01.000Z`,
    ...more,
  });
  const shown = (one: StoredMessage, marks: Reader[]) => {
    const delivered = { ...delivery, status: 'delivered', deliveredAt: now } as const;
    const { messages, notes } = transcript([delivered], [one], marks);
    return [...messages, ...notes][0];
  };

  it('is seen by the first mark of the other side that covers it', () => {
    const marks = [mark(30), mark(15, { id: 'eve' }), mark(14), mark(16, { type: 'agent' })];
    const seen = { by: 'eve', upTo: '2026-03-11T09:15:00.000000Z', at: '2026-03-11T09:15:01.000Z' };
    expect(shown(message(), marks)).toMatchObject({ seen, delivery: { status: 'seen', deliveredAt: iso(now) } });
    const customers = message({ author: { id: 'dana', type: 'customer' }, metadata: {} });
    expect(shown(customers, marks)).toMatchObject({ seen: { upTo: '2026-03-11T09:16:00.000000Z' } });
  });

  it.each<[string, StoredMessage]>([
    ['that is newer than every mark', message({ timestamp: '2026-03-11T10:00:00.000000Z' })],
    ['that the customer does not see', message({ visibility: 'agents' })],
    ['of LiveChat’s system', message({ author: { id: '', type: 'system' } })],
  ])('%s is not seen', (_name, one) => {
    const unseen = shown(one, [mark(30), mark(30, { type: 'agent' })]);
    expect(unseen).not.toHaveProperty('seen');
    expect(unseen?.delivery?.status).toBe('delivered');
  });

  it('is seen at an unknown time by a mark without one', () => {
    expect(shown(message(), [mark(30, { seenAt: undefined })])?.seen).toEqual({
      by: 'dana',
      upTo: '2026-03-11T09:30:00.000000Z',
    });
  });
});

describe('the progress of a request', () => {
  afterAll(() => {
    vi.unstubAllEnvs();
  });

  it('is read from its own deliveries, however many the conversation has', async () => {
    await useSharedLocal();
    vi.resetModules();
    const { requestProgress } = await import('./read-model.ts');
    const { deliveryStore } = await import('./delivery.ts');
    const { documents } = await import('../platform/dynamodb.ts');
    const conversation = { organizationId: randomUUID(), conversationId: randomUUID() };
    const request = sendRequest('request', ['one', 'two'], conversation);
    const create = ({ id, content = '' }: { readonly id: string; readonly content?: string }) =>
      deliveryStore.create({
        ...{ ...conversation, requestId: id, hash: request.hash, orderKey: now, requestedAt: now, acceptedAt: now },
        ...{ id, content },
      });
    for (const part of request.parts) await create(part);
    const reading = meter(documents);
    const before = await reading.of(() => requestProgress(request, 'event'));
    expect(before.value).toMatchObject({ status: 'queued', parts: [{ id: 'request.0' }, { id: 'request.1' }] });
    await Promise.all(Array.from({ length: 10 }, () => create({ id: randomUUID(), content: 'x'.repeat(8_000) })));
    const after = await reading.of(() => requestProgress(request, 'event'));
    expect(after).toEqual(before);
  });
});
