import { describe, expect, it } from 'vitest';
import { agentId, botId, customerId } from '../../test/arbitraries.ts';
import {
  agent,
  at,
  closed,
  idle,
  metadata,
  observed,
  queue,
  started,
  tomas,
  transferred,
  updated,
} from '../../test/conversation-events.ts';
import type { Participant } from '../events/schemas.ts';
import { type ConversationEvent, groupByThread, projectConversation } from './projection.ts';

const observedClosed = (minute: number) => observed(minute, { active: false });

describe('the status of a conversation with an observation', () => {
  it.each<[string, string, readonly ConversationEvent[], Readonly<Record<string, string>>]>([
    ['open', 'observed as active', [observed(20)], {}],
    ['closed', 'observed as closed', [started(10), observedClosed(20)], {}],
    ['closed', 'observed as closed without a start', [observedClosed(20)], {}],
    ['closed', 'observed as closed, then as active', [observedClosed(20), observed(30)], {}],
    ['closed', 'closed, then observed as active', [started(10), closed(20), observed(30)], {}],
    ['closed', 'observed as active, then closed', [started(10), observed(20), closed(30)], {}],
    ['open', 'reopened, the old thread observed as closed', [observedClosed(40), started(30, { threadId: 'U' })], {}],
    ['queued', 'observed in the queue', [started(10), observed(20, { queue })], {}],
    ['open', 'observed out of the queue', [started(10, { queue }), observed(20)], {}],
    ['open', 'observed in the queue, then joined', [observed(20, { queue }), agent(21, 'joined')], {}],
    ['queued', 'joined, then observed in the queue', [agent(19, 'joined'), observed(20, { queue })], {}],
    ['queued', 'observed out of the queue, then transferred into it', [observed(20), transferred(21, { queue })], {}],
    ['open', 'transferred into the queue, then observed out of it', [transferred(19, { queue }), observed(20)], {}],
    ['idle', 'idle, whatever is observed', [idle(20), observed(30, { queue })], { T: at(15) }],
  ])('is %s: %s', (status, _how, events, activity) => {
    expect(projectConversation(events, activity).status).toBe(status);
    expect(projectConversation(events.toReversed(), activity).status).toBe(status);
  });
});

describe('the assignment after an observation', () => {
  const nina = { id: agentId, type: 'agent', present: true } as const;
  const startEvent = started(10, { participants: [nina], groups: [4] });
  const moved = (minute: number) => transferred(minute, { to: { agents: [tomas], groups: [7] } });
  const access = { agents: ['ada'], groups: [19] };

  it.each<[string, readonly ConversationEvent[], readonly string[], readonly number[]]>([
    ['is the observed one', [startEvent, observed(20, { access })], ['ada'], [19]],
    ['has no agent if none is listed', [startEvent, observed(20, { access: { agents: [], groups: [4] } })], [], [4]],
    [
      'has the same agents if the list has none',
      [startEvent, observed(20, { access: { groups: [19] } })],
      [agentId],
      [19],
    ],
    ['is that of an observation after a transfer', [startEvent, moved(19), observed(20, { access })], ['ada'], [19]],
    ['is that of a transfer received later', [startEvent, observed(20, { access }), moved(21)], [tomas], [7]],
    ['has groups received later', [startEvent, observed(20, { access }), updated(21, { groups: [7] })], ['ada'], [7]],
    ['is observed before the start arrives', [started(30, { groups: [4] }), observed(20, { access })], ['ada'], [19]],
    ['is that of a newer thread', [observed(40, { access }), started(30, { threadId: 'U', groups: [7] })], [], [7]],
  ])('%s', (_whose, events, agents, groups) => {
    expect(projectConversation(events, {}).assigned).toEqual({ agents, groups });
    expect(projectConversation(events.toReversed(), {}).assigned).toEqual({ agents, groups });
  });
});

describe('the participants after an observation', () => {
  const dana = { id: customerId, type: 'customer', name: 'Dana', present: true } as const;
  const absent = { ...dana, present: false };
  const startEvent = started(10, { participants: [dana] });
  const listed = (...participants: Participant[]) => observed(20, { participants });
  const customer = (minute: number, change: 'joined' | 'left' | 'fields', given: object): ConversationEvent => ({
    type: 'participant.changed',
    metadata: metadata(minute, 'participant'),
    data: { conversationId: 'C', threadId: 'T', change, participant: { id: customerId, type: 'customer', ...given } },
  });
  const fields = (minute: number, values: Readonly<Record<string, string>>) =>
    customer(minute, 'fields', { fields: values });

  it.each<[string, readonly ConversationEvent[], readonly Partial<Participant>[]]>([
    [
      'are those listed and those known before',
      [startEvent, listed({ id: agentId, type: 'agent' })],
      [dana, { id: agentId }],
    ],
    ['are absent if listed as absent', [startEvent, listed(absent)], [absent]],
    ['are present if they join later', [listed(absent), customer(21, 'joined', { present: true })], [dana]],
    [
      'are absent if listed so after they joined',
      [customer(19, 'joined', { present: true }), listed(absent)],
      [absent],
    ],
    [
      'have the listed type, whatever type a departure derives from the id',
      [listed({ id: 'x', type: 'bot' }), customer(21, 'left', { id: 'x', type: 'unknown' })],
      [{ id: 'x', type: 'bot' }],
    ],
    [
      'keep known session fields, and get the others from the list',
      [fields(11, { a: '1' }), listed({ ...dana, fields: { a: 'stale', b: '2' } })],
      [{ ...dana, fields: { a: '1', b: '2' } }],
    ],
    [
      'get session fields from the list if none are known',
      [started(10, { participants: [{ id: customerId, type: 'customer' }] }), listed({ ...dana, fields: { b: '2' } })],
      [{ ...dana, fields: { b: '2' } }],
    ],
    [
      'have session fields received later',
      [listed({ ...dana, fields: { a: 'stale' } }), fields(21, { a: '2' })],
      [{ ...dana, fields: { a: '2' } }],
    ],
    ['include bots', [listed({ id: botId, type: 'bot', present: true })], [{ id: botId, type: 'bot', present: true }]],
  ])('%s', (_who, events, participants) => {
    expect(projectConversation(events, {}).participants).toMatchObject(participants);
    expect(projectConversation(events.toReversed(), {}).participants).toMatchObject(participants);
  });
});

describe('the tags of a thread after an observation', () => {
  it.each<[string, readonly ConversationEvent[], readonly string[]]>([
    ['are those observed, and no earlier ones', [started(10, { tags: ['a'] }), observed(20, { tags: ['b'] })], ['b']],
    ['are none if none are observed', [updated(10, { tag: 'a' }), observed(20)], []],
    [
      'include later changes',
      [observed(20, { tags: ['a', 'b'] }), updated(21, { untag: 'a' }), updated(22, { tag: 'c' })],
      ['b', 'c'],
    ],
    ['are observed before the start arrives', [observed(20, { tags: ['b'] }), started(30, { tags: ['a'] })], ['b']],
    ['are those of the latest observation', [observed(30, { tags: ['b'] }), observed(20, { tags: ['a'] })], ['b']],
    [
      'are not those of another thread',
      [started(10, { tags: ['a'] }), observed(20, { threadId: 'U', tags: ['b'] })],
      ['a'],
    ],
  ])('%s', (_which, events, tags) => {
    expect(threadTags(events)).toEqual(tags);
    expect(threadTags(events.toReversed())).toEqual(tags);
  });

  function threadTags(events: readonly ConversationEvent[]) {
    return groupByThread(events, {}).find(({ thread }) => thread?.id === 'T')?.thread?.tags;
  }
});
