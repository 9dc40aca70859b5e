import { describe, expect, it } from 'vitest';
import type { DeliveryView, TryView } from '../../../core/outbound/view.ts';
import type { ShownMessage } from './content.tsx';
import { type Step, sendingOf, storyOf } from './timeline.ts';

const at = (seconds: number) => new Date(1_790_000_000_000 + seconds * 1_000).toISOString();
const execution = 'arn:aws:states:us-east-1:000000000000:execution:send:run';
const delivery: DeliveryView = {
  id: 'out-1',
  requestId: 'order-4711',
  status: 'delivered',
  attempts: 0,
  redrive: 0,
  requestedAt: at(0),
  tries: [{ began: at(0.4), ended: at(0.55), outcome: 'sent', execution, redrive: 0 }],
  sentAt: at(0.55),
  deliveredAt: at(0.8),
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
const failed = (began: number, more: Partial<TryView> = {}): TryView => ({
  began: at(began),
  ended: at(began + 0.13),
  outcome: 'failed',
  error: 'LiveChatServerError',
  category: 'Server',
  cause: '500 internal',
  execution,
  redrive: 0,
  ...more,
});
const words = (steps: readonly Step[]) => steps.map(({ text, after }) => (after ? `${text}, ${after}` : text));
const reasons = (steps: readonly Step[]) => steps.flatMap(({ because }) => because ?? []);

describe('the story of a message', () => {
  it('of a customer’s is its webhook, with the time that each step took', () => {
    expect(words(storyOf(message))).toEqual([
      'appeared at LiveChat',
      'received by webhook, 200 ms after LiveChat’s time',
      'stored, 38 ms after receipt',
    ]);
    expect(storyOf(message).map((step) => step.at)).toEqual([at(10), at(10.2), at(10.238)]);
  });

  it('goes on with what happened later, in order of time', () => {
    const seen = { by: 'nina@acme.example', upTo: at(12), at: at(20) };
    const steps = storyOf({ ...message, seen, edited: true, editedAt: at(15) });
    expect(words(steps).slice(3)).toEqual(['edited at LiveChat', 'seen by an agent']);
    const tombstone = storyOf({ ...message, deleted: true, deletedAt: at(30) });
    expect(tombstone.at(-1)).toMatchObject({ text: 'deleted at LiveChat', at: at(30) });
  });

  it('of one from before times were kept says what is known, and names no time for the rest', () => {
    const { receivedAt: _, storedAt: __, ...older } = message;
    expect(words(storyOf(older))).toEqual(['appeared at LiveChat', 'received by webhook', 'stored']);
    expect(storyOf(older).map((step) => step.at)).toEqual([at(10), undefined, undefined]);
  });

  it('says nothing of how long what took for which two clocks disagree', () => {
    expect(words(storyOf({ ...message, receivedAt: at(9.9) }))).toContain('received by webhook');
  });

  it('of one that we sent begins with the request', () => {
    const sent = { ...message, author: { id: 'bot', type: 'bot' as const }, delivery, seen: { by: 'u', upTo: at(11) } };
    expect(words(storyOf(sent))).toEqual([
      'requested on the bus',
      'attempt 1: LiveChat took it within 150 ms, at most 400 ms after the request',
      'delivered: came back by webhook, 250 ms after it was sent',
      'stored, 38 ms after receipt',
      'seen by the customer',
    ]);
  });
});

describe('the story of a sending', () => {
  it('tells each attempt that failed, with its cause and its run', () => {
    const steps = sendingOf({
      ...delivery,
      attempts: 1,
      tries: [failed(0.4), { began: at(1.53), ended: at(1.6), outcome: 'sent', execution, redrive: 0 }],
    });
    expect(words(steps).slice(1, 3)).toEqual([
      'attempt 1 failed after 130 ms, at most 400 ms after the request',
      'attempt 2: LiveChat took it within 70 ms, 1.0 s later',
    ]);
    expect(steps.map((step) => step.execution)).toEqual([undefined, execution, execution, undefined]);
    expect(reasons(steps)).toEqual([
      'LiveChatServerError (500 internal), LiveChat failed itself or did not say whether it took it',
    ]);
  });

  it('tells what was done first, what was found, and what ended without a word', () => {
    const tries: TryView[] = [
      { began: at(1), outcome: 'lost', execution, redrive: 0 },
      { began: at(70), ended: at(71), outcome: 'found', execution, redrive: 0, did: ['joined', 'new credentials'] },
    ];
    const steps = sendingOf({ ...delivery, tries });
    expect(words(steps).slice(1, 3)).toEqual([
      'attempt 1 ended without a word, at most 1.0 s after the request',
      'attempt 2: found at LiveChat, so it was not sent again, 1 min later',
    ]);
    expect(reasons(steps)).toEqual([
      expect.stringContaining('its function died or timed out'),
      'joined the chat first; read the credentials again',
    ]);
  });

  it('shows a redrive, the dead letter that it came from, and counts on', () => {
    const redrive = { redrive: 1, redrivenAt: at(600) };
    const steps = sendingOf({
      ...delivery,
      redrive: 1,
      redrivenAt: at(600),
      tries: [failed(1, { deadLetterId: 'letter' }), failed(601, redrive), failed(603, redrive)],
      untold: 4,
    });
    expect(words(steps)).toEqual([
      'requested on the bus',
      '4 attempts before these, whose runs still tell',
      'attempt 5 failed after 130 ms, at most 1.0 s after the request',
      'redriven from the dead letters',
      'attempt 6 failed after 130 ms, 1.0 s after the redrive',
      'attempt 7 failed after 130 ms, 1.9 s later',
      'delivered: came back by webhook, 250 ms after it was sent',
    ]);
    expect(steps[3]).toMatchObject({ at: at(600), deadLetter: 'letter' });
  });

  it('shows a redrive that has not come to an attempt yet', () => {
    const steps = sendingOf({
      ...delivery,
      status: 'unsent',
      redrive: 3,
      redrivenAt: at(900),
      tries: [failed(1)],
      execution,
    });
    expect(words(steps).slice(-2)).toEqual(['redriven from the dead letters, for the third time', 'waits to be tried']);
    expect(steps.at(-1)).toMatchObject({ execution });
  });

  it.each<[DeliveryView['status'], Partial<DeliveryView>, string]>([
    ['failed', { deadLetterId: 'letter', failedAt: at(2) }, 'given up: it is in the dead letters'],
    ['sent', {}, 'taken by LiveChat, not shown yet'],
    ['sending', { tries: [{ began: at(1), outcome: 'under way', execution, redrive: 0 }] }, 'attempt 1 is under way'],
    ['sending', { tries: [] }, 'an attempt is under way'],
    [
      'sending',
      { tries: [{ began: at(1), outcome: 'lost', execution, redrive: 0 }] },
      'waits to be looked for, and tried',
    ],
  ])('that is %s ends so: %j', (status, more, end) => {
    const last = sendingOf({ ...delivery, ...more, status }).at(-1);
    expect(last?.text).toBe(end);
    if (status === 'failed') expect(last).toMatchObject({ deadLetter: 'letter', at: at(2) });
  });

  it('of a delivery from before attempts were kept says how many failed', () => {
    const { requestedAt: _, sentAt: __, deliveredAt: ___, ...older } = delivery;
    const steps = sendingOf({ ...older, tries: [], attempts: 2, lastError: 'LiveChatServerError' });
    expect(words(steps)).toEqual(['requested on the bus', '2 attempts failed', 'delivered: came back by webhook']);
    expect(reasons(steps)).toEqual(['the last with LiveChatServerError']);
    expect(steps.map((step) => step.at)).toEqual([undefined, undefined, undefined]);
  });
});
