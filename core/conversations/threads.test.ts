import { describe, expect, it } from 'vitest';
import { at, closed, metadata, started, transferred, updated } from '../../test/facts.ts';
import type { ConversationEvent } from './facts.ts';
import { threadsOf } from './threads.ts';

/** An agent's change of which the carrier named no thread. */
const unplaced = (minute: number): ConversationEvent => ({
  type: 'chat.updated',
  metadata: metadata(minute, 'unplaced'),
  data: { conversationId: 'C', groups: [minute] },
});

function idsOf(facts: readonly ConversationEvent[], activity: Readonly<Record<string, string>> = {}) {
  return threadsOf(facts, activity).flatMap(({ thread }) => thread?.id ?? []);
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
    const [, thread] = threadsOf([started(12, { reason: 'transferred', createdAt: at(11) }), T], {});
    expect(thread?.thread?.createdAt).toBe(at(10));
  });

  it('tell which thread was before', () => {
    const [, thread] = threadsOf([T, started(12, { reason: 'transferred', previousThreadId: 'S' })], {});
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
    expect(threadsOf(facts, {})[1]?.facts).toEqual(ordered);
  });

  it('include a transfer into it by arrival, since its beginning came before', () => {
    const into = started(40, { reason: 'transferred', createdAt: at(10) });
    expect(threadsOf([into, moved, beginning], {})[1]?.facts).toEqual([beginning, moved, into]);
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
    const claiming = threadsOf([...threads, unplaced(minute)], {}).filter(({ facts }) =>
      facts.some(({ metadata: { id } }) => id.startsWith('unplaced')),
    );
    expect(claiming.map(({ thread }) => thread?.id)).toEqual(ids);
  });

  it('belongs to none while no thread is known, and is not lost', () => {
    const fact = unplaced(20);
    expect(threadsOf([fact], {})).toEqual([{ thread: undefined, facts: [fact] }]);
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
    expect(threadsOf(facts, {}).find(({ thread }) => thread?.id === 'T')?.thread?.tags).toEqual(tags);
  });
});
