import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { activity, agentId, botId, customerId, facts, factsOf } from '../../test/arbitraries.ts';
import { agent, at, closed, idle, metadata, queue, started, tomas, transferred, updated } from '../../test/facts.ts';
import { type ConversationEvent, groupByThread, projectConversation } from './projection.ts';

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
      { numRuns: 2_000 },
    );
  });

  it('told again change nothing', () => {
    const repeated = facts('S', 'T').chain((list) => fc.tuple(fc.constant(list), fc.subarray(list)));
    fc.assert(
      fc.property(repeated, known, ([list, again], times) => {
        expect(projectConversation([...list, ...again], times)).toEqual(projectConversation(list, times));
      }),
      { numRuns: 1_000 },
    );
  });

  it('are left as they were, and never throw', () => {
    fc.assert(
      fc.property(facts('S', 'T', 'U'), known, (list, times) => {
        const before = structuredClone(list);
        projectConversation(list, times);
        expect(list).toEqual(before);
      }),
      { numRuns: 1_000 },
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
      { numRuns: 2_000 },
    );
  });

  /** Threads of one chat do not overlap: each has one time of beginning. */
  function inThreadBegunAt(minute: number): (one: ConversationEvent) => ConversationEvent {
    return (one) => (one.type === 'chat.started' ? { ...one, data: { ...one.data, createdAt: at(minute) } } : one);
  }
});

/** An agent's change of which the carrier named no thread. */
const unplaced = (minute: number): ConversationEvent => ({
  type: 'chat.updated',
  metadata: metadata(minute, 'unplaced'),
  data: { conversationId: 'C', groups: [minute] },
});

function idsOf(facts: readonly ConversationEvent[], activity: Readonly<Record<string, string>> = {}) {
  return groupByThread(facts, activity).flatMap(({ thread }) => thread?.id ?? []);
}

describe('threads', () => {
  const T = started(10);
  const U = started(30, { threadId: 'U' });

  it.each([
    ['in the order in which they began', [T, U], {}, ['T', 'U']],
    ['in that order, whenever they are told', [U, T], {}, ['T', 'U']],
    ['by their latest message where the beginning is unknown', [U], { T: at(20), V: at(40) }, ['T', 'U', 'V']],
    ['first where nothing tells when', [T, closed(50, 'V')], {}, ['V', 'T']],
    [
      'by their ids where they began at once',
      [started(10, { threadId: 'b' }), started(10, { threadId: 'a' })],
      {},
      ['a', 'b'],
    ],
    ['once each', [T, updated(11, { tag: 'x' }), closed(12)], { T: at(11) }, ['T']],
    ['not those merely named as earlier ones', [started(10, { previousThreadId: 'S' })], {}, ['T']],
  ])('are listed %s', (_how, facts, activity: Readonly<Record<string, string>>, ids) => {
    expect(idsOf(facts, activity)).toEqual(ids);
  });

  it('began when the earliest of their beginnings says', () => {
    const [, thread] = groupByThread([started(12, { reason: 'transferred', createdAt: at(11) }), T], {});
    expect(thread?.thread?.createdAt).toBe(at(10));
  });

  it('tell which thread was before', () => {
    const [, thread] = groupByThread([T, started(12, { reason: 'transferred', previousThreadId: 'S' })], {});
    expect(thread?.thread?.previousThreadId).toBe('S');
  });
});

describe('the facts of a thread', () => {
  const beginning = started(20, { createdAt: at(10) });
  const moved = transferred(15, { to: { groups: [4] } });
  const ended = closed(30);

  it.each([
    ['by arrival', [ended, moved], [moved, ended]],
    ['with its beginning first, whenever that arrived', [moved, beginning], [beginning, moved]],
    ['by their ids where they arrived at once', [updated(15, {}), moved], [moved, updated(15, {})]],
  ])('come %s', (_how, facts, ordered) => {
    expect(groupByThread(facts, {})[1]?.events).toEqual(ordered);
  });

  it('include a transfer into it by arrival, since its beginning came before', () => {
    const into = started(40, { reason: 'transferred', createdAt: at(10) });
    expect(groupByThread([into, moved, beginning], {})[1]?.events).toEqual([beginning, moved, into]);
  });
});

describe('a fact that names no thread', () => {
  const threads = [started(10), started(30, { threadId: 'U' })];

  it.each([
    ['the thread that there was when it arrived', 20, ['T']],
    ['the thread that had just begun', 30, ['U']],
    ['the latest thread', 50, ['U']],
    ['the first thread where it came before all', 9, ['T']],
  ])('belongs to %s', (_which, minute, ids) => {
    const claiming = groupByThread([...threads, unplaced(minute)], {}).filter(({ events }) =>
      events.some(({ metadata: { id } }) => id.startsWith('unplaced')),
    );
    expect(claiming.map(({ thread }) => thread?.id)).toEqual(ids);
  });

  it('belongs to none while no thread is known, and is not lost', () => {
    const fact = unplaced(20);
    expect(groupByThread([fact], {})).toEqual([{ thread: undefined, events: [fact] }]);
  });
});

describe('the tags of a thread', () => {
  it.each([
    ['those it began with', [started(10, { tags: ['b', 'a'] })], ['a', 'b']],
    ['and those added', [started(10, { tags: ['a'] }), updated(11, { tag: 'b' })], ['a', 'b']],
    ['less those removed', [started(10, { tags: ['a', 'b'] }), updated(11, { untag: 'a' })], ['b']],
    [
      'as the last word on each says',
      [updated(11, { tag: 'a' }), updated(12, { untag: 'a' }), updated(13, { tag: 'a' })],
      ['a'],
    ],
    [
      'removed also when that came before the beginning was told',
      [updated(10, { untag: 'a' }), started(20, { tags: ['a'] })],
      [],
    ],
    ['none after all were removed', [updated(11, { tag: 'a' }), updated(12, { untag: 'a' })], []],
    ['not those of another thread', [started(10), updated(11, { threadId: 'U', tag: 'a' })], []],
  ])('are %s', (_which, facts, tags) => {
    expect(groupByThread(facts, {}).find(({ thread }) => thread?.id === 'T')?.thread?.tags).toEqual(tags);
  });
});
