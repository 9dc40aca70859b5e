import { describe, expect, it } from 'vitest';
import { agentId, botId, customerId, organizationId } from '../../../test/arbitraries.ts';
import { translate } from './translate.ts';

const place = { chat_id: 'C', thread_id: 'T' };

function only(action: string, payload: object): unknown {
  const [event] = translate({ organizationId, action, payload, receivedAt: '2026-03-11T09:14:30.000Z' }, {});
  return event;
}

const joined = { change: 'joined' };
const left = { change: 'left' };

describe('a user who comes', () => {
  it.each([
    [
      'an agent',
      { user: { id: agentId, type: 'agent' } },
      'agent.changed',
      { agent: { id: agentId, type: 'agent', present: true } },
    ],
    ['a bot', { user: { id: botId, type: 'agent' } }, 'agent.changed', { agent: { id: botId, type: 'bot' } }],
    [
      'an agent by user_type',
      { user: { id: 'a' }, user_type: 'agent' },
      'agent.changed',
      { agent: { id: 'a', type: 'agent' } },
    ],
    ['an agent by the id alone', { user: { id: agentId } }, 'agent.changed', { agent: { type: 'agent' } }],
    [
      'a customer',
      { user: { id: customerId, type: 'customer' } },
      'participant.changed',
      { participant: { type: 'customer' } },
    ],
    [
      'a customer with an e-mail address for an id',
      { user: { id: agentId, type: 'customer' } },
      'participant.changed',
      { participant: { type: 'customer', mistakable: true } },
    ],
    [
      'one of whom nothing is known',
      { user: { id: 'x' } },
      'participant.changed',
      { participant: { type: 'unknown' } },
    ],
    [
      'one who is said to be absent',
      { user: { id: agentId, present: false } },
      'agent.changed',
      { agent: { present: false } },
    ],
  ])('being %s', (_who, payload, type, data) => {
    expect(only('user_added_to_chat', { ...place, ...payload })).toMatchObject({ type, data: { ...joined, ...data } });
  });
});

describe('a user who goes', () => {
  it.each([
    [
      'an agent',
      { user_id: agentId, user_type: 'agent' },
      'agent.changed',
      { agent: { id: agentId, type: 'agent', present: false } },
    ],
    ['a bot', { user_id: botId, user_type: 'agent' }, 'agent.changed', { agent: { type: 'bot', present: false } }],
    [
      'a customer',
      { user_id: customerId },
      'participant.changed',
      { participant: { type: 'customer', present: false } },
    ],
    [
      'a customer by user_type',
      { user_id: 'x', user_type: 'customer' },
      'participant.changed',
      { participant: { type: 'customer' } },
    ],
  ])('being %s', (_who, payload, type, data) => {
    expect(only('user_removed_from_chat', { ...place, ...payload })).toMatchObject({
      type,
      data: { ...left, ...data },
    });
  });

  it('is told with the reason and with who asked for it', () => {
    const payload = { ...place, user_id: agentId, reason: 'manual', requester_id: agentId };
    const by = { id: agentId, type: 'agent' };
    expect(only('user_removed_from_chat', payload)).toMatchObject({ data: { reason: 'manual', by } });
  });
});

describe('agent_changed, which the original specification names', () => {
  it('is an agent who joins, and whom they replace', () => {
    const payload = { chat_id: 'C', agent_id: agentId, previous_agent_id: 'tomas.reyes@acme.example' };
    const data = { ...joined, agent: { id: agentId, type: 'agent' }, replaces: 'tomas.reyes@acme.example' };
    expect(only('agent_changed', payload)).toMatchObject({ type: 'agent.changed', data });
  });
});

describe('session fields', () => {
  const session_fields = [{ plan: 'pro' }, { cart: 149 }, { plan: 'max' }, { nothing: null }];

  it('become a customer’s fields by name, the last of a name counting', () => {
    const fields = { plan: 'max', cart: '149', nothing: 'null' };
    expect(
      only('customer_session_fields_updated', { id: customerId, active_chat: place, session_fields }),
    ).toMatchObject({
      type: 'participant.changed',
      data: {
        conversationId: 'C',
        threadId: 'T',
        change: 'fields',
        participant: { id: customerId, type: 'customer', fields },
      },
    });
  });

  it.each([[undefined], [null]])('of a customer whose active chat is %j become nothing', (active_chat) => {
    expect(only('customer_session_fields_updated', { id: customerId, active_chat, session_fields })).toBeUndefined();
  });
});
