import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nina, quietSimulator, tomas } from '../../test/test-simulator.ts';
import { allThreads } from './chats.ts';
import { SimulatorError } from './errors.ts';
import { toTimestamp } from './objects.ts';

const startChat = (request: object = {}) => {
  const simulator = quietSimulator();
  const { chat } = simulator.start({ customer: { name: 'Dana' }, text: 'Hello', ...request });
  const act = (body: unknown) => simulator.act(chat.id, body);
  const sentActions = () => simulator.webhooks.map(({ action }) => action);
  return { simulator, chat, act, sentActions };
};

const last = <T>(list: readonly T[]): T | undefined => list.at(-1);

describe('ids and times', () => {
  test('have the format of LiveChat', () => {
    const { chat } = startChat();
    expect(chat.id).toMatch(/^T[0-9A-Z]{9}$/);
    expect(chat.thread.id).toMatch(/^T[0-9A-Z]{9}$/);
    expect(chat.thread.events[0]?.id).toBe(`${chat.thread.id}_1`);
    expect(chat.thread.events[0]?.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });

  test('timestamps have microseconds', () => {
    expect(toTimestamp(Date.UTC(2026, 2, 11) * 1000 + 1_234_005)).toBe('2026-03-11T00:00:01.234005Z');
  });

  test('ids increase even within one millisecond', () => {
    const simulator = quietSimulator();
    const request = { customer: { name: 'Dana' }, text: 'Hello' };
    const ids = Array.from({ length: 200 }, () => simulator.start(request).chat.id);
    expect(ids).toEqual([...new Set(ids)].sort());
  });
});

describe('starting a chat', () => {
  test('puts form and first message into incoming_chat, and sends nothing else', () => {
    const form = [{ type: 'email', label: 'E-mail', answer: 'dana@shop.example' }];
    const { chat, sentActions } = startChat({ form });
    expect(sentActions()).toEqual(['incoming_chat']);
    expect(chat.thread.events.map(({ type }) => type)).toEqual(['filled_form', 'message']);
  });

  test('without an agent adds it to the queue', () => {
    const { simulator, chat } = startChat({ agent: null });
    const request = { customer: { name: 'Ben' }, text: 'Hi', agent: null };
    expect(chat.thread.queue?.position).toBe(1);
    expect(chat.users.map(({ type }) => type)).toEqual(['customer']);
    expect(simulator.start(request).chat.thread.queue?.position).toBe(2);
  });

  test('takes it out of the queue when an agent joins', () => {
    const { act } = startChat({ agent: null });
    expect(() => act({ as: 'agent', action: 'message', text: 'Hi' })).toThrow('An agent must join first');
    expect(act({ as: 'agent', action: 'join' }).chat.thread.queue).toBeUndefined();
  });
});

describe('transferring a chat', () => {
  test('to an agent announces it, adds the agent and removes the previous one', () => {
    const { act, sentActions } = startChat();
    const { chat } = act({ as: 'agent', action: 'transfer', agents: [tomas] });
    expect(sentActions().slice(1)).toEqual([
      'chat_transferred',
      'user_added_to_chat',
      'incoming_event',
      'user_removed_from_chat',
    ]);
    expect(chat.users.filter(({ present }) => present).map(({ id }) => id)).toContain(tomas);
    expect(last(chat.thread.events)).toMatchObject({ text: 'Nina Kowal transferred the chat to Tomas Reyes' });
  });

  test("to a group adds it to the group's queue", () => {
    const { act, simulator } = startChat();
    const { chat } = act({ as: 'agent', action: 'transfer', groups: [19] });
    expect(chat.access).toEqual({ group_ids: [19] });
    expect(chat.thread.queue).toMatchObject({ position: 1 });
    const payload = simulator.webhooks.find(({ action }) => action === 'chat_transferred')?.payload;
    expect(payload).toMatchObject({ requester_id: nina, reason: 'manual', transferred_to: { group_ids: [19] } });
  });
});

describe('buttons', () => {
  const elements = [
    {
      buttons: [
        { text: 'Yes', type: 'message', value: 'y', postback_id: 'yes' },
        { text: 'Open', type: 'url', value: 'https://shop.example', postback_id: 'open' },
      ],
    },
  ];
  const sendButtons = () => {
    const started = startChat();
    const { eventId } = started.act({ as: 'agent', action: 'rich-message', templateId: 'cards', elements });
    return { ...started, eventId };
  };

  test('a message button sends a postback, then its text', () => {
    const { act, sentActions, eventId } = sendButtons();
    const { chat } = act({ action: 'click', eventId, postbackId: 'yes' });
    expect(sentActions().slice(-2)).toEqual(['incoming_rich_message_postback', 'incoming_event']);
    expect(last(chat.thread.events)).toMatchObject({
      text: 'Yes',
      postback: { id: 'yes', event_id: eventId, value: 'y' },
    });
  });

  test('any other button only sends a postback', () => {
    const { act, sentActions, eventId } = sendButtons();
    act({ action: 'click', eventId, postbackId: 'open' });
    expect(last(sentActions())).toBe('incoming_rich_message_postback');
  });

  test('rejects an unknown button and lists the known ones', () => {
    const { act, eventId } = sendButtons();
    expect(() => act({ action: 'click', eventId, postbackId: 'no' })).toThrow('postbackId: expected one of yes, open');
  });
});

describe('ending and reopening', () => {
  test('sends the user id of a customer or agent, none for the router', () => {
    const closings = [{ action: 'leave' }, { as: 'agent', action: 'close' }, { as: 'router', action: 'archive' }];
    const payloads = closings.map((body) => {
      const { act, simulator } = startChat({ customerId: '5f0c1d7e-2a84-4c39-9b61-7c2e9d1a4b55' });
      act(body);
      return last(simulator.webhooks)?.payload;
    });
    expect(payloads.map((payload) => payload && 'user_id' in payload && payload.user_id)).toEqual([
      '5f0c1d7e-2a84-4c39-9b61-7c2e9d1a4b55',
      nina,
      false,
    ]);
  });

  test('reopening creates a thread that is linked to the previous one', () => {
    const { act, chat } = startChat();
    expect(() => act({ action: 'reopen', text: 'Hi' })).toThrow('still active');
    act({ action: 'leave' });
    const { chat: reopened } = act({ action: 'reopen', text: 'Me again' });
    expect(reopened.thread).toMatchObject({ active: true, previous_thread_id: chat.thread.id });
    expect(reopened.earlierThreads[0]).toMatchObject({ active: false, next_thread_id: reopened.thread.id });
    expect(reopened.thread.events[0]?.id).toBe(`${reopened.thread.id}_1`);
  });

  test('a message ends the idle state', () => {
    const { act } = startChat();
    expect(act({ as: 'router', action: 'idle' }).chat.thread.properties.routing?.idle).toBe(true);
    expect(act({ action: 'message', text: 'Here' }).chat.thread.properties.routing?.idle).toBe(false);
  });
});

const anyAction = fc.constantFrom<object>(
  { action: 'message', text: 'a' },
  { action: 'file', name: 'a.pdf', size: 3 },
  { action: 'seen' },
  { action: 'leave' },
  { action: 'reopen', text: 'a' },
  { action: 'session-fields', fields: { plan: 'pro' } },
  { as: 'agent', action: 'message', text: 'a' },
  { as: 'agent', action: 'note', text: 'a' },
  { as: 'agent', action: 'join', agent: tomas },
  { as: 'agent', action: 'part' },
  { as: 'agent', action: 'transfer', agents: [nina] },
  { as: 'agent', action: 'transfer', groups: [3] },
  { as: 'agent', action: 'tag', tag: 'a' },
  { as: 'router', action: 'idle' },
  { as: 'router', action: 'archive' },
);

test('after any actions, timestamps increase strictly and events are numbered without gaps', () => {
  fc.assert(
    fc.property(fc.array(anyAction, { maxLength: 30 }), (actions) => {
      const { act, chat, simulator } = startChat();
      for (const action of actions) {
        try {
          act(action);
        } catch (error) {
          if (!(error instanceof SimulatorError)) throw error;
        }
      }
      const threads = allThreads(simulator.chat(chat.id));
      const times = threads.flatMap(({ events }) => events.map(({ created_at }) => created_at));
      expect(times).toEqual([...new Set(times)].sort());
      for (const { id, events } of threads) {
        expect(events.map((event) => event.id)).toEqual(events.map((_, index) => `${id}_${index + 1}`));
      }
    }),
  );
});
