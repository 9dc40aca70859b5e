import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fixture } from './fixtures.ts';
import { type Local, organizationId, post, startLocal } from './local.ts';
import { routingWorld } from './routing-world.ts';
import { watchBus } from './watch-bus.ts';

const nina = 'nina.kowal@acme.example';

describe('routing by the first message', () => {
  let local: Local;
  let bus: Awaited<ReturnType<typeof watchBus>>;
  let world: ReturnType<typeof routingWorld>;
  beforeAll(async () => {
    local = await startLocal({ ROUTING_CACHE_SECONDS: '0' });
    bus = await watchBus(local);
    world = routingWorld(local, bus);
  });
  afterAll(async () => {
    await bus.stop();
    await local.stop();
  });

  const refunds = {
    name: 'refunds',
    when: { fact: 'message', words: ['refund', 'money back'] },
    do: { transfer: [{ group: 5 }] },
  };
  const decided = { phase: 'message', evaluated: [{ rule: 'refunds', result: 'matched' }], assignedTo: { group: 5 } };

  it('waits for the first message and ignores later messages', async () => {
    const bulk = { name: 'bulk', when: { fact: 'answers.Topic', is: 'Bulk orders' }, do: { tag: ['bulk'] } };
    await world.applyRules([bulk, refunds]);
    const form = [{ type: 'radio', label: 'Topic', answer: 'Something else' }];
    const chatId = await world.chat({ agent: nina, text: undefined, form });
    expect(await world.readChat(chatId)).toMatchObject({ routing: [], conversation: { assigned: { groups: [0] } } });
    await world.act(chatId, { action: 'message', text: 'I want my money back!' });
    await world.expectChat(chatId, { conversation: { assigned: { agents: [], groups: [5] } }, routing: [decided] });
    await world.act(chatId, { action: 'message', text: 'Is the refund on its way?' });
    expect((await world.readChat(chatId, 'on its way')).routing).toHaveLength(1);
    expect(JSON.stringify(world.routedEvents(chatId))).not.toContain('money');
    expect(local.output()).not.toContain('money back!');
  });

  it('applies the rules in force when the thread started', async () => {
    await world.applyRules([refunds]);
    const chatId = await world.chat({ agent: nina, text: undefined });
    await world.readChat(chatId);
    await world.applyRules([{ ...refunds, name: 'newer', do: { tag: ['newer'] } }]);
    await world.act(chatId, { action: 'message', text: 'Refund, please' });
    await world.expectChat(chatId, { routing: [decided] }, 'Refund, please');
  });

  it('applies the rules of the start even if later rules do not test the message', async () => {
    await world.applyRules([refunds]);
    const [first, second] = [
      await world.chat({ agent: nina, text: undefined }),
      await world.chat({ agent: nina, text: undefined }),
    ];
    await world.readChat(first);
    await world.readChat(second);
    const silent = { name: 'silent', when: { fact: 'country', is: 'PL' }, do: { tag: ['silent'] } };
    await world.applyRules([silent]);
    await world.act(first, { action: 'message', text: 'Refund, please' });
    await world.expectChat(first, { routing: [decided] }, 'Refund, please');
    await world.applyRules([{ ...silent, name: 'still silent' }]);
    await world.act(second, { action: 'message', text: 'A refund for me, too' });
    await world.expectChat(second, { routing: [decided] }, 'A refund for me, too');
  });

  it('uses session fields that were set after the start', async () => {
    const waits = { name: 'lawyers', when: { fact: 'message', words: 'lawyer' }, do: { tag: ['lawyer'] } };
    const pro = { name: 'pro', when: { fact: 'session.plan', is: 'pro' }, do: { transfer: [{ group: 5 }] } };
    await world.applyRules([waits, pro]);
    const chatId = await world.chat({ agent: nina, text: undefined });
    await world.readChat(chatId);
    await world.act(chatId, { action: 'session-fields', fields: { plan: 'pro' } });
    await world.expectChat(chatId, { conversation: { participants: [{ fields: { plan: 'pro' } }, {}] } });
    await world.act(chatId, { action: 'message', text: 'Good morning' });
    const evaluated = [
      { rule: 'lawyers', result: 'not matched' },
      { rule: 'pro', result: 'matched' },
    ];
    await world.expectChat(
      chatId,
      { routing: [{ phase: 'message', evaluated, assignedTo: { group: 5 } }] },
      'Good morning',
    );
  });

  it('decides at the start if the chat starts with a message', async () => {
    await world.applyRules([refunds]);
    const chatId = await world.chat({ agent: nina, text: 'Refund?' });
    await world.expectChat(chatId, { routing: [{ ...decided, phase: 'start' }] });
  });

  it('decides the same if the message arrives before the chat or concurrently', async () => {
    await world.applyRules([refunds]);
    const body = { ...fixture('incoming_event.message.customer.json'), organization_id: organizationId };
    const customer = '5f0c1d7e-2a84-4c39-9b61-7c2e9d1a4b55';
    const users = [{ id: customer, type: 'customer', name: 'Dana', present: true }];
    const webhooks = (chat: string, order: readonly ('message' | 'chat')[]) => {
      const place = { chat_id: chat, thread_id: `${chat}_T` };
      const event = { ...parseEvent(body), id: `${chat}_1`, text: 'refund', author_id: customer };
      const thread = { id: place.thread_id, created_at: '2026-03-11T09:14:10.000000Z', active: true };
      const bodies = {
        message: { ...body, payload: { ...place, event } },
        chat: { ...body, action: 'incoming_chat', payload: { chat: { id: chat, users, thread } } },
      };
      return order.map((name) => bodies[name]);
    };
    for (const one of webhooks('EARLY', ['message', 'chat'])) {
      await post(local, one);
      await local.idle();
    }
    for (let race = 0; race < 5; race += 1) {
      await Promise.all(webhooks(`RACE${race}`, ['chat', 'message']).map((one) => post(local, one)));
    }
    // The simulator has no such chats and rejects the transfer; only the decision matters here.
    const { assignedTo: _, ...message } = decided;
    const expected = {
      ...message,
      actions: [{ group: 5, outcome: 'failed' }],
      unassignedReason: 'no target accepted',
    };
    for (const chat of ['EARLY', 'RACE0', 'RACE1', 'RACE2', 'RACE3', 'RACE4'])
      await world.expectChat(chat, { routing: [expected] });
  });

  it('with `all`, applies matching rules at the start and with the message, and transfers once', async () => {
    const polish = { tag: ['pl'], priority: 'low', transfer: [{ group: 2 }] };
    const urgent = { tag: ['urgent', 'pl'], priority: 'urgent', transfer: [{ group: 9 }] };
    const rules = [
      { name: 'polish', when: { fact: 'country', is: 'PL' }, do: polish },
      { name: 'urgent', when: { fact: 'message', contains: '!' }, do: urgent },
      { name: 'rest', do: { tag: ['rest'] } },
    ];
    await world.applyRules(rules, { match: 'all' });
    const chatId = await world.chat({ agent: nina, text: undefined });
    const first = { phase: 'start', assignedTo: { group: 2 } };
    await world.expectChat(chatId, { routing: [first] });
    await world.act(chatId, { action: 'message', text: 'Hurry!' });
    await world.expectChat(chatId, {
      conversation: { assigned: { groups: [2] }, threads: [{ tags: ['pl', 'rest', 'urgent'] }] },
      routing: [first, { phase: 'message', priority: 'urgent', assignedTo: { group: 2 } }],
    });
    const { routing } = await world.readChat(chatId);
    expect(routing[1]?.actions).toContainEqual({ rule: 'urgent', action: 'transfer', group: 9, outcome: 'skipped' });
  });
});

function parseEvent({ payload }: Record<string, unknown>): object {
  const event = typeof payload === 'object' && payload && 'event' in payload ? payload.event : undefined;
  return typeof event === 'object' && event ? event : {};
}
