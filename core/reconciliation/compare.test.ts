import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { activity, conversationEvents, participant } from '../../test/arbitraries.ts';
import { at, metadata } from '../../test/conversation-events.ts';
import type { ConversationEvent } from '../conversations/projection.ts';
import type { AnyEvent, DomainEvent } from '../events/event.ts';
import type { NormalizedMessage } from '../events/schemas.ts';
import { isSameContent } from '../livechat/reconcile.ts';
import { compareThread, hasNews, type StoredItem, type StoredThread } from './compare.ts';
import type { ListedEvent, ListedThread } from './source.ts';

const organizationId = 'O';
const customer = { id: 'c', type: 'customer', name: 'Dana', present: true } as const;
const nina = { id: 'nina@acme.example', type: 'agent', name: 'Nina', present: true } as const;
const tomas = { id: 'tomas@acme.example', type: 'agent', name: 'Tomas', present: true } as const;

/** When the webhooks of minute m are received, and when a list is read. */
const time = (minute: number) => at(minute).replace('000Z', 'Z');

function message(number: number, given: Partial<NormalizedMessage> = {}): NormalizedMessage {
  return {
    id: `T_${number}`,
    organizationId,
    conversationId: 'C',
    threadId: 'T',
    carrier: 'livechat',
    direction: 'inbound',
    type: 'text',
    content: `text ${number}`,
    timestamp: at(number),
    author: { id: customer.id, type: 'customer' },
    visibility: 'all',
    metadata: {},
    rawPayload: {},
    ...given,
  };
}

function received(number: number, given: Partial<NormalizedMessage> = {}): ListedEvent {
  const data = message(number, given);
  const type = data.visibility === 'agents' ? 'note.received' : 'message.received';
  return { type, metadata: { ...metadata(number, type), occurredAt: data.timestamp }, data };
}

function deleted(number: number, given: Partial<NormalizedMessage> = {}): ListedEvent {
  const {
    id: messageId,
    conversationId,
    threadId,
    direction,
    type,
    timestamp,
    author,
    visibility,
  } = message(number, given);
  const header = { direction, type, timestamp, author, visibility };
  return {
    type: 'message.deleted',
    metadata: metadata(number, 'deleted'),
    data: { conversationId, threadId, messageId, header },
  };
}

function systemMessage(number: number, systemMessageType: string): ListedEvent {
  return received(number, { type: 'system', author: { id: '', type: 'system' }, metadata: { systemMessageType } });
}

/** A thread as listed in minute 40, with the state of `given`. */
function listed(given: Partial<ListedThread> & { readonly createdAt?: string } = {}): ListedThread {
  const participants = given.participants ?? [customer, nina];
  const groups = given.groups ?? [1];
  const started: DomainEvent<'chat.started'> = {
    type: 'chat.started',
    metadata: { ...metadata(40, 'started'), recovered: true },
    data: {
      conversationId: 'C',
      threadId: 'T',
      reason: 'new',
      createdAt: given.createdAt ?? at(1),
      active: given.active ?? true,
      participants: [...participants],
      groups: [...groups],
      tags: [...(given.tags ?? [])],
      causedByUs: false,
    },
  };
  return {
    conversationId: 'C',
    threadId: 'T',
    observedAt: time(40),
    started,
    events: [],
    invalid: [],
    latest: undefined,
    active: true,
    isLatest: true,
    participants,
    memberIds: participants.map(({ id }) => id),
    groups,
    transfer: undefined,
    queue: undefined,
    tags: [],
    seenUpTo: [],
    ...given,
  };
}

const nothing: StoredThread = { events: [], activity: {}, readMarks: new Map(), messages: new Map() };

/** Stores events as the functions do. */
function store(before: StoredThread, events: readonly AnyEvent[]): StoredThread {
  return events.reduce(storeOne, before);
}

function storeOne(before: StoredThread, event: AnyEvent): StoredThread {
  switch (event.type) {
    case 'chat.observed': {
      const { threadId, lastMessageAt, seenUpTo } = event.data;
      const marks = seenUpTo.map(({ userId, at }): [string, string] => [userId, max(before.readMarks.get(userId), at)]);
      return {
        ...withActivity(before, threadId, lastMessageAt),
        events: addEvent(before.events, event),
        readMarks: new Map([...before.readMarks, ...marks]),
      };
    }
    case 'chat.started':
    case 'chat.transferred':
    case 'chat.updated':
    case 'chat.deactivated':
    case 'agent.changed':
      return { ...before, events: addEvent(before.events, event) };
    case 'message.received':
    case 'note.received':
    case 'message.delivered': {
      const stored = event.type === 'message.delivered' ? event.data.message : event.data;
      return stored ? storeMessage(before, stored, event.metadata.receivedAt) : before;
    }
    case 'message.updated':
    case 'note.updated': {
      const { id, content, timestamp } = event.data;
      return withItem(before, id, {
        content,
        timestamp,
        revision: `${event.metadata.receivedAt}#${event.metadata.id}`,
      });
    }
    case 'message.deleted': {
      const { messageId, header } = event.data;
      return withItem(before, messageId, { deletedAt: event.metadata.receivedAt, timestamp: header?.timestamp });
    }
    default:
      throw new TypeError(`not expected: ${event.type}`);
  }
}

function storeMessage(before: StoredThread, stored: NormalizedMessage, receivedAt: string): StoredThread {
  const {
    id,
    content,
    timestamp,
    threadId,
    author,
    visibility,
    metadata: { idle },
  } = stored;
  const item = before.messages.get(id);
  const after = withItem(before, id, { receivedAt, timestamp, ...(item?.revision === undefined && { content }) });
  if (idle === true) {
    const data = { conversationId: 'C', threadId, at: timestamp };
    return { ...after, events: addEvent(after.events, { type: 'idle', metadata: metadata(40, `idle${id}`), data }) };
  }
  return author.type === 'system' || visibility === 'agents' ? after : withActivity(after, threadId, timestamp);
}

function addEvent(events: readonly ConversationEvent[], event: ConversationEvent): ConversationEvent[] {
  return events.some(({ metadata: { id } }) => id === event.metadata.id) ? [...events] : [...events, event];
}

function withItem(before: StoredThread, id: string, item: Partial<StoredItem>): StoredThread {
  const known = before.messages.get(id) ?? { isOversize: false };
  return { ...before, messages: new Map([...before.messages, [id, { ...known, ...item }]]) };
}

function withActivity(before: StoredThread, threadId: string, time: string | undefined): StoredThread {
  if (time === undefined) return before;
  return { ...before, activity: { ...before.activity, [threadId]: max(before.activity[threadId], time) } };
}

const max = (one: string | undefined, other: string) => (one !== undefined && one > other ? one : other);

const compare = (thread: ListedThread, stored: StoredThread) => compareThread(thread, stored, isSameContent);
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
    listed({ events: undefined, tags: undefined, latest: [{ id: 'T_3', at: at(3) }], ...given });

  it.each<[string, boolean, ListedThread, string]>([
    ['nothing is new', false, summary(), at(10)],
    ['something was written since', true, summary(), at(3)],
    ['its last event is not stored', true, summary({ latest: [{ id: 'T_4', at: at(4) }] }), at(10)],
    ['it names no event', true, summary({ latest: undefined }), at(10)],
    ['its state differs', true, summary({ groups: [7] }), at(10)],
  ])('is read if something is new: %s', (_what, expected, one, since) => {
    expect(hasNews(one, stored(thread), since)).toBe(expected);
  });

  it('is read if its thread is not stored', () => {
    expect(hasNews(summary(), nothing, at(10))).toBe(true);
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
