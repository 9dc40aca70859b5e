import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { activity, agentId, botId, conversationEvents, customerId, threadEvents } from '../../test/arbitraries.ts';
import {
  agent,
  at,
  closed,
  idle,
  metadata,
  queue,
  started,
  tomas,
  transferred,
  updated,
  withoutThread,
} from '../../test/conversation-events.ts';
import { propertyRuns } from '../../test/depth.ts';
import type { Participant } from '../events/schemas.ts';
import { type ConversationEvent, groupByThread, projectConversation } from './projection.ts';

describe('the status of a conversation', () => {
  it.each([
    ['open', 'without events', [], {}],
    ['open', 'started', [started(10)], {}],
    ['open', 'with messages only', [], { T: at(10) }],
    ['queued', 'with a queue', [started(10, { queue })], {}],
    ['queued', 'with a queue and a bot', [started(10, { queue }), agent(11, 'joined', botId)], {}],
    ['open', 'with a queue and then an agent', [started(10, { queue }), agent(11, 'joined')], {}],
    ['queued', 'queued although an agent leaves', [started(10, { queue }), agent(11, 'left')], {}],
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
    ['queued', 'queued after an agent joined', [started(10), agent(11, 'joined'), transferred(12, { queue })], {}],
    ['idle', 'idle', [started(10), idle(20)], { T: at(15) }],
    ['idle', 'idle at the time of its last message', [started(10), idle(20)], { T: at(20) }],
    ['idle', 'idle with no message known', [started(10), idle(20)], {}],
    ['open', 'idle until the next message', [started(10), idle(20)], { T: at(21) }],
    ['idle', 'idle again after it', [started(10), idle(20), idle(30)], { T: at(21) }],
    ['idle', 'idle while queued', [started(10, { queue }), idle(20)], {}],
    ['closed', 'closed', [started(10), closed(20)], {}],
    ['closed', 'closed, then other events', [started(10), closed(20), agent(21, 'joined'), idle(22)], { T: at(23) }],
    ['closed', 'closed before its start arrives', [closed(10), started(20)], {}],
    ['closed', 'closed without a start', [closed(10)], {}],
    ['closed', 'of a thread appended to an inactive chat', [started(10, { active: false })], {}],
    ['open', 'closed and reopened', [started(10), closed(20), started(30, { threadId: 'U', reason: 'reopened' })], {}],
    ['open', 'reopened, the old thread closed late', [started(10), started(30, { threadId: 'U' }), closed(40)], {}],
    ['closed', 'reopened and closed', [started(10), started(30, { threadId: 'U' }), closed(40, 'U')], {}],
    ['open', 'reopened, known from a message only', [started(10), closed(20)], { U: at(30) }],
  ])('is %s: %s', (status, _how, given: readonly ConversationEvent[], times: Readonly<Record<string, string>>) => {
    expect(projectConversation(given, times).status).toBe(status);
  });
});

describe('the last activity of a conversation', () => {
  it.each([
    ['its latest message', [started(10)], { S: at(9), T: at(15) }, at(15)],
    [
      'the start of its latest thread if that is later',
      [started(20), started(10, { threadId: 'S' })],
      { S: at(12) },
      at(20),
    ],
    [
      'the latest receipt of an event if it has no start and no message',
      [closed(12), agent(11, 'joined')],
      {},
      receipt(12),
    ],
    ['empty without events', [], {}, ''],
  ])('is %s', (_what, given, times: Readonly<Record<string, string>>, lastActivityAt) => {
    expect(projectConversation(given, times).lastActivityAt).toBe(lastActivityAt);
  });

  function receipt(minute: number): string {
    return metadata(minute, '').receivedAt;
  }
});

describe('the assignment of a conversation', () => {
  const present = [
    { id: agentId, type: 'agent', present: true },
    { id: tomas, type: 'agent', present: false },
    { id: botId, type: 'bot', present: true },
    { id: customerId, type: 'customer', present: true },
  ] as const;
  const startEvent = started(10, { participants: [...present], groups: [4] });

  it.each([
    ['empty initially', [], [], []],
    ['the human agents who are present, and the groups', [startEvent], [agentId], [4]],
    [
      'the agents and groups of a transfer',
      [startEvent, transferred(11, { to: { agents: [tomas], groups: [19] } })],
      [tomas],
      [19],
    ],
    ['no agent after a transfer to a group alone', [startEvent, transferred(11, { to: { groups: [19] } })], [], [19]],
    [
      'the same group after a transfer to an agent alone',
      [startEvent, transferred(11, { to: { agents: [tomas] } })],
      [tomas],
      [4],
    ],
    ['unchanged by a transfer without a target', [startEvent, transferred(11, {})], [agentId], [4]],
    ['the groups with access', [startEvent, updated(11, { groups: [19] })], [agentId], [19]],
    ['unchanged by a tag', [startEvent, updated(11, { tag: 'x' })], [agentId], [4]],
    ['unchanged by a join or leave', [startEvent, agent(11, 'joined', tomas), agent(12, 'left')], [agentId], [4]],
    ['the replacement of an agent', [startEvent, agent(11, 'joined', tomas, agentId)], [tomas], [4]],
    [
      'the other agents after a replacement',
      [
        transferred(11, { to: { agents: ['a', 'b'] } }),
        agent(12, 'joined', 'c', 'b'),
        agent(13, 'joined', 'a', 'none'),
      ],
      ['c', 'a'],
      [],
    ],
    ['unchanged by closing', [startEvent, closed(11)], [agentId], [4]],
    ['that of the newer thread', [startEvent, started(20, { threadId: 'U', groups: [7] })], [], [7]],
    [
      'unchanged by a late event of an older thread',
      [startEvent, transferred(30, { threadId: 'S', to: { agents: [tomas] } })],
      [agentId],
      [4],
    ],
    [
      'that of a transfer received before the start',
      [transferred(9, { to: { agents: [tomas] } }), startEvent].toReversed(),
      [tomas],
      [4],
    ],
  ])('is %s', (_whom, given, agents, groups) => {
    expect(projectConversation(given, {}).assigned).toEqual({ agents, groups });
  });
});

describe('the participants', () => {
  const join = (minute: number, change: 'joined' | 'left' | 'fields', given: object): ConversationEvent => ({
    type: 'participant.changed',
    metadata: metadata(minute, 'participant'),
    data: { conversationId: 'C', threadId: 'T', change, participant: { id: customerId, type: 'customer', ...given } },
  });
  const departed = (minute: number, agent: Participant): ConversationEvent => ({
    type: 'agent.changed',
    metadata: metadata(minute, 'departed'),
    data: { conversationId: 'C', threadId: 'T', change: 'left', agent },
  });
  const dana = { id: customerId, type: 'customer', name: 'Dana', present: true } as const;
  const startEvent = started(10, { participants: [dana] });

  it.each([
    ['those of the start', [startEvent], [dana]],
    ['absent after leaving', [startEvent, join(11, 'left', { present: false })], [{ ...dana, present: false }]],
    [
      'present after returning',
      [startEvent, join(11, 'left', { present: false }), join(12, 'joined', { present: true })],
      [dana],
    ],
    [
      'with merged fields',
      [startEvent, join(11, 'fields', { fields: { a: '1', b: '1' } }), join(12, 'fields', { fields: { b: '2' } })],
      [{ ...dana, fields: { a: '1', b: '2' } }],
    ],
    [
      'with the fields of any event',
      [join(11, 'fields', { fields: { a: '1' } }), join(12, 'left', {})],
      [{ fields: { a: '1' } }],
    ],
    [
      'of the type in the start, whatever type a departure derives from the id',
      [started(10, { participants: [{ ...dana, id: 'x' }] }), join(11, 'left', { id: 'x', type: 'unknown' })],
      [{ ...dana, id: 'x' }],
    ],
    [
      'of the type in a join, whatever type a departure derives from the id',
      [join(10, 'joined', { id: 'x', name: 'Dana' }), join(11, 'left', { id: 'x', type: 'unknown', present: false })],
      [{ id: 'x', type: 'customer', name: 'Dana', present: false }],
    ],
    [
      'of the type in a join of an agent, whatever type a departure derives from the id',
      [agent(10, 'joined', 'x'), departed(11, { id: 'x', type: 'unknown' })],
      [{ id: 'x', type: 'agent' }],
    ],
    [
      'of the type in the latest departure if nothing describes them',
      [departed(10, { id: 'x', type: 'unknown' }), departed(11, { id: 'x', type: 'bot' })],
      [{ id: 'x', type: 'bot' }],
    ],
    [
      'described after being named',
      [join(10, 'left', { id: 'x', type: 'unknown' }), join(11, 'joined', { id: 'x', type: 'customer' })],
      [{ id: 'x', type: 'customer' }],
    ],
    [
      'customers, then agents, then bots',
      [agent(10, 'joined', botId), agent(11, 'joined'), startEvent],
      [{ id: customerId }, { id: agentId }, { id: botId }],
    ],
    [
      'by id among agents',
      [agent(10, 'joined', 'c'), agent(11, 'joined', 'a'), agent(12, 'joined', 'b')],
      [{ id: 'a' }, { id: 'b' }, { id: 'c' }],
    ],
  ])('is %s', (_who, given, participants) => {
    expect(projectConversation(given, {}).participants).toMatchObject(participants);
  });
});

describe('the projection', () => {
  const known = activity('S', 'T', 'U');

  it('is the same for any order of events', () => {
    const shuffled = conversationEvents('S', 'T', 'U').chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
    );
    fc.assert(
      fc.property(shuffled, known, ([list, otherwise], times) => {
        expect(projectConversation(otherwise, times)).toEqual(projectConversation(list, times));
      }),
      propertyRuns(2_000),
    );
  });

  it('is the same with duplicates', () => {
    const repeated = conversationEvents('S', 'T').chain((list) => fc.tuple(fc.constant(list), fc.subarray(list)));
    fc.assert(
      fc.property(repeated, known, ([list, again], times) => {
        expect(projectConversation([...list, ...again], times)).toEqual(projectConversation(list, times));
      }),
      propertyRuns(1_000),
    );
  });

  it('never throws and does not modify its events', () => {
    fc.assert(
      fc.property(conversationEvents('S', 'T', 'U'), known, (list, times) => {
        const before = structuredClone(list);
        projectConversation(list, times);
        expect(list).toEqual(before);
      }),
      propertyRuns(1_000),
    );
  });
});

it('reads each event a constant number of times, regardless of the number of threads', () => {
  let reads = 0;
  const counted = (event: ConversationEvent): ConversationEvent =>
    new Proxy(event, {
      get: (target, name, receiver) => {
        reads += 1;
        return Reflect.get(target, name, receiver);
      },
    });
  const count = 1_000;
  const list = Array.from({ length: count }, (_, index) => counted(started(10, { threadId: `T${index}` })));
  expect(projectConversation(list, {}).threads).toHaveLength(count);
  expect(reads / count).toBeLessThan(50);
});

describe('events of an older thread', () => {
  it('never change the status, assignment or last activity of a newer thread', () => {
    const newer = threadEvents('U').map((list) => [
      started(40, { threadId: 'U', groups: [4] }),
      ...list.map(withStartAt(40)),
    ]);
    fc.assert(
      fc.property(
        newer,
        threadEvents('T').map((list) => list.map(withStartAt(20))),
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

  /** Threads of one chat do not overlap: each has one start. */
  function withStartAt(minute: number): (one: ConversationEvent) => ConversationEvent {
    return (one) => (one.type === 'chat.started' ? { ...one, data: { ...one.data, createdAt: at(minute) } } : one);
  }
});

function threadIds(events: readonly ConversationEvent[], activity: Readonly<Record<string, string>> = {}) {
  return groupByThread(events, activity).flatMap(({ thread }) => thread?.id ?? []);
}

describe('threads', () => {
  const T = started(10);
  const U = started(30, { threadId: 'U' });

  it.each([
    ['in order of their start', [T, U], {}, ['T', 'U']],
    ['in that order for any order of receipt', [U, T], {}, ['T', 'U']],
    ['by their latest message if the start is unknown', [U], { T: at(20), V: at(40) }, ['T', 'U', 'V']],
    ['first if no time is known', [T, closed(50, 'V')], {}, ['V', 'T']],
    [
      'by id if they start at the same time',
      [started(10, { threadId: 'b' }), started(10, { threadId: 'a' })],
      {},
      ['a', 'b'],
    ],
    ['once each', [T, updated(11, { tag: 'x' }), closed(12)], { T: at(11) }, ['T']],
    ['without those only referred to as previous', [started(10, { previousThreadId: 'S' })], {}, ['T']],
  ])('are listed %s', (_how, events, activity: Readonly<Record<string, string>>, ids) => {
    expect(threadIds(events, activity)).toEqual(ids);
  });

  it('start at the earliest createdAt', () => {
    const [, thread] = groupByThread([started(12, { reason: 'transferred', createdAt: at(11) }), T], {});
    expect(thread?.thread?.createdAt).toBe(at(10));
  });

  it('have the id of the previous thread', () => {
    const [, thread] = groupByThread([T, started(12, { reason: 'transferred', previousThreadId: 'S' })], {});
    expect(thread?.thread?.previousThreadId).toBe('S');
  });
});

describe('the events of a thread', () => {
  const beginning = started(20, { createdAt: at(10) });
  const moved = transferred(15, { to: { groups: [4] } });
  const ended = closed(30);

  it.each([
    ['by receipt', [ended, moved], [moved, ended]],
    ['with the start first, whenever it was received', [moved, beginning], [beginning, moved]],
    ['by id if received at the same time', [updated(15, {}), moved], [moved, updated(15, {})]],
  ])('come %s', (_how, events, ordered) => {
    expect(groupByThread(events, {})[1]?.events).toEqual(ordered);
  });

  it('include a transfer into the thread by receipt', () => {
    const into = started(40, { reason: 'transferred', createdAt: at(10) });
    expect(groupByThread([into, moved, beginning], {})[1]?.events).toEqual([beginning, moved, into]);
  });
});

describe('an event without a thread id', () => {
  const threads = [started(10), started(30, { threadId: 'U' })];

  it.each([
    ['the thread that was current at its receipt', 20, ['T']],
    ['a thread that started at the same time', 30, ['U']],
    ['the latest thread', 50, ['U']],
    ['the first thread if it was received before all', 9, ['T']],
  ])('belongs to %s', (_which, minute, ids) => {
    const claiming = groupByThread([...threads, withoutThread(minute)], {}).filter(({ events }) =>
      events.some(({ metadata: { id } }) => id.startsWith('without-thread')),
    );
    expect(claiming.map(({ thread }) => thread?.id)).toEqual(ids);
  });

  it('belongs to no thread while none is known, and is kept', () => {
    const event = withoutThread(20);
    expect(groupByThread([event], {})).toEqual([{ thread: undefined, events: [event] }]);
    const later = withoutThread(30);
    expect(groupByThread([later, event], {})).toEqual([{ thread: undefined, events: [event, later] }]);
  });
});

describe('the tags of a thread', () => {
  it.each([
    ['those of the start', [started(10, { tags: ['b', 'a'] })], ['a', 'b']],
    ['including added ones', [started(10, { tags: ['a'] }), updated(11, { tag: 'b' })], ['a', 'b']],
    ['without removed ones', [started(10, { tags: ['a', 'b'] }), updated(11, { untag: 'a' })], ['b']],
    [
      'according to the last change of each',
      [updated(11, { tag: 'a' }), updated(12, { untag: 'a' }), updated(13, { tag: 'a' })],
      ['a'],
    ],
    ['without those removed before the start arrives', [updated(10, { untag: 'a' }), started(20, { tags: ['a'] })], []],
    ['none after all are removed', [updated(11, { tag: 'a' }), updated(12, { untag: 'a' })], []],
    ['not those of another thread', [started(10), updated(11, { threadId: 'U', tag: 'a' })], []],
  ])('are %s', (_which, events, tags) => {
    expect(groupByThread(events, {}).find(({ thread }) => thread?.id === 'T')?.thread?.tags).toEqual(tags);
  });
});
