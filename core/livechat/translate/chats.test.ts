import { describe, expect, it } from 'vitest';
import { agentId, botId, customerId, organizationId } from '../../../test/arbitraries.ts';
import type { Self } from './context.ts';
import { translate } from './translate.ts';

const receivedAt = '2026-03-11T09:14:30.000Z';
const thread = { id: 'T', created_at: '2026-03-11T09:14:10.120340Z' };

function dataOf(action: string, payload: unknown, self: Self = {}): unknown {
  return translate({ organizationId, action, payload, receivedAt }, self)[0]?.data;
}

function started(threadFields: object, chatFields: object = {}, fields: object = {}, self: Self = {}): unknown {
  const chat = { id: 'C', thread: { ...thread, ...threadFields }, ...chatFields };
  return dataOf('incoming_chat', { chat, ...fields }, self);
}

describe('the reason of a chat’s start', () => {
  it.each([
    ['new', {}, {}],
    ['new', { previous_thread_id: null }, { transferred_from: null }],
    ['new', { previous_thread_id: '' }, {}],
    ['reopened', { previous_thread_id: 'P' }, {}],
    ['transferred', {}, { transferred_from: { group_ids: [4] } }],
    ['transferred', { previous_thread_id: 'P' }, { transferred_from: { agent_ids: [agentId] } }],
  ])('is %s for a thread with %j and %j', (reason, threadFields, fields) => {
    expect(started(threadFields, {}, fields)).toMatchObject({ reason });
  });
});

describe('a chat’s start', () => {
  it('says who takes part, with bots told from agents by their ids', () => {
    const users = [
      { id: customerId, type: 'customer', name: 'Dana', present: true, session_fields: [{ plan: 'pro' }, { n: 1 }] },
      { id: agentId, type: 'agent', email: agentId, present: false },
      { id: botId, type: 'agent' },
      { id: 'somebody', type: 'agent' },
    ];
    expect(started({}, { users })).toMatchObject({
      participants: [
        { id: customerId, type: 'customer', name: 'Dana', present: true, fields: { plan: 'pro', n: '1' } },
        { id: agentId, type: 'agent', email: agentId, present: false },
        { id: botId, type: 'bot' },
        { id: 'somebody', type: 'agent', mistakable: true },
      ],
    });
  });

  it.each(['visit', 'last_visit'])('takes the customer’s country from %s', (name) => {
    const users = [{ id: customerId, type: 'customer', [name]: { geolocation: { country_code: 'PL' } } }];
    expect(started({}, { users })).toMatchObject({ participants: [{ country: 'PL' }] });
  });

  it.each([
    ['the thread’s', { access: { group_ids: [4] } }, { access: { group_ids: [19] } }, [4]],
    ['else the chat’s', {}, { access: { group_ids: [19] } }, [19]],
    ['else none', {}, {}, []],
  ])('names %s groups', (_whose, threadFields, chatFields, groups) => {
    expect(started(threadFields, chatFields)).toMatchObject({ groups });
  });

  it.each([
    ['queued_at', { position: 3, wait_time: 60, queued_at: '2026-03-11T09:14:10.000000Z' }],
    ['queued_at_us', { position: 3, wait_time: 60, queued_at_us: '2026-03-11T09:14:10.000000Z' }],
  ])('reads the queue’s time from %s', (_name, queue) => {
    const expected = { position: 3, waitTime: 60, queuedAt: '2026-03-11T09:14:10.000000Z' };
    expect(started({ queue })).toMatchObject({ queue: expected });
  });

  it('names the page that it came from', () => {
    const properties = { routing: { start_url: 'https://shop.example/cart' } };
    expect(started({ properties })).toMatchObject({ sourcePage: 'https://shop.example/cart' });
  });

  it.each([
    ['is active unless said otherwise', {}, true],
    ['is inactive when appended to an inactive chat', { active: false }, false],
  ])('%s', (_what, threadFields, active) => {
    expect(started(threadFields)).toMatchObject({ active });
  });

  it.each([
    [true, 'there was a thread before', { previous_thread_id: 'P' }, undefined],
    [true, 'the customer has had another thread', {}, { threads_count: 2, chats_count: 1 }],
    [true, 'the customer has had another chat', {}, { chats_count: 2 }],
    [false, 'it is the first', {}, { threads_count: 1, chats_count: 1 }],
    [undefined, 'nothing is counted', {}, undefined],
    [undefined, 'what is counted is no number', {}, { threads_count: 'many' }],
    [undefined, 'there are no statistics', {}, null],
  ])('is of a returning customer: %s, when %s', (returning, _when, threadFields, statistics) => {
    const users = [{ id: customerId, type: 'customer', statistics }];
    expect(started(threadFields, { users })).toHaveProperty('returning', returning);
  });

  it('says who began it, where LiveChat does', () => {
    expect(started({}, {}, { requester_id: agentId })).toMatchObject({ by: { id: agentId, type: 'agent' } });
    expect(started({})).toHaveProperty('by', undefined);
  });

  it('says whom the customer does not see', () => {
    const users = [
      { id: agentId, type: 'agent', visibility: 'agents' },
      { id: botId, type: 'agent', visibility: 'all' },
      { id: customerId, type: 'customer' },
    ];
    expect(started({}, { users })).toMatchObject({
      participants: [{ hidden: true }, { hidden: false }, { id: customerId }],
    });
  });

  describe('with what was said already', () => {
    const said = (more: object) => ({
      id: 'T_1',
      type: 'message',
      created_at: thread.created_at,
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

    it('has the answers of the form and the first text of the customer', () => {
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
      ['nothing', []],
      [
        'what agents say',
        [said({ author_id: agentId, text: 'Hello' }), said({ author_id: agentId, type: 'filled_form', fields })],
      ],
      ['what was deleted', [said({ deleted: true, text: 'Hello' })]],
      ['what is broken', [{ ...said({ text: 'Hello' }), created_at: 'now' }, said({ text: 7 }), 'x']],
    ])('has nothing of %s', (_what, events) => {
      expect(started({ events })).toHaveProperty('opening', undefined);
    });

    it('knows a customer by the chat’s users, whatever the id looks like', () => {
      const users = [{ id: 'somebody', type: 'customer' }];
      const events = [said({ author_id: 'somebody', text: 'Hello' })];
      expect(started({ events }, { users })).toMatchObject({ opening: { answers: [], text: 'Hello' } });
    });
  });

  it.each([
    [true, 'our client began the thread', { properties: { source: { client_id: 'ours' } } }, {}],
    [true, 'our agent asked for it', {}, { requester_id: agentId }],
    [false, 'another client began it', { properties: { source: { client_id: 'theirs' } } }, {}],
    [false, 'another agent asked for it', {}, { requester_id: 'tomas.reyes@acme.example' }],
    [false, 'nobody is named', {}, {}],
  ])('is caused by us: %s, when %s', (causedByUs, _when, threadFields, fields) => {
    expect(started(threadFields, {}, fields, { clientId: 'ours', agentId })).toMatchObject({ causedByUs });
  });

  it('is never caused by us while we do not know who we are', () => {
    expect(started({ properties: { source: {} } }, {}, {}, {})).toMatchObject({ causedByUs: false });
  });
});

describe('a transfer', () => {
  it('says to whom, why and by whom', () => {
    const transferred_to = { agent_ids: [agentId], group_ids: [4] };
    const payload = { chat_id: 'C', thread_id: 'T', requester_id: agentId, reason: 'manual', transferred_to };
    expect(dataOf('chat_transferred', payload)).toMatchObject({
      conversationId: 'C',
      threadId: 'T',
      to: { agents: [agentId], groups: [4] },
      reason: 'manual',
      by: { id: agentId, type: 'agent' },
    });
  });

  it.each(['queued_at', 'queued_at_us'])('reads the queue’s time from %s', (name) => {
    const queue = { [name]: '2026-03-11T09:14:10.000000Z' };
    expect(dataOf('chat_transferred', { chat_id: 'C', queue })).toMatchObject({
      to: {},
      reason: 'other',
      queue: { queuedAt: '2026-03-11T09:14:10.000000Z' },
    });
  });
});

describe('the end of a thread', () => {
  it.each([
    [agentId, { id: agentId, type: 'agent' }],
    [customerId, { id: customerId, type: 'customer' }],
    [undefined, undefined],
  ])('by %s', (user_id, by) => {
    expect(dataOf('chat_deactivated', { chat_id: 'C', thread_id: 'T', user_id })).toEqual({
      conversationId: 'C',
      threadId: 'T',
      by,
    });
  });
});

describe('a change of a chat', () => {
  it.each([
    ['chat_access_updated', { id: 'C', access: { group_ids: [19] } }, { conversationId: 'C', groups: [19] }],
    ['thread_tagged', { chat_id: 'C', thread_id: 'T', tag: 'bug' }, { conversationId: 'C', threadId: 'T', tag: 'bug' }],
    [
      'thread_untagged',
      { chat_id: 'C', thread_id: 'T', tag: 'bug' },
      { conversationId: 'C', threadId: 'T', untag: 'bug' },
    ],
  ])('by %s', (action, payload, data) => {
    expect(dataOf(action, payload)).toEqual(data);
  });
});
