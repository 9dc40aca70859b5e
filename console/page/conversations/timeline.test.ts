import { describe, expect, it } from 'vitest';
import type { AttemptView, DeliveryView } from '../../../core/outbound/read-model.ts';
import type { Step } from '../parts/steps.tsx';
import type { ShownMessage } from './content.tsx';
import * as timeline from './timeline.ts';

const messageTimeline = (message: ShownMessage) => timeline.messageTimeline(message, 'LiveChat');
const deliveryTimeline = (delivery: DeliveryView) => timeline.deliveryTimeline(delivery, 'LiveChat');

const at = (seconds: number) => new Date(1_790_000_000_000 + seconds * 1_000).toISOString();
const execution = 'arn:aws:states:us-east-1:000000000000:execution:send:e1';
const delivery: DeliveryView = {
  id: 'out-1',
  requestId: 'order-4711',
  status: 'delivered',
  failedCalls: 0,
  redrive: 0,
  requestedAt: at(0),
  acceptedAt: at(0.1),
  attempts: [{ startedAt: at(0.4), endedAt: at(0.55), outcome: 'sent', execution, redrive: 0 }],
  sentAt: at(0.55),
  deliveredAt: at(0.8),
  execution,
};
const message: ShownMessage = {
  id: 'T_1',
  organizationId: 'o',
  conversationId: 'C',
  threadId: 'T',
  carrier: 'livechat',
  direction: 'inbound',
  type: 'text',
  content: 'Hello',
  timestamp: at(10),
  author: { id: 'u', type: 'customer' },
  visibility: 'all',
  metadata: {},
  receivedAt: at(10.2),
  storedAt: at(10.238),
};
const failed = (began: number, more: Partial<AttemptView> = {}): AttemptView => ({
  startedAt: at(began),
  endedAt: at(began + 0.13),
  outcome: 'failed',
  error: 'ChannelServerError',
  category: 'Server',
  cause: '500 internal',
  execution,
  redrive: 0,
  ...more,
});
const texts = (steps: readonly Step[]) => steps.map(({ text, after }) => (after ? `${text}, ${after}` : text));
const reasons = (steps: readonly Step[]) => steps.flatMap(({ reason }) => reason ?? []);

describe('messageTimeline', () => {
  it('shows the webhook and storage of a customer’s message, with durations', () => {
    expect(texts(messageTimeline(message))).toEqual([
      'created in LiveChat',
      'webhook received, 200 ms after the message was created',
      'stored, 38 ms after receipt',
    ]);
    expect(messageTimeline(message).map((step) => step.at)).toEqual([at(10), at(10.2), at(10.238)]);
  });

  it('adds read, edited and deleted in order of time', () => {
    const seen = { by: 'nina@acme.example', upTo: at(12), at: at(20) };
    const steps = messageTimeline({ ...message, seen, edited: true, editedAt: at(15) });
    expect(texts(steps).slice(3)).toEqual(['edited in LiveChat', 'seen by an agent']);
    const tombstone = messageTimeline({ ...message, deleted: true, deletedAt: at(30) });
    expect(tombstone.at(-1)).toMatchObject({ text: 'deleted in LiveChat', at: at(30) });
  });

  it('omits unknown times', () => {
    const { receivedAt: _, storedAt: __, ...older } = message;
    expect(texts(messageTimeline(older))).toEqual(['created in LiveChat', 'webhook received', 'stored']);
    expect(messageTimeline(older).map((step) => step.at)).toEqual([at(10), undefined, undefined]);
  });

  it('omits a duration if two clocks disagree', () => {
    expect(texts(messageTimeline({ ...message, receivedAt: at(9.9) }))).toContain('webhook received');
  });

  it('starts with the send request for a message that the bridge sent', () => {
    const sent = { ...message, author: { id: 'bot', type: 'bot' as const }, delivery, seen: { by: 'u', upTo: at(11) } };
    expect(texts(messageTimeline(sent))).toEqual([
      'send request published',
      'attempt 1: accepted by LiveChat after 150 ms, at most 400 ms after the request',
      'delivered: confirmed by webhook, 250 ms after it was sent',
      'stored, 38 ms after receipt',
      'seen by the customer',
    ]);
  });
});

describe('deliveryTimeline', () => {
  it('shows each failed attempt with its cause and execution', () => {
    const steps = deliveryTimeline({
      ...delivery,
      failedCalls: 1,
      attempts: [failed(0.4), { startedAt: at(1.53), endedAt: at(1.6), outcome: 'sent', execution, redrive: 0 }],
    });
    expect(texts(steps).slice(1, 3)).toEqual([
      'attempt 1 failed after 130 ms, at most 400 ms after the request',
      'attempt 2: accepted by LiveChat after 70 ms, 1.0 s after the previous attempt',
    ]);
    expect(steps.map((step) => step.execution)).toEqual([undefined, execution, execution, undefined]);
    expect(reasons(steps)).toEqual([
      'ChannelServerError (500 internal): server error at LiveChat, or the outcome is unknown',
    ]);
  });

  it('shows repairs, a successful probe and an unknown outcome', () => {
    const attempts: AttemptView[] = [
      { startedAt: at(1), outcome: 'lost', execution, redrive: 0 },
      {
        startedAt: at(70),
        endedAt: at(71),
        outcome: 'found',
        execution,
        redrive: 0,
        repairs: ['joined', 'new credentials'],
      },
    ];
    const steps = deliveryTimeline({ ...delivery, attempts });
    expect(texts(steps).slice(1, 3)).toEqual([
      'attempt 1: outcome unknown, at most 1.0 s after the request',
      'attempt 2: already in LiveChat, not sent again, 1 min after the previous attempt',
    ]);
    expect(reasons(steps)).toEqual([
      expect.stringContaining('the function crashed or timed out'),
      'joined the chat first; reloaded the credentials',
    ]);
  });

  it('shows a redrive with its dead letter and continues the numbering', () => {
    const redrive = { redrive: 1, redrivenAt: at(600) };
    const steps = deliveryTimeline({
      ...delivery,
      redrive: 1,
      redrivenAt: at(600),
      attempts: [failed(1, { deadLetterId: 'dead-letter-1' }), failed(601, redrive), failed(603, redrive)],
      omittedAttempts: 4,
    });
    expect(texts(steps)).toEqual([
      'send request published',
      '4 earlier attempts not shown',
      'attempt 5 failed after 130 ms, at most 1.0 s after the request',
      'redriven',
      'attempt 6 failed after 130 ms, 1.0 s after the redrive',
      'attempt 7 failed after 130 ms, 1.9 s after the previous attempt',
      'delivered: confirmed by webhook, 250 ms after it was sent',
    ]);
    expect(steps[3]).toMatchObject({ at: at(600), deadLetter: 'dead-letter-1' });
  });

  it('shows a redrive without an attempt', () => {
    const steps = deliveryTimeline({
      ...delivery,
      status: 'queued',
      redrive: 3,
      redrivenAt: at(900),
      attempts: [failed(1)],
      execution,
    });
    expect(texts(steps).slice(-2)).toEqual(['redriven for the 3rd time', 'waiting for an attempt']);
    expect(steps.at(-1)).toMatchObject({ execution });
  });

  it.each([
    [1, ''],
    [2, ' for the 2nd time'],
    [3, ' for the 3rd time'],
    [11, ' for the 11th time'],
    [22, ' for the 22nd time'],
  ])('counts redrive %i', (redrive, text) => {
    const steps = deliveryTimeline({ ...delivery, status: 'queued', redrive, redrivenAt: at(900), attempts: [] });
    expect(texts(steps)).toContain(`redriven${text}`);
  });

  it.each<[DeliveryView['status'], Partial<DeliveryView>, string]>([
    ['failed', { deadLetterId: 'dead-letter-1', failedAt: at(2) }, 'failed to send; moved to Dead letters'],
    ['sent', {}, 'accepted by LiveChat, waiting for the webhook'],
    [
      'sending',
      { attempts: [{ startedAt: at(1), outcome: 'in progress', execution, redrive: 0 }] },
      'attempt 1 in progress',
    ],
    ['sending', { attempts: [] }, 'attempt in progress'],
    [
      'sending',
      { attempts: [{ startedAt: at(1), outcome: 'lost', execution, redrive: 0 }] },
      'waiting for a lookup before the next attempt',
    ],
  ])('ends a delivery with status %s and %j with its state', (status, more, end) => {
    const last = deliveryTimeline({ ...delivery, ...more, status }).at(-1);
    expect(last?.text).toBe(end);
    if (status === 'failed') expect(last).toMatchObject({ deadLetter: 'dead-letter-1', at: at(2) });
  });
});
