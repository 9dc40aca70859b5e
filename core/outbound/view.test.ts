import { describe, expect, it } from 'vitest';
import type { StoredMessage } from '../messages/queries.ts';
import { letterIdOf } from './dead-letters/read.ts';
import type { Delivery } from './delivery.ts';
import { requestOf } from './request.ts';
import { type ReadMark, transcriptOf } from './view.ts';

const now = 1_790_000_000_000;
const iso = (ms: number) => new Date(ms).toISOString();
const older: Delivery = {
  id: 'out-1',
  organizationId: 'organization',
  conversationId: 'chat',
  requestId: 'request',
  status: 'sending',
  fingerprint: 'content',
  leaseUntil: now + 60_000,
  unknown: 'no',
  settledAt: 0,
  firstAttemptAt: now,
  attempts: 1,
  redrive: 0,
  lastError: 'LiveChatServerError',
  threadId: '',
  messageId: '',
};
const open = { began: now, run: 'run' };
const ended = {
  began: now - 900,
  run: 'run',
  ended: now - 800,
  outcome: 'failed',
  error: 'LiveChatServerError',
} as const;
const delivery: Delivery = { ...older, requestedAt: now - 1_000, run: 'run', tries: [ended, open] };

const pendingOf = (one: Delivery) => transcriptOf([], new Map([[one.id, one]]), [], now).pending[0];

describe('a delivery as an operator sees it', () => {
  it('from before attempts were kept has what was known then', () => {
    const { id, requestId, status, attempts, redrive, lastError } = older;
    expect(pendingOf(older)).toEqual({ id, requestId, status, attempts, redrive, lastError, tries: [] });
  });

  it('has each attempt, and the one under way last', () => {
    expect(pendingOf(delivery)).toMatchObject({
      requestedAt: iso(now - 1_000),
      execution: 'run',
      tries: [
        { began: iso(now - 900), ended: iso(now - 800), outcome: 'failed', category: 'Server', execution: 'run' },
        { began: iso(now), outcome: 'under way' },
      ],
    });
  });

  it.each<[string, Partial<Delivery>]>([
    ['its lease is over', { leaseUntil: now - 1 }],
    ['it is not being sent any more', { status: 'failed' }],
    ['another came after it', { tries: [open, { began: now + 1, run: 'run' }] }],
  ])('has lost an attempt that told no end when %s', (_name, more) => {
    const { tries = [] } = pendingOf({ ...delivery, ...more }) ?? {};
    expect(tries.find(({ began }) => began === iso(now))?.outcome).toBe('lost');
  });

  it('names the dead letter that a redrive came from, and its own while it is one', () => {
    const again = { began: now, run: 'another', redrive: 1, redrivenAt: now - 5 };
    const redriven: Delivery = {
      ...delivery,
      redrive: 1,
      redrivenAt: now - 5,
      tries: [ended, again],
      deadLetterId: 'old',
    };
    const shown = pendingOf(redriven);
    expect(shown?.tries).toMatchObject([{ deadLetterId: letterIdOf('run') }, { redrive: 1, redrivenAt: iso(now - 5) }]);
    expect(shown?.tries[1]).not.toHaveProperty('deadLetterId');
    expect(shown).not.toHaveProperty('deadLetterId');
    const failed = { ...redriven, status: 'failed', failedAt: now + 9, deadLetterId: 'new' } as const;
    expect(pendingOf(failed)).toMatchObject({ failedAt: iso(now + 9), deadLetterId: 'new' });
  });

  it('that has not been shown yet says where in its request it stands', () => {
    const pieces = [
      { messageIndex: 0, splitIndex: 0, content: '' },
      { messageIndex: 9, splitIndex: 12, content: '' },
    ];
    const data = { requestId: 'request', organizationId: 'organization', conversationId: 'chat' };
    const messages = [{ type: 'text' as const, content: 'Hi' }];
    const state = { id: 'e', time: iso(now), detail: { data: { ...data, messages } } };
    const { parts } = requestOf(state, () => pieces);
    expect(parts.map(({ id }) => pendingOf({ ...delivery, id })?.part)).toEqual([
      { messageIndex: 0, splitIndex: 0 },
      { messageIndex: 9, splitIndex: 12 },
    ]);
  });
});

describe('a message', () => {
  const message = (more: Partial<StoredMessage> = {}): StoredMessage => ({
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
  });
  const mark = (minute: number, more: Partial<ReadMark> = {}): ReadMark => ({
    id: 'dana',
    isCustomer: true,
    seenUpTo: `2026-03-11T09:${minute}:00.000000Z`,
    seenAt: `2026-03-11T09:${minute}:01.000Z`,
    ...more,
  });
  const shown = (one: StoredMessage, marks: readonly ReadMark[]) =>
    transcriptOf([one], new Map([['out-1', { ...delivery, status: 'delivered' }]]), marks, now).messages[0];

  it('is seen by the first mark of the other side that covers it', () => {
    const marks = [mark(30), mark(15, { id: 'eve' }), mark(14), mark(16, { isCustomer: false })];
    const seen = { by: 'eve', upTo: '2026-03-11T09:15:00.000000Z', at: '2026-03-11T09:15:01.000Z' };
    expect(shown(message(), marks)).toMatchObject({ seen, delivery: { status: 'seen' } });
    const customers = message({ author: { id: 'dana', type: 'customer' }, metadata: {} });
    expect(shown(customers, marks)).toMatchObject({ seen: { upTo: '2026-03-11T09:16:00.000000Z' } });
  });

  it.each<[string, StoredMessage]>([
    ['that nobody has read so far', message({ timestamp: '2026-03-11T10:00:00.000000Z' })],
    ['that the customer does not see', message({ visibility: 'agents' })],
    ['of LiveChat’s system', message({ author: { id: '', type: 'system' } })],
  ])('%s is not seen', (_name, one) => {
    const unseen = shown(one, [mark(30), mark(30, { isCustomer: false })]);
    expect(unseen).not.toHaveProperty('seen');
    expect(unseen?.delivery?.status).toBe('delivered');
  });

  it('is seen by a mark from before its receipt was kept, at no known time', () => {
    expect(shown(message(), [mark(30, { seenAt: undefined })])?.seen).toEqual({
      by: 'dana',
      upTo: '2026-03-11T09:30:00.000000Z',
    });
  });
});
