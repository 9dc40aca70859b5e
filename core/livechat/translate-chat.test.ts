import { describe, expect, it } from 'vitest';
import { agentId, botId, customerId, organizationId } from '../../test/arbitraries.ts';
import { translate } from './translate.ts';
import type { BridgeIdentity } from './translate-message.ts';

const createdAt = '2026-03-11T09:14:10.120340Z';
const place = { chat_id: 'C', thread_id: 'T' };
const key = { conversationId: 'C', threadId: 'T' };

function events(action: string, payload: unknown, identity: BridgeIdentity = {}) {
  return translate({ organizationId, action, payload, receivedAt: '2026-03-11T09:14:30.000Z' }, identity);
}

function firstData(action: string, payload: unknown): unknown {
  return events(action, payload)[0]?.data;
}

/** The data of chat.started for an incoming_chat with the given fields. */
function started(thread: object, chat: object = {}, fields: object = {}, identity: BridgeIdentity = {}): unknown {
  const payload = { chat: { id: 'C', thread: { id: 'T', created_at: createdAt, ...thread }, ...chat }, ...fields };
  return events('incoming_chat', payload, identity)[0]?.data;
}

describe('chat.started reason', () => {
  it.each([
    ['new', {}, {}],
    ['new', { previous_thread_id: null }, { transferred_from: null }],
    ['new', { previous_thread_id: '' }, {}],
    ['reopened', { previous_thread_id: 'P' }, {}],
    ['transferred', {}, { transferred_from: { group_ids: [4] } }],
    ['transferred', { previous_thread_id: 'P' }, { transferred_from: { agent_ids: [agentId] } }],
  ])('is %s for a thread with %j and %j', (reason, thread, fields) => {
    expect(started(thread, {}, fields)).toMatchObject({ reason });
  });
});

describe('chat.started', () => {
  it('has empty lists and no optional fields by default', () => {
    const data = started({ properties: { routing: { start_url: 7 } } });
    expect(data).toMatchObject({ participants: [], groups: [], tags: [] });
    expect(JSON.parse(JSON.stringify(data))).not.toHaveProperty('sourcePage');
  });

  it.each([
    ['P', 'P'],
    [null, undefined],
  ])('with previous_thread_id %j has the previous thread %j', (previous_thread_id, previousThreadId) => {
    expect(started({ previous_thread_id })).toHaveProperty('previousThreadId', previousThreadId);
  });

  it.each([
    [{ group_ids: [4] }, { agents: [], groups: [4] }],
    [{ agent_ids: [agentId] }, { agents: [agentId], groups: [] }],
    [null, undefined],
  ])('with transferred_from %j has the origin %j', (transferred_from, transferredFrom) => {
    expect(started({}, {}, { transferred_from })).toHaveProperty('transferredFrom', transferredFrom);
  });

  it.each([{}, { visit: {} }, { last_visit: {} }])('has no country of a customer with %j', (visit) => {
    const data = started({}, { users: [{ id: customerId, type: 'customer', ...visit }] });
    expect(data).toMatchObject({ participants: [{ id: customerId }] });
    expect(JSON.stringify(data)).not.toContain('country');
  });

  it('lists the participants and recognizes bots by their ids', () => {
    const users = [
      { id: customerId, type: 'customer', name: 'Dana', present: true, session_fields: [{ plan: 'pro' }, { n: 1 }] },
      { id: agentId, type: 'agent', email: agentId, present: false },
      { id: botId, type: 'agent' },
      { id: 'somebody', type: 'agent' },
    ];
    expect(started({}, { users })).toMatchObject({
      participants: [
        {
          id: customerId,
          type: 'customer',
          misleadingId: undefined,
          name: 'Dana',
          present: true,
          fields: { plan: 'pro', n: '1' },
        },
        { id: agentId, type: 'agent', email: agentId, present: false },
        { id: botId, type: 'bot' },
        { id: 'somebody', type: 'agent', misleadingId: true },
      ],
    });
  });

  it.each(['visit', 'last_visit'])('reads the customer’s country from %s', (name) => {
    const users = [{ id: customerId, type: 'customer', [name]: { geolocation: { country_code: 'PL' } } }];
    expect(started({}, { users })).toMatchObject({ participants: [{ country: 'PL' }] });
  });

  it.each([
    ['the thread’s', { access: { group_ids: [4] } }, { access: { group_ids: [19] } }, [4]],
    ['without them the chat’s', {}, { access: { group_ids: [19] } }, [19]],
    ['no', {}, {}, []],
  ])('has %s groups', (_whose, thread, chat, groups) => {
    expect(started(thread, chat)).toMatchObject({ groups });
  });

  it.each([
    ['queued_at', { position: 3, wait_time: 60, queued_at: '2026-03-11T09:14:10.000000Z' }],
    ['queued_at_us', { position: 3, wait_time: 60, queued_at_us: '2026-03-11T09:14:10.000000Z' }],
  ])('reads the queue’s time from %s', (_name, queue) => {
    const expected = { position: 3, waitTime: 60, queuedAt: '2026-03-11T09:14:10.000000Z' };
    expect(started({ queue })).toMatchObject({ queue: expected });
  });

  it('has the source page', () => {
    const properties = { routing: { start_url: 'https://shop.example/cart' } };
    expect(started({ properties })).toMatchObject({ sourcePage: 'https://shop.example/cart' });
  });

  it.each([
    ['is active by default', {}, true],
    ['is inactive when appended to an inactive chat', { active: false }, false],
  ])('%s', (_what, thread, active) => {
    expect(started(thread)).toMatchObject({ active });
  });

  it.each([
    [true, 'a previous thread exists', { previous_thread_id: 'P' }, undefined],
    [true, 'the customer has had another thread', {}, { threads_count: 2, chats_count: 1 }],
    [true, 'the customer has had another chat', {}, { chats_count: 2 }],
    [false, 'it is the first', {}, { threads_count: 1, chats_count: 1 }],
    [undefined, 'the counts are missing', {}, undefined],
    [undefined, 'a count is not a number', {}, { threads_count: 'many' }],
    [undefined, 'there are no statistics', {}, null],
  ])('sets returning to %s if %s', (returning, _when, thread, statistics) => {
    const users = [{ id: customerId, type: 'customer', statistics }];
    expect(started(thread, { users })).toHaveProperty('returning', returning);
  });

  it('has the requester if LiveChat names one', () => {
    expect(started({}, {}, { requester_id: agentId })).toMatchObject({ by: { id: agentId, type: 'agent' } });
    expect(started({})).toHaveProperty('by', undefined);
  });

  it('marks participants hidden from the customer', () => {
    const users = [
      { id: agentId, type: 'agent', visibility: 'agents' },
      { id: botId, type: 'agent', visibility: 'all' },
      { id: customerId, type: 'customer' },
    ];
    expect(started({}, { users })).toMatchObject({
      participants: [{ hidden: true }, { hidden: false }, { id: customerId }],
    });
  });

  describe('opening messages', () => {
    const said = (more: object) => ({
      id: 'T_1',
      type: 'message',
      created_at: createdAt,
      author_id: customerId,
      ...more,
    });
    const fields = [
      { type: 'email', id: '1', label: 'E-mail:', answer: 'dana@shop.example' },
      { type: 'radio', id: '2', label: 'Topic', answer: { id: '0', label: 'Order status' } },
      {
        type: 'checkbox',
        id: '3',
        label: 'Products',
        answers: [
          { id: '0', label: 'Shoes' },
          { id: '2', label: 'Bags' },
        ],
      },
      { type: 'question', id: '4', label: 'Unanswered', answer: '' },
      { type: 'information', id: '5', label: 'No question' },
      'no field',
    ];
    const answers = [
      { id: '1', label: 'E-mail:', values: ['dana@shop.example'] },
      { id: '2', label: 'Topic', values: ['Order status'] },
      { id: '3', label: 'Products', values: ['Shoes', 'Bags'] },
    ];

    it('contain the form answers and the first text of the customer', () => {
      const events = [
        said({ type: 'filled_form', fields }),
        said({ author_id: agentId, text: 'How can I help?' }),
        said({ type: 'file', url: 'https://cdn.example/x' }),
        said({ text: 'Where is my order?' }),
        said({ text: 'Hello?' }),
      ];
      expect(started({ events })).toMatchObject({ opening: { answers, text: 'Where is my order?' } });
    });

    it.each([
      [
        'are the form answers if there is no text',
        [said({ type: 'filled_form', fields })],
        { answers, text: undefined },
      ],
      ['are the text if there are no form answers', [said({ text: 'Hello' })], { answers: [], text: 'Hello' }],
      ['ignore the fields of other event types', [said({ text: 'Hello', fields })], { answers: [], text: 'Hello' }],
      [
        'ignore the text of other event types',
        [said({ type: 'file', text: 'receipt' }), said({ text: 'Hello' })],
        { answers: [], text: 'Hello' },
      ],
    ])('%s', (_what, messages, opening) => {
      expect(started({ events: messages })).toHaveProperty('opening', opening);
    });

    it.each([
      ['an empty thread', []],
      [
        'messages of agents',
        [said({ author_id: agentId, text: 'Hello' }), said({ author_id: agentId, type: 'filled_form', fields })],
      ],
      ['deleted messages', [said({ deleted: true, text: 'Hello' })]],
      ['notes', [said({ visibility: 'agents', text: 'Hello' })]],
      ['malformed messages', [{ ...said({ text: 'Hello' }), created_at: 'now' }, said({ text: 7 }), 'x']],
    ])('exclude %s', (_what, events) => {
      expect(started({ events })).toHaveProperty('opening', undefined);
    });

    it('recognize a customer by the chat’s users, for any id format', () => {
      const users = [{ id: 'somebody', type: 'customer' }];
      const events = [said({ author_id: 'somebody', text: 'Hello' })];
      expect(started({ events }, { users })).toMatchObject({ opening: { answers: [], text: 'Hello' } });
    });
  });

  it.each([
    [true, 'our client started the thread', { properties: { source: { client_id: 'ours' } } }, {}],
    [true, 'our agent is the requester', {}, { requester_id: agentId }],
    [false, 'another client started it', { properties: { source: { client_id: 'theirs' } } }, {}],
    [false, 'another agent is the requester', {}, { requester_id: 'tomas.reyes@acme.example' }],
    [false, 'no client or requester is named', {}, {}],
  ])('sets causedByUs to %s if %s', (causedByUs, _when, thread, fields) => {
    expect(started(thread, {}, fields, { clientId: 'ours', agentId })).toMatchObject({ causedByUs });
  });

  it('sets causedByUs to false without a configured client or agent', () => {
    expect(started({ properties: { source: {} } }, {}, {}, {})).toMatchObject({ causedByUs: false });
  });
});

describe('chat.transferred', () => {
  it('has the target, the reason and the requester', () => {
    const transferred_to = { agent_ids: [agentId], group_ids: [4] };
    const payload = { chat_id: 'C', thread_id: 'T', requester_id: agentId, reason: 'manual', transferred_to };
    expect(firstData('chat_transferred', payload)).toMatchObject({
      conversationId: 'C',
      threadId: 'T',
      to: { agents: [agentId], groups: [4] },
      reason: 'manual',
      by: { id: agentId, type: 'agent' },
    });
  });

  it.each(['queued_at', 'queued_at_us'])('reads the queue’s time from %s', (name) => {
    const queue = { [name]: '2026-03-11T09:14:10.000000Z' };
    expect(firstData('chat_transferred', { chat_id: 'C', queue })).toMatchObject({
      to: {},
      reason: 'other',
      queue: { queuedAt: '2026-03-11T09:14:10.000000Z' },
    });
  });
});

describe('chat.deactivated', () => {
  it.each([
    [agentId, { id: agentId, type: 'agent' }],
    [customerId, { id: customerId, type: 'customer' }],
    [undefined, undefined],
  ])('has the author of %s', (user_id, by) => {
    expect(firstData('chat_deactivated', { chat_id: 'C', thread_id: 'T', user_id })).toEqual({
      conversationId: 'C',
      threadId: 'T',
      by,
    });
  });
});

describe('chat.updated', () => {
  it.each([
    ['chat_access_updated', { id: 'C', access: { group_ids: [19] } }, { conversationId: 'C', groups: [19] }],
    ['thread_tagged', { chat_id: 'C', thread_id: 'T', tag: 'bug' }, { conversationId: 'C', threadId: 'T', tag: 'bug' }],
    [
      'thread_untagged',
      { chat_id: 'C', thread_id: 'T', tag: 'bug' },
      { conversationId: 'C', threadId: 'T', untag: 'bug' },
    ],
  ])('is created for %s', (action, payload, data) => {
    expect(firstData(action, payload)).toEqual(data);
  });
});

describe('postback.received', () => {
  it.each([
    [
      '3.6',
      { id: 'p', toggled: false, button_type: 'message', button_value: 'yes' },
      { id: 'p', toggled: false, type: 'message', value: 'yes' },
    ],
    ['3.4', { id: 'p', toggled: true }, { id: 'p', toggled: true }],
    ['a version without toggled', { id: 'p' }, { id: 'p', toggled: true }],
  ])('of version %s has the button and the user', (_version, postback, button) => {
    const payload = { ...place, event_id: 'T_1', user_id: customerId, postback };
    const user = { id: customerId, type: 'customer' };
    expect(events('incoming_rich_message_postback', payload)).toMatchObject([
      { type: 'postback.received', data: { ...key, messageId: 'T_1', button, user } },
    ]);
  });
});

describe('message.seen', () => {
  it('occurs at seen_up_to, in microseconds', () => {
    const payload = { chat_id: 'C', user_id: customerId, seen_up_to: '2026-03-11T10:16:21.01+01:00' };
    const seenUpTo = '2026-03-11T09:16:21.010000Z';
    const by = { id: customerId, type: 'customer' };
    expect(events('events_marked_as_seen', payload)).toMatchObject([
      { type: 'message.seen', metadata: { occurredAt: seenUpTo }, data: { conversationId: 'C', by, seenUpTo } },
    ]);
  });
});

describe('user_added_to_chat', () => {
  it.each([
    ['an agent', { user: { id: agentId, type: 'agent' } }, { id: agentId, type: 'agent', present: true }],
    ['a bot', { user: { id: botId, type: 'agent' } }, { id: botId, type: 'bot' }],
    ['an agent by user_type', { user: { id: 'a' }, user_type: 'agent' }, { id: 'a', type: 'agent' }],
    ['an agent by the id alone', { user: { id: agentId } }, { type: 'agent' }],
    ['an absent agent', { user: { id: agentId, present: false } }, { present: false }],
  ])('creates agent.changed for %s', (_who, payload, agent) => {
    expect(events('user_added_to_chat', { ...place, ...payload })).toMatchObject([
      { type: 'agent.changed', data: { ...key, change: 'joined', agent } },
    ]);
  });

  it.each([
    ['a customer', { id: customerId, type: 'customer' }, { type: 'customer' }],
    [
      'a customer with an e-mail address for an id',
      { id: agentId, type: 'customer' },
      { type: 'customer', misleadingId: true },
    ],
    ['a user of unknown type', { id: 'x' }, { type: 'unknown' }],
  ])('creates participant.changed for %s', (_who, user, participant) => {
    expect(events('user_added_to_chat', { ...place, user })).toMatchObject([
      { type: 'participant.changed', data: { ...key, change: 'joined', participant } },
    ]);
  });
});

describe('user_removed_from_chat', () => {
  it.each([
    ['an agent', { user_id: agentId, user_type: 'agent' }, { id: agentId, type: 'agent', present: false }],
    ['a bot', { user_id: botId, user_type: 'agent' }, { id: botId, type: 'bot', present: false }],
  ])('creates agent.changed for %s', (_who, payload, agent) => {
    expect(events('user_removed_from_chat', { ...place, ...payload })).toMatchObject([
      { type: 'agent.changed', data: { ...key, change: 'left', agent } },
    ]);
  });

  it.each([
    ['a customer', { user_id: customerId }],
    ['a customer by user_type', { user_id: 'x', user_type: 'customer' }],
  ])('creates participant.changed for %s', (_who, payload) => {
    const participant = { id: payload.user_id, type: 'customer', present: false };
    expect(events('user_removed_from_chat', { ...place, ...payload })).toMatchObject([
      { type: 'participant.changed', data: { ...key, change: 'left', participant } },
    ]);
  });

  it('has the reason and the requester', () => {
    const payload = { ...place, user_id: agentId, reason: 'manual', requester_id: agentId };
    const by = { id: agentId, type: 'agent' };
    expect(firstData('user_removed_from_chat', payload)).toMatchObject({ reason: 'manual', by });
  });
});

describe('agent_changed of the original specification', () => {
  it.each([agentId, 'somebody'])('creates agent.changed for the agent %s, who joins, with the replaced agent', (id) => {
    const previous = 'tomas.reyes@acme.example';
    expect(events('agent_changed', { chat_id: 'C', agent_id: id, previous_agent_id: previous })).toMatchObject([
      { type: 'agent.changed', data: { change: 'joined', agent: { id, type: 'agent' }, replaces: previous } },
    ]);
  });
});

describe('customer_session_fields_updated', () => {
  const session_fields = [{ plan: 'pro' }, { cart: 149 }, { plan: 'max' }, { nothing: null }];
  const fields = { plan: 'max', cart: '149', nothing: 'null' };

  it.each([
    [customerId, 'customer'],
    ['somebody', 'customer'],
    [agentId, 'agent'],
  ])('sets the fields of %s as a %s; the last value of a name is used', (id, type) => {
    expect(events('customer_session_fields_updated', { id, active_chat: place, session_fields })).toMatchObject([
      { type: 'participant.changed', data: { ...key, change: 'fields', participant: { id, type, fields } } },
    ]);
  });

  it.each([[undefined], [null]])('creates no event if the active chat is %j', (active_chat) => {
    expect(events('customer_session_fields_updated', { id: customerId, active_chat, session_fields })).toEqual([]);
  });
});
