import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { activity, agentId, botId, customerId, facts, factsOf } from '../../test/arbitraries.ts';
import { propertyRuns } from '../../test/depth.ts';
import { agent, at, closed, idle, metadata, queue, started, tomas, transferred, updated } from '../../test/facts.ts';
import type { ConversationEvent } from './facts.ts';
import { projectConversation } from './projection.ts';

describe('the status of a conversation', () => {
  it.each([
    ['open', 'with nothing known', [], {}],
    ['open', 'once begun', [started(10)], {}],
    ['open', 'with messages alone', [], { T: at(10) }],
    ['queued', 'with a queue', [started(10, { queue })], {}],
    ['queued', 'with a queue and a bot', [started(10, { queue }), agent(11, 'joined', botId)], {}],
    ['open', 'with a queue and then an agent', [started(10, { queue }), agent(11, 'joined')], {}],
    ['queued', 'with a queue, whatever leaves', [started(10, { queue }), agent(11, 'left')], {}],
    [
      'open',
      'transferred out of the queue to an agent',
      [started(10, { queue }), transferred(11, { to: { agents: [tomas] } })],
      {},
    ],
    [
      'queued',
      'transferred in the queue to a group',
      [started(10, { queue }), transferred(11, { to: { groups: [4] } })],
      {},
    ],
    ['queued', 'transferred into a queue', [started(10), transferred(11, { queue })], {}],
    ['open', 'transferred with no queue', [started(10), transferred(11, { to: { groups: [4] } })], {}],
    [
      'queued',
      'an agent having left before the queue',
      [started(10), agent(11, 'joined'), transferred(12, { queue })],
      {},
    ],
    ['idle', 'gone quiet', [started(10), idle(20)], { T: at(15) }],
    ['idle', 'gone quiet at the very time of its last message', [started(10), idle(20)], { T: at(20) }],
    ['idle', 'gone quiet with no message known', [started(10), idle(20)], {}],
    ['open', 'gone quiet until the next message', [started(10), idle(20)], { T: at(21) }],
    ['idle', 'gone quiet again after it', [started(10), idle(20), idle(30)], { T: at(21) }],
    ['idle', 'gone quiet while queued', [started(10, { queue }), idle(20)], {}],
    ['closed', 'closed', [started(10), closed(20)], {}],
    ['closed', 'closed, whatever comes later', [started(10), closed(20), agent(21, 'joined'), idle(22)], { T: at(23) }],
    ['closed', 'closed before its beginning was told', [closed(10), started(20)], {}],
    ['closed', 'closed, its beginning never told', [closed(10)], {}],
    ['closed', 'of a thread appended to an inactive chat', [started(10, { active: false })], {}],
    ['open', 'closed and reopened', [started(10), closed(20), started(30, { threadId: 'U', reason: 'reopened' })], {}],
    ['open', 'reopened, the old thread closed late', [started(10), started(30, { threadId: 'U' }), closed(40)], {}],
    ['closed', 'reopened and closed', [started(10), started(30, { threadId: 'U' }), closed(40, 'U')], {}],
    ['open', 'reopened as far as its messages tell', [started(10), closed(20)], { U: at(30) }],
  ])('is %s: %s', (status, _how, given: readonly ConversationEvent[], times: Readonly<Record<string, string>>) => {
    expect(projectConversation(given, times).status).toBe(status);
  });
});

describe('whom a conversation is assigned to', () => {
  const present = [
    { id: agentId, type: 'agent', present: true },
    { id: tomas, type: 'agent', present: false },
    { id: botId, type: 'bot', present: true },
    { id: customerId, type: 'customer', present: true },
  ] as const;
  const begun = started(10, { participants: [...present], groups: [4] });

  it.each([
    ['nobody at first', [], [], []],
    ['the human agents who are present, and the groups', [begun], [agentId], [4]],
    ['whom a transfer names', [begun, transferred(11, { to: { agents: [tomas], groups: [19] } })], [tomas], [19]],
    ['no agent after a transfer to a group alone', [begun, transferred(11, { to: { groups: [19] } })], [], [19]],
    [
      'the same group after a transfer to an agent alone',
      [begun, transferred(11, { to: { agents: [tomas] } })],
      [tomas],
      [4],
    ],
    ['the same after a transfer to nobody', [begun, transferred(11, {})], [agentId], [4]],
    ['the groups that now have access', [begun, updated(11, { groups: [19] })], [agentId], [19]],
    ['the same after a tag', [begun, updated(11, { tag: 'x' })], [agentId], [4]],
    ['the same after somebody joined or left', [begun, agent(11, 'joined', tomas), agent(12, 'left')], [agentId], [4]],
    ['who replaces another', [begun, agent(11, 'joined', tomas, agentId)], [tomas], [4]],
    ['the same after it closed', [begun, closed(11)], [agentId], [4]],
    ['whom the newer thread names', [begun, started(20, { threadId: 'U', groups: [7] })], [], [7]],
    [
      'none whom an older thread names late',
      [begun, transferred(30, { threadId: 'S', to: { agents: [tomas] } })],
      [agentId],
      [4],
    ],
    [
      'whom the transfer names that came before the beginning',
      [transferred(9, { to: { agents: [tomas] } }), begun].toReversed(),
      [tomas],
      [4],
    ],
  ])('is %s', (_whom, given, agents, groups) => {
    expect(projectConversation(given, {}).assigned).toEqual({ agents, groups });
  });
});

describe('who takes part', () => {
  const join = (minute: number, change: 'joined' | 'left' | 'fields', given: object): ConversationEvent => ({
    type: 'participant.changed',
    metadata: metadata(minute, 'participant'),
    data: { conversationId: 'C', threadId: 'T', change, participant: { id: customerId, type: 'customer', ...given } },
  });
  const dana = { id: customerId, type: 'customer', name: 'Dana', present: true } as const;
  const begun = started(10, { participants: [dana] });

  it.each([
    ['whoever the beginning names', [begun], [dana]],
    ['one who left, as absent', [begun, join(11, 'left', { present: false })], [{ ...dana, present: false }]],
    ['one who came back', [begun, join(11, 'left', { present: false }), join(12, 'joined', { present: true })], [dana]],
    [
      'one with fields that add up',
      [begun, join(11, 'fields', { fields: { a: '1', b: '1' } }), join(12, 'fields', { fields: { b: '2' } })],
      [{ ...dana, fields: { a: '1', b: '2' } }],
    ],
    [
      'one who was described, of the type described',
      [started(10, { participants: [{ ...dana, id: 'x' }] }), join(11, 'left', { id: 'x', type: 'unknown' })],
      [{ ...dana, id: 'x' }],
    ],
    [
      'one who was named first and described later',
      [join(10, 'left', { id: 'x', type: 'unknown' }), join(11, 'joined', { id: 'x', type: 'customer' })],
      [{ id: 'x', type: 'customer' }],
    ],
    [
      'customers, then agents, then bots',
      [agent(10, 'joined', botId), agent(11, 'joined'), begun],
      [{ id: customerId }, { id: agentId }, { id: botId }],
    ],
  ])('is %s', (_who, given, participants) => {
    expect(projectConversation(given, {}).participants).toMatchObject(participants);
  });
});

describe('the same facts', () => {
  const known = activity('S', 'T', 'U');

  it('add up to the same in any order', () => {
    const shuffled = facts('S', 'T', 'U').chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
    );
    fc.assert(
      fc.property(shuffled, known, ([list, otherwise], times) => {
        expect(projectConversation(otherwise, times)).toEqual(projectConversation(list, times));
      }),
      propertyRuns(2_000),
    );
  });

  it('told again change nothing', () => {
    const repeated = facts('S', 'T').chain((list) => fc.tuple(fc.constant(list), fc.subarray(list)));
    fc.assert(
      fc.property(repeated, known, ([list, again], times) => {
        expect(projectConversation([...list, ...again], times)).toEqual(projectConversation(list, times));
      }),
      propertyRuns(1_000),
    );
  });

  it('are left as they were, and never throw', () => {
    fc.assert(
      fc.property(facts('S', 'T', 'U'), known, (list, times) => {
        const before = structuredClone(list);
        projectConversation(list, times);
        expect(list).toEqual(before);
      }),
      propertyRuns(1_000),
    );
  });
});

describe('facts of an older thread', () => {
  it('never change what a newer one has said of status, assignment and the latest activity', () => {
    const newer = factsOf('U').map((list) => [
      started(40, { threadId: 'U', groups: [4] }),
      ...list.map(inThreadBegunAt(40)),
    ]);
    fc.assert(
      fc.property(
        newer,
        factsOf('T').map((list) => list.map(inThreadBegunAt(20))),
        (list, older) => {
          const { status, assigned, currentThreadId, lastActivityAt } = projectConversation(list, {});
          expect(projectConversation([...list, ...older], {})).toMatchObject({
            status,
            assigned,
            currentThreadId,
            lastActivityAt,
          });
        },
      ),
      propertyRuns(2_000),
    );
  });

  /** Threads of one chat do not overlap: each has one time of beginning. */
  function inThreadBegunAt(minute: number): (one: ConversationEvent) => ConversationEvent {
    return (one) => (one.type === 'chat.started' ? { ...one, data: { ...one.data, createdAt: at(minute) } } : one);
  }
});
