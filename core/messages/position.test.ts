import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compare } from '../conversations/projection.ts';
import { countMissingEvents, isNumbered, messageNumber, messagePosition, parseMessageId } from './position.ts';

const threadId = fc.oneof(fc.constantFrom('T8RM2K0V9X', 'a_b', 'a_1', 'T'), fc.string({ minLength: 1 }));
const number = fc.nat(999_999_999);
const opaque = fc.oneof(
  fc.uuid(),
  fc.string(),
  fc.constantFrom('T', 'T_', 'T_01', 'T_1_', 'T_1000000000', 'T_-1', 'T_1e3', 'T_1\n', '0000000001', '~'),
);

describe('the position of a message', () => {
  it('sorts the messages of a thread by number', () => {
    fc.assert(
      fc.property(threadId, number, number, (thread, a, b) => {
        const [first, second] = [a, b].map((one) => messagePosition(thread, `${thread}_${one}`));
        expect(compare(first ?? '', second ?? '')).toBe(Math.sign(a - b));
      }),
    );
  });

  it('sorts the messages without a number last', () => {
    fc.assert(
      fc.property(threadId, number, opaque, (thread, numbered, id) => {
        fc.pre(messageNumber(thread, id) === undefined);
        const positions = [messagePosition(thread, `${thread}_${numbered}`), messagePosition(thread, id)];
        expect(positions.map(isNumbered)).toEqual([true, false]);
        expect(positions).toEqual(positions.toSorted(compare));
      }),
    );
  });

  it('differs if the id differs', () => {
    const id = (thread: string) =>
      fc.oneof(
        opaque,
        number.map((one) => `${thread}_${one}`),
        opaque.map((end) => `${thread}_${end}`),
      );
    fc.assert(
      fc.property(
        threadId.chain((thread) => fc.tuple(fc.constant(thread), id(thread), id(thread))),
        ([thread, a, b]) => {
          expect(messagePosition(thread, a) === messagePosition(thread, b)).toBe(a === b);
        },
      ),
    );
  });
});

it('finds the thread and the number in an id', () => {
  fc.assert(
    fc.property(threadId, number, (thread, one) => {
      expect(parseMessageId(`${thread}_${one}`)).toEqual({ threadId: thread, number: one });
    }),
  );
});

it.each(['', 'T', 'T_', '_1', 'T_01', 'T_1000000000', 'T_x', '5f0c1d7e-2a84-4c39-9b61-7c2e9d1a4b55'])(
  'finds no number in %j',
  (id) => {
    expect(parseMessageId(id)).toBeUndefined();
  },
);

const now = Date.parse('2026-03-11T10:00:00Z');
const overdue = '2026-03-11T09:00:00.000001Z';
const recent = '2026-03-11T09:59:30.000001Z';
const at = (time: string | undefined, ...ids: string[]) => ids.map((id) => ({ id, at: time }));

describe('countMissingEvents', () => {
  it.each([
    ['no events', [], 0],
    ['complete numbers', at(overdue, 'T_1', 'T_2', 'T_3'), 0],
    ['one gap', at(overdue, 'T_1', 'T_3'), 1],
    ['several gaps, in any order', at(overdue, 'T_9', 'T_2', 'T_5'), 5],
    ['a thread received from the middle', at(overdue, 'T_7', 'T_8'), 0],
    ['a tombstone without a received event', [...at(overdue, 'T_1', 'T_3'), ...at(undefined, 'T_2')], 0],
    ['a gap younger than a minute', [...at(overdue, 'T_1'), ...at(recent, 'T_3')], 0],
    ['a gap younger and one older than a minute', [...at(overdue, 'T_1', 'T_3'), ...at(recent, 'T_5')], 1],
    ['an event out of order', [...at(overdue, 'T_1', 'T_3'), ...at(recent, 'T_2')], 0],
    ['ids in another format', at(overdue, 'b5a0', 'T_x', 'T_', 'T_-4', 'T_1e3', '_9', 'TT_9'), 0],
    ['ids of another thread', at(overdue, 'T_1', 'U_9'), 0],
    ['an invalid time', [...at(overdue, 'T_1'), ...at('yesterday', 'T_9')], 0],
  ])('for %s', (_what, events, missing) => {
    expect(countMissingEvents('T', events, now)).toBe(missing);
  });

  it('counts every number removed from the middle', () => {
    const thread = fc
      .integer({ min: 3, max: 200 })
      .chain((last) =>
        fc.record({ last: fc.constant(last), removed: fc.uniqueArray(fc.integer({ min: 2, max: last - 1 })) }),
      );
    fc.assert(
      fc.property(thread, ({ last, removed }) => {
        const remaining = Array.from({ length: last }, (_, index) => index + 1).filter(
          (number) => !removed.includes(number),
        );
        expect(countMissingEvents('T8_1', at(overdue, ...remaining.map((number) => `T8_1_${number}`)), now)).toBe(
          removed.length,
        );
      }),
    );
  });
});
