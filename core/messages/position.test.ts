import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compare } from '../conversations/projection.ts';
import { isNumbered, messageNumber, messagePosition, parseMessageId } from './position.ts';

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
