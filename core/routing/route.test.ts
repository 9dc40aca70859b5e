import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { rateLimitWorld } from '../../test/model/rate-limit-world.ts';
import { agentId, routingChannel } from '../../test/model/routing-channel.ts';
import { type SharedLocal, sharedLocal } from '../../test/shared-local.ts';
import type { EventData } from '../events/catalogue.ts';
import type { AnyEvent, DomainEvent } from '../events/event.ts';
import { systemClock } from '../platform/clock.ts';
import type { RuleSet } from './rules.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };

describe('routing a thread', () => {
  let local: SharedLocal;
  let route: typeof import('./route.ts');
  let threads: typeof import('./store.ts');
  let changes: typeof import('../messages/changes.ts');
  beforeAll(async () => {
    local = await sharedLocal();
    for (const [name, value] of Object.entries(local.environment)) vi.stubEnv(name, value);
    [route, threads, changes] = await Promise.all([
      import('./route.ts'),
      import('./store.ts'),
      import('../messages/changes.ts'),
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
    const run = (before = async () => {}) =>
      route.routeThread(started, {
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
    return { key, started, run, calls, published };
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
    const firstMessage = { messageId: 'M', at: new Date().toISOString(), text: 'a secret' };
    expect(await threads.storeFirstMessage(key, firstMessage)).toMatchObject({ waitsFrom: 0, rulesVersion: 1 });
    expect(await threads.storeFirstMessage(key, { ...firstMessage, messageId: 'N' })).toBeUndefined();
    await threads.markDecided(key);
    expect(await threads.storeFirstMessage(key, firstMessage)).toBeUndefined();
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
    const firstMessage = { messageId: 'M', at: new Date().toISOString(), text: 'a secret' };
    await threads.storeFirstMessage(key, firstMessage);
    expect(await run()).toBe('not applicable');
    const waiting = { facts: noFacts, waitsFrom: 0, rulesVersion: 1 };
    expect(await threads.waitForMessage(key, waiting)).toBeUndefined();
  });

  it('waits two days at most, even if the table has not yet deleted the item', async () => {
    const { key } = thread();
    await threads.waitForMessage(key, { facts: noFacts, waitsFrom: 0, rulesVersion: 1 });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2 * 86_400_000 + 1_000 });
    onTestFinished(() => void vi.useRealTimers());
    const firstMessage = { messageId: 'M', at: new Date().toISOString(), text: 'late' };
    expect(await threads.storeFirstMessage(key, firstMessage)).toBeUndefined();
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
    const { key, run, published } = thread(() => undefined, rules, { match: 'all' });
    const { version } = (await threads.applyRules(key.organizationId, { match: 'all', rules }, undefined, 'now'))
      .version;
    expect(version).toBe(1);
    await threads.storeFirstMessage(key, { messageId: 'M', at: new Date().toISOString(), text: 'hello' });
    await run();
    expect(published).toMatchObject([
      { data: { phase: 'start', assignedTo: { group: 2 } } },
      { data: { phase: 'message', assignedTo: undefined, unassignedReason: 'already assigned' } },
    ]);
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
    const waiting = await threads.storeFirstMessage(key, { messageId: 'M', at: 'now', text: '' });
    expect(waiting).toEqual({ facts, waitsFrom: 3, rulesVersion: 7 });
  });
});
