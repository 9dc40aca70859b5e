import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { receivedAtSecond, textMessage } from '../../test/domain-events.ts';
import { rateLimitWorld } from '../../test/model/rate-limit-world.ts';
import { agentId, routingChannel } from '../../test/model/routing-channel.ts';
import { type SharedLocal, sharedLocal } from '../../test/shared-local.ts';
import type { EventData } from '../events/catalogue.ts';
import type { AnyEvent, DomainEvent } from '../events/event.ts';
import type { NormalizedMessage } from '../events/schemas.ts';
import { systemClock } from '../platform/clock.ts';
import type { RoutingPorts } from './route.ts';
import { parseRules, type RuleSet } from './rules.ts';
import type { ThreadKey } from './store.ts';

/** A message before the one that requests routing. */
interface Earlier extends Partial<Pick<NormalizedMessage, 'author' | 'content' | 'metadata'>> {
  readonly secondsAgo: number;
  readonly recovered?: true;
}

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

describe('routing a thread', () => {
  let local: SharedLocal;
  let route: typeof import('./route.ts');
  let threads: typeof import('./store.ts');
  let changes: typeof import('../messages/changes.ts');
  let messages: typeof import('../messages/messages.ts');
  beforeAll(async () => {
    local = await sharedLocal();
    for (const [name, value] of Object.entries(local.environment)) vi.stubEnv(name, value);
    [route, threads, changes, messages] = await Promise.all([
      import('./route.ts'),
      import('./store.ts'),
      import('../messages/changes.ts'),
      import('../messages/messages.ts'),
    ]);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
  });

  const noFacts = { at: '', customer: {}, session: {}, groups: [], answers: [] };
  const noteAndTransfer = { name: 'r', do: { note: 'internal note', transfer: [{ agent: 'nina@acme.example' }] } };

  /** A thread of a new organization with rules and a scripted channel. */
  function thread(
    answers: Parameters<typeof routingChannel>[0] = () => undefined,
    rules: RuleSet['rules'] = [noteAndTransfer],
    { at = new Date().toISOString(), match = 'first' as RuleSet['match'], waitingUntil = 0 } = {},
  ) {
    const key = { organizationId: randomUUID(), conversationId: 'C', threadId: 'T' };
    const { channel, calls } = routingChannel(answers);
    const published: AnyEvent[] = [];
    const more = { participants: [], groups: [], tags: [], active: true, causedByUs: false } as const;
    const place = { conversationId: key.conversationId, threadId: key.threadId };
    const data: EventData<'chat.started'> = {
      ...place,
      ...more,
      participants: [],
      groups: [],
      tags: [],
      reason: 'new',
      createdAt: at,
    };
    const ids = { id: randomUUID(), correlationId: 'c', organizationId: key.organizationId };
    const metadata = { ...ids, version: '1', carrier: 'livechat', occurredAt: at, receivedAt: at } as const;
    const started: DomainEvent<'chat.started'> = { type: 'chat.started', metadata, data };
    const ports = (before = async () => {}): RoutingPorts => ({
      rules: async () => ({ version: 1, ruleSet: { match, rules }, waitingUntil }),
      channel: async () => {
        await before();
        return channel;
      },
      createLimiter: rateLimitWorld({}, systemClock).createLimiter,
      clock: systemClock,
      publish: async (events) => void published.push(...events),
      deadline: Date.now() + 60_000,
      log: quiet,
    });
    const run = (before?: () => Promise<void>) => route.routeThread(started, ports(before));
    /** Requests routing by a message. */
    const request = (messageId: string, requestedAt: string) =>
      route.routeFirstMessage(
        { type: 'routing.requested', metadata, data: { ...place, messageId, at: requestedAt } },
        ports(),
      );
    return { key, started, run, request, calls, published };
  }

  /** Stores message T_1. Returns its time. */
  async function customerWrites(key: ThreadKey, content: string): Promise<string> {
    const timestamp = new Date(Date.now() - 1_000).toISOString().replace('Z', '000Z');
    const message = textMessage(key.organizationId, { ...key, id: 'T_1', timestamp, content });
    await messages.storeMessage(message, receivedAtSecond(40, key.organizationId, 'message'));
    return timestamp;
  }

  it('makes no calls for a duplicate and publishes the stored decision again', async () => {
    const { run, calls, published } = thread();
    expect(await run()).toBe('decided');
    expect(calls).toEqual(['send to agents', 'transfer agent nina@acme.example']);
    expect(await run()).toBe('duplicate');
    expect(calls).toHaveLength(2);
    const [first, second] = published;
    expect(published).toHaveLength(2);
    expect(second?.metadata.id).toBe(first?.metadata.id);
    expect(second?.data).toEqual(first?.data);
  });

  it('stores the decision of the largest valid rules', async () => {
    const name = (text: string) => text.padEnd(100, '-');
    const { rules } = parseRules({
      match: 'all',
      rules: Array.from({ length: 125 }, (_, index) => ({
        name: name(`rule ${index}`),
        when: { all: ['a', 'b', 'c', 'd'].map((one) => ({ fact: name(`session.${index}${one}`), exists: false })) },
        do: { transfer: Array.from({ length: 4 }, () => ({ group: 1 })) },
      })),
    });
    const { run, calls, published } = thread(undefined, rules, { match: 'all' });
    expect(await run()).toBe('decided');
    expect(calls).toEqual(['transfer group 1']);
    expect(await run()).toBe('duplicate');
    expect(published[1]?.data).toEqual(published[0]?.data);
  });

  it('waits for a concurrent invocation and then does nothing', async () => {
    const released = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    const { run, calls } = thread();
    const first = run(async () => {
      reached.resolve();
      await released.promise;
    });
    await reached.promise;
    const second = run();
    released.resolve();
    expect(await Promise.all([first, second])).toEqual(['decided', 'duplicate']);
    expect(calls).toHaveLength(2);
  });

  it('checks sent messages and the current assignment after an invocation crashed', async () => {
    const { key, started, run, calls, published } = thread((call) => call === 'find');
    const nina = { id: 'nina@acme.example', type: 'agent', present: true } as const;
    await changes.recordChatEvent({ ...started, data: { ...started.data, participants: [nina] } });
    await threads.recordAttempt(key, 'start', { at: Date.now(), agents: [] });
    expect(await run()).toBe('decided');
    expect(calls).toEqual(['find']);
    expect(published).toMatchObject([{ data: { actions: [{ outcome: 'done' }, { outcome: 'not needed' }] } }]);
  });

  it('hands the chat back after an invocation that joined to answer crashed', async () => {
    const { key, started, run, calls } = thread((call) => call === 'find', [{ name: 'r', do: { answer: 'hello' } }]);
    const ours = { id: agentId, type: 'agent', present: true } as const;
    await changes.recordChatEvent({ ...started, data: { ...started.data, participants: [ours] } });
    await threads.recordAttempt(key, 'start', { at: Date.now(), agents: [] });
    await run();
    expect(calls).toEqual(['find', 'hand back']);
  });

  it('retries everything after an unexpected error', async () => {
    let failures = 1;
    const { run, calls } = thread((call) => {
      if (call.startsWith('send') && failures > 0) {
        failures -= 1;
        throw new Error('the table is unavailable');
      }
      return undefined;
    });
    await expect(run()).rejects.toThrow();
    expect(await run()).toBe('decided');
    expect(calls).toEqual(['send to agents', 'find', 'send to agents', 'transfer agent nina@acme.example']);
  });

  it('deletes the customer’s message once a thread is decided', async () => {
    const waiting = { name: 'w', when: { fact: 'message', words: 'x' }, do: { tag: ['x'] } };
    const { key, run } = thread(() => undefined, [waiting]);
    expect(await run()).toBe('waiting');
    const message = { at: new Date().toISOString(), text: 'a secret' };
    const found = { waiting: { waitsFrom: 0, rulesVersion: 1 }, message };
    expect(await threads.storeFirstMessage(key, async () => message)).toMatchObject(found);
    await threads.markDecided(key);
    expect(await threads.storeFirstMessage(key, async () => message)).toBeUndefined();
    expect(
      await threads.waitForMessage(key, {
        facts: noFacts,
        waitsFrom: 0,
        rulesVersion: 1,
      }),
    ).toBeUndefined();
  });

  it('deletes the customer’s message if the rules that waited for it are replaced by none', async () => {
    const { key, run } = thread(() => undefined, [], { waitingUntil: Date.now() + 60_000 });
    await threads.storeFirstMessage(key, async () => ({ at: new Date().toISOString(), text: 'a secret' }));
    expect(await run()).toBe('not applicable');
    const waiting = { facts: noFacts, waitsFrom: 0, rulesVersion: 1 };
    expect(await threads.waitForMessage(key, waiting)).toBeUndefined();
  });

  it('waits two days at most, even if the table has not yet deleted the item', async () => {
    const { key } = thread();
    await threads.waitForMessage(key, { facts: noFacts, waitsFrom: 0, rulesVersion: 1 });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2 * 86_400_000 + 1_000 });
    onTestFinished(() => void vi.useRealTimers());
    const message = { at: new Date().toISOString(), text: 'late' };
    expect(await threads.storeFirstMessage(key, async () => message)).toBeUndefined();
  });

  it('does not set a priority in a decision that is too late', async () => {
    const at = new Date(Date.now() - 601_000).toISOString();
    const { run, published } = thread(() => undefined, [{ name: 'r', do: { priority: 'high' } }], { at });
    await run();
    const actions = [{ action: 'priority', outcome: 'skipped' }];
    expect(published).toMatchObject([{ data: { actions, priority: undefined } }]);
  });

  it('assigns a chat once, at the start or with the first message', async () => {
    const rules: RuleSet['rules'] = [
      { name: 'any', do: { transfer: [{ group: 2 }] } },
      { name: 'refund', when: { fact: 'message', words: 'refund' }, do: { transfer: [{ group: 5 }] } },
    ];
    const { key, run, request, published } = thread(() => undefined, rules, { match: 'all' });
    const { version } = (await threads.applyRules(key.organizationId, { match: 'all', rules }, undefined, 'now'))
      .version;
    expect(version).toBe(1);
    const at = await customerWrites(key, 'hello');
    expect(await request('T_1', at)).toBe('not applicable');
    await run();
    expect(published).toMatchObject([
      { data: { phase: 'start', assignedTo: { group: 2 } } },
      { data: { phase: 'message', assignedTo: undefined, unassignedReason: 'already assigned' } },
    ]);
  });

  it.each([
    ['acts on a first message that arrived before the start', false, { actions: [{ outcome: 'done' }] }],
    ['does not act on a first message that is deleted before the start arrives', true, { actions: [] }],
  ])('%s', async (_what, isDeleted, decision) => {
    const rules: RuleSet['rules'] = [
      { name: 'w', when: { fact: 'message', words: 'refund' }, do: { tag: ['refund'] } },
    ];
    const { key, run, request, published } = thread(() => undefined, rules);
    await threads.applyRules(key.organizationId, { match: 'first', rules }, undefined, 'now');
    const at = await customerWrites(key, 'A refund');
    expect(await request('T_1', at)).toBe('not applicable');
    const metadata = receivedAtSecond(41, key.organizationId, 'deletion');
    const data = { conversationId: key.conversationId, threadId: key.threadId, messageId: 'T_1' };
    if (isDeleted) await changes.deleteMessage({ type: 'message.deleted', metadata, data });
    expect(await run()).toBe('decided');
    expect(published).toMatchObject([{ data: { phase: 'message', ...decision } }]);
  });

  it('stores facts with any name of a session field', async () => {
    const { key } = thread();
    const session = { '': 'nameless', 'a.b': '', __proto: 'x', ż: '🙂' };
    const facts = {
      at: 'now',
      customer: { name: 'Dana' },
      session,
      groups: [1],
      answers: [{ id: '', label: '', values: [''] }],
      returning: false,
    };
    await threads.waitForMessage(key, { facts, waitsFrom: 3, rulesVersion: 7 });
    const found = await threads.storeFirstMessage(key, async () => ({ at: 'now', text: '' }));
    expect(found?.waiting).toEqual({ facts, waitsFrom: 3, rulesVersion: 7 });
  });

  describe('by the first message', () => {
    const nina = { id: 'nina@acme.example', type: 'agent' } as const;
    const done = [{ action: 'tag', tag: 'refund', outcome: 'done' }];
    const skipped = [{ action: 'tag', tag: 'refund', outcome: 'skipped' }];

    it.each<[string, Partial<Earlier>, string, object]>([
      ['acts on the customer’s text', { author: nina, secondsAgo: -5 }, 'A refund', { actions: done }],
      ['acts after a welcome message', { author: nina, metadata: { welcome: true } }, 'A refund', { actions: done }],
      [
        'acts after a message of ours',
        { author: nina, metadata: { customId: 'out-1' } },
        'A refund',
        { actions: done },
      ],
      ['acts after a bot’s message', { author: { id: 'b', type: 'bot' } }, 'A refund', { actions: done }],
      ['is too late if an agent has written', { author: nina }, 'A refund', { actions: skipped }],
      [
        'is too late if an earlier text was restored',
        { content: 'A refund', recovered: true },
        'Are you there?',
        { actions: skipped, unassignedReason: 'too late' },
      ],
      [
        'is too late if an earlier text is old',
        { content: 'A refund', secondsAgo: 601 },
        'Are you there?',
        { actions: skipped, unassignedReason: 'too late' },
      ],
      ['decides on an earlier text that is recent', { content: 'A refund' }, 'Are you there?', { actions: done }],
      ['ignores a later text', { content: 'Hello', secondsAgo: -5 }, 'A refund', { actions: done }],
    ])('%s', async (_what, earlier, text, decision) => {
      const rules: RuleSet['rules'] = [
        { name: 'w', when: { fact: 'message', words: 'refund' }, do: { tag: ['refund'] } },
      ];
      const { key, run, request, published } = thread(() => undefined, rules);
      const { organizationId } = key;
      await threads.applyRules(organizationId, { match: 'first', rules }, undefined, 'now');
      expect(await run()).toBe('waiting');
      const store = (id: string, { secondsAgo, recovered, ...fields }: Earlier) => {
        const timestamp = new Date(Date.now() - secondsAgo * 1000).toISOString().replace('Z', '000Z');
        const message = textMessage(organizationId, { ...key, id, timestamp, ...fields });
        const metadata = receivedAtSecond(40, organizationId, id);
        return messages.storeMessage(message, { ...metadata, ...(recovered && { recovered }) }).then(() => timestamp);
      };
      await store('T_1', { secondsAgo: 2, ...earlier });
      const at = await store('T_2', { secondsAgo: 1, content: text });
      expect(await request('T_2', at)).toBe('decided');
      expect(published).toMatchObject([{ data: { phase: 'message', ...decision } }]);
      expect(await request('T_2', at)).toBe('not applicable');
      expect(published).toHaveLength(1);
    });
  });
});
