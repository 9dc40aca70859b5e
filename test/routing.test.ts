import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { busEvents } from './bus-events.ts';
import { fixture } from './fixtures.ts';
import { type Local, organizationId, post, printed, startLocal } from './local.ts';
import { outbound } from './outbound.ts';

const nina = 'nina.kowal@acme.example';
const tomas = 'tomas.reyes@acme.example';
const ours = 'bridge@local.example';
const seen = z.object({
  conversation: z.looseObject({
    status: z.string(),
    assigned: z.object({ agents: z.array(z.string()), groups: z.array(z.number()) }),
    threads: z.array(z.looseObject({ tags: z.array(z.string()) })),
    participants: z.array(z.looseObject({ id: z.string(), present: z.boolean() })),
  }),
  messages: z.array(z.looseObject({})),
  notes: z.array(z.looseObject({ content: z.unknown() })),
  routing: z.array(
    z.looseObject({ phase: z.string(), threadId: z.string(), actions: z.array(z.looseObject({ action: z.string() })) }),
  ),
});

describe('routing a chat by rules', () => {
  let local: Local;
  let world: ReturnType<typeof outbound>;
  let bus: Awaited<ReturnType<typeof busEvents>>;
  beforeAll(async () => {
    local = await startLocal({ ROUTING_CACHE_SECONDS: '0', LIVECHAT_AGENT_ID: ours });
    world = outbound(local);
    bus = await busEvents(local);
  });
  afterEach(async () => {
    await world.calm();
    await settings({ offlineAgents: [], offlineGroups: [], groups: null, joinDelayMs: 300 });
  });
  afterAll(async () => {
    await bus.stop();
    await local.stop();
  });

  const send = async (path: string, body: object) => {
    const answer = await fetch(new URL(path, local.console), { method: 'POST', body: JSON.stringify(body) });
    return { status: answer.status, body: await answer.json() };
  };
  const settings = (some: object) => world.simulator('POST', '/simulator/settings', some);
  /** Puts rules in force. */
  const given = async (rules: object[], more: object = {}) => {
    const { status, body } = await send('/api/routing/rules', {
      organizationId,
      rules: { match: 'first', rules, ...more },
    });
    expect({ status, body }).toMatchObject({ status: 200 });
  };
  /** What is known of a chat once its webhooks have come, up to the message that says `text`, and all is quiet. */
  const known = async (chatId: string, text?: string) => {
    const read = () => local.api(`/api/conversations/${chatId}?organizationId=${organizationId}`);
    const arrived = async () => {
      const { status, body } = await read();
      return status === 200 && (text === undefined || JSON.stringify(seen.parse(body).messages).includes(text));
    };
    await expect.poll(arrived, printed).toBe(true);
    await local.idle();
    return seen.parse((await read()).body);
  };
  const routed = (chatId: string) =>
    bus
      .of('conversation.routed')
      .filter(({ data }) => z.object({ conversationId: z.string() }).parse(data).conversationId === chatId);
  const calls = async (method: string) => (await world.calls()).methods[method]?.count ?? 0;

  it('hands it to the first target that takes it, and says why the others did not', async () => {
    await settings({ offlineAgents: [tomas], offlineGroups: [7], groups: [0, 7] });
    await given([
      {
        name: 'elsewhere',
        when: {
          all: [
            { fact: 'country', is: 'US' },
            { fact: 'session.plan', is: 'pro' },
          ],
        },
        do: { tag: ['us'] },
      },
      {
        name: 'vip',
        when: { all: [{ fact: 'session.plan', is: 'Pro' }, { not: { fact: 'returning', is: true } }] },
        do: {
          tag: ['vip'],
          priority: 'high',
          note: 'Knows our prices by heart',
          transfer: [{ agent: tomas }, { group: 99 }, { group: 7 }, { group: 7, queue: true }, { agent: nina }],
        },
      },
      { name: 'everybody else', do: { transfer: [{ group: 0 }] } },
    ]);
    const chatId = await world.chat({ agent: null, customer: { name: 'Dana', sessionFields: { plan: 'pro' } } });
    const { conversation, notes, routing } = await known(chatId);
    expect(conversation).toMatchObject({
      status: 'queued',
      assigned: { agents: [], groups: [7] },
      threads: [{ tags: ['vip'] }],
    });
    expect(notes).toMatchObject([{ content: 'Knows our prices by heart', author: { id: ours } }]);
    const failed = (name: string) => ({ outcome: 'failed', error: { name } });
    const transfer = { rule: 'vip', action: 'transfer' };
    expect(routing).toMatchObject([
      {
        phase: 'start',
        facts: [
          { fact: 'country', known: 'yes', values: ['PL'] },
          { fact: 'returning', known: 'yes', values: [false] },
          { fact: 'session.plan', known: 'yes' },
        ],
        tried: [
          {
            rule: 'elsewhere',
            result: 'not matched',
            because: [{ path: 'when.all.0', fact: 'country', operator: 'is', held: false }],
          },
          { rule: 'vip', result: 'matched' },
        ],
        actions: [
          { rule: 'vip', action: 'tag', tag: 'vip', outcome: 'done' },
          { rule: 'vip', action: 'priority', priority: 'high', outcome: 'done' },
          { rule: 'vip', action: 'note', outcome: 'done' },
          { ...transfer, agent: tomas, ...failed('LiveChatClientError') },
          { ...transfer, group: 99, ...failed('LiveChatClientError') },
          { ...transfer, group: 7, ...failed('LiveChatClientError') },
          { ...transfer, group: 7, outcome: 'done' },
          { ...transfer, agent: nina, outcome: 'skipped' },
        ],
        assignedTo: { group: 7 },
        priority: 'high',
      },
    ]);
    expect(routing[0]).not.toHaveProperty('left');
    expect(routing[0]?.facts).not.toContainEqual(expect.objectContaining({ values: ['pro'] }));
    await expect
      .poll(() => routed(chatId), printed)
      .toMatchObject([
        { metadata: { organizationId, causationId: expect.any(String) }, data: { assignedTo: { group: 7 } } },
      ]);
    expect(local.output()).not.toContain('by heart');
  });

  it('leaves it to LiveChat where no rule matches, without a call', async () => {
    await given([{ name: 'french', when: { fact: 'language', is: 'fr' }, do: { transfer: [{ group: 3 }] } }]);
    const before = await calls('transfer_chat');
    const chatId = await world.chat({ agent: nina });
    const { conversation, routing } = await known(chatId);
    expect(conversation.assigned).toEqual({ agents: [nina], groups: [0] });
    expect(routing).toMatchObject([
      { left: 'no rule matches', actions: [], tried: [{ rule: 'french', result: 'not matched' }] },
    ]);
    expect(await calls('transfer_chat')).toBe(before);
  });

  it('does nothing, and says nothing, as long as there are no rules', async () => {
    await given([]);
    const chatId = await world.chat();
    expect((await known(chatId)).routing).toEqual([]);
    expect(routed(chatId)).toEqual([]);
  });

  it('calls nobody to bring a chat where it is already', async () => {
    await given([{ name: 'nina', do: { transfer: [{ agent: nina }] } }]);
    const before = await calls('transfer_chat');
    const { routing } = await known(await world.chat({ agent: nina }));
    expect(routing).toMatchObject([{ actions: [{ outcome: 'already so' }], assignedTo: { agent: nina } }]);
    expect(await calls('transfer_chat')).toBe(before);
  });

  describe('by what the customer writes first', () => {
    const refunds = {
      name: 'refunds',
      when: { fact: 'message', words: ['refund', 'money back'] },
      do: { transfer: [{ group: 5 }] },
    };

    it('waits for it, and lets later messages be', async () => {
      await given([
        { name: 'bulk', when: { fact: 'answers.Topic', is: 'Bulk orders' }, do: { tag: ['bulk'] } },
        refunds,
      ]);
      const form = [{ type: 'radio', label: 'Topic', answer: 'Something else' }];
      const chatId = await world.chat({ agent: nina, text: undefined, form });
      expect(await known(chatId)).toMatchObject({ routing: [], conversation: { assigned: { groups: [0] } } });
      await world.act(chatId, { action: 'message', text: 'I want my money back!' });
      const { conversation, routing } = await known(chatId, 'money back');
      expect(conversation.assigned).toEqual({ agents: [], groups: [5] });
      expect(routing).toMatchObject([
        { phase: 'message', tried: [{ rule: 'refunds', result: 'matched' }], assignedTo: { group: 5 } },
      ]);
      await world.act(chatId, { action: 'message', text: 'Is the refund on its way?' });
      expect((await known(chatId, 'on its way')).routing).toHaveLength(1);
    });

    it('goes on with the rules that were in force when it began', async () => {
      await given([refunds]);
      const chatId = await world.chat({ agent: nina, text: undefined });
      await known(chatId);
      await given([{ ...refunds, name: 'newer', do: { tag: ['newer'] } }]);
      await world.act(chatId, { action: 'message', text: 'Refund, please' });
      expect((await known(chatId, 'Refund, please')).routing).toMatchObject([
        { tried: [{ rule: 'refunds', result: 'matched' }] },
      ]);
    });

    it('decides at once where the chat begins with it', async () => {
      await given([refunds]);
      const { routing } = await known(await world.chat({ agent: nina, text: 'Refund?' }));
      expect(routing).toMatchObject([{ phase: 'start', assignedTo: { group: 5 } }]);
    });

    it('decides the same when the message comes before the chat', async () => {
      await given([refunds]);
      const place = { chat_id: 'EARLY', thread_id: 'EARLYTHREAD' };
      const body = { ...fixture('incoming_event.message.customer.json'), organization_id: organizationId };
      const customer = '5f0c1d7e-2a84-4c39-9b61-7c2e9d1a4b55';
      const at = '2026-03-11T09:14:12.000000Z';
      const event = { id: 'EARLYTHREAD_1', type: 'message', text: 'refund', author_id: customer, created_at: at };
      await post(local, { ...body, payload: { ...place, event: { ...event, visibility: 'all' } } });
      await local.idle();
      const users = [{ id: customer, type: 'customer', name: 'Dana', present: true }];
      const thread = { id: place.thread_id, created_at: '2026-03-11T09:14:10.000000Z', active: true };
      await post(local, { ...body, action: 'incoming_chat', payload: { chat: { id: 'EARLY', users, thread } } });
      // The simulator knows no such chat, so it refuses; the decision is what counts here.
      expect((await known('EARLY')).routing).toMatchObject([
        {
          phase: 'message',
          tried: [{ result: 'matched' }],
          actions: [{ group: 5, outcome: 'failed' }],
          left: 'no target takes it',
        },
      ]);
    });
  });

  it('with `all`, acts on each rule that matches, at once and with the first message, and transfers once', async () => {
    await given(
      [
        {
          name: 'polish',
          when: { fact: 'country', is: 'PL' },
          do: { tag: ['pl'], priority: 'low', transfer: [{ group: 2 }] },
        },
        {
          name: 'urgent',
          when: { fact: 'message', contains: '!' },
          do: { tag: ['urgent', 'pl'], priority: 'urgent', transfer: [{ group: 9 }] },
        },
        { name: 'rest', do: { tag: ['rest'] } },
      ],
      { match: 'all' },
    );
    const chatId = await world.chat({ agent: nina, text: undefined });
    expect((await known(chatId)).routing).toMatchObject([{ phase: 'start', assignedTo: { group: 2 } }]);
    await world.act(chatId, { action: 'message', text: 'Hurry!' });
    const { conversation, routing } = await known(chatId, 'Hurry!');
    expect(conversation.assigned.groups).toEqual([2]);
    expect(conversation.threads[0]?.tags).toEqual(['pl', 'rest', 'urgent']);
    expect(routing[1]).toMatchObject({ phase: 'message', priority: 'urgent', assignedTo: { group: 2 } });
    expect(routing[1]?.actions.at(-1)).toMatchObject({ action: 'transfer', group: 9, outcome: 'skipped' });
  });

  describe('with an automatic answer', () => {
    const text = 'We are closed until nine.';

    it('comes into a chat that waits, answers, and makes way for who gets it', async () => {
      await given([{ name: 'closed', do: { answer: text, note: 'told so', transfer: [{ group: 4, queue: true }] } }]);
      const chatId = await world.chat({ agent: null });
      const { conversation, notes } = await known(chatId);
      expect(await world.shown(chatId)).toEqual([text]);
      expect(notes).toMatchObject([{ content: 'told so' }]);
      expect(conversation).toMatchObject({ status: 'queued', assigned: { agents: [], groups: [4] } });
      expect(conversation.participants.find(({ id }) => id === ours)).toMatchObject({ present: false });
      expect(local.output()).not.toContain(text);
    });

    it('gives the chat back where no rule transfers it', async () => {
      await given([{ name: 'closed', do: { answer: text } }]);
      const chatId = await world.chat({ agent: null });
      const { conversation, routing } = await known(chatId);
      expect(await world.shown(chatId)).toEqual([text]);
      expect(conversation.status).toBe('queued');
      expect(routing).toMatchObject([
        {
          left: 'no rule transfers it',
          actions: [
            { action: 'answer', outcome: 'done' },
            { action: 'hand back', outcome: 'done' },
          ],
        },
      ]);
    });

    it('stays in a chat that is ours', async () => {
      await given([{ name: 'hello', do: { answer: text } }]);
      const chatId = await world.chat({ agent: ours });
      const { conversation, routing } = await known(chatId);
      expect(await world.shown(chatId)).toEqual([text]);
      expect(conversation.participants.find(({ id }) => id === ours)).toMatchObject({ present: true });
      expect(routing[0]?.actions).toHaveLength(1);
    });

    it('does not push in where an agent is, and says so', async () => {
      await given([{ name: 'hello', do: { answer: text } }]);
      const chatId = await world.chat({ agent: nina });
      const { routing } = await known(chatId);
      expect(await world.shown(chatId)).toEqual([]);
      expect(routing).toMatchObject([{ actions: [{ action: 'answer', outcome: 'failed' }] }]);
    });
  });

  it('falls back to the next target when LiveChat fails', async () => {
    await given([{ name: 'any', do: { transfer: [{ group: 1 }, { group: 2 }] } }]);
    await world.fault({ kind: 'error', method: 'transfer_chat', status: 500, count: 1 });
    const { conversation, routing } = await known(await world.chat({ agent: nina }));
    expect(conversation.assigned.groups).toEqual([2]);
    expect(routing[0]?.actions).toMatchObject([
      { outcome: 'failed', error: { name: 'LiveChatServerError' } },
      { outcome: 'done' },
    ]);
  });

  it('stops where the chat has been closed meanwhile', async () => {
    await given([{ name: 'any', do: { transfer: [{ group: 1 }, { group: 2 }] } }]);
    await world.fault({ kind: 'chat-inactive', method: 'transfer_chat', count: 1 });
    const { routing } = await known(await world.chat({ agent: nina }));
    expect(routing).toMatchObject([{ left: 'chat closed', actions: [{ outcome: 'failed' }, { outcome: 'skipped' }] }]);
  });

  it('follows LiveChat to another region, and waits out a limit', async () => {
    await given([{ name: 'any', do: { tag: ['t'], transfer: [{ group: 1 }] } }]);
    await world.fault({ kind: 'misdirected', method: 'tag_thread', count: 1 });
    await world.fault({ kind: 'error', method: 'transfer_chat', status: 429, retryAfterSeconds: 1, count: 1 });
    const { routing } = await known(await world.chat({ agent: nina }));
    expect(routing).toMatchObject([{ actions: [{ outcome: 'done' }, { outcome: 'done' }], assignedTo: { group: 1 } }]);
  });

  it('leaves it to LiveChat where the gate has no slot, and says so', async () => {
    await given([{ name: 'any', do: { tag: ['t'], transfer: [{ group: 1 }, { group: 2 }] } }]);
    const before = await calls('transfer_chat');
    await send(`/api/gate/${organizationId}`, { do: 'pause' });
    const { routing } = await known(await world.chat({ agent: nina }));
    await send(`/api/gate/${organizationId}`, { do: 'resume' });
    expect(routing).toMatchObject([
      {
        left: 'no slot',
        actions: [{ action: 'tag', error: { name: 'NoSlot' } }, { outcome: 'skipped' }, { outcome: 'skipped' }],
      },
    ]);
    expect(await calls('transfer_chat')).toBe(before);
  });

  it('decides once, however often the webhook comes, and not for events of the archive', async () => {
    await given([{ name: 'any', do: { transfer: [{ group: 1 }] } }]);
    const before = await calls('transfer_chat');
    const body = { ...fixture('incoming_chat.json'), organization_id: organizationId };
    for (let time = 0; time < 3; time += 1) await post(local, body);
    expect((await known('T8RM2K0V9X')).routing).toHaveLength(1);
    expect(await calls('transfer_chat')).toBe(before + 1);
    const [started] = bus.of('chat.started').slice(-1);
    const entry = {
      Source: 'omnichannel.livechat',
      DetailType: 'chat.started',
      EventBusName: local.bus,
      Detail: JSON.stringify({ ...started, data: { ...z.looseObject({}).parse(started?.data), threadId: 'ANOTHER' } }),
    };
    await fetch(`${local.aws}/_local/replay?name=r`, { method: 'POST', body: JSON.stringify({ Entries: [entry] }) });
    expect((await known('T8RM2K0V9X')).routing).toHaveLength(1);
  });

  it('routes each thread that the customer begins, and none that an agent or this bridge has begun', async () => {
    await given([{ name: 'any', do: { tag: ['routed'] } }]);
    const chatId = await world.chat({ agent: nina });
    await world.act(chatId, { action: 'leave' });
    await world.act(chatId, { action: 'reopen', text: 'Hello again' });
    const phases = async () => (await known(chatId)).routing.map(({ phase }) => phase);
    expect(await phases()).toEqual(['start', 'start']);
    await world.act(chatId, { action: 'leave' });
    await local.idle();
    // The chat is inactive: the send step resumes it in a thread of our own.
    await world.send(chatId);
    await world.settled();
    expect(await phases()).toEqual(['start', 'start']);
    const reopened = fixture('incoming_chat.reopened.json');
    await post(local, { ...reopened, organization_id: organizationId });
    await local.idle();
    const { routing } = await known('T8RM2K0V9X');
    expect(routing.map(({ threadId }) => threadId)).not.toContain('T8RZ71Q04B');
  });
});
