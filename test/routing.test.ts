import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { fixture, liveChatTime, startedNow } from './fixtures.ts';
import { type Local, organizationId, pollOptions, post, startLocal } from './local.ts';
import { routingWorld } from './routing-world.ts';
import { watchBus } from './watch-bus.ts';

const nina = 'nina.kowal@acme.example';
const tomas = 'tomas.reyes@acme.example';
const ours = 'bridge@local.example';

describe('routing a chat by rules', () => {
  let local: Local;
  let bus: Awaited<ReturnType<typeof watchBus>>;
  let world: ReturnType<typeof routingWorld>;
  beforeAll(async () => {
    local = await startLocal({ ROUTING_CACHE_SECONDS: '0', LIVECHAT_AGENT_ID: ours });
    bus = await watchBus(local);
    world = routingWorld(local, bus);
  });
  afterEach(async () => {
    await world.clearFaults();
    await world.settings({ offlineAgents: [], offlineGroups: [], groups: null });
  });
  afterAll(async () => {
    await bus.stop();
    await local.stop();
  });

  it('transfers to the first target that accepts, and records the other failures', async () => {
    await world.settings({ offlineAgents: [tomas], offlineGroups: [7], groups: [0, 7] });
    const [us, pro] = [
      { fact: 'country', is: 'US' },
      { fact: 'session.plan', is: 'Pro' },
    ];
    const transfer = [{ agent: tomas }, { group: 99 }, { group: 7 }, { group: 7, queue: true }, { agent: nina }];
    await world.applyRules([
      { name: 'elsewhere', when: { all: [us, pro] }, do: { tag: ['us'] } },
      {
        name: 'vip',
        when: { all: [pro, { not: { fact: 'returning', is: true } }] },
        do: { tag: ['vip'], priority: 'high', note: 'Existing customer', transfer },
      },
      { name: 'everybody else', do: { transfer: [{ group: 0 }] } },
    ]);
    const chatId = await world.chat({ agent: null, customer: { name: 'Dana', sessionFields: { plan: 'pro' } } });
    await world.expectChat(chatId, {
      conversation: { status: 'queued', assigned: { agents: [], groups: [7] }, threads: [{ tags: ['vip'] }] },
      notes: [{ content: 'Existing customer', author: { id: ours } }],
    });
    const { routing } = await world.readChat(chatId);
    const refused = { rule: 'vip', action: 'transfer', outcome: 'failed', error: { name: 'ChannelClientError' } };
    expect(routing).toMatchObject([
      {
        phase: 'start',
        facts: [
          { fact: 'country', known: 'yes', values: ['PL'] },
          { fact: 'returning', known: 'yes', values: [false] },
          { fact: 'session.plan', known: 'yes' },
        ],
        evaluated: [
          {
            rule: 'elsewhere',
            result: 'not matched',
            reasons: [{ path: 'when.all.0', fact: 'country', operator: 'is', result: false }],
          },
          { rule: 'vip', result: 'matched' },
        ],
        actions: [
          { rule: 'vip', action: 'tag', tag: 'vip', outcome: 'done' },
          { rule: 'vip', action: 'priority', priority: 'high', outcome: 'done' },
          { rule: 'vip', action: 'note', outcome: 'done' },
          { ...refused, agent: tomas },
          { ...refused, group: 99 },
          { ...refused, group: 7 },
          { rule: 'vip', action: 'transfer', group: 7, outcome: 'done' },
          { rule: 'vip', action: 'transfer', agent: nina, outcome: 'skipped' },
        ],
        assignedTo: { group: 7 },
        priority: 'high',
      },
    ]);
    expect(routing[0]).not.toHaveProperty('unassignedReason');
    const expected = [
      { metadata: { organizationId, causationId: expect.any(String) }, data: { assignedTo: { group: 7 } } },
    ];
    await expect.poll(() => world.routedEvents(chatId), pollOptions).toMatchObject(expected);
    // Neither the event nor the log contains customer data or texts.
    expect(JSON.stringify(world.routedEvents(chatId))).not.toMatch(/pro"|Dana|Existing customer/);
    expect(local.output()).not.toContain('Existing customer');
  });

  it('makes no call if no rule matches', async () => {
    await world.applyRules([
      { name: 'french', when: { fact: 'language', is: 'fr' }, do: { transfer: [{ group: 3 }] } },
    ]);
    const before = await world.countCalls('transfer_chat');
    await world.expectChat(await world.chat({ agent: nina }), {
      conversation: { assigned: { agents: [nina], groups: [0] } },
      routing: [
        { unassignedReason: 'no rule matched', actions: [], evaluated: [{ rule: 'french', result: 'not matched' }] },
      ],
    });
    expect(await world.countCalls('transfer_chat')).toBe(before);
  });

  it('stores and publishes nothing without rules', async () => {
    await world.applyRules([]);
    const chatId = await world.chat();
    expect((await world.readChat(chatId)).routing).toEqual([]);
    expect(world.routedEvents(chatId)).toEqual([]);
  });

  it('makes no call if the target has the chat already', async () => {
    await world.applyRules([{ name: 'nina', do: { transfer: [{ agent: nina }] } }]);
    const before = await world.countCalls('transfer_chat');
    await world.expectChat(await world.chat({ agent: nina }), {
      routing: [{ actions: [{ outcome: 'not needed' }], assignedTo: { agent: nina } }],
    });
    expect(await world.countCalls('transfer_chat')).toBe(before);
  });

  describe('with an automatic answer', () => {
    const text = 'We are closed until nine.';

    it('joins a queued chat, answers, and leaves by the transfer', async () => {
      const transfer = [{ group: 4, queue: true }];
      await world.applyRules([{ name: 'closed', do: { answer: text, note: 'Answered automatically', transfer } }]);
      const chatId = await world.chat({ agent: null });
      await world.expectChat(chatId, {
        conversation: {
          status: 'queued',
          assigned: { agents: [], groups: [4] },
          participants: [{ type: 'customer' }, { id: ours, present: false }],
        },
        notes: [{ content: 'Answered automatically' }],
      });
      expect(await world.sentTexts(chatId)).toEqual([text]);
      expect(local.output()).not.toContain(text);
    });

    it('hands the chat back if no rule transfers it', async () => {
      await world.applyRules([{ name: 'closed', do: { answer: text } }]);
      const chatId = await world.chat({ agent: null });
      const actions = ['answer', 'hand back'].map((action) => ({ action, outcome: 'done' }));
      await world.expectChat(chatId, {
        conversation: { status: 'queued', participants: [{ type: 'customer' }, { id: ours, present: false }] },
        routing: [{ unassignedReason: 'no transfer action', actions }],
      });
      expect(await world.sentTexts(chatId)).toEqual([text]);
    });

    it('stays in a chat of our own agent', async () => {
      await world.applyRules([{ name: 'hello', do: { answer: text } }]);
      const chatId = await world.chat({ agent: ours });
      await world.expectChat(chatId, {
        conversation: { participants: [{ type: 'customer' }, { id: ours, present: true }] },
        routing: [{ actions: [{ action: 'answer', outcome: 'done' }] }],
      });
      expect(await world.sentTexts(chatId)).toEqual([text]);
    });

    it('records a failed answer if an agent has the chat', async () => {
      await world.applyRules([{ name: 'hello', do: { answer: text } }]);
      const chatId = await world.chat({ agent: nina });
      await world.expectChat(chatId, { routing: [{ actions: [{ action: 'answer', outcome: 'failed' }] }] });
      expect(await world.sentTexts(chatId)).toEqual([]);
    });
  });

  it('tries the next target after a LiveChat failure', async () => {
    await world.applyRules([{ name: 'any', do: { transfer: [{ group: 1 }, { group: 2 }] } }]);
    await world.fault({ kind: 'error', method: 'transfer_chat', status: 500, count: 1 });
    await world.expectChat(await world.chat({ agent: nina }), {
      conversation: { assigned: { groups: [2] } },
      routing: [{ actions: [{ outcome: 'failed', error: { name: 'ChannelServerError' } }, { outcome: 'done' }] }],
    });
  });

  it('stops if the chat was closed in the meantime', async () => {
    await world.applyRules([{ name: 'any', do: { transfer: [{ group: 1 }, { group: 2 }] } }]);
    await world.fault({ kind: 'chat-inactive', method: 'transfer_chat', count: 1 });
    await world.expectChat(await world.chat({ agent: nina }), {
      routing: [{ unassignedReason: 'chat closed', actions: [{ outcome: 'failed' }, { outcome: 'skipped' }] }],
    });
  });

  it('follows a region redirect and waits for a rate limit', async () => {
    await world.applyRules([{ name: 'any', do: { tag: ['t'], transfer: [{ group: 1 }] } }]);
    await world.fault({ kind: 'misdirected', method: 'tag_thread', count: 1 });
    await world.fault({ kind: 'error', method: 'transfer_chat', status: 429, retryAfterSeconds: 1, count: 1 });
    await world.expectChat(await world.chat({ agent: nina }), {
      routing: [{ actions: [{ outcome: 'done' }, { outcome: 'done' }], assignedTo: { group: 1 } }],
    });
  });

  it('records `no slot` if the organization is paused', async () => {
    await world.applyRules([{ name: 'any', do: { tag: ['t'], transfer: [{ group: 1 }, { group: 2 }] } }]);
    const before = await world.countCalls('transfer_chat');
    await world.send(`/api/rate-limits/${organizationId}`, { do: 'pause' });
    const noSlot = { action: 'tag', outcome: 'failed', error: { name: 'NoSlot' } };
    await world.expectChat(await world.chat({ agent: nina }), {
      routing: [{ unassignedReason: 'no slot', actions: [noSlot, { outcome: 'skipped' }, { outcome: 'skipped' }] }],
    });
    await world.send(`/api/rate-limits/${organizationId}`, { do: 'resume' });
    expect(await world.countCalls('transfer_chat')).toBe(before);
  });

  it('decides once for duplicate webhooks, and ignores archived events', async () => {
    await world.applyRules([{ name: 'any', do: { transfer: [{ group: 1 }] } }]);
    const before = await world.countCalls('transfer_chat');
    const body = { ...startedNow(fixture('incoming_chat.json')), organization_id: organizationId };
    for (let time = 0; time < 3; time += 1) await post(local, body);
    expect((await world.readChat('T8RM2K0V9X')).routing).toHaveLength(1);
    expect(await world.countCalls('transfer_chat')).toBe(before + 1);
    const [started] = bus.of('chat.started').slice(-1);
    const another = { ...started, data: { ...z.looseObject({}).parse(started?.data), threadId: 'ANOTHER' } };
    const entry = { Source: 'omnichannel.livechat', DetailType: 'chat.started', EventBusName: local.bus };
    const Entries = [{ ...entry, Detail: JSON.stringify(another) }];
    await fetch(`${local.aws}/_local/replay?name=r`, { method: 'POST', body: JSON.stringify({ Entries }) });
    expect((await world.readChat('T8RM2K0V9X')).routing).toHaveLength(1);
  });

  it('only records a decision on a chat that began ten minutes ago, whenever its webhook is received', async () => {
    await world.applyRules([{ name: 'any', do: { tag: ['late'], transfer: [{ group: 1 }] } }]);
    const chatId = await world.chat({ agent: nina });
    await world.expectChat(chatId, { routing: [{ assignedTo: { group: 1 } }] });
    const started = bus.of('chat.started').findLast(({ data }) => JSON.stringify(data).includes(chatId));
    const before = new Date(Date.now() - 601_000).toISOString();
    const data = { ...z.looseObject({}).parse(started?.data), threadId: 'LATE', createdAt: before };
    const metadata = { ...z.looseObject({}).parse(started?.metadata), id: 'late' };
    await world.put('omnichannel.livechat', 'chat.started', { metadata, data });
    const late = {
      threadId: 'LATE',
      unassignedReason: 'too late',
      actions: [{ outcome: 'skipped' }, { outcome: 'skipped' }],
    };
    await world.expectChat(chatId, { routing: [{}, late] });
  });

  it('routes threads that a customer starts, not those of agents or this bridge', async () => {
    await world.applyRules([{ name: 'any', do: { tag: ['routed'] } }]);
    const chatId = await world.chat({ agent: nina });
    await world.act(chatId, { action: 'leave' });
    await world.act(chatId, { action: 'reopen', text: 'Hello again' });
    await world.expectChat(chatId, {
      conversation: { threads: [{}, {}] },
      routing: [{ phase: 'start' }, { phase: 'start' }],
    });
    await world.act(chatId, { action: 'leave' });
    // The chat is inactive: the send step resumes it in a thread that the bridge starts.
    await world.request(chatId);
    await world.waitForExecutions();
    await world.expectChat(chatId, { conversation: { threads: [{}, {}, {}] }, routing: [{}, {}] });
    const reopened = fixture('incoming_chat.reopened.json');
    await post(local, { ...reopened, organization_id: organizationId });
    const { routing } = await world.readChat('T8RM2K0V9X');
    expect(routing.map(({ threadId }) => threadId)).not.toContain('T8RZ71Q04B');
  });

  describe('by the first message', () => {
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

    it('applies the rules that were active when the thread started', async () => {
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
        const event = {
          ...parseEvent(body),
          id: `${chat}_1`,
          text: 'refund',
          author_id: customer,
          created_at: liveChatTime(),
        };
        const thread = { id: place.thread_id, created_at: liveChatTime(), active: true };
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
        routing: [first, { phase: 'message', priority: 'urgent', unassignedReason: 'already assigned' }],
      });
      const { routing } = await world.readChat(chatId);
      expect(routing[1]).not.toHaveProperty('assignedTo');
      expect(routing[1]?.actions).toContainEqual({ rule: 'urgent', action: 'transfer', group: 9, outcome: 'skipped' });
    });
  });
});

function parseEvent({ payload }: Record<string, unknown>): object {
  const event = typeof payload === 'object' && payload && 'event' in payload ? payload.event : undefined;
  return typeof event === 'object' && event ? event : {};
}
