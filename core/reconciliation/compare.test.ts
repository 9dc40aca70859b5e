import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { activity, conversationEvents, participant } from '../../test/arbitraries.ts';
import { at, metadata } from '../../test/conversation-events.ts';
import {
  customer,
  deleted,
  listed,
  nina,
  nothing,
  received,
  store,
  systemMessage,
  time,
  tomas,
  withItem,
} from '../../test/listed-threads.ts';
import type { AnyEvent } from '../events/event.ts';
import { isSameContent } from '../livechat/reconcile.ts';
import { compareThread, needsRead, type StoredThread } from './compare.ts';
import type { ListedEvent, ListedThread } from './source.ts';

const compare = (thread: ListedThread, stored: StoredThread) =>
  compareThread(thread, stored, { isSameContent, until: thread.observedAt, expiredBefore: '' });
const types = (events: readonly AnyEvent[]) => events.map(({ type }) => type);

/** What a run stores of a thread whose webhooks were all received. */
function stored(thread: ListedThread): StoredThread {
  return store(nothing, [thread.started, ...(thread.events ?? [])]);
}

describe('a thread of which nothing is stored', () => {
  const thread = listed({ events: [received(2), received(3, { visibility: 'agents' }), deleted(4)], tags: ['refund'] });

  it('is published with its start, its messages, its notes and its tombstones', () => {
    const { missing } = compare(thread, nothing);
    expect(types(missing)).toEqual([
      'chat.started',
      'message.received',
      'note.received',
      'message.deleted',
      // A deleted message was activity too.
      'chat.observed',
    ]);
  });

  it('is left out if it began after the observation', () => {
    const late = listed({ createdAt: at(41), events: [received(42)] });
    expect(compare(late, nothing)).toEqual({ missing: [], isChanging: false });
  });

  it('is published without the messages written after the observation', () => {
    const busy = listed({ events: [received(2), received(41)] });
    expect(types(compare(busy, nothing).missing)).toEqual(['chat.started', 'message.received']);
  });

  it('is published up to the limit of a run, if it has one', () => {
    const late = listed({ createdAt: at(41), events: [received(42), received(44)] });
    const { missing } = compareThread(late, nothing, { isSameContent, until: at(43), expiredBefore: '' });
    expect(types(missing)).toEqual(['chat.started', 'message.received']);
  });
});

describe('a thread that is stored', () => {
  it('does not differ if every webhook was received', () => {
    const thread = listed({ events: [received(2), systemMessage(3, 'routing.idle')], tags: ['refund'] });
    expect(compare(thread, stored(thread))).toEqual({ missing: [], isChanging: false });
  });

  it.each<[string, Partial<ListedThread>, object]>([
    ['closed', { active: false }, { active: false }],
    ['tagged', { tags: ['refund'] }, { tags: ['refund'] }],
    ['moved to another group', { groups: [7] }, { access: { groups: [7] } }],
    ['joined by an agent', { participants: [customer, nina, tomas] }, { participants: [customer, nina, tomas] }],
    [
      'transferred',
      { transfer: { at: at(5), agents: [tomas.id] }, participants: [customer, { ...nina, present: false }, tomas] },
      { access: { groups: [1], agents: [tomas.id] } },
    ],
    [
      'handed over without a system message',
      { participants: [customer, { ...nina, present: false }, tomas] },
      { access: { groups: [1], agents: [tomas.id] } },
    ],
  ])('differs if it was %s', (_what, change, data) => {
    const before = stored(listed());
    const { missing } = compare(listed(change), before);
    expect(missing).toMatchObject([{ type: 'chat.observed', metadata: { recovered: true }, data }]);
    expect(compare(listed(change), store(before, missing)).missing).toEqual([]);
  });

  it('keeps its agent if that agent left, and others only assisted', () => {
    const left: AnyEvent = {
      type: 'agent.changed',
      metadata: metadata(20, 'left'),
      data: { conversationId: 'C', threadId: 'T', change: 'left', agent: { ...nina, present: false } },
    };
    const thread = listed({ participants: [customer, nina, tomas] });
    const before = store(stored(thread), [left]);
    const now = listed({ participants: [customer, { ...nina, present: false }, tomas] });
    expect(compare(now, before).missing).toEqual([]);
  });

  it('stays closed if LiveChat still lists it as active', () => {
    const before = stored(listed({ active: false }));
    expect(compare(listed(), before).missing).toEqual([]);
  });

  it('is left to the next run if a webhook was received after the observation', () => {
    const tagged: AnyEvent = {
      type: 'chat.updated',
      metadata: metadata(41, 'tag'),
      data: { conversationId: 'C', threadId: 'T', tag: 'refund' },
    };
    const before = store(stored(listed()), [tagged]);
    expect(compare(listed({ tags: [] }), before)).toEqual({ missing: [], isChanging: true });
  });

  it('never loses a message that LiveChat no longer lists', () => {
    const before = stored(listed({ events: [received(2), received(3)] }));
    expect(compare(listed({ events: [received(3)] }), before).missing).toEqual([]);
  });
});

describe('a message that is stored', () => {
  const edited = received(2, { content: 'edited' });

  it('is updated if its content differs, as a note if it is one', () => {
    const before = stored(listed({ events: [received(2), received(3, { visibility: 'agents' })] }));
    const thread = listed({ events: [edited, received(3, { visibility: 'agents', content: 'edited' })] });
    const { missing } = compare(thread, before);
    expect(types(missing)).toEqual(['message.updated', 'note.updated']);
    expect(compare(thread, store(before, missing)).missing).toEqual([]);
  });

  it('is not updated if only the clicks on its buttons differ', () => {
    const content = (clicks: string[]) => JSON.stringify([{ buttons: [{ postback_id: 'a', user_ids: clicks }] }]);
    const rich = (clicks: string[]) => received(2, { type: 'interactive', content: content(clicks) });
    expect(compare(listed({ events: [rich(['c'])] }), stored(listed({ events: [rich([])] }))).missing).toEqual([]);
  });

  it('keeps an edit that was received after the observation', () => {
    const before = withItem(stored(listed({ events: [received(2)] })), 'T_2', {
      content: 'later',
      revision: `${time(41)}#x`,
    });
    expect(compare(listed({ events: [edited] }), before)).toEqual({ missing: [], isChanging: true });
  });

  it('gets another event id each time the same content is restored', () => {
    const original = stored(listed({ events: [received(2)] }));
    const thread = listed({ events: [edited] });
    const [first] = compare(thread, original).missing;
    const again = withItem(original, 'T_2', { content: 'other', revision: `${time(30)}#x` });
    const [second] = compare(thread, again).missing;
    expect(first?.metadata.id).not.toBe(second?.metadata.id);
  });

  it('is never brought back after its deletion', () => {
    const before = store(stored(listed({ events: [received(2)] })), [deleted(2)]);
    expect(compare(listed({ events: [received(2)] }), before).missing).toEqual([]);
  });
});

describe('how far a user has read', () => {
  const answer = received(5, { author: { id: nina.id, type: 'agent' } });
  const thread = listed({ events: [received(2), answer], seenUpTo: [{ userId: customer.id, at: at(5) }] });

  it('differs if the user has read a message of another user', () => {
    const before = stored(thread);
    const { missing } = compare(thread, before);
    expect(missing).toMatchObject([{ data: { seenUpTo: [{ userId: customer.id, at: at(5) }] } }]);
    expect(compare(thread, store(before, missing)).missing).toEqual([]);
  });

  it('does not differ if the user has only written', () => {
    const own = listed({ events: [received(2)], seenUpTo: [{ userId: customer.id, at: at(2) }] });
    expect(compare(own, stored(own)).missing).toEqual([]);
  });
});

describe('a summary', () => {
  const thread = listed({ events: [received(2), received(3)] });
  const summary = (given: Partial<ListedThread> = {}) =>
    listed({ events: undefined, tags: undefined, latestEvents: [{ id: 'T_3', at: at(3) }], ...given });

  it.each<[string, boolean, ListedThread, string]>([
    ['nothing is new', false, summary(), at(10)],
    ['something was written since', true, summary(), at(3)],
    ['its last event is not stored', true, summary({ latestEvents: [{ id: 'T_4', at: at(4) }] }), at(10)],
    ['it names no event', true, summary({ latestEvents: undefined }), at(10)],
    ['its state differs', true, summary({ groups: [7] }), at(10)],
  ])('is read if something is new: %s', (_what, expected, one, since) => {
    expect(needsRead(one, stored(thread), since)).toBe(expected);
  });

  it('is read if its thread is not stored', () => {
    expect(needsRead(summary(), nothing, at(10))).toBe(true);
  });
});

const participants = fc.uniqueArray(participant, { maxLength: 3, selector: ({ id }) => id });
const events = fc.uniqueArray(
  fc.record({
    number: fc.integer({ min: 2, max: 30 }),
    kind: fc.constantFrom('text', 'note', 'system', 'idle', 'deleted'),
  }),
  { maxLength: 5, selector: ({ number }) => number },
);

function listedEvent({ number, kind }: { number: number; kind: string }): ListedEvent {
  if (kind === 'note') return received(number, { visibility: 'agents' });
  if (kind === 'deleted') return deleted(number);
  if (kind === 'idle')
    return received(number, { type: 'system', author: { id: '', type: 'system' }, metadata: { idle: true } });
  return kind === 'system' ? systemMessage(number, 'rating') : received(number);
}

const listing = fc
  .record({
    active: fc.boolean(),
    isLatest: fc.boolean(),
    createdAt: fc.constantFrom(at(1), at(12)),
    participants,
    groups: fc.uniqueArray(fc.constantFrom(1, 7), { maxLength: 2 }),
    tags: fc.uniqueArray(fc.constantFrom('refund', 'bug')),
    queue: fc.option(fc.constant({ position: 1 }), { nil: undefined }),
    events: events.map((list) => list.map(listedEvent)),
    seen: fc.array(fc.record({ userId: fc.constantFrom('c', nina.id), at: fc.constantFrom(at(3), at(20)) }), {
      maxLength: 2,
    }),
    transfer: fc.option(
      fc.record({ at: fc.constantFrom(at(2), at(15)), agents: fc.constantFrom([], [nina.id], [tomas.id]) }),
      {
        nil: undefined,
      },
    ),
  })
  .map(({ seen, ...given }) =>
    listed({ ...given, seenUpTo: [...new Map(seen.map((one) => [one.userId, one])).values()] }),
  );

it('leaves no difference, whatever was stored', () => {
  const before = fc.record({ events: conversationEvents('T', 'U'), activity: activity('T', 'U') });
  fc.assert(
    fc.property(listing, before, events, (thread, { events, activity }, known) => {
      const first = store({ ...nothing, events, activity }, known.map(listedEvent));
      const { missing } = compare(thread, first);
      expect(types(compare(thread, store(first, missing)).missing)).toEqual([]);
    }),
    { numRuns: 300 },
  );
});
