import { describe, expect, it } from 'vitest';
import { agentId, botId, customerId, organizationId } from '../../../test/arbitraries.ts';
import type { AnyEvent } from '../../events/event.ts';
import { translate } from './translate.ts';

const receivedAt = '2026-03-11T09:14:30.000Z';
const createdAt = '2026-03-11T09:14:14.120349Z';
const place = { chat_id: 'C', thread_id: 'T' };
const message = { id: 'T_1', type: 'message', created_at: createdAt, author_id: agentId, text: 'Hello' };

function events(action: string, payload: unknown): AnyEvent[] {
  return translate({ organizationId, action, payload, receivedAt }, {});
}

/** The two ways in which a LiveChat event reaches us; of a chat, what its thread’s events became. */
function inEveryWay(event: object): (readonly [string, AnyEvent[]])[] {
  const thread = { id: 'T', created_at: createdAt, events: [event] };
  return [
    ['incoming_event', events('incoming_event', { ...place, event })],
    ['incoming_chat', events('incoming_chat', { chat: { id: 'C', thread } }).slice(1)],
  ];
}

describe('a message', () => {
  it.each(inEveryWay(message))('in %s is received, with the carrier’s own time', (_way, got) => {
    expect(got).toMatchObject([
      {
        type: 'message.received',
        metadata: { occurredAt: createdAt, receivedAt },
        data: { id: 'T_1', content: 'Hello' },
      },
    ]);
  });

  it('that was edited is updated, with the new content', () => {
    const got = events('event_updated', { ...place, event: { ...message, text: 'Hello!' } });
    expect(got).toMatchObject([{ type: 'message.updated', data: { id: 'T_1', content: 'Hello!' } }]);
  });
});

describe('a note', () => {
  const note = { ...message, visibility: 'agents', text: 'a secret of the agents' };

  it.each(inEveryWay(note))('in %s is received as a note and as nothing else', (_way, got) => {
    expect(got).toMatchObject([{ type: 'note.received', data: { visibility: 'agents' } }]);
  });

  it('that was edited is updated as a note and as nothing else', () => {
    expect(events('event_updated', { ...place, event: note })).toMatchObject([{ type: 'note.updated' }]);
  });

  it('of our own is also delivered, without its content', () => {
    const got = events('incoming_event', { ...place, event: { ...note, custom_id: 'out-1' } });
    expect(got).toMatchObject([
      { type: 'note.received' },
      { type: 'message.delivered', data: { deliveryId: 'out-1' } },
    ]);
    expect(JSON.stringify(got[1])).not.toContain(note.text);
  });

  it('that was deleted leaves only its id', () => {
    const got = events('incoming_event', { ...place, event: { ...note, deleted: true } });
    expect(got).toMatchObject([{ type: 'message.deleted' }]);
    expect(JSON.stringify(got)).not.toContain(note.text);
  });
});

describe('a message with a custom_id', () => {
  it.each([
    ['out-1', agentId, 'message.delivered'],
    ['out-1', botId, 'message.delivered'],
    ['out-1', undefined, 'message.delivered'],
    ['out-1', 'somebody', 'message.delivered'],
    ['out-1', customerId, 'message.received'],
    ['1773220458.71699', agentId, 'message.received'],
    ['not-out-1', agentId, 'message.received'],
    ['', agentId, 'message.received'],
    [null, agentId, 'message.received'],
  ])('%j by %s is %s', (custom_id, author_id, type) => {
    for (const [, got] of inEveryWay({ ...message, custom_id, author_id })) expect(got).toMatchObject([{ type }]);
  });

  it('of ours comes back whole, for where no record of it exists', () => {
    const [got] = events('incoming_event', { ...place, event: { ...message, custom_id: 'out-1' } });
    const data = {
      conversationId: 'C',
      threadId: 'T',
      messageId: 'T_1',
      deliveryId: 'out-1',
      message: { content: 'Hello' },
    };
    expect(got).toMatchObject({ type: 'message.delivered', data });
  });
});

describe('a deleted message', () => {
  const deleted = { type: 'message.deleted', data: { conversationId: 'C', threadId: 'T', messageId: 'T_1' } };

  it.each([
    ...inEveryWay({ ...message, deleted: true }),
    ['event_updated', events('event_updated', { ...place, event: { ...message, deleted: true } })] as const,
    ['event_deleted', events('event_deleted', { ...place, event_id: 'T_1' })] as const,
  ])('in %s leaves a tombstone alone', (_way, got) => {
    expect(got).toMatchObject([deleted]);
    expect(JSON.stringify(got)).not.toContain('Hello');
  });

  it('that says deleted: false is there', () => {
    expect(events('incoming_event', { ...place, event: { ...message, deleted: false } })).toMatchObject([
      { type: 'message.received' },
    ]);
  });
});

describe('a click', () => {
  it.each([
    [
      '3.6',
      { id: 'p', toggled: false, button_type: 'message', button_value: 'yes' },
      { id: 'p', toggled: false, type: 'message', value: 'yes' },
    ],
    ['3.4', { id: 'p', toggled: true }, { id: 'p', toggled: true }],
    ['a carrier that leaves out toggled', { id: 'p' }, { id: 'p', toggled: true }],
  ])('of %s names the button and the user', (_version, postback, button) => {
    const payload = { ...place, event_id: 'T_1', user_id: customerId, postback };
    const user = { id: customerId, type: 'customer' };
    expect(events('incoming_rich_message_postback', payload)).toMatchObject([
      { data: { messageId: 'T_1', button, user } },
    ]);
  });
});

describe('what was seen', () => {
  it('is told with its time in microseconds, as when it happened', () => {
    const payload = { chat_id: 'C', user_id: customerId, seen_up_to: '2026-03-11T10:16:21.01+01:00' };
    expect(events('events_marked_as_seen', payload)).toMatchObject([
      {
        metadata: { occurredAt: '2026-03-11T09:16:21.010000Z' },
        data: {
          conversationId: 'C',
          by: { id: customerId, type: 'customer' },
          seenUpTo: '2026-03-11T09:16:21.010000Z',
        },
      },
    ]);
  });
});
